package kisi

import (
	"time"
)

const (
	// DefaultRequestsPerSecond is what Kisi allows each user, all their logins together.
	DefaultRequestsPerSecond = 5
	// paceGuard widens the second over which the allowed requests are spread. Requests leave evenly but arrive as the
	// network pleases: with the guard, those of one second still fit a one-second window of any kind when their travel
	// times differ by this much.
	paceGuard = 50 * time.Millisecond

	backoffFirst = 2 * time.Second // halved at most by the jitter
	backoffMax   = 60 * time.Second
	// retryAfterMax bounds what an answer can ask for, so that a mistaken header cannot stop all work for a day.
	retryAfterMax = 5 * time.Minute

	// After a 429 the pace is halved, again for each further one, and doubled back for every slowdownStep of quiet.
	slowdownMax  = 3
	slowdownStep = 30 * time.Second
)

// outcome is what a request teaches about the other side.
type outcome int

const (
	outcomeAnswered    outcome = iota // Kisi works
	outcomeLimited                    // 429
	outcomeUnavailable                // 5xx, or no answer
	outcomeAbandoned                  // given up by the caller; it teaches nothing
)

// pacer decides when the next request may leave. It is pure: time is an argument.
type pacer struct {
	defaultRate float64
	rates       map[string]int
	jitter      func() float64

	sent     uint64 // requests sent so far; the number of a request is the count after it
	lastSent time.Time

	failures int // in a row
	// failureMark is the number of the latest request sent before the latest failure was known. What those answer is
	// the same outage: it neither grows the backoff nor ends it.
	failureMark uint64
	pausedUntil time.Time

	slowdown    int
	slowedSince time.Time
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
	return time.Duration(float64(time.Second+paceGuard)/p.requestsPerSecond()) << p.slowdownAt(now)
}

func (p *pacer) slowdownAt(now time.Time) int {
	return max(0, p.slowdown-int(now.Sub(p.slowedSince)/slowdownStep))
}

// readyAt is when the next request may leave.
func (p *pacer) readyAt(now time.Time) time.Time {
	if p.sent == 0 {
		return p.pausedUntil
	}
	return p.after(now, p.lastSent)
}

// after is the earliest moment that keeps the pace with something at another moment.
func (p *pacer) after(now, other time.Time) time.Time {
	if paced := other.Add(p.interval(now)); paced.After(p.pausedUntil) {
		return paced
	}
	return p.pausedUntil
}

// failing reports that the latest that is known of Kisi is a failure. Then one request at a time tries whether it is
// back.
func (p *pacer) failing() bool { return p.failures > 0 }

// send counts a request and returns its number.
func (p *pacer) send(now time.Time) uint64 {
	p.sent++
	p.lastSent = now
	return p.sent
}

// learn takes in the outcome of a request. It returns the length of the pause it started, 0 for none.
func (p *pacer) learn(now time.Time, number uint64, result outcome, retryAfter time.Duration) time.Duration {
	if result == outcomeAbandoned {
		return 0
	}
	news := number > p.failureMark
	if result == outcomeAnswered {
		if news {
			p.failures = 0
		}
		return 0
	}
	if news {
		p.failures++
		p.failureMark = p.sent
		if result == outcomeLimited {
			p.slowdown = min(p.slowdownAt(now)+1, slowdownMax)
			p.slowedSince = now
		}
	}
	pause := min(retryAfter, retryAfterMax)
	if pause <= 0 {
		if !news {
			return 0
		}
		pause = p.backoff()
	}
	if until := now.Add(pause); until.After(p.pausedUntil) {
		p.pausedUntil = until
		return pause
	}
	return 0
}

// backoff doubles with every failure in a row; half of it is jitter, so that several operators that lost Kisi together
// do not come back together.
func (p *pacer) backoff() time.Duration {
	full := backoffMax
	if shift := p.failures - 1; shift < 5 {
		full = min(backoffFirst<<shift, backoffMax)
	}
	return full/2 + time.Duration(p.jitter()*float64(full/2))
}
