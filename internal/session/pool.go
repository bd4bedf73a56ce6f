package session

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/types"

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
	// Transport carries the requests to Kisi; default one for each connection.
	Transport http.RoundTripper
	// OnChange, if set, is told of what somebody else has changed in Kisi. It must not block for long.
	OnChange func(Scope, mirror.Change)
	// RowOf reads a role assignment as the mirror keeps it. Without it changes are not followed.
	RowOf func(kisi.RoleAssignment) mirror.Row
	// Known reports whether somebody is known to stand for a user of the scope.
	Known func(scope Scope, userID int64) bool
	// OnPoll, if set, is told how each poll for changes ended, for metrics.
	OnPoll func(feed.Result)
	// OnTurn, if set, is told how long each request has waited for its turn, for metrics.
	OnTurn func(types.NamespacedName, kisi.Priority, time.Duration)
	// OnRequest, if set, is called after every request, for metrics.
	OnRequest func(types.NamespacedName, kisi.RequestStats)
	// Logger takes a line for each request, at debug. The zero value takes none.
	Logger logr.Logger
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
	s := &Session{pool: p, name: name, settings: settings, number: p.made, rekeyed: rekeyed, confirming: semaphore.NewWeighted(1)}
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
	if o.userID != 0 {
		q.SetRate(name.String(), requestsPerSecond)
	}
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
