package pacing

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Looks spaces the looks at what many people have: a source of a thousand is not read again for each of them.
type Looks struct {
	mu    sync.Mutex
	until map[types.NamespacedName]time.Time // when the next one is due
}

// Note records that a source of so many people was looked at just now.
func (l *Looks) Note(name types.NamespacedName, people int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = map[types.NamespacedName]time.Time{}
	}
	if people < fewPeople {
		delete(l.until, name)
		return
	}
	l.until[name] = time.Now().Add(min(longestRest, time.Duration(people)*restPerPerson))
}

const (
	// fewPeople are looked at whenever something of theirs changes.
	fewPeople = 20
	// restPerPerson is how long a source of more people rests, for each of them, longestRest at most.
	restPerPerson = time.Millisecond
	longestRest   = time.Second
)

// Wait returns how long it is until the source may be looked at again because of what its people have.
func (l *Looks) Wait(name types.NamespacedName) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.until[name]))
}

// Forget drops what is remembered of a source that is gone.
func (l *Looks) Forget(name types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.until, name)
}
