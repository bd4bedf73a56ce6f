// Package session keeps the live connections to Kisi: one session per KisiConnection, one request queue per key owner.
// It knows Kisi's client and no Kubernetes object.
package session

import (
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/internal/feed"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

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

	confirming *semaphore.Weighted // waited for while Kisi is asked, so not longer than the context lasts
	confirmed  confirmation        // guarded by confirming
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
		Transport:             s.pool.options.Transport,
		UserAgent:             s.pool.options.UserAgent,
		IntegrationIdentifier: s.pool.options.IntegrationIdentifier,
		IntegrationContact:    s.pool.options.IntegrationContact,
		Confirm:               s.confirm,
	}
	config.OnRequest = func(stats kisi.RequestStats) {
		s.logRequest(stats)
		if report := s.pool.options.OnRequest; report != nil && s.pool.Get(s.name) != nil { // what is answered afterwards would be remembered for good
			report(s.name, stats)
		}
	}
	return kisi.NewClient(config)
}

// logRequest writes a line for a request at debug. The statistics of a request name no person.
func (s *Session) logRequest(stats kisi.RequestStats) {
	if debug := s.pool.options.Logger.V(1); debug.Enabled() {
		debug.Info("Sent a request to Kisi", "namespace", s.name.Namespace, "connection", s.name.Name, "request", stats.Op, "method", stats.Method,
			"status", stats.Status, "durationSeconds", stats.Duration.Seconds(), "priority", stats.Class.Priority.String())
	}
}

// adjust takes in settings that need no new session.
func (s *Session) adjust(settings Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings.RequestsPerSecond = settings.RequestsPerSecond
	if s.owner.userID != 0 {
		s.queue.SetRate(s.name.String(), settings.RequestsPerSecond)
	}
	if s.settings.ChangePollInterval != settings.ChangePollInterval {
		s.settings.ChangePollInterval = settings.ChangePollInterval
		s.follow()
	}
}

// rate is how many requests a second the connection allows.
func (s *Session) rate() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings.RequestsPerSecond
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

// Rekeyed reports whether the connection had another key before, in this process. What was learned with that one is doubted.
func (s *Session) Rekeyed() bool { return s.rekeyed }

// RequestTimeout is how long after it was sent a request may still be carried out.
func (s *Session) RequestTimeout() time.Duration { return s.pool.options.RequestTimeout }

// Number tells the session from every other one of this process, also from one of the same connection with another key.
func (s *Session) Number() uint64 { return s.number }

// Name returns the name of the session's connection.
func (s *Session) Name() types.NamespacedName { return s.name }
