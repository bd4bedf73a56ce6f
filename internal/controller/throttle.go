package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// countEvery is how often counts in a status may change.
const countEvery = 10 * time.Second

// throttle spaces the writes of counts: the first change at once, the next no sooner than countEvery after it.
type throttle struct {
	mu    sync.Mutex
	wrote map[types.NamespacedName]time.Time
}

// wait returns how long the object's counts have to wait; zero: not at all.
func (t *throttle) wait(name types.NamespacedName) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wrote, known := t.wrote[name]; known {
		return max(0, countEvery-time.Since(wrote))
	}
	return 0
}

// note records that the counts changed now, and drops what is too old to matter.
func (t *throttle) note(name types.NamespacedName) {
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

// forget drops what is remembered of an object that is gone.
func (t *throttle) forget(name types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.wrote, name)
}
