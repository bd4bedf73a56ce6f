package kisi

import (
	"time"
)

const (
	// DefaultRequestsPerSecond is what Kisi allows each user, all their logins together.
	DefaultRequestsPerSecond = 5
	// Requests leave evenly but arrive as the network pleases. So that never more than are allowed arrive within one second,
	// however Kisi counts it, each is kept a second behind the arrival of the one that is so many before it. A request has
	// arrived when it is answered; arrivesWithin is how long it is taken to be on its way while it is not.
	arrivesWithin = 45 * time.Millisecond
	// clockGuard is how much more than a second that is, since two clocks do not run alike.
	clockGuard = 5 * time.Millisecond

	// The pause after a 429 is a third of the time that they have lasted, so that a burst costs little more than it lasts. It
	// begins with the time that so many requests take, within bounds.
	backoffRequests = 5
	backoffShare    = 3
	backoffLeast    = 250 * time.Millisecond // all are halved at most by the jitter
	backoffFirst    = time.Second
	backoffMax      = 15 * time.Second
	// retryAfterMax bounds what an answer can ask for, so that a mistaken header cannot stop all work for a day.
	retryAfterMax = 5 * time.Minute
	// When 429 has been the only answer for so long, and for so many requests in a row, it is as good as an outage. The time
	// doubles with each such outage, up to a bound, until there has been no 429 for limitedQuiet: else the status would
	// change all the time where something else uses up nearly all of the quota.
	limitedOutage      = 10 * time.Second
	limitedOutageMost  = 32 * limitedOutage
	limitedOutageTries = 3
	limitedQuiet       = 10 * time.Minute

	// A 429 that comes within slowdownMemory after another is over halves the pace, which is doubled back after a step of
	// quiet. One that comes while the pace recovers, or soon after, halves it again and doubles the step: then something else
	// uses up the quota all the time. One that stands alone does not: it passes, and a slower pace would only make people
	// wait.
	slowdownMax    = 3
	slowdownFirst  = 2 * time.Second
	slowdownLast   = 30 * time.Second
	slowdownMemory = 12 * time.Second
)

// outcome is what a request teaches about the other side.
type outcome int

const (
	outcomeAnswered    outcome = iota // Kisi works
	outcomeLimited                    // 429
	outcomeUnavailable                // 5xx
	outcomeLost                       // no answer
	outcomeUnconnected                // no connection
	outcomeAbandoned                  // given up by the caller; it teaches nothing
)

// pacer decides when the next request may leave. It is pure: time is an argument.
type pacer struct {
	defaultRate float64
	rates       map[string]int
	jitter      func() float64

	sent   uint64    // requests sent so far; the number of a request is the count after it
	recent []sending // the latest of them, as many as are allowed within a second

	limits       int           // 429 in a row
	limitedSince time.Time     // the first of them
	limitedLast  time.Time     // the latest of them
	limitedFor   time.Duration // until the latest of them
	exhausted    bool          // they have lasted so long that they are as good as an outage
	patience     time.Duration // how long that is, the next time
	// limitMark is the number of the latest request sent before the latest 429 was known. What those are answered is
	// about the same moment: it neither grows the pause nor ends it.
	limitMark   uint64
	pausedUntil time.Time

	slowdown     int
	slowdownStep time.Duration
	slowedSince  time.Time
}

// sending is a request that was sent.
type sending struct {
	at      time.Time
	arrived time.Time // at the latest, as far as is known
}

func (p *pacer) requestsPerSecond() float64 {
	if len(p.rates) == 0 {
		return p.defaultRate
	}
	lowest := 0
	for _, rate := range p.rates {
		if lowest == 0 || rate < lowest {
			lowest = rate
		}
	}
	return float64(lowest)
}

// interval is the least time between two requests.
func (p *pacer) interval(now time.Time) time.Duration {
	return time.Duration(float64(time.Second+clockGuard)/p.requestsPerSecond()) << p.slowdownAt(now)
}

// perWindow is how many requests may arrive within a second.
func (p *pacer) perWindow() int { return max(1, int(p.requestsPerSecond())) }

