// Package session keeps the live connections to Kisi: one session per KisiConnection, one request queue per key owner.
// It knows Kisi's client and no Kubernetes object.
package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/internal/backoff"
	"github.com/kisi-operator/kisi-operator/internal/feed"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// Settings say how a session reaches Kisi. A change of endpoint or key makes a new session.
type Settings struct {
	Endpoint          string
	Key               kisi.APIKey
	RequestsPerSecond int
	// ChangePollInterval is how often Kisi is asked for changes that others made; of several connections of one key owner
	// the shortest counts.
	ChangePollInterval time.Duration
}

// Options configure every session of a Pool.
type Options struct {
	UserAgent             string
	IntegrationIdentifier string
	IntegrationContact    string
	// OnVerdict is told the name of a connection when a probe of its key has been answered, or something new was learned
	// through it. It must not block.
	OnVerdict func(name types.NamespacedName)
	// RetryMin and RetryMax bound the growing interval between probes of a key that is refused; default 1 and 10 minutes.
	// While Kisi is down the interval grows from a sixtieth of RetryMin to RetryMin, because it may be back in seconds.
	RetryMin, RetryMax time.Duration
	// RequestTimeout bounds one request to Kisi; default kisi.DefaultTimeout.
	RequestTimeout time.Duration
	// OnChange, if set, is told of what somebody else has changed in Kisi. It must not block for long.
	OnChange func(Scope, mirror.Change)
	// RowOf reads a role assignment as the mirror keeps it. Without it changes are not followed.
	RowOf func(kisi.RoleAssignment) mirror.Row
	// Known reports whether somebody is known to stand for a user of the scope.
	Known func(scope Scope, userID int64) bool
	// OnPoll, if set, is told how each poll for changes ended, for metrics.
	OnPoll func(feed.Result)
	// OnRequest, if set, is called after every request, for metrics.
	OnRequest func(types.NamespacedName, kisi.RequestStats)
}

// Pool holds the sessions of all connections.
type Pool struct {
	options Options
	context context.Context

	mu       sync.Mutex
	sessions map[types.NamespacedName]*Session
	queues   map[owner]*sharedQueue
	made     uint64 // sessions so far
	closed   bool
}

// owner is what Kisi counts requests by.
type owner struct {
	endpoint       string
	userID         int64 // 0: not known yet, the probe queue of the endpoint
	organizationID int64 // of the user, who is in one only
}

// Scope says whose mirror has changed.
type Scope struct {
	OrganizationID int64
	Mirror         *mirror.Mirror
}

// sharedQueue is what the connections of one key owner share: the requests that Kisi allows, and what they have shown.
type sharedQueue struct {
	*kisi.Queue
	mirror  *mirror.Mirror
	breaker *breaker
	feed    *feed.Feed // nil for a probe queue
	users   int
}

func (q *sharedQueue) stopFollowing() {
	if q.feed != nil {
		q.feed.Stop()
	}
}

// Session is one connection's way to Kisi.
type Session struct {
	pool     *Pool
	name     types.NamespacedName
	number   uint64
	rekeyed  bool // the connection had another key before
	settings Settings

	mu        sync.Mutex
	verdict   Verdict
	behaviour Behaviour
	client    *kisi.Client // paced by the owner's queue; nil until a probe has told the owner
	queue     *kisi.Queue
	mirror    *mirror.Mirror
	breaker   *breaker
	feed      *feed.Feed
	owner     owner
	refused   time.Time // when a refused request last asked for a probe
	refusals  int       // how often one did without long pauses between
	probed    time.Time // when a probe was last answered
	directory time.Time // when a user last asked for a probe whom a directory seems to have switched off
	failures  int       // probes in a row that were answered, but not well
	probeDue  time.Time // when a whole probe is due again after such an answer
	glances   int
	glancing  bool // the next probe need only see whether anything has changed
	owned     bool // the key's owner was the organization's
	timer     *time.Timer
	closed    bool

	confirming sync.Mutex
	confirmed  confirmation // guarded by confirming
}

