package kisi

import (
	"context"
	"sync"
	"time"
)

// turn is the right to send one request.
type turn struct {
	queue    *Queue
	priority Priority
	request  string        // what is asked: the key of its task, or the request itself
	ready    chan struct{} // closed when the request may leave, or is refused
	refused  bool          // set before ready is closed: there is an outage
	granted  time.Time
	sent     time.Time
	number   uint64 // of the request, once sent
	state    turnState
}

type turnState int

const (
	turnHeld   turnState = iota // by a task that has not sent
	turnAtGate                  // its request is ready to leave
	turnOnWire                  // its request has left
	turnOver
)

// underWay is what the context of a running task carries.
type underWay struct {
	queue *Queue
	key   string
	class Class

	mu    sync.Mutex
	first *turn // the turn that started the task, until a request takes it
}

type underWayKey struct{}

func (u *underWay) takeFirst() *turn {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.first
	u.first = nil
	return t
}

// taskHasSent reports whether the context is that of a task that has made a request before.
func taskHasSent(ctx context.Context) bool {
	task, ok := ctx.Value(underWayKey{}).(*underWay)
	if !ok {
		return false
	}
	task.mu.Lock()
	defer task.mu.Unlock()
	return task.first == nil
}

// enter waits until a request may leave. The caller must end the turn. An error means that nothing was sent. The name of
// the request tells it from others where it belongs to no task.
func (q *Queue) enter(ctx context.Context, class Class, request string) (*turn, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	further := false
	if task, ok := ctx.Value(underWayKey{}).(*underWay); ok && task.queue == q {
		if t := task.takeFirst(); t != nil {
			if q.toGate(t) {
				return q.await(ctx, t, func() { q.giveBack(t) })
			}
		}
		class, request, further = task.class, task.key, true
	}
	class.Priority = class.Priority.known()
	t := &turn{queue: q, priority: class.Priority, request: request, ready: make(chan struct{})}
	e := &entry{class: class, call: t, further: further, queued: q.clock.Now()}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil, ErrQueueClosed
	}
	q.levels[class.Priority].push(e)
	q.signal()
	q.mu.Unlock()
	return q.await(ctx, t, func() { q.withdraw(e) })
}

// toGate makes a held turn wait to be sent; it reports false if the turn was taken back.
func (q *Queue) toGate(t *turn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.state != turnHeld {
		return false
	}
	t.state = turnAtGate
	q.prepares.note(q.clock.Now().Sub(t.granted))
	q.gate = append(q.gate, t)
	q.signal()
	return true
}

// await waits for the request's moment. If it is not to come, undo runs with the queue locked.
func (q *Queue) await(ctx context.Context, t *turn, undo func()) (*turn, error) {
	var reason error
	select {
	case <-t.ready:
		if t.refused {
			return nil, ErrOutage
		}
		return t, nil
	case <-ctx.Done():
		reason = context.Cause(ctx)
	case <-q.closing:
		reason = ErrQueueClosed
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case t.state == turnOnWire: // both happened: the turn is spent, but nothing was sent
		q.end(t)
	case !t.refused:
		undo()
	}
	q.signal()
	return nil, reason
}

// withdraw takes a waiting call out of its lane, unless Close has emptied the lanes.
func (q *Queue) withdraw(e *entry) {
	if !q.closed && e.lane != nil {
		q.levels[e.class.Priority].remove(e)
	}
}

// giveBack returns a turn that no request was sent with.
func (q *Queue) giveBack(t *turn) {
	if t.state != turnHeld && t.state != turnAtGate {
		return
	}
	t.state = turnOver
	q.unsent = without(q.unsent, t)
	q.gate = without(q.gate, t)
	q.inFlight--
}

func (q *Queue) end(t *turn) {
	t.state = turnOver
	q.inFlight--
	q.onWire = without(q.onWire, t)
}

// finish ends a turn with what its request taught.
func (t *turn) finish(result outcome, retryAfter time.Duration) {
	q := t.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.end(t)
	q.learn(q.clock.Now(), t, result, retryAfter)
	q.signal()
}