func (p *pacer) slowdownAt(now time.Time) int {
	if p.slowdown == 0 {
		return 0
	}
	return max(0, p.slowdown-int(max(0, now.Sub(p.slowedSince))/p.slowdownStep))
}

// slow slows the pace down for a 429.
func (p *pacer) slow(now time.Time) {
	switch quiet := now.Sub(p.slowedSince); {
	case p.limits > 1: // it is not over yet: nothing was sent at the pace
	case p.slowdownStep == 0 || quiet > max(slowdownMemory, time.Duration(p.slowdown+2)*p.slowdownStep):
		p.slowdown, p.slowdownStep = 0, slowdownFirst/2
	default:
		p.slowdown = min(p.slowdownAt(now)+1, slowdownMax)
		p.slowdownStep = min(2*p.slowdownStep, slowdownLast)
	}
	p.slowedSince = now
}

// readyAt is when the next request may leave.
func (p *pacer) readyAt(now time.Time) time.Time {
	if len(p.recent) == 0 {
		return p.pausedUntil
	}
	ready := p.after(now, p.recent[len(p.recent)-1].at)
	if before := len(p.recent) - p.perWindow(); before >= 0 {
		if free := p.recent[before].arrived.Add(time.Second + clockGuard); free.After(ready) {
			return free
		}
	}
	return ready
}

// after is the earliest moment that keeps the pace with something at another moment.
func (p *pacer) after(now, other time.Time) time.Time {
	if paced := other.Add(p.interval(now)); paced.After(p.pausedUntil) {
		return paced
	}
	return p.pausedUntil
}

// limited reports that the latest that is known of the rate is a 429. Then one request at a time tries whether there is
// room again.
func (p *pacer) limited() bool { return p.limits > 0 }

// send counts a request and returns its number.
func (p *pacer) send(now time.Time) uint64 {
	p.sent++
	p.recent = append(p.recent, sending{at: now, arrived: now.Add(arrivesWithin)})
	if excess := len(p.recent) - p.perWindow(); excess > 0 {
		p.recent = p.recent[excess:]
	}
	return p.sent
}

// arrived notes that a request had arrived by now.
func (p *pacer) arrived(now time.Time, number uint64) {
	first := p.sent - uint64(len(p.recent)) + 1
	if number < first {
		return
	}
	if s := &p.recent[number-first]; now.Before(s.arrived) {
		s.arrived = now
	}
}

// learn takes in the outcome of a request.
func (p *pacer) learn(now time.Time, number uint64, result outcome, retryAfter time.Duration) {
	news := number > p.limitMark
	switch result {
	case outcomeAnswered, outcomeUnavailable: // whoever counts requests let it pass
		p.arrived(now, number)
		if news {
			p.limits, p.limitedFor, p.exhausted = 0, 0, false
		}
		return
	case outcomeLimited:
		p.arrived(now, number)
	default:
		return
	}
	if news {
		p.limit(now)
	}
	pause := min(retryAfter, retryAfterMax)
	if pause <= 0 {
		if !news {
			return
		}
		pause = p.backoff(now)
	}
	if until := now.Add(pause); until.After(p.pausedUntil) {
		p.pausedUntil = until
		p.slowedSince = until // the pace recovers while requests are sent
	}
}

// limit takes in a 429 that is news.
func (p *pacer) limit(now time.Time) {
	if p.limits++; p.limits == 1 {
		if p.patience == 0 || now.Sub(p.limitedLast) >= limitedQuiet {
			p.patience = limitedOutage
		}
		p.limitedSince = now
	}
	p.limitedLast, p.limitedFor = now, now.Sub(p.limitedSince)
	if !p.exhausted && p.limits >= limitedOutageTries && p.limitedFor >= p.patience {
		p.exhausted, p.patience = true, min(2*p.patience, limitedOutageMost)
	}
	p.limitMark = p.sent
	p.slow(now)
}

// backoff grows with the time that there have been 429; half of it is jitter, so that several operators that use up one
// quota together do not come back together.
func (p *pacer) backoff(now time.Time) time.Duration {
	first := min(max(backoffRequests*p.interval(now), backoffLeast), backoffFirst)
	full := min(max(p.limitedFor/backoffShare, first), backoffMax)
	return full/2 + time.Duration(p.jitter()*float64(full/2))
}
