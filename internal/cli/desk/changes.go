package desk

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// changes wakes the open pages.
type changes struct {
	mu   sync.Mutex
	next chan struct{} // closed at the next change
}

func (c *changes) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}

func (c *changes) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}

const (
	// together is for how long changes are gathered before they are told, and rest how long it is quiet then: a cluster at work
	// changes all the time, and a page takes a moment to make.
	together, rest = 200 * time.Millisecond, 500 * time.Millisecond
	// passing is how often a page is renewed because time passes.
	passing = time.Minute
)

// stream tells a page, as a stream of events, whenever it should look again: at once, and after every change.
func (d *Desk) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	controller := http.NewResponseController(w)
	for {
		changed := d.changes.wait()
		if _, err := fmt.Fprint(w, "event: renewed\ndata:\n\n"); err != nil || controller.Flush() != nil {
			return
		}
		if !d.sleep(r, nil, rest) || !d.sleep(r, changed, d.untilNext(passing)) || !d.sleep(r, nil, together) {
			return
		}
	}
}

// untilNext is how long it takes to the next full unit of time.
func (d *Desk) untilNext(unit time.Duration) time.Duration {
	now := d.now()
	return now.Truncate(unit).Add(unit).Sub(now)
}

// sleep waits for a while, or until it is woken. It is false if the request or the desk ends.
func (d *Desk) sleep(r *http.Request, woken <-chan struct{}, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-d.ending:
		return false
	case <-woken:
	case <-timer.C:
	}
	return true
}
