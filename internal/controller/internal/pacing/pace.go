package pacing

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
)

// Pace keeps the status of sources quiet. What is on its way is first given a moment to arrive, so that an ordinary
// booking costs one status write; after that, counts change at once the first time and then at most every countEvery.
// Anything that says more than a count, such as Ready itself, is written at once.
type Pace struct {
	counts Throttle
	mu     sync.Mutex
	since  map[types.NamespacedName]time.Time // when work was first seen under way
}

// Wait returns how long a changed status has to wait; zero: write it now. same says that nothing differs but
// conditions and counts.
func (p *Pace) Wait(object client.Object, before, after []metav1.Condition, same bool) time.Duration {
	name := client.ObjectKeyFromObject(object)
	underWay := meta.IsStatusConditionTrue(after, v1alpha1.ConditionReconciling)
	if wait := p.quiet(name, underWay, len(before) == 0 || meta.IsStatusConditionTrue(before, v1alpha1.ConditionReady)); wait > 0 {
		return wait
	}
	if same && conditions.StateOf(before) == conditions.StateOf(after) {
		if wait := p.counts.Wait(name); wait > 0 {
			return wait
		}
		p.counts.Note(name)
	}
	return 0
}

// quiet holds back the news that work has begun, which is no news once it is done.
func (p *Pace) quiet(name types.NamespacedName, underWay, begins bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !underWay || !begins {
		delete(p.since, name)
		return 0
	}
	since, known := p.since[name]
	if !known {
		if p.since == nil {
			p.since = map[types.NamespacedName]time.Time{}
		}
		since = time.Now()
		p.since[name] = since
	}
	return max(0, QuietFor-time.Since(since))
}

// Forget drops what is remembered of an object that is gone.
func (p *Pace) Forget(name types.NamespacedName) {
	p.counts.Forget(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.since, name)
}

// QuietFor is how long an operation may wait before the status says that it does: long enough that an ordinary grant
// costs two status writes, intent and result, and no third.
const QuietFor = 2 * time.Second
