// Package feed follows what others change in a Kisi organization: by its audit trail, polled, by the calls of its webhook,
// and by the number of users that each group claims to have. It brings the mirror up to date with single reads, and the
// mirror tells whom it concerns. It knows nothing of what is wanted.
package feed

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// Options configure a Feed. Functions may be nil, and must not block for long.
type Options struct {
	Mirror *mirror.Mirror
	// OwnerID is the Kisi user whose keys are used. What this user did may have been done by this process.
	OwnerID int64
	// KisiTime is what Kisi's clock shows now; the zero time if it has not said.
	KisiTime time.Time
	// RowOf reads a role assignment as the mirror keeps it.
	RowOf func(kisi.RoleAssignment) mirror.Row
	// Known reports whether somebody is known to stand for a user.
	Known func(userID int64) bool
	// Spacing is how long to wait after a question for events before the next: Kisi allows each user one a second.
	Spacing time.Duration
	// OnTrail is told when it has turned out whether events may be read, or otherwise than before.
	OnTrail func()
	// OnPoll is told how every poll ended.
	OnPoll func(Result)
	// OnError is told of a request that failed, and through which connection.
	OnError func(connection string, err error)
}

// Result is how a poll ended.
type Result string

// The results of polls.
const (
	Followed  Result = "followed"  // the audit trail was read to its end
	Compared  Result = "compared"  // the key's owner may not read events; the groups' counts were compared
	Failed    Result = "failed"    // nothing was taken
	Overtaken Result = "overtaken" // there was more than is read at once; every group is read again
)

// Trail is what is known of the right to read events.
type Trail int

// The states of a Trail.
const (
	TrailUnknown Trail = iota
	TrailReadable
	TrailForbidden
)

// Feed follows one key owner's organization, for all connections that share the owner. It is safe for concurrent use.
type Feed struct {
	options Options
	context context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	// followed and delivery say that the followers, or what was delivered, have changed.
	followed, delivery chan struct{}
	obscure            chan struct{} // an event does not say what it is about

	mu        sync.Mutex
	followers []follower   // of several the first is next
	delivered []kisi.Event // in line
	postponed int          // events that come back into line after a while
	trail     Trail
	clock     kisiClock

	settling *semaphore.Weighted // one lot of events is dealt with at a time, while Kisi is asked
	seen     seen

	// The rest is used by the goroutine that polls.
	cursor   cursor
	polls    int
	failures int // polls in a row
	compared time.Time
	asked    time.Time // for events
	// busy: the whole overlap was more than one page of events when it was last asked for.
	busy bool
	// smallPages: Kisi does not take our limit for a page of events.
	smallPages bool
	shapes     map[int64]shape
}

// follower is one connection of the owner.
type follower struct {
	connection string
	client     *kisi.Client
	interval   time.Duration
}

// New returns a feed that does nothing before a connection follows it. Stop ends it.
func New(options Options) *Feed {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Feed{
		settling: semaphore.NewWeighted(1),
		options:  options, context: ctx, cancel: cancel,
		followed: make(chan struct{}, 1), delivery: make(chan struct{}, 1), obscure: make(chan struct{}, 1),
		shapes: map[int64]shape{},
	}
	now := time.Now()
	f.clock.note(options.KisiTime, now)
	f.cursor = newCursor(f.clock.at(now))
	f.running.Go(f.pollAlways)
	f.running.Go(f.deliverAlways)
	return f
}

// Stop ends the feed; it does not wait. Requests under way are given up: none of them changes anything.
func (f *Feed) Stop() { f.cancel() }

// Wait returns when a feed that was stopped has ended.
func (f *Feed) Wait() { f.running.Wait() }

// Follow has changes followed for a connection from now on, through its client and at least as often as interval says.
func (f *Feed) Follow(connection string, client *kisi.Client, interval time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.followers {
		if f.followers[i].connection == connection {
			f.followers[i].client, f.followers[i].interval = client, interval
			signal(f.followed)
			return
		}
	}
	f.followers = append(f.followers, follower{connection: connection, client: client, interval: interval})
	signal(f.followed)
	signal(f.delivery) // what came while nobody followed
}

// Unfollow ends that for a connection. While nobody follows, nothing is asked of Kisi.
func (f *Feed) Unfollow(connection string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followers = slices.DeleteFunc(f.followers, func(other follower) bool { return other.connection == connection })
	signal(f.followed)
}

// signal never blocks; signals that nobody has looked at yet are one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Trail returns what is known of the right to read events.
func (f *Feed) Trail() Trail {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trail
}

func (f *Feed) setTrail(trail Trail) {
	f.mu.Lock()
	changed := f.trail != trail
	f.trail = trail
	f.mu.Unlock()
	if changed && f.options.OnTrail != nil {
		f.options.OnTrail()
	}
}

// interval is the shortest that a connection asks for; false while nobody follows.
func (f *Feed) interval() (time.Duration, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.followers) == 0 {
		return 0, false
	}
	return slices.MinFunc(f.followers, func(a, b follower) int { return int(a.interval - b.interval) }).interval, true
}

// next returns the connection whose turn it is to ask.
func (f *Feed) next() (follower, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.followers) == 0 {
		return follower{}, false
	}
	first := f.followers[0]
	f.followers = append(f.followers[1:], first)
	return first, true
}

// calls returns a context for the calls of a connection.
func (f *Feed) calls(of follower, priority kisi.Priority) context.Context {
	return kisi.WithClass(f.context, kisi.Class{Priority: priority, Connection: of.connection})
}

func (f *Feed) failed(of follower, err error) {
	if f.context.Err() == nil && f.options.OnError != nil {
		f.options.OnError(of.connection, err)
	}
}

// sleep waits, and reports whether the feed goes on.
func (f *Feed) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-f.context.Done():
		return false
	}
}

func (f *Feed) noteTime(shown time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock.note(shown, time.Now())
}

func (f *Feed) kisiTime() kisiClock {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}
