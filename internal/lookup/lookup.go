// Package lookup reads single things from Kisi for reconciles, none of which ever waits for an answer.
package lookup

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/backoff"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// Lookups reads single things from Kisi without a reconcile ever waiting: the first question is put into the request
// queue, and its answer, which wakes the asker, is kept until a question of another version is asked.
type Lookups[T any] struct {
	mu      sync.Mutex
	answers map[string]*lookup[T]
}

type lookup[T any] struct {
	version  string
	answered bool
	doubts   int
	troubles int  // answers in a row that help nobody
	failed   bool // the latest of them was no answer, and the next may be one
	at       time.Time
	next     time.Time // when it is asked again
	value    T
	err      error
}

// Bounds of the time between two tries of a question that got no answer, or one that fell short. The first is soon, because
// a single bad answer says nothing; one that never gets any costs the others next to nothing.
const (
	firstLookupRetry = time.Second
	lastLookupRetry  = 5 * time.Minute
)

// partial is an answer that may lack something.
type partial interface{ FellShort() bool }

// Question is one thing to read.
type Question[T any] struct {
	// Key names the asker. Version changes when the question does; an answer to another version does not count.
	Key, Version string
	// MaxAge asks again when the answer is older; zero keeps it for good.
	MaxAge time.Duration
	// RetryMin, if set, is how soon it is asked again after an answer that helps nobody: an error, or one that Trouble says
	// so of. Each further time it waits twice as long, at most RetryMax, and behind everything else, so that what is broken
	// costs hardly more than what is not. Where Kisi gave no usable answer it waits from a second to five minutes.
	RetryMin, RetryMax time.Duration
	Trouble            func(T) bool
	Read               func(context.Context, *kisi.Client) (T, error)
	// Still reports, when the question has its turn, whether it is still to be asked as it is. If not, nothing is sent.
	Still func(context.Context) bool
	// Wake is called when the answer is there, or the question was not asked.
	Wake func()
}

// Ask returns the answer, or answered false while it is on its way.
func (l *Lookups[T]) Ask(s *session.Session, class kisi.Class, q Question[T]) (value T, answered bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answers == nil {
		l.answers = map[string]*lookup[T]{}
	}
	known := l.answers[q.Key]
	if known == nil || known.version != q.Version {
		known = &lookup[T]{version: q.Version}
		l.answers[q.Key] = known
		l.submit(s, class, q)
		return value, false, nil
	}
	if wait := q.waits(known.troubles, known.failed); known.answered && wait > 0 {
		if known.next = known.at.Add(wait); !known.next.After(time.Now()) {
			class.Priority = q.priority(class.Priority, known.troubles, known.failed, known.at.IsZero())
			l.submit(s, class, q) // the old answer stands until the new one is there
		}
	}
	if !known.answered {
		l.submit(s, class, q) // in case the queue was closed with the question in it; a waiting one is only replaced
	}
	return known.value, known.answered, known.err
}

func (l *Lookups[T]) submit(s *session.Session, class kisi.Class, q Question[T]) {
	client, queue := s.Client()
	queue.Submit(kisi.Task{Key: "lookup/" + q.Key, Class: class, Run: func(ctx context.Context) {
		if l.asked(q.Key, q.Version) && q.Still(ctx) {
			l.keep(q, func() (T, error) {
				value, err := q.Read(ctx, client)
				s.Report(err)
				return value, err
			})
		}
		q.Wake()
	}})
}

// asked reports whether the asker has neither asked something else since, nor gone.
func (l *Lookups[T]) asked(key, version string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.answers[key]
	return known != nil && known.version == version
}

