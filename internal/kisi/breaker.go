package kisi

import (
	"slices"
	"time"
)

// outagePatience is how long a request waits for an outage to end. A short one costs the work under way nothing; in a
// longer one nobody sits on a decision that was made before it.
const outagePatience = 15 * time.Second

// broken reports whether only probes get turns now.
func (q *Queue) broken() bool {
	return q.options.OnOutage != nil && (q.outages.down || q.pacer.exhausted)
}

// learn takes in what a request has taught about the other side, and tells what follows from it.
func (q *Queue) learn(now time.Time, t *turn, result outcome, retryAfter time.Duration) {
	q.pacer.learn(now, t.number, result, retryAfter)
	switch result {
	case outcomeAnswered:
		q.outages.answered(t.number)
	case outcomeUnavailable, outcomeLost, outcomeUnconnected:
		failed := failure{request: t.request, probe: t.priority == Probe, unconnected: result == outcomeUnconnected}
		q.outages.unanswered(now, failed, q.pacer.sent)
		if hook := q.options.OnSuspicion; hook != nil && q.outages.suspected && !q.broken() {
			q.notices = append(q.notices, hook)
		}
	}
	q.noteOutage(now)
}

// noteOutage tells when an outage begins and ends.
func (q *Queue) noteOutage(now time.Time) {
	hook := q.options.OnOutage
	down := q.broken()
	if hook == nil || down == !q.outageSince.IsZero() {
		return
	}
	q.outageSince = time.Time{}
	if down {
		q.outageSince = now
	}
	q.notices = append(q.notices, func() { hook(down) })
}

// probeLevel is where the next turn goes in an outage: to a probe, one at a time. Turns that tasks hold and may not use
// now do not count.
func (q *Queue) probeLevel() *level {
	if l := &q.levels[Probe]; l.size > 0 && len(q.onWire) == 0 {
		return l
	}
	return nil
}

// firstAtGate is the turn whose request leaves next, nil if none may.
func (q *Queue) firstAtGate() *turn {
	for _, t := range q.gate {
		if !q.broken() || t.priority == Probe {
			return t
		}
	}
	return nil
}

// refuseInOutage refuses the requests that have waited long enough for an outage to end, and returns how long until more
// will have, 0 for never. Tasks that have not begun stay: they look at everything afresh when their turn comes.
func (q *Queue) refuseInOutage(now time.Time) time.Duration {
	if !q.broken() {
		return 0
	}
	if left := q.outageSince.Add(outagePatience).Sub(now); left > 0 {
		return left
	}
	for _, t := range slices.Clone(q.gate) {
		if t.priority != Probe {
			q.giveBack(t)
			t.refuse()
		}
	}
	for p := range q.levels {
		if Priority(p) == Probe {
			continue
		}
		for _, e := range q.levels[p].calls() {
			q.levels[p].remove(e)
			e.call.refuse()
		}
	}
	return 0
}

// refuse ends a turn that is not to be.
func (t *turn) refuse() {
	t.state = turnOver
	t.refused = true
	close(t.ready)
}

// earlier returns the shorter of two waits, where 0 is never.
func earlier(a, b time.Duration) time.Duration {
	if a == 0 || (b > 0 && b < a) {
		return b
	}
	return a
}
