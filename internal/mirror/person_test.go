package mirror_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

func TestAPersonIsKnownWithoutTheGroup(t *testing.T) {
	var m mirror.Mirror
	var heard []mirror.Change
	m.Watch(func(change mirror.Change) { heard = append(heard, change) })
	at := time.Now()
	m.Begin(groupID).Abandon("too large")
	m.BeginPerson(groupID, 10).Finish([]mirror.Row{row(1, 10), row(2, 20)}, at)
	if rows, known := m.Pair(groupID, 10); !known || !slices.Equal(rows, []mirror.Row{row(1, 10)}) {
		t.Errorf("got %v, known %v", rows, known)
	}
	if _, known := m.Pair(groupID, 20); known {
		t.Error("somebody else is known too, by a row that does not belong to the list")
	}
	if _, known := m.Rows(groupID); known {
		t.Error("the group passes for known as a whole")
	}
	if !m.ReadAt(groupID).IsZero() || m.Unread(groupID) != "too large" {
		t.Error("the group passes for read as a whole")
	}
	if got := m.PersonReadAt(groupID, 10); !got.Equal(at) {
		t.Errorf("read at %v, want %v", got, at)
	}
	if len(heard) != 1 || !slices.Equal(heard[0].Users, []int64{10}) {
		t.Errorf("heard %+v, want that 10 is to be compared", heard)
	}
	if m.CountDiffers(groupID, 30000, at.Add(time.Hour)) {
		t.Error("a number of users is compared with a few of them")
	}
}

func TestAReadingOfAPersonTellsWhatDiffers(t *testing.T) {
	var m mirror.Mirror
	m.BeginPerson(groupID, 10).Finish([]mirror.Row{row(1, 10)}, time.Now())
	for _, test := range []struct {
		name string
		rows []mirror.Row
		want []int64
	}{
		{name: "the same", rows: []mirror.Row{row(1, 10)}},
		{name: "one more", rows: []mirror.Row{row(1, 10), row(3, 10)}, want: []int64{10}},
		{name: "none", want: []int64{10}},
		{name: "still none"},
	} {
		if got := m.BeginPerson(groupID, 10).Finish(test.rows, time.Now()); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v differ, want %v", test.name, got, test.want)
		}
	}
}

func TestAFailedReadingOfAPersonLeavesWhatWasKnown(t *testing.T) {
	var m mirror.Mirror
	m.BeginPerson(groupID, 10).Finish([]mirror.Row{row(1, 10)}, time.Now())
	m.BeginPerson(groupID, 10).Abandon("short")
	if rows, known := m.Pair(groupID, 10); !known || len(rows) != 1 {
		t.Errorf("got %v, known %v", rows, known)
	}
	if why := m.Unread(groupID); why != "" {
		t.Errorf("the group passes for unread: %q", why)
	}
	m.BeginPerson(groupID, 20).Abandon("short")
	if _, known := m.Pair(groupID, 20); known {
		t.Error("a reading that failed makes a person known")
	}
}

func TestADoubtOfAGroupIsADoubtOfEachPerson(t *testing.T) {
	var m mirror.Mirror
	m.BeginPerson(groupID, 10).Finish(nil, time.Now())
	reading := m.BeginPerson(groupID, 10)
	m.DoubtGroup(groupID)
	if !m.PersonReadAt(groupID, 10).IsZero() {
		t.Error("the doubt does not reach the person")
	}
	if _, known := m.Pair(groupID, 10); !known {
		t.Error("a doubt makes unknown what was known")
	}
	reading.Finish(nil, time.Now())
	if !m.PersonReadAt(groupID, 10).IsZero() {
		t.Error("a doubt is settled by a reading that had begun before")
	}
	at := time.Now()
	m.BeginPerson(groupID, 10).Finish(nil, at)
	if got := m.PersonReadAt(groupID, 10); !got.Equal(at) {
		t.Errorf("read at %v, want %v", got, at)
	}
}

func TestAGroupThatShrinksIsReadAsAWholeAgain(t *testing.T) {
	var m mirror.Mirror
	m.BeginPerson(groupID, 10).Finish([]mirror.Row{row(1, 10)}, time.Now())
	var heard mirror.Change
	m.Watch(func(change mirror.Change) { heard = change })
	at := time.Now()
	m.Begin(groupID).Finish([]mirror.Row{row(1, 10), row(2, 20)}, at)
	if !slices.Equal(heard.FirstRead, []int64{groupID}) {
		t.Errorf("heard %+v, want a first reading", heard)
	}
	if got := m.PersonReadAt(groupID, 20); !got.Equal(at) {
		t.Errorf("20 was read at %v, want %v", got, at)
	}
	m.Begin(groupID).Abandon("too large") // it has outgrown the list again
	later := at.Add(time.Hour)
	m.BeginPerson(groupID, 20).Finish(nil, later)
	if got := m.PersonReadAt(groupID, 20); !got.Equal(later) {
		t.Errorf("20 was read at %v, want %v", got, later)
	}
	if rows, known := m.Rows(groupID); !known || !slices.Equal(rows, []mirror.Row{row(1, 10)}) {
		t.Errorf("got %v, known %v: what was known of others stays", rows, known)
	}
}

// Whatever is done while people are read one by one, what is known of each ends as it is in Kisi.
func TestWhatIsKnownOfPeopleEndsAsItIsInKisi(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m mirror.Mirror
		people := []int64{1, 2, 3}
		truth := map[int64]mirror.Row{}
		readings := map[int64]*mirror.Reading{}
		listed := map[int64]map[int64]mirror.Row{}
		read := map[int64]bool{}
		page := func(user int64, id int64) { // what the list under way shows of a row, if its page comes later
			if listed[user] == nil || !rapid.Bool().Draw(t, "its page comes later") {
				return
			}
			if r, exists := truth[id]; exists {
				listed[user][id] = r
			} else {
				delete(listed[user], id)
			}
		}
		finish := func(user int64) {
			var rows []mirror.Row
			for _, r := range listed[user] {
				rows = append(rows, r)
			}
			readings[user].Finish(rows, time.Now())
			readings[user], listed[user], read[user] = nil, nil, true
		}
		next := int64(1)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			user := rapid.SampledFrom(people).Draw(t, "user")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				r := row(next, user)
				next++
				truth[r.ID] = r
				page(user, r.ID)
				m.Put(r)
			case 1:
				for _, id := range slices.Sorted(maps.Keys(truth)) {
					if truth[id].UserID == user {
						delete(truth, id)
						page(user, id)
						m.Remove(groupID, id)
						break
					}
				}
			case 2:
				if readings[user] == nil {
					readings[user], listed[user] = m.BeginPerson(groupID, user), map[int64]mirror.Row{}
					for id, r := range truth {
						if r.UserID == user {
							listed[user][id] = r
						}
					}
				}
			case 3:
				if readings[user] != nil {
					finish(user)
				}
			}
		}
		for _, user := range people {
			rows, known := m.Pair(groupID, user)
			if known != read[user] {
				t.Fatalf("user %d is known: %v, was read: %v", user, known, read[user])
			}
			if !known {
				continue
			}
			var want []mirror.Row
			for _, id := range slices.Sorted(maps.Keys(truth)) {
				if truth[id].UserID == user {
					want = append(want, truth[id])
				}
			}
			if !slices.Equal(rows, want) {
				t.Fatalf("user %d has %v, want %v", user, rows, want)
			}
		}
	})
}
