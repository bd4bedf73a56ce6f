package webhook

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// crowd bounds how many calls are dealt with at a time. Anybody may send one as slowly as time allows, and Kisi's own arrive at
// once: where there are too many, the one that has been arriving for longest makes room.
type crowd struct {
	most int

	mu       sync.Mutex
	room     sync.Cond // of mu: a call was left
	inside   int
	arriving []*arrival // the first has been for longest
}

// arrival is a call whose body is being read.
type arrival struct {
	cut     func()
	tooMany bool // it had to make room
}

func newCrowd(most int) *crowd {
	c := &crowd{most: most}
	c.room.L = &c.mu
	return c
}

// enter has a call count as arriving; cut ends the reading of its body. It waits for room, which is soon: whoever is inside
// either is cut, or does not depend on the other side any more.
func (c *crowd) enter(cut func()) *arrival {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.inside >= c.most {
		c.makeRoom()
		c.room.Wait()
	}
	c.inside++
	a := &arrival{cut: cut}
	c.arriving = append(c.arriving, a)
	return a
}

// makeRoom cuts a call, if one is arriving; c.mu is held.
func (c *crowd) makeRoom() {
	if len(c.arriving) > 0 {
		c.arriving[0].tooMany = true
		c.arriving[0].cut()
		c.arriving = slices.Delete(c.arriving, 0, 1)
	}
}

// arrived says that nothing more of the call is awaited, and reports whether it had to make room.
func (c *crowd) arrived(a *arrival) (tooMany bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.arriving, a); i >= 0 {
		c.arriving = slices.Delete(c.arriving, i, i+1)
	}
	return a.tooMany
}

func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inside--
	c.room.Signal()
}

// cutter ends the reading of a request's body, which then fails.
func cutter(w http.ResponseWriter) func() {
	return func() { _ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) }
}

// connections bounds how many are open: a new one has the one closed in which nothing has happened for longest.
type connections struct {
	most int

	mu   sync.Mutex
	open []net.Conn // the first is the next to be closed
}

// state is an http.Server's ConnState. A connection moves on once a header has arrived, and once a call was answered.
func (c *connections) state(connection net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.open, connection)
	if i >= 0 {
		c.open = slices.Delete(c.open, i, i+1)
	}
	switch {
	case state == http.StateClosed || state == http.StateHijacked:
		return
	case state != http.StateNew && i < 0:
		return // it was closed already
	case state == http.StateNew && len(c.open) >= c.most:
		_ = c.open[0].Close()
		c.open = slices.Delete(c.open, 0, 1)
	}
	c.open = append(c.open, connection)
}
