package feed

import (
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// What the key's owner does by hand right after a write of this process is not taken for that write.
func TestWhatTheOwnerDoesRightAfterOurOwnWriteIsNews(t *testing.T) {
	const owner = "owner@example.com"
	grant := func(t *testing.T, k *followed) mirror.Row {
		id := int64(k.act(t, simulator.Action{Action: simulator.ActionGrant, As: owner, User: "kim@example.com", Group: "Staff"}))
		for _, groupID := range k.groups() {
			for _, row := range k.rows(t, groupID) {
				if row.ID == id {
					return row
				}
			}
		}
		t.Fatal("no row was made")
		return mirror.Row{}
	}
	// later lets so much time pass that an event of the owner's is not waited for any more.
	later := func(t *testing.T, k *followed) {
		if err := k.Clock().Advance(2 * ownPatience); err != nil {
			t.Fatal(err)
		}
		k.feed.noteTime(k.Clock().Now())
	}

	t.Run("a row is deleted", func(t *testing.T) {
		k := follow(t, t.Cleanup, nil)
		row := grant(t, k)
		k.mirror.Put(row)
		k.act(t, simulator.Action{Action: simulator.ActionRevoke, As: owner, AssignmentID: int(row.ID)})
		later(t, k)
		k.feed.poll()
		if _, known := k.mirror.Row(row.ID); known {
			t.Error("the row is gone, and believed to be there")
		}
	})

	t.Run("a row is changed that this process has changed", func(t *testing.T) {
		k := follow(t, t.Cleanup, nil)
		row := grant(t, k)
		k.mirror.Put(row)
		ours, theirs := time.Now().Add(time.Hour).UTC().Truncate(time.Second), time.Now().Add(2*time.Hour).UTC().Truncate(time.Second)
		k.act(t, simulator.Action{Action: simulator.ActionSetWindow, As: owner, AssignmentID: int(row.ID), ValidUntil: &ours})
		row.Until = ours
		k.mirror.Put(row)
		k.act(t, simulator.Action{Action: simulator.ActionSetWindow, As: owner, AssignmentID: int(row.ID), ValidUntil: &theirs})
		later(t, k)
		k.feed.poll()
		if seen, _ := k.mirror.Row(row.ID); !seen.Until.Equal(theirs) {
			t.Errorf("the row is believed to end at %s, and ends at %s", seen.Until, theirs)
		}
	})

	t.Run("what this process has done itself is no news", func(t *testing.T) {
		k := follow(t, t.Cleanup, nil)
		row := grant(t, k)
		k.mirror.Put(row)
		var told []mirror.Change
		k.mirror.Watch(func(change mirror.Change) { told = append(told, change) })
		before := k.CountRequests(simulator.RequestFilter{Path: "/role_assignments*"})
		k.feed.poll()
		k.feed.poll()
		if read := k.CountRequests(simulator.RequestFilter{Path: "/role_assignments*"}) - before; read > 0 || len(told) > 0 {
			t.Errorf("%d requests, told of %v", read, told)
		}
	})

	t.Run("an event from an hour ahead is not put off for ever", func(t *testing.T) {
		k := follow(t, t.Cleanup, nil)
		row := grant(t, k)
		ownerID := k.feed.options.OwnerID
		by, _ := k.feed.next()
		for range 3 { // as polls find it again and again
			event := kisi.Event{
				UUID: "a", Type: "role_assignment.create", ObjectType: "RoleAssignment", ObjectID: row.ID, ActorID: &ownerID, Success: true,
				CreatedAt: k.Clock().Now().Add(time.Hour),
			}
			if err := k.feed.settle(t.Context(), by, []kisi.Event{event}, false); err != nil {
				t.Fatal(err)
			}
		}
		k.feed.mu.Lock()
		defer k.feed.mu.Unlock()
		if _, known := k.mirror.Row(row.ID); !known || k.feed.postponed > 0 {
			t.Errorf("the row is known: %t; %d events wait", known, k.feed.postponed)
		}
	})

	t.Run("an event that says nothing of what was done is nobody's", func(t *testing.T) {
		if _, known := actOf(kisi.Event{Type: "integration.disable_due_to_error"}); known {
			t.Error("it is known")
		}
	})
}
