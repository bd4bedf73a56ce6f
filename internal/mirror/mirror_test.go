package mirror_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

const groupID = 7

func row(id, user int64) mirror.Row {
	return mirror.Row{ID: id, GroupID: groupID, UserID: user, Basic: true}
}

func TestNothingIsKnownBeforeACompleteReading(t *testing.T) {
	var m mirror.Mirror
	m.Put(row(1, 10))
	reading := m.Begin(groupID)
	reading.Abandon("short")
	if _, known := m.Pair(groupID, 10); known {
		t.Error("own writes and a reading that failed make a group known")
	}
	if !m.ReadAt(groupID).IsZero() {
		t.Error("a reading that failed counts as one")
	}
	if m.Unread(groupID) != "short" {
		t.Errorf("it does not say why: %q", m.Unread(groupID))
	}
	m.Begin(groupID).Finish(nil, time.Now())
	if m.Unread(groupID) != "" {
		t.Errorf("it still says why after a complete reading: %q", m.Unread(groupID))
	}
}

func TestAReadingThatFailedLeavesWhatWasKnown(t *testing.T) {
	var m mirror.Mirror
	m.Begin(groupID).Finish([]mirror.Row{row(1, 10)}, time.Now())
	m.Begin(groupID).Abandon("short")
	if rows, known := m.Rows(groupID); !known || len(rows) != 1 {
		t.Errorf("got %v, known %v", rows, known)
	}
}

func TestOwnWritesDuringAReadingWin(t *testing.T) {
	var m mirror.Mirror
	reading := m.Begin(groupID)
	m.Put(row(2, 20))    // made after its page was read
	m.Remove(groupID, 1) // deleted after its page was read
	m.Put(row(3, 30))    // made and
	m.Remove(groupID, 3) // deleted again
	reading.Finish([]mirror.Row{row(1, 10), row(3, 30), row(4, 40)}, time.Now())
	rows, _ := m.Rows(groupID)
	if want := []mirror.Row{row(2, 20), row(4, 40)}; !slices.Equal(rows, want) {
		t.Errorf("got %v, want %v", rows, want)
	}
}

func TestADoubtDuringAReadingOutlivesIt(t *testing.T) {
	var m mirror.Mirror
	m.Begin(groupID).Finish(nil, time.Now())
	m.DoubtGroup(groupID)
	m.Begin(groupID).Finish(nil, time.Now())
	if m.DoubtedGroup(groupID) {
		t.Error("a complete reading does not settle an earlier doubt")
	}
	reading := m.Begin(groupID)
	m.DoubtGroup(groupID) // a page that was read before may not show why
	reading.Finish(nil, time.Now())
	if !m.DoubtedGroup(groupID) {
		t.Error("a doubt is settled by a reading that had begun before")
	}
}

func TestWhatIsReadByItselfIsNoWriteOfOurs(t *testing.T) {
	var m mirror.Mirror
	m.Begin(groupID).Finish(nil, time.Now())
	reading := m.Begin(groupID)
	m.Confirm(row(1, 10))
	reading.Finish(nil, time.Now())
	if rows, _ := m.Pair(groupID, 10); len(rows) != 1 {
		t.Errorf("got %v, want the row that was read", rows)
	}
	if wrote := m.Wrote(mirror.Subject{Kind: mirror.Assignment, ID: 1}); !wrote.IsZero() {
		t.Error("the next change of the row's maker would be taken for our own")
	}
}

func TestAReadingTellsWhoDiffers(t *testing.T) {
	var m mirror.Mirror
	if users := m.Begin(groupID).Finish([]mirror.Row{row(1, 10), row(2, 20), row(3, 30)}, time.Now()); users != nil {
		t.Errorf("the first reading tells of %v", users)
	}
	changed := row(2, 20)
	changed.Until = time.Unix(1, 0)
	team := mirror.Row{ID: 9, GroupID: groupID}
	users := m.Begin(groupID).Finish([]mirror.Row{row(1, 10), changed, row(4, 40), team}, time.Now())
	if want := []int64{20, 30, 40}; !slices.Equal(users, want) {
		t.Errorf("got %v, want %v: a window changed, a row gone, a row new", users, want)
	}
}

// Whatever is done while lists are read, the mirror ends as Kisi does, where each list shows every own write made
// during the reading or does not show it.
func TestTheMirrorEndsAsKisiDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m mirror.Mirror
		truth := map[int64]mirror.Row{}
		var reading *mirror.Reading
		var listed map[int64]mirror.Row
		snapshot := func() map[int64]mirror.Row {
			return maps.Clone(truth)
		}
		write := func(id int64, change func()) {
			change()
			if reading == nil || !rapid.Bool().Draw(t, "its page comes later") {
				return
			}
			if r, exists := truth[id]; exists {
				listed[id] = r
			} else {
				delete(listed, id)
			}
		}
		next := int64(1)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				r := row(next, rapid.Int64Range(1, 4).Draw(t, "user"))
				next++
				write(r.ID, func() { truth[r.ID] = r })
				m.Put(r)
			case 1:
				if len(truth) > 0 {
					id := rapid.SampledFrom(slices.Sorted(maps.Keys(truth))).Draw(t, "deleted")
					write(id, func() { delete(truth, id) })
					m.Remove(groupID, id)
				}
			case 2:
				if reading == nil {
					reading, listed = m.Begin(groupID), snapshot()
				}
			case 3:
				if reading != nil {
					var rows []mirror.Row
					for _, r := range listed {
						rows = append(rows, r)
					}
					reading.Finish(rows, time.Now())
					reading = nil
				}
			}
		}
		rows, known := m.Rows(groupID)
		if !known {
			return
		}
		for _, r := range rows {
			if truth[r.ID] != r {
				t.Fatalf("the mirror has %v, Kisi has not", r)
			}
			pair, _ := m.Pair(groupID, r.UserID)
			if !slices.Contains(pair, r) {
				t.Fatalf("%v is not among its user's rows", r)
			}
		}
		if len(rows) != len(truth) {
			t.Fatalf("the mirror has %d rows, Kisi %d", len(rows), len(truth))
		}
	})
}
