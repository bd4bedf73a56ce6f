package kisi

import (
	"context"
	"slices"
	"time"

	"k8s.io/utils/clock"
)

// turnLifetime is how long a task may hold a turn without sending. A task that hangs before its request would otherwise
// hold up everybody else's.
const turnLifetime = 15 * time.Second

// slowAfter is how long a request is without an answer when it counts no more as in flight.
const slowAfter = 2 * time.Second

// leastInFlight and mostInFlight bound the default of MaxInFlight. So many rows may be in doubt after a crash, and so many
// requests more fail before it is known that Kisi is down.
const leastInFlight, mostInFlight = 4, 32

// sharedTurns is the cycle in which Background and Change get a turn each ahead of grants.
const sharedTurns = 10

// loop gives out turns whenever something changed or became due.
func (q *Queue) loop() {
	for {
		q.mu.Lock()
		wait := q.dispatch()
		notices := q.notices
		q.notices = nil
		closed := q.closed
		q.mu.Unlock()
		for _, notice := range notices {
			notice()
		}
		if closed {
			return
		}
		var due <-chan time.Time
		var timer clock.Timer
		if wait > 0 {
			timer = q.clock.NewTimer(wait)
			due = timer.C()
		}
		select {
		case <-q.wake:
		case <-due:
		case <-q.closing:
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// dispatch gives out every turn that is due and returns how long until the next may be, 0 if only a change can bring one.
func (q *Queue) dispatch() time.Duration {
	for !q.closed {
		now := q.clock.Now()
		nextExpiry := earlier(q.expireTurns(now), q.refuseInOutage(now))
		if t := q.firstAtGate(); t != nil {
			if q.oneAtATime() && len(q.onWire) > 0 {
				return nextExpiry
			}
			if ready := q.pacer.readyAt(now); now.Before(ready) {
				return soonest(ready.Sub(now), nextExpiry)
			}
			q.gate = without(q.gate, t)
			q.putOnWire(t, now)
			continue
		}
		slow, next := q.slow(now)
		from := q.nextLevel(slow)
		if from == nil {
			return earlier(nextExpiry, next)
		}
		ready := q.grantableAt(now)
		if from.first().call == nil {
			ready = ready.Add(-q.lead())
		}
		if now.Before(ready) {
			return soonest(ready.Sub(now), nextExpiry)
		}
		q.grant(from.pop(), now)
	}
	return 0
}

// grantableAt is when the next turn may be granted. A turn that a task holds and has not sent with counts as sent when
// it was granted, so tasks begin at the pace at which they can send.
func (q *Queue) grantableAt(now time.Time) time.Time {
	ready := q.pacer.readyAt(now)
	if len(q.unsent) > 0 {
		if paced := q.pacer.after(now, q.unsent[len(q.unsent)-1].granted); paced.After(ready) {
			return paced
		}
	}
	return ready
}

// lead is how much sooner than its request may leave a task begins, so that its request is ready then. While one request at a
// time tries, nothing is prepared ahead.
func (q *Queue) lead() time.Duration {
	if q.oneAtATime() {
		return 0
	}
	return q.prepares.usually()
}

// maxInFlight is how many turns may be granted and not answered yet.
func (q *Queue) maxInFlight() int {
	if q.options.MaxInFlight > 0 {
		return q.options.MaxInFlight
	}
	const answersWithin = 0.4 // seconds
	return min(mostInFlight, max(leastInFlight, int(answersWithin*q.pacer.requestsPerSecond())))
}

func soonest(a, b time.Duration) time.Duration {
	if b > 0 && b < a {
		return b
	}
	return a
}

// slow counts the requests that have been without an answer for so long that they count no more as in flight, and returns
// how long until there is another, 0 for never.
func (q *Queue) slow(now time.Time) (count int, next time.Duration) {
	if q.oneAtATime() {
		return 0, 0
	}
	for _, t := range q.onWire[:min(len(q.onWire), q.maxInFlight())] {
		if left := t.sent.Add(slowAfter).Sub(now); left > 0 {
			return count, left
		}
		count++
	}
	return count, 0
}

// nextLevel is where the next turn goes, nil if nothing waits or nothing more may be in flight.
func (q *Queue) nextLevel(slow int) *level {
	if q.broken() {
		return q.probeLevel()
	}
	limit := q.maxInFlight()
	if q.oneAtATime() {
		limit = 1
	}
	inFlight := q.inFlight - slow
	if inFlight >= limit {
		return nil
	}
	if l := &q.levels[Probe]; l.size > 0 {
		return l
	}
	peer := Urgent
	if q.lastPeer == Urgent {
		peer = Revocation
	}
	if l := &q.levels[peer]; l.size > 0 {
		return l
	}
	if l := &q.levels[q.lastPeer]; l.size > 0 {
		return l
	}
	if limit > 1 && inFlight >= limit-1 {
		return nil
	}
	order := [...]Priority{Grant, Change, Background}
	switch q.ordinaryTurns % sharedTurns {
	case sharedTurns/2 - 1:
		order = [...]Priority{Change, Grant, Background}
	case sharedTurns - 1:
		order = [...]Priority{Background, Grant, Change}
	}
	for _, p := range order {
		if l := &q.levels[p]; l.size > 0 {
			return l
		}
	}
	return nil
}

// oneAtATime reports whether one request at a time tries whether Kisi is there, and takes more.
func (q *Queue) oneAtATime() bool { return q.pacer.limited() || q.broken() }

func (q *Queue) grant(e *entry, now time.Time) {
	switch e.class.Priority {
	case Urgent, Revocation:
		q.lastPeer = e.class.Priority
	case Grant, Change, Background:
		q.ordinaryTurns++
	}
	q.inFlight++
	if told := q.options.OnTurn; told != nil {
		class, waited := e.class, now.Sub(e.queued)
		q.notices = append(q.notices, func() { told(class, waited) })
	}
	if e.call != nil {
		q.putOnWire(e.call, now)
		return
	}
	t := &turn{queue: q, priority: e.class.Priority, request: e.task.Key, granted: now, ready: make(chan struct{})}
	q.unsent = append(q.unsent, t)
	q.running++
	go q.run(e, t)
}

func (q *Queue) putOnWire(t *turn, now time.Time) {
	q.unsent = without(q.unsent, t)
	q.onWire = append(q.onWire, t)
	t.state, t.sent = turnOnWire, now
	t.number = q.pacer.send(now)
	close(t.ready)
}

// expireTurns takes back turns held too long and returns how long until the next one is, 0 for none.
func (q *Queue) expireTurns(now time.Time) time.Duration {
	for _, t := range slices.Clone(q.unsent) {
		if t.state != turnHeld {
			continue // at the gate: it waits for us
		}
		if left := t.granted.Add(turnLifetime).Sub(now); left > 0 {
			return left
		}
		q.unsent = without(q.unsent, t)
		q.inFlight--
		t.state = turnOver
	}
	return 0
}

// run carries out a task that got a turn.
func (q *Queue) run(e *entry, t *turn) {
	ctx, cancel := context.WithCancel(q.options.Context)
	defer func() {
		cancel()
		q.mu.Lock()
		q.giveBack(t)
		delete(q.tasks, e.task.Key)
		q.running--
		q.noteIdle()
		q.signal()
		q.mu.Unlock()
		if e.task.Done != nil {
			e.task.Done()
		}
	}()
	e.task.Run(context.WithValue(ctx, underWayKey{}, &underWay{queue: q, key: e.task.Key, class: e.class, first: t}))
}

func without(turns []*turn, t *turn) []*turn {
	if i := slices.Index(turns, t); i >= 0 {
		return slices.Delete(turns, i, i+1)
	}
	return turns
}
