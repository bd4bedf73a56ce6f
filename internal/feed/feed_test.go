package feed

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// However polls succeed and fail, and however late the trail shows an event within the overlap, every event since the
// beginning is taken, and none twice.
func TestEveryEventIsTakenOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type entry struct {
			event kisi.Event
			shown time.Time // when the trail begins to show it
		}
		var trail []entry
		c := newCursor(noon)
		var memory seen
		taken := map[string]int{}
		now := noon
		poll := func(fails, much bool) {
			whole := !much || c.due(now)
			from, until := c.window(now, whole)
			var page []kisi.Event
			for _, e := range trail {
				if !e.shown.After(now) && !e.event.CreatedAt.Before(from) && !e.event.CreatedAt.After(until) {
					page = append(page, e.event)
				}
			}
			if fails {
				return
			}
			fresh := memory.fresh(append(page, page...)) // Kisi may show one twice
			for _, e := range fresh {
				taken[e.UUID]++
			}
			memory.mark(fresh)
			c.advance(now.Truncate(time.Second), whole) // as a Date header shows it
		}
		for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "passes")))
			if rapid.Bool().Draw(t, "something happens") {
				late := time.Duration(rapid.Int64Range(0, int64(overlap-time.Second)).Draw(t, "shown later by"))
				at := now.Truncate(time.Second)
				trail = append(trail, entry{kisi.Event{UUID: fmt.Sprint(i), CreatedAt: at}, now.Add(late)})
			}
			if rapid.Bool().Draw(t, "poll") {
				poll(rapid.Bool().Draw(t, "fails"), rapid.Bool().Draw(t, "much happens"))
			}
		}
		now = now.Add(overlap)
		poll(false, true)
		for _, e := range trail {
			if taken[e.event.UUID] != 1 {
				t.Fatalf("event %s of %s was taken %d times", e.event.UUID, e.event.CreatedAt, taken[e.event.UUID])
			}
		}
	})
}

// What has happened by the time of a poll is in it, though Kisi's clock is known from a Date header in whole seconds, of an
// answer that may have taken a second.
func TestAPollAsksForAllThatHasHappened(t *testing.T) {
	for fraction := time.Duration(0); fraction < time.Second; fraction += 50 * time.Millisecond {
		for late := time.Duration(0); late <= time.Second; late += 250 * time.Millisecond {
			for since := time.Duration(0); since < 3*time.Second; since += 70 * time.Millisecond {
				var clock kisiClock
				answered := noon.Add(fraction)
				clock.note(answered.Truncate(time.Second), answered.Add(late))
				now := answered.Add(late + since) // by Kisi's clock, which is right
				if _, until := newCursor(noon).window(clock.at(now), true); now.After(until) {
					t.Fatalf("at %s it asks until %s; the Date header was of %s, and took %s", now.Format("05.000"), until.Format("05.000"), answered.Format("05.000"), late)
				}
			}
		}
	}
}

func TestTheCursorNeverGoesBackNorBeforeItsBeginning(t *testing.T) {
	c := newCursor(noon)
	c.advance(noon.Add(time.Minute), true)
	c.advance(noon, true)
	if from, _ := c.window(noon.Add(2*time.Minute), true); !from.Equal(noon) {
		t.Errorf("asks from %s: what was before the beginning is in the complete reads", from)
	}
	c.advance(noon.Add(time.Hour), true)
	from, until := c.window(noon.Add(time.Hour+500*time.Millisecond), true)
	if !from.Equal(noon.Add(55*time.Minute)) || !until.Equal(noon.Add(time.Hour+3*time.Second)) {
		t.Errorf("asks for %s to %s", from, until)
	}
	if from, until = c.window(noon.Add(-time.Hour), true); !from.Before(until) {
		t.Errorf("a clock that went back makes %s to %s", from, until)
	}
	if from, until = c.window(noon.Add(100*24*time.Hour), true); until.Sub(from) > 90*24*time.Hour {
		t.Errorf("asks for more than Kisi gives: %s", until.Sub(from))
	}
	if !c.lost(noon.Add(100*24*time.Hour)) || c.lost(noon.Add(24*time.Hour)) {
		t.Error("does not know what it can follow")
	}
}

func TestKisisClockIsTheOneThatCounts(t *testing.T) {
	var c kisiClock
	local := noon.Add(time.Hour) // an hour ahead of Kisi
	c.note(noon, local)
	if at := c.at(local.Add(time.Minute)); !at.Equal(noon.Add(time.Minute)) {
		t.Errorf("Kisi's clock shows %s", at)
	}
	c.note(time.Time{}, local)
	if at := c.local(noon); !at.Equal(local) {
		t.Errorf("an answer without a Date taught something: %s", at)
	}
}

