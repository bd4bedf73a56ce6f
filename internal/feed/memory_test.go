package feed

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// heapOf returns how many bytes are in use for good.
func heapOf() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what a finalizer kept
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc) // #nosec G115 -- a heap of this size there is not
}

// large is an event as no Kisi sends it, but whoever has the key of one webhook can.
func large(i int) kisi.Event {
	text := func(field string) string { return fmt.Sprintf("%s %d ", field, i) + strings.Repeat("x", 10_000) }
	return kisi.Event{
		UUID: text("uuid"), Type: "lock.unlock" + text(""), ObjectType: text("Lock"), ObjectID: int64(i), ActorType: text("actor"), ActorName: text("name"),
		ActorEmail: text("email"), ObjectName: text("object"), Message: text("message"), Sequence: text("sequence"),
		ErrorCode: text("code"), ErrorMessage: text("error"), Action: text("action"), Success: true,
		Object: kisi.EventObject{AssigneeType: text("assignee"), AppliesToType: text("applies")},
	}
}

const (
	manyEvents = 2000 // of 140 kB each
	keptBytes  = 8 << 20
)

func TestWhatIsKeptOfEventsThatWereTakenIsBoundedInBytes(t *testing.T) {
	k := follow(t, t.Cleanup, nil)
	before := heapOf()
	for i := range manyEvents {
		if !k.feed.Deliver(large(i)) {
			t.Fatalf("event %d was not taken", i)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	remembered := func() int {
		_ = k.feed.settling.Acquire(context.Background(), 1) // which ends with the context only
		defer k.feed.settling.Release(1)
		return len(k.feed.seen.known)
	}
	for remembered() < manyEvents {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d events were dealt with", remembered(), manyEvents)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if kept := heapOf() - before; kept > keptBytes {
		t.Errorf("%d bytes are kept of %d events that were taken, want at most %d", kept, manyEvents, keptBytes)
	}
	runtime.KeepAlive(k)
}

func TestWhatIsKeptOfEventsThatWaitIsBoundedInBytes(t *testing.T) {
	k := follow(t, t.Cleanup, nil)
	k.feed.Unfollow("gym/default") // nobody deals with them
	before := heapOf()
	for i := range manyEvents {
		if !k.feed.Deliver(large(i)) {
			t.Fatalf("event %d was not taken", i)
		}
	}
	if kept := heapOf() - before; kept > keptBytes {
		t.Errorf("%d bytes are kept of %d events that wait, want at most %d", kept, manyEvents, keptBytes)
	}
	runtime.KeepAlive(k)
}

// Events of the key's owner wait for the answers of this process, outside the line of those that were delivered.
func TestOnlySoManyEventsWait(t *testing.T) {
	k := follow(t, t.Cleanup, nil)
	const size = mostWaiting / 2
	for i := range 5 {
		batch := make([]kisi.Event, size)
		for j := range batch {
			batch[j] = event("user.update", "User", int64(i*size+j+1))
			batch[j].UUID, batch[j].ActorID, batch[j].CreatedAt = fmt.Sprint(i, "/", j), &k.feed.options.OwnerID, k.Clock().Now()
		}
		if err := k.feed.settle(t.Context(), follower{client: k.client}, batch, false); err != nil {
			t.Fatal(err)
		}
	}
	k.feed.mu.Lock()
	postponed := k.feed.postponed
	k.feed.mu.Unlock()
	if postponed != mostWaiting {
		t.Errorf("%d events wait, want %d", postponed, mostWaiting)
	}
	if k.feed.Deliver(event("user.update", "User", 1)) {
		t.Error("one more was taken")
	}
}

func TestALongTextStillTellsEventsApart(t *testing.T) {
	long := strings.Repeat("x", 100)
	one, other := kept(kisi.Event{UUID: long + "1"}), kept(kisi.Event{UUID: long + "2"})
	if identity(one) == identity(other) {
		t.Error("two uuids are one")
	}
	if again := kept(one); again != one {
		t.Errorf("kept twice it is another: %v", again)
	}
}

// What groups look like is forgotten with them, also with the last.
func TestNothingIsKeptOfGroupsThatNobodyFollows(t *testing.T) {
	k := follow(t, t.Cleanup, nil)
	for range compareEvery {
		k.feed.poll()
	}
	if len(k.feed.shapes) == 0 {
		t.Fatal("nothing was compared")
	}
	for _, id := range k.groups() {
		k.mirror.Forget(id)
	}
	for range compareEvery {
		k.feed.poll()
	}
	if kept := len(k.feed.shapes); kept > 0 {
		t.Errorf("%d groups are kept", kept)
	}
}
