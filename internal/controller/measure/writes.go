package measure

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

const (
	// creationsFor is how long it is remembered when an object came that was just created. Afterwards its own timestamp says it,
	// to the second.
	creationsFor = 10 * time.Minute
	// editsFor is how long it is remembered when an object was changed that is older. Afterwards it counts as created only.
	editsFor = 24 * time.Hour
)

// Writes knows when the objects were last written by whoever wishes something, not by this operator. The managed fields say
// so, to the second, also of what was written while no operator ran; the cache does not keep them, so they are read as the
// objects come in.
type Writes struct {
	// Own is the field manager of this operator.
	Own string

	mu        sync.Mutex
	creations generations
	edits     generations
}

// Transform takes note of when an object was written, and leaves out the managed fields, for the cache.
func (w *Writes) Transform(object any) (any, error) {
	if written, isOurs := object.(v1alpha1.WithConditions); isOurs {
		if o, isObject := written.(client.Object); isObject {
			w.note(o, time.Now())
		}
	}
	return cache.TransformStripManagedFields()(object)
}

func (w *Writes) note(object client.Object, now time.Time) {
	created := object.GetCreationTimestamp().Time
	latest := created
	for _, entry := range object.GetManagedFields() {
		if entry.Subresource == "" && entry.Manager != w.Own && entry.Time != nil && entry.Time.After(latest) {
			latest = entry.Time.Time
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	written := write{second: latest.Unix(), at: latest.Add(time.Second)}
	if now.Before(written.at) { // it comes within the second in which it was written
		written.at = now
	}
	if latest.Equal(created) {
		w.creations.note(object.GetUID(), written, now, creationsFor)
	} else {
		w.edits.note(object.GetUID(), written, now, editsFor)
	}
}

// Of says when the object was last written.
func (w *Writes) Of(object client.Object) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if edited, known := w.edits.of(object.GetUID()); known {
		return edited.at
	}
	if created, known := w.creations.of(object.GetUID()); known {
		return created.at
	}
	return object.GetCreationTimestamp().Time
}

// Forgetting forgets what is known of objects when they go, in every replica: every one has a cache.
type Forgetting struct {
	Cache  cache.Cache
	Writes *Writes
}

// NeedLeaderElection says that every replica forgets.
func (f Forgetting) NeedLeaderElection() bool { return false }

// Start forgets until ctx ends.
func (f Forgetting) Start(ctx context.Context) error {
	return handle(ctx, f.Cache, func(string) toolscache.ResourceEventHandler {
		return toolscache.ResourceEventHandlerFuncs{DeleteFunc: func(object any) {
			if gone, isObject := lastKnown(object).(client.Object); isObject {
				f.Writes.forget(gone.GetUID())
			}
		}}
	})
}

func (w *Writes) forget(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.creations.forget(uid)
	w.edits.forget(uid)
}

// write is when an object was written: the second that its metadata names, and what is known more exactly.
type write struct {
	second int64
	at     time.Time
}

// generations remember what was noted within a time, and for no longer than twice as long. The zero value is ready.
type generations struct {
	young, old map[types.UID]write
	begun      time.Time // of the young one
}

// note remembers a write, unless that is known or too long ago.
func (g *generations) note(uid types.UID, written write, now time.Time, within time.Duration) {
	if now.Sub(g.begun) > within {
		g.old, g.young, g.begun = g.young, map[types.UID]write{}, now
	}
	known, isKnown := g.of(uid)
	if isKnown && known.second == written.second || now.Sub(written.at) > within {
		return
	}
	g.young[uid] = written
}

func (g *generations) of(uid types.UID) (write, bool) {
	written, known := g.young[uid]
	if !known {
		written, known = g.old[uid]
	}
	return written, known
}

func (g *generations) forget(uid types.UID) {
	delete(g.young, uid)
	delete(g.old, uid)
}
