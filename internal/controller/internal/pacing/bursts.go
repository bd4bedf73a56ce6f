package pacing

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

// Bursts bounds how often a status is written. Two processes that serve one object for a while, such as a leader that has not
// noticed yet that it is none, may each hold something else for true: every write of one wakes the other.
type Bursts struct {
	mu   sync.Mutex
	each map[types.NamespacedName]*rate.Limiter
}

// atOnce is how many writes may follow each other without a pause: more than any change takes.
const atOnce = 20

// Take returns how long the object's status has to wait; zero: write it now, which counts.
func (b *Bursts) Take(name types.NamespacedName) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.each == nil {
		b.each = map[types.NamespacedName]*rate.Limiter{}
	}
	limiter := b.each[name]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Every(time.Second), atOnce)
		b.each[name] = limiter
	}
	if reservation := limiter.Reserve(); reservation.Delay() > 0 {
		defer reservation.Cancel()
		return reservation.Delay()
	}
	return 0
}

// Forget drops what is remembered of an object that is gone.
func (b *Bursts) Forget(name types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.each, name)
}