func TestOnlySoManyEventsAreRemembered(t *testing.T) {
	var s seen
	for i := range 3 * mostSeen / 100 {
		batch := make([]kisi.Event, 100)
		for j := range batch {
			batch[j].UUID = fmt.Sprint(i*100 + j)
		}
		s.mark(batch)
		s.mark(batch)
	}
	if len(s.known) != mostSeen || len(s.order) != mostSeen {
		t.Errorf("%d and %d", len(s.known), len(s.order))
	}
	if fresh := s.fresh([]kisi.Event{{UUID: "0"}, {UUID: fmt.Sprint(3*mostSeen - 1)}}); len(fresh) != 1 || fresh[0].UUID != "0" {
		t.Errorf("%v", fresh)
	}
	nameless := kisi.Event{Type: "user.update", ObjectID: 7, CreatedAt: noon}
	s.mark([]kisi.Event{nameless})
	other := nameless
	other.ObjectID = 8
	if fresh := s.fresh([]kisi.Event{nameless, other}); len(fresh) != 1 || fresh[0].ObjectID != 8 {
		t.Errorf("events without a uuid: %v", fresh)
	}
}

func event(kind, objectType string, id int64) kisi.Event {
	return kisi.Event{Type: kind, ObjectType: objectType, ObjectID: id, Success: true}
}

func TestADigestAsksToLookAtEachThingOnce(t *testing.T) {
	refused := event("role_assignment.destroy", "RoleAssignment", 5)
	refused.Success = false
	withGroup := event("group_lock.destroy", "GroupLock", 9)
	withGroup.Object.GroupID = 30
	ofGroup := kisi.Event{Type: "role_assignment.create", Success: true, Object: kisi.EventObject{AppliesToType: "Group", AppliesToID: 31}}
	ofUser := kisi.Event{Type: "role_assignment.update", Success: true, ObjectType: "User", ObjectID: 40}
	ofPlace := kisi.Event{Type: "role_assignment.create", Success: true, Object: kisi.EventObject{AppliesToType: "Place", AppliesToID: 50}}
	d := digestOf([]kisi.Event{
		event("role_assignment.create", "RoleAssignment", 1),
		event("role_assignment.update", "RoleAssignment", 1),
		event("role_assignment.destroy", "RoleAssignment", 2),
		event("role_assignment.create", "RoleAssignment", 2),
		event("role_assignment.create", "", 3),
		refused, withGroup, ofGroup, ofUser, ofPlace,
		event("user.update", "User", 20),
		event("group.destroy", "Group", 32),
		event("lock.unlock", "Lock", 60),
	})
	expect := func(what string, got, want []int64) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	expect("rows to read", of(d.assignments, made, changed), []int64{1, 3})
	expect("rows gone", of(d.assignments, gone), []int64{2})
	expect("users", of(d.users, changed), []int64{20})
	expect("groups", of(d.groups, changed), []int64{30})
	expect("groups gone", of(d.groups, gone), []int64{32})
	if !d.rowsOfGroups[31] || !d.rowsOfUsers[40] || len(d.rowsOfGroups) != 1 || len(d.rowsOfUsers) != 1 {
		t.Errorf("rows of %v and of %v", d.rowsOfGroups, d.rowsOfUsers)
	}
	if d.obscure {
		t.Error("all of them say what they are about")
	}
	for _, e := range []kisi.Event{
		event("role_assignment.create", "RoleAssignment", 0), event("user.update", "Member", 7), event("group.update", "", 0), event("", "", 0),
	} {
		if !digestOf([]kisi.Event{e}).obscure {
			t.Errorf("%+v says what it is about", e)
		}
	}
}

// The order of events does not change what is looked at.
func TestADigestDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) kisi.Event {
			return event(rapid.SampledFrom(EventTypes).Draw(t, "type"), rapid.SampledFrom([]string{"RoleAssignment", "User", "Group", "GroupLock", ""}).Draw(t, "of"), rapid.Int64Range(0, 3).Draw(t, "id"))
		}), 0, 12).Draw(t, "events")
		shuffled := rapid.Permutation(events).Draw(t, "shuffled")
		if a, b := fmt.Sprint(digestOf(events)), fmt.Sprint(digestOf(shuffled)); a != b {
			t.Fatalf("%s\n%s", a, b)
		}
	})
}
