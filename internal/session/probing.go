package session

import (
	"time"

	"github.com/kisi-operator/kisi-operator/internal/backoff"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Probe asks Kisi about the key, unless a probe of it is under way. The answer comes through OnVerdict.
func (s *Session) Probe() { s.probeSoon(false) }

func (s *Session) probeSoon(glance bool) {
	s.mu.Lock()
	closed, b := s.closed, s.breaker
	s.glancing = glance
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	if !closed {
		b.want(s)
	}
}

// ask is one probe, or a glance where that says that nothing has changed.
func (s *Session) ask() Verdict {
	client, _ := s.Client()
	ctx := kisi.WithClass(s.pool.context, kisi.Class{Priority: kisi.Probe, Connection: s.name.String()})
	s.mu.Lock()
	known, glance, owned := s.verdict, s.glancing, s.owned
	s.glancing = false
	if glance {
		s.glances++
	}
	organization := owned && s.glances%2 == 1
	s.mu.Unlock()
	if glance && unchanged(ctx, client, known, organization) {
		return known
	}
	return s.probe(ctx, client)
}

// learn records what a probe has found.
func (s *Session) learn(verdict Verdict) {
	if verdict.Identity.UserID != 0 {
		s.adopt(owner{endpoint: s.settings.Endpoint, userID: verdict.Identity.UserID, organizationID: verdict.Identity.OrganizationID})
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	news := verdict != s.verdict || verdict.Outcome == Accepted
	found := verdict.Identity.Directory && !s.verdict.Identity.Directory && s.verdict.Outcome == Accepted
	s.verdict = verdict
	s.follow()
	if verdict.Outcome != Unreachable {
		s.probed = time.Now()
	}
	if verdict.Outcome == Accepted {
		s.failures, s.probeDue, s.owned = 0, time.Time{}, verdict.Identity.Owner
	}
	s.mu.Unlock()
	if report := s.pool.options.OnVerdict; report != nil && news {
		report(s.name)
	}
	if found {
		s.Reread() // with the people, of whom the directory may say something else
	}
}

// NoteDirectory is told of a user whom a directory has switched off, if there is one. Where none was known a probe asks, no
// more than once a minute: the field may mean nothing.
func (s *Session) NoteDirectory() {
	s.mu.Lock()
	ask := s.verdict.Outcome == Accepted && !s.verdict.Identity.Directory && time.Since(s.directory) >= s.pool.options.RetryMin
	if ask {
		s.directory = time.Now()
	}
	s.mu.Unlock()
	if ask {
		s.Probe()
	}
}

// judged reports whether Kisi has said something of the key.
func (s *Session) judged() bool {
	outcome := s.Verdict().Outcome
	return outcome != Unprobed && outcome != Unreachable
}

// askLater plans the next probe of a key for which there was no good answer.
func (s *Session) askLater(outcome Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	now := time.Now()
	bad := outcome == Refused || outcome == Insufficient
	if !bad || !now.Before(s.probeDue) {
		s.probeDue = now.Add(s.retryAfter(outcome))
		s.failures++
	}
	wait, again := s.probeDue.Sub(now), s.Probe
	if every := s.glanceEvery(); bad && every < wait {
		wait, again = every, func() { s.probeSoon(true) }
	}
	s.timer = time.AfterFunc(wait, again)
}

// glanceEvery is how often a key that is refused is glanced at between two probes: one request, where a key that is accepted
// costs two or more in each interval of the poll. s.mu is held.
func (s *Session) glanceEvery() time.Duration {
	if s.settings.ChangePollInterval <= 0 {
		return s.pool.options.RetryMin
	}
	return max(s.settings.ChangePollInterval*2/3, s.pool.options.RetryMin/12)
}

// retryAfter doubles from one probe to the next. A key that is refused is probed no more than once a minute; an
// answer that makes no sense may be better in seconds.
func (s *Session) retryAfter(outcome Outcome) time.Duration {
	wait := s.pool.options.RetryMin
	if outcome == Unreachable {
		wait /= 60
	}
	return backoff.After(s.failures, wait, 2, s.pool.options.RetryMax)
}

// Report tells the session how a call went. A refused key asks for a probe, which alone changes the verdict. Any other
// refusal asks for one too, but no more than once a minute, and less and less often as long as the probes find nothing: the
// key may be good and the request not. That Kisi does not answer the queue sees by itself.
func (s *Session) Report(err error) {
	s.mu.Lock()
	accepted := s.verdict.Outcome == Accepted
	s.mu.Unlock()
	switch {
	case err == nil || !accepted: // a failed verdict has its own next probe
	case kisi.IsUnauthorized(err), kisi.IsForbidden(err) && s.firstRefusal():
		s.Probe()
	}
}

// firstRefusal reports whether no refused request has asked for a probe lately, and notes that one does now.
func (s *Session) firstRefusal() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	least := backoff.After(s.refusals, s.pool.options.RetryMin, 2, s.pool.options.RetryMax)
	switch since := time.Since(s.refused); {
	case since < least:
		return false
	case since > 2*least:
		s.refusals = 0
	default:
		s.refusals++
	}
	s.refused = time.Now()
	return true
}

// ProbeEvery probes the key if that has not been done for so long; zero: for a minute.
func (s *Session) ProbeEvery(interval time.Duration) {
	if interval == 0 {
		interval = s.pool.options.RetryMin
	}
	s.mu.Lock()
	due := s.verdict.Outcome == Accepted && time.Since(s.probed) >= interval
	if due {
		s.probed = time.Now() // once, though many ask
	}
	s.mu.Unlock()
	if due {
		s.Probe()
	}
}
