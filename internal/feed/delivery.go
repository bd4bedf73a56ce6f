package feed

import (
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

const (
	// gather is how long a delivery waits for others: one thing done in Kisi makes several events.
	gather = 200 * time.Millisecond
	// ownPatience is how long an event of the key's owner waits, because the answer to the request that caused it may
	// still be on its way to this process. After that it is somebody else's who uses the same account.
	ownPatience = 5 * time.Second
	// retryDelivery is how soon events are dealt with again after a failure.
	retryDelivery = 5 * time.Second
	// mostWaiting bounds the events that wait, in line or for a while.
	mostWaiting = 10_000
)

// Deliver hands in events that came by webhook. It reports whether they were taken; otherwise there are too many by now.
func (f *Feed) Deliver(events ...kisi.Event) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full(len(events)) || f.context.Err() != nil {
		return false
	}
	f.delivered = append(f.delivered, allKept(events)...)
	signal(f.delivery)
	return true
}

// full reports whether so many more events are too many; f.mu is held.
func (f *Feed) full(more int) bool { return len(f.delivered)+f.postponed+more > mostWaiting }

// deliverLater delivers events that were kept again after a while. If they are too many, the next poll finds them.
func (f *Feed) deliverLater(events []kisi.Event, after time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(events) == 0 || f.full(len(events)) {
		return
	}
	f.postponed += len(events)
	time.AfterFunc(after, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.postponed -= len(events)
		f.delivered = append(f.delivered, events...)
		signal(f.delivery)
	})
}

// deliverAlways deals with what is delivered.
func (f *Feed) deliverAlways() {
	for failures := 0; ; {
		select {
		case <-f.delivery:
		case <-f.context.Done():
			return
		}
		if !f.sleep(gather) {
			return
		}
		by, anybody := f.next()
		if !anybody {
			continue // whoever comes signals
		}
		f.mu.Lock()
		events := f.delivered
		f.delivered = nil
		f.mu.Unlock()
		if len(events) == 0 {
			continue
		}
		err := f.settle(f.calls(by, kisi.Change), by, events, failures >= patientFailures)
		switch {
		case err == nil:
			failures = 0
			continue
		case !silenced(err):
			failures++
		}
		f.failed(by, err)
		f.deliverLater(events, retryDelivery)
	}
}
