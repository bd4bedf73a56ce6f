package session

import (
	"time"

	"github.com/kisi-operator/kisi-operator/internal/feed"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// newQueue makes what an owner's connections share. shown is what Kisi's clock showed just now.
func (p *Pool) newQueue(o owner, shown time.Time) *sharedQueue {
	b := &breaker{firstWait: p.options.RetryMin / 60, lastWait: p.options.RetryMin}
	options := kisi.QueueOptions{Context: p.context, OnOutage: b.outageChanged, OnSuspicion: b.suspect, OnTurn: p.turned}
	if o.userID == 0 {
		options.OutageAfter = 1 // nothing but probes is sent there
	}
	q := &sharedQueue{Queue: kisi.NewQueue(options), mirror: &mirror.Mirror{}, breaker: b}
	b.outage = func() bool { return q.State().Down }
	b.limited = func() bool { return q.State().Limited }
	scope := Scope{OrganizationID: o.organizationID, Mirror: q.mirror}
	if report := p.options.OnChange; report != nil {
		q.mirror.Watch(func(change mirror.Change) { report(scope, change) })
	}
	if o.userID == 0 { // each key here has an owner of its own, so no pace counts but that of the key that is asked about
		b.pace = func(s *Session) { q.SetRate("the key that is asked about", s.rate()) }
	}
	if o.userID == 0 || p.options.RowOf == nil {
		return q
	}
	following := feed.Options{
		Mirror: q.mirror, OwnerID: o.userID, KisiTime: shown,
		RowOf:   p.options.RowOf,
		Spacing: eventSetSpacing,
		OnTrail: func() { p.tellOf(o) },
		OnPoll:  p.options.OnPoll,
		OnError: p.failed,
	}
	if known := p.options.Known; known != nil {
		following.Known = func(userID int64) bool { return known(scope, userID) }
	}
	q.feed = feed.New(following)
	return q
}

// tellOf reports something new about every connection of an owner.
func (p *Pool) tellOf(o owner) {
	if p.options.OnVerdict == nil {
		return
	}
	p.mu.Lock()
	var sharing []*Session
	for _, s := range p.sessions {
		sharing = append(sharing, s)
	}
	p.mu.Unlock()
	for _, s := range sharing {
		s.mu.Lock()
		same := s.owner == o
		s.mu.Unlock()
		if same {
			p.options.OnVerdict(s.name)
		}
	}
}

// failed tells a connection's session of a call that failed.
func (p *Pool) failed(connection string, err error) {
	p.mu.Lock()
	var of *Session
	for name, s := range p.sessions {
		if name.String() == connection {
			of = s
		}
	}
	p.mu.Unlock()
	if of != nil {
		of.Report(err)
	}
}

// follow has changes followed for as long as the key is accepted; s.mu is held.
func (s *Session) follow() {
	switch {
	case s.feed == nil:
	case s.closed || s.verdict.Outcome != Accepted || s.settings.ChangePollInterval <= 0:
		s.feed.Unfollow(s.name.String())
	default:
		s.feed.Follow(s.name.String(), s.client, s.settings.ChangePollInterval)
	}
}

// WithoutAuditTrail reports whether Kisi has refused to show events to the key's owner.
func (s *Session) WithoutAuditTrail() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.feed != nil && s.feed.Trail() == feed.TrailForbidden
}

// Deliver hands in events that Kisi's webhook has brought. It reports whether they were taken.
func (s *Session) Deliver(events ...kisi.Event) bool {
	s.mu.Lock()
	follows := s.feed
	s.mu.Unlock()
	return follows != nil && follows.Deliver(events...)
}

// Reread has every group read completely again.
func (s *Session) Reread() {
	m := s.Mirror()
	groups := m.Groups()
	for _, id := range groups {
		m.DoubtGroup(id)
	}
	m.Report(mirror.Change{DoubtedGroups: groups})
}

// eventSetSpacing is how far apart an owner's questions for events are: Kisi allows each user one a second, all their keys
// together.
const eventSetSpacing = 1100 * time.Millisecond
