package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// lookups reads single things from Kisi without a reconcile ever waiting: the first question is put into the request
// queue, and its answer, which wakes the asker, is kept until a question of another version is asked.
type lookups[T any] struct {
	mu      sync.Mutex
	answers map[string]*lookup[T]
}

type lookup[T any] struct {
	version  string
	answered bool
	doubts   int
	at       time.Time
	value    T
	err      error
}

// question is one thing to read.
type question[T any] struct {
	// Key names the asker. Version changes when the question does; an answer to another version does not count.
	Key, Version string
	// MaxAge asks again when the answer is older; zero keeps it for good.
	MaxAge time.Duration
	Read   func(context.Context, *kisi.Client) (T, error)
	// Still reports, when the question has its turn, whether it is still to be asked as it is. If not, nothing is sent.
	Still func(context.Context) bool
	// Wake is called when the answer is there, or the question was not asked.
	Wake func()
}

// ask returns the answer, or answered false while it is on its way.
func (l *lookups[T]) ask(s *session.Session, class kisi.Class, q question[T]) (value T, answered bool, err error) {
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
	if known.answered && q.MaxAge > 0 && time.Since(known.at) >= q.MaxAge {
		l.submit(s, class, q) // the old answer stands until the new one is there
	}
	if !known.answered {
		l.submit(s, class, q) // in case the queue was closed with the question in it; a waiting one is only replaced
	}
	return known.value, known.answered, known.err
}

func (l *lookups[T]) submit(s *session.Session, class kisi.Class, q question[T]) {
	client, queue := s.Client()
	queue.Submit(kisi.Task{Key: "lookup/" + q.Key, Class: class, Run: func(ctx context.Context) {
		if l.asked(q.Key, q.Version) && q.Still(ctx) {
			l.keep(q.Key, q.Version, func() (T, error) {
				value, err := q.Read(ctx, client)
				s.Report(err)
				return value, err
			})
		}
		q.Wake()
	}})
}

// asked reports whether the asker has neither asked something else since, nor gone.
func (l *lookups[T]) asked(key, version string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.answers[key]
	return known != nil && known.version == version
}

// keep reads, and keeps what comes of it. What is heard of meanwhile may be younger than the answer, so a doubt outlives it.
func (l *lookups[T]) keep(key, version string, read func() (T, error)) {
	before := l.doubts(key)
	value, err := read()
	if errors.Is(err, kisi.ErrClientClosed) {
		return // that is no answer; it is asked again through the connection as it is by then
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.answers[key]
	if known == nil || known.version != version {
		return
	}
	known.value, known.err, known.answered, known.at = value, err, true, time.Now()
	if known.doubts != before {
		known.at = time.Time{}
	}
}

// known returns the answer to the asker's question as far as it is there, without asking.
func (l *lookups[T]) known(key string) (value T, asked, answered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.answers[key]
	if known == nil {
		return value, false, false
	}
	return known.value, true, known.answered && known.err == nil
}

// succeeded reports whether the asker's question of this version has had a good answer.
func (l *lookups[T]) succeeded(key, version string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.answers[key]
	return known != nil && known.version == version && known.answered && known.err == nil
}

// doubt has the question asked again the next time; until then the old answer stands.
func (l *lookups[T]) doubt(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.answers[key]; known != nil {
		known.at = time.Time{}
		known.doubts++
	}
}

// doubts counts how often the asker's question was doubted.
func (l *lookups[T]) doubts(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.answers[key]; known != nil {
		return known.doubts
	}
	return 0
}

// forget drops what is known for the asker.
func (l *lookups[T]) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.answers, key)
}