// keep reads, and keeps what comes of it. What is heard of meanwhile may be younger than the answer, so a doubt outlives it.
func (l *Lookups[T]) keep(q Question[T], read func() (T, error)) {
	before := l.doubts(q.Key)
	value, err := read()
	if errors.Is(err, kisi.ErrClientClosed) {
		return // that is no answer; it is asked again through the connection as it is by then
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.answers[q.Key]
	if known == nil || known.version != q.Version {
		return
	}
	known.value, known.err, known.answered, known.at = value, err, true, time.Now()
	known.troubles, known.failed = q.judge(known.troubles, value, err)
	if known.doubts != before {
		known.at = time.Time{}
	}
}

// judge counts the answers in a row that helped nobody, and tells whether this one was none. That Kisi is down, or takes no
// more requests, is not the question's fault.
func (q Question[T]) judge(troubles int, value T, err error) (now int, failed bool) {
	short, _ := any(value).(partial)
	switch {
	case errors.Is(err, kisi.ErrOutage) || kisi.IsRateLimited(err):
		return max(1, troubles), true
	case err != nil:
		return troubles + 1, failure.Of(err).Kind == failure.Transient
	case short != nil && short.FellShort():
		return troubles + 1, true
	case q.Trouble != nil && q.Trouble(value):
		return troubles + 1, false
	}
	return 0, false
}

// waits is how long an answer stands after so many in a row that helped nobody; zero: for good.
func (q Question[T]) waits(troubles int, failed bool) time.Duration {
	switch {
	case troubles == 0 || q.RetryMin <= 0:
		return q.MaxAge
	case failed:
		return backoff.After(troubles-1, firstLookupRetry, 2, lastLookupRetry)
	}
	return backoff.After(troubles-1, q.RetryMin, 2, q.RetryMax)
}

// priority is that of asking again. After answers that helped nobody nothing waits for it but time; a doubt is news. That
// there was no answer once or twice says nothing.
func (q Question[T]) priority(usual kisi.Priority, troubles int, failed, doubted bool) kisi.Priority {
	switch {
	case troubles == 0 || q.RetryMin <= 0, failed && troubles <= 2:
		return usual
	case doubted:
		return max(usual, kisi.Change)
	}
	return kisi.Background
}

// NextLook is how long it is until the asker's question is due again, at least a moment.
func (l *Lookups[T]) NextLook(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.answers[key]
	if known == nil || !known.next.After(time.Now()) {
		return RetryFailed // it is being asked, and the answer wakes the asker
	}
	return time.Until(known.next)
}

// Known returns the answer to the asker's question as far as it is there, without asking.
func (l *Lookups[T]) Known(key string) (value T, asked, answered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.answers[key]
	if known == nil {
		return value, false, false
	}
	return known.value, true, known.answered && known.err == nil
}

// Succeeded reports whether the asker's question of this version has had a good answer.
func (l *Lookups[T]) Succeeded(key, version string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.answers[key]
	return known != nil && known.version == version && known.answered && known.err == nil
}

// Doubt has the question asked again the next time; until then the old answer stands.
func (l *Lookups[T]) Doubt(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.answers[key]; known != nil {
		known.at = time.Time{}
		known.doubts++
	}
}

// DoubtTrouble doubts an answer that helped nobody. It is for what may have ended the trouble, such as a connection that
// works again: however long it has lasted, nobody waits for the next look then.
func (l *Lookups[T]) DoubtTrouble(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.answers[key]; known != nil && known.troubles > 0 && !known.at.IsZero() {
		known.at = time.Time{}
		known.doubts++
	}
}

// doubts counts how often the asker's question was doubted.
func (l *Lookups[T]) doubts(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.answers[key]; known != nil {
		return known.doubts
	}
	return 0
}

// Any reports whether an answer that is there satisfies.
func (l *Lookups[T]) Any(satisfies func(key string, value T) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, known := range l.answers {
		if known.answered && satisfies(key, known.value) {
			return true
		}
	}
	return false
}

// Forget drops what is known for the asker.
func (l *Lookups[T]) Forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.answers, key)
}

const (
	// RetryRefused is how soon a question that Kisi refused is asked again.
	RetryRefused = time.Minute
	// RetryFailed is how soon a question that got no usable answer is asked again. A Kisi that is down wakes
	// everything when it is back.
	RetryFailed = 10 * time.Second
)

// FirstRetry is how soon a question is asked again for the first time that had no answer which helps.
func FirstRetry(connection *v1alpha1.KisiConnection) time.Duration {
	return min(RetryFailed, connection.Spec.ChangePollInterval.Duration)
}