// NewPool returns an empty pool; ctx ends its requests.
func NewPool(ctx context.Context, options Options) *Pool {
	if options.RetryMin <= 0 {
		options.RetryMin = time.Minute
	}
	if options.RetryMax <= 0 {
		options.RetryMax = 10 * time.Minute
	}
	if options.RequestTimeout <= 0 {
		options.RequestTimeout = kisi.DefaultTimeout
	}
	return &Pool{options: options, context: ctx, sessions: map[types.NamespacedName]*Session{}, queues: map[owner]*sharedQueue{}}
}

// Ensure returns the connection's session, made anew if its endpoint or key has changed. A new session probes its key
// at once and reports through OnVerdict.
func (p *Pool) Ensure(name types.NamespacedName, settings Settings) (*Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.New("the operator is shutting down")
	}
	before, rekeyed := p.sessions[name]
	if rekeyed {
		if before.settings.Endpoint == settings.Endpoint && before.settings.Key.Equal(settings.Key.Secret) {
			before.adjust(settings)
			return before, nil
		}
		p.drop(before)
	}
	p.made++
	s := &Session{pool: p, name: name, settings: settings, number: p.made, rekeyed: rekeyed}
	if err := s.attach(owner{endpoint: settings.Endpoint}); err != nil {
		return nil, err
	}
	p.sessions[name] = s
	s.Probe()
	return s, nil
}

// Get returns the connection's session, or nil if it has none.
func (p *Pool) Get(name types.NamespacedName) *Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[name]
}

// Close ends the connection's session, if it has one.
func (p *Pool) Close(name types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, exists := p.sessions[name]; exists {
		p.drop(s)
	}
}

// Shutdown ends every session and waits for the requests under way, at most until ctx ends.
func (p *Pool) Shutdown(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	var queues []*kisi.Queue
	for _, q := range p.queues {
		queues = append(queues, q.Queue)
		q.stopFollowing()
	}
	for _, s := range p.sessions {
		s.close()
	}
	p.mu.Unlock()
	for _, q := range queues {
		q.Close()
		_ = q.Wait(ctx) // what is still under way after that is resolved by the next process
	}
}

// drop ends a session; p.mu is held.
func (p *Pool) drop(s *Session) {
	delete(p.sessions, s.name)
	s.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	p.leave(s.owner, s)
}

// join returns what the owner's connections share; p.mu is held.
func (p *Pool) join(o owner, name types.NamespacedName, requestsPerSecond int, shown time.Time) *sharedQueue {
	q, exists := p.queues[o]
	if !exists {
		q = p.newQueue(o, shown)
		p.queues[o] = q
	}
	q.users++
	q.SetRate(name.String(), requestsPerSecond)
	return q
}

// leave gives the owner's queue up; p.mu is held.
func (p *Pool) leave(o owner, s *Session) {
	q, exists := p.queues[o]
	if !exists {
		return
	}
	q.breaker.leave(s)
	q.Forget(s.name.String())
	if q.users--; q.users == 0 {
		delete(p.queues, o)
		q.stopFollowing()
		q.Close()
	}
}

// attach gives the session a client that is paced by the owner's queue; the pool's lock is held.
func (s *Session) attach(o owner) error {
	var shown time.Time
	s.mu.Lock()
	if s.client != nil {
		shown, _ = s.client.ServerTime() // of the probe that was just answered
	}
	s.mu.Unlock()
	shared := s.pool.join(o, s.name, s.settings.RequestsPerSecond, shown)
	client, err := s.clientOn(shared.Queue)
	if err != nil {
		s.pool.leave(o, s)
		return err
	}
	shared.breaker.join(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner, s.queue, s.mirror, s.breaker, s.feed, s.client = o, shared.Queue, shared.mirror, shared.breaker, shared.feed, client
	return nil
}

// clientOn returns the session's client under another queue, or its first one. There is one per session, so that what a
// probe has told it, whose key it is, stays known.
func (s *Session) clientOn(queue *kisi.Queue) (*kisi.Client, error) {
	s.mu.Lock()
	client := s.client
	s.mu.Unlock()
	if client != nil {
		return client.OnQueue(queue), nil
	}
	config := kisi.Config{
		Endpoint:              s.settings.Endpoint,
		Key:                   s.settings.Key,
		Queue:                 queue,
		Connection:            s.name.String(),
		Timeout:               s.pool.options.RequestTimeout,
		UserAgent:             s.pool.options.UserAgent,
		IntegrationIdentifier: s.pool.options.IntegrationIdentifier,
		IntegrationContact:    s.pool.options.IntegrationContact,
		Confirm:               s.confirm,
	}
	if report := s.pool.options.OnRequest; report != nil {
		config.OnRequest = func(stats kisi.RequestStats) {
			if s.pool.Get(s.name) != nil { // what is answered afterwards would be remembered for good
				report(s.name, stats)
			}
		}
	}
	return kisi.NewClient(config)
}

// adjust takes in settings that need no new session.
func (s *Session) adjust(settings Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings.RequestsPerSecond = settings.RequestsPerSecond
	s.queue.SetRate(s.name.String(), settings.RequestsPerSecond)
	if s.settings.ChangePollInterval != settings.ChangePollInterval {
		s.settings.ChangePollInterval = settings.ChangePollInterval
		s.follow()
	}
}

// Verdict returns what is known of the key.
func (s *Session) Verdict() Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verdict
}

