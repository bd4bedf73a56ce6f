package pacing

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// countEvery is how often counts in a status may change.
const countEvery = 10 * time.Second

// WaitedForEvery spaces the looks at an object that waits for ledgers to change, such as one that is going.
const WaitedForEvery = 100 * time.Millisecond

// Throttle spaces the writes of counts: the first change at once, the next no sooner than countEvery after it.
type Throttle struct {
	mu    sync.Mutex
	wrote map[types.NamespacedName]time.Time
}

// Wait returns how long the object's counts have to wait; zero: not at all.
func (t *Throttle) Wait(name types.NamespacedName) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wrote, known := t.wrote[name]; known {
		return max(0, countEvery-time.Since(wrote))
	}
	return 0
}

// Note records that the counts changed now, and drops what is too old to matter.
func (t *Throttle) Note(name types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wrote == nil {
		t.wrote = map[types.NamespacedName]time.Time{}
	}
	now := time.Now()
	for known, wrote := range t.wrote {
		if now.Sub(wrote) > countEvery {
			delete(t.wrote, known)
		}
	}
	t.wrote[name] = now
}

// Forget drops what is remembered of an object that is gone.
func (t *Throttle) Forget(name types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.wrote, name)
}
