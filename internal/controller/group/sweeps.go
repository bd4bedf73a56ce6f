package group

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// sweeps spaces what goes through all assignments of a group: each change of one of its people asks for it, and a group has
// up to 20,000.
type sweeps struct {
	mu sync.Mutex
	of map[types.NamespacedName]sweep
}

type sweep struct {
	next  time.Time
	found int
}

// sweepShare is how much longer than it took it is until the same is gone through again.
const sweepShare = 20

// run goes through the assignments, unless that was done just before. It returns what was found, and how long it is until
// they are gone through again; zero: just now they were.
func (s *sweeps) run(group types.NamespacedName, through func() (int, error)) (found int, wait time.Duration, err error) {
	s.mu.Lock()
	last := s.of[group]
	s.mu.Unlock()
	begun := time.Now()
	if wait := last.next.Sub(begun); wait > 0 {
		return last.found, wait, nil
	}
	if found, err = through(); err != nil {
		return 0, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[types.NamespacedName]sweep{}
	}
	s.of[group] = sweep{time.Now().Add(sweepShare * time.Since(begun)), found}
	return found, 0, nil
}

// forget drops what is remembered of a group that is gone.
func (s *sweeps) forget(group types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, group)
}
