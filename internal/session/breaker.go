package session

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/backoff"
)

// breaker is what the sessions of one queue share about whether Kisi answers. One of them asks at a time. When Kisi may be
// down one asks for all; while it is down, at growing intervals, and nobody else sends anything. See kisi.QueueOptions.
type breaker struct {
	// firstWait doubles from one probe without an answer to the next, up to lastWait.
	firstWait, lastWait time.Duration
	// outage reports whether the queue lets only probes through.
	outage func() bool
	// limited reports whether that is because Kisi has answered 429 for a while.
	limited func() bool
	// pace, if set, has the requests of a probe sent at the session's own pace.
	pace func(*Session)

	mu       sync.Mutex
	sessions []*Session
	asking   *Session          // whose probe is under way
	waiting  []*Session        // who want to be asked about, those who have waited for longest first
	turns    map[string]uint64 // the number of the latest probe in each namespace
	probes   uint64            // so far
	failures int               // probes without an answer in a row
	timer    *time.Timer
}

func (b *breaker) join(s *Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions = append(b.sessions, s)
}

func (b *breaker) leave(s *Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	other := func(known *Session) bool { return known == s }
	b.sessions = slices.DeleteFunc(b.sessions, other)
	b.waiting = slices.DeleteFunc(b.waiting, other)
	if !slices.ContainsFunc(b.sessions, func(other *Session) bool { return other.name.Namespace == s.name.Namespace }) {
		delete(b.turns, s.name.Namespace)
	}
	if len(b.sessions) == 0 && b.timer != nil {
		b.timer.Stop()
	}
}

// want has the session's key asked about: now, or after the probe that is under way.
func (b *breaker) want(s *Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asking == s {
		return
	}
	b.line(s)
	b.next()
}

// outageChanged is told by the queue when Kisi is down, and when it is back.
func (b *breaker) outageChanged(down bool) {
	if down { // else the probe that was answered goes on from here
		b.suspect()
	}
}

// suspect has one session ask for all, unless one does, or will.
func (b *breaker) suspect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asking == nil && b.failures == 0 && len(b.waiting) == 0 {
		b.line(b.sessions[:min(1, len(b.sessions))]...) // if it is answered, the others need not ask
		b.next()
	}
}

func (b *breaker) line(sessions ...*Session) {
	for _, s := range sessions {
		if !slices.Contains(b.waiting, s) {
			b.waiting = append(b.waiting, s)
		}
	}
}

// next starts the next probe, if none is under way; b.mu is held. Namespaces take turns: where keys share nothing but the
// endpoint, one with thousands that are refused, and asked about again and again, keeps nobody else waiting.
func (b *breaker) next() {
	if b.asking != nil || len(b.waiting) == 0 {
		return
	}
	if b.timer != nil {
		b.timer.Stop()
	}
	first := 0
	for i, s := range b.waiting {
		if b.turns[s.name.Namespace] < b.turns[b.waiting[first].name.Namespace] {
			first = i
		}
	}
	b.asking = b.waiting[first]
	b.waiting = slices.Delete(b.waiting, first, first+1)
	if b.turns == nil {
		b.turns = map[string]uint64{}
	}
	b.probes++
	b.turns[b.asking.name.Namespace] = b.probes
	// A goroutine of its own, not a task: a probe waits for its turns like any call, and there is one per queue.
	go b.probe(b.asking)
}

func (b *breaker) probe(s *Session) {
	if b.pace != nil {
		b.pace(s)
	}
	verdict := s.ask()
	if verdict.Outcome == Unreachable && b.outage() {
		for _, affected := range b.unanswered(s) {
			affected.learn(verdict)
		}
		return
	}
	// One bad answer to a probe is its own trouble: what is known of the key stands until a probe says otherwise.
	if verdict.Outcome != Unreachable || !s.judged() {
		s.learn(verdict)
	}
	if verdict.Outcome != Accepted {
		s.askLater(verdict.Outcome)
	}
	b.answered(s)
}

// answered goes on with the others who want to be asked about.
func (b *breaker) answered(s *Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asking, b.failures = nil, 0
	// A request that was sent with the probe's last one may have failed after it: then nobody else would ask.
	if len(b.waiting) == 0 && b.outage() && slices.Contains(b.sessions, s) {
		b.line(s)
	}
	b.next()
}

// unanswered plans the next probe, and returns the sessions that are told that Kisi is down: at the second probe, since the
// first may be answered badly like those that raised the suspicion. A row of 429 has lasted for seconds by then.
func (b *breaker) unanswered(s *Session) []*Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	affected := slices.DeleteFunc(slices.Clone(b.sessions), func(s *Session) bool { return b.failures == 0 && s.judged() && !b.limited() })
	b.asking = nil
	if slices.Contains(b.sessions, s) {
		b.line(s)
	}
	b.line(affected...) // they are asked about when it is back
	if len(b.sessions) > 0 {
		b.timer = time.AfterFunc(b.wait(), func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.next()
		})
	}
	b.failures++
	return affected
}

// wait is how long until the next probe. The jitter keeps operators that lost Kisi together from coming back together.
func (b *breaker) wait() time.Duration {
	wait := backoff.After(b.failures, b.firstWait, 2, b.lastWait)
	return wait - time.Duration(rand.Int64N(int64(wait)/5+1)) // #nosec G404 -- jitter
}
