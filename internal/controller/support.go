package controller

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Options configure every controller.
type Options struct {
	// SkipNameValidation lets several managers run in one process, as the end-to-end suite does.
	SkipNameValidation bool
}

func (o Options) forController(workers int) controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: workers,
		SkipNameValidation:      &o.SkipNameValidation,
		CacheSyncTimeout:        10 * time.Minute, // 100,000 Members take a while
	}
}

// Wakers reach the controllers from outside their watches.
type Wakers struct {
	Connections, Groups, Places, Members, Imports waker

	// doubtGroup has a KisiGroup looked up in Kisi again, because a write did not find its group there.
	doubtGroup func(types.NamespacedName)
	// doubtHook has a connection's webhook looked up in Kisi again, because Kisi has switched one off.
	doubtHook func(*v1alpha1.KisiConnection)
}

// SessionChanged wakes what waits for a connection's verdict.
func (w *Wakers) SessionChanged(name types.NamespacedName) {
	w.Connections.wake(reconcile.Request{NamespacedName: name})
}

// unchanged returns what reports whether the objects are still the same ones with the same spec: a connection may have been
// paused, and an object deleted, while a request of theirs waited for its turn.
func unchanged(reader client.Reader, objects ...client.Object) func(context.Context) bool {
	type identity struct {
		kind       reflect.Type
		key        client.ObjectKey
		uid        types.UID
		generation int64
	}
	var were []identity
	for _, object := range objects {
		were = append(were, identity{reflect.TypeOf(object).Elem(), client.ObjectKeyFromObject(object), object.GetUID(), object.GetGeneration()})
	}
	return func(ctx context.Context) bool {
		for _, was := range were {
			is := reflect.New(was.kind).Interface().(client.Object)
			if err := reader.Get(ctx, was.key, is); err != nil || is.GetUID() != was.uid || is.GetGeneration() != was.generation {
				return false
			}
		}
		return true
	}
}

func requestFor(object client.Object) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)}
}

func requestsFor[T client.Object](objects []T) []reconcile.Request {
	requests := make([]reconcile.Request, 0, len(objects))
	for _, object := range objects {
		requests = append(requests, requestFor(object))
	}
	return requests
}

// logMapError says that an event could not be mapped; the objects it concerns are looked at again at the next change.
func logMapError(ctx context.Context, what string, err error) {
	log.FromContext(ctx).Error(err, "Cannot find what an event concerns", "looking for", what)
}

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

func requestNamed(namespace, name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

var namespaceKind = corev1.SchemeGroupVersion.WithKind("Namespace")

// namespaceGoing reports whether the namespace is being deleted: then every connection in it is going too. It reads past
// the cache, which would need a watch on namespaces, and only for objects that are being deleted.
func namespaceGoing(ctx context.Context, live client.Reader, name string) (bool, error) {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(namespaceKind)
	err := live.Get(ctx, client.ObjectKey{Name: name}, namespace)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading namespace %s: %w", name, err)
	}
	return !namespace.DeletionTimestamp.IsZero(), nil
}