// Client returns the client that is paced by the key owner's queue, and that queue. Before a probe has told the owner,
// both are those of the endpoint's probe queue.
func (s *Session) Client() (*kisi.Client, *kisi.Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client, s.queue
}

func (s *Session) breakerNow() *breaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.breaker
}

// Mirror returns what Kisi is known to hold for the key owner's connections.
func (s *Session) Mirror() *mirror.Mirror {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mirror
}

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

// adopt moves the session from the probe queue, or from another owner's, to its owner's queue.
func (s *Session) adopt(o owner) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.mu.Lock()
	previous, closed := s.owner, s.closed
	s.mu.Unlock()
	if closed || previous == o {
		return
	}
	s.mu.Lock()
	followed := s.feed
	s.mu.Unlock()
	if err := s.attach(o); err != nil {
		return // the same settings made a client before; it stays in use
	}
	if followed != nil {
		followed.Unfollow(s.name.String())
	}
	s.pool.leave(previous, s)
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

func (s *Session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.client.Close()
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.feed != nil {
		s.feed.Unfollow(s.name.String())
	}
}

// Answer is what has been seen of a behaviour that Kisi does not document.
type Answer int

const (
	// Unseen has not come up yet.
	Unseen Answer = iota
	// Yes was seen.
	Yes
	// No was seen to be refused, or ignored.
	No
)

// Behaviour is what has been learned of Kisi's API through the connection.
type Behaviour struct {
	// Overlap: whether Kisi takes a second row for the same person and group.
	Overlap Answer
	// WindowUpdate: whether Kisi changes the window of a row in place.
	WindowUpdate Answer
}

// Behaviour returns what has been learned so far.
func (s *Session) Behaviour() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// Learn records a behaviour, and reports through OnVerdict if it is new. Unseen fields change nothing.
func (s *Session) Learn(seen Behaviour) {
	s.mu.Lock()
	before := s.behaviour
	if seen.Overlap != Unseen {
		s.behaviour.Overlap = seen.Overlap
	}
	if seen.WindowUpdate != Unseen {
		s.behaviour.WindowUpdate = seen.WindowUpdate
	}
	changed := s.behaviour != before
	s.mu.Unlock()
	if report := s.pool.options.OnVerdict; changed && report != nil {
		report(s.name)
	}
}

// Unlearn forgets what Kisi was seen not to do, so that it is tried again.
func (s *Session) Unlearn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, answer := range []*Answer{&s.behaviour.Overlap, &s.behaviour.WindowUpdate} {
		if *answer == No {
			*answer = Unseen
		}
	}
}

// Rekeyed reports whether the connection had another key before, in this process. What was learned with that one is doubted.
func (s *Session) Rekeyed() bool { return s.rekeyed }

// RequestTimeout is how long after it was sent a request may still be carried out.
func (s *Session) RequestTimeout() time.Duration { return s.pool.options.RequestTimeout }

// Number tells the session from every other one of this process, also from one of the same connection with another key.
func (s *Session) Number() uint64 { return s.number }

// Name returns the name of the session's connection.
func (s *Session) Name() types.NamespacedName { return s.name }
