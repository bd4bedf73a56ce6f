package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

// Watch holds the objects of one namespace as they are in the cluster, with the rights of whoever runs it.
type Watch struct {
	namespace string
	changed   func()
	kinds     map[string]*watchedKind
	// read is closed once every kind was read, or it is known why not.
	read chan struct{}

	mu sync.Mutex
	// indexed are the objects as they were asked for last; nil if something has changed since.
	indexed *objects.Indexed
}

type watchedKind struct {
	informer cache.SharedIndexInformer
	// refused is which right to list is missing.
	refused error
	// late is why what is held may be out of date, since then.
	late  error
	since time.Time
}

// told reports whether the kind was read, or it is known why not.
func (k *watchedKind) told() bool { return k.refused != nil || k.late != nil || k.informer.HasSynced() }

// Watch starts to watch every kind of a namespace, until the context is done. It calls changed, which must not wait, when
// anything has changed.
func (c *Client) Watch(ctx context.Context, namespace string, changed func()) (*Watch, error) {
	w := &Watch{namespace: namespace, changed: changed, kinds: map[string]*watchedKind{}, read: make(chan struct{})}
	for _, kind := range objects.Kinds {
		informer := cache.NewSharedIndexInformerWithOptions(w.listWatch(c, kind), objects.New(kind), cache.SharedIndexInformerOptions{})
		touched := cache.ResourceEventHandlerFuncs{AddFunc: func(any) { w.touch() }, UpdateFunc: func(any, any) { w.touch() }, DeleteFunc: func(any) { w.touch() }}
		_, err := informer.AddEventHandler(touched)
		if err := errors.Join(err, informer.SetTransform(withoutManagedFields), informer.SetWatchErrorHandlerWithContext(noted)); err != nil {
			return nil, fmt.Errorf("watching the %ss: %w", kind, err)
		}
		w.kinds[kind] = &watchedKind{informer: informer}
	}
	for _, kind := range w.kinds {
		go kind.informer.RunWithContext(ctx)
		go func() {
			if cache.WaitForCacheSync(ctx.Done(), kind.informer.HasSynced) {
				w.touch() // nothing else tells of a kind without objects
			}
		}()
	}
	return w, nil
}

// noted logs nothing: what goes wrong is noted where it does.
func noted(context.Context, *cache.Reflector, error) {}

func withoutManagedFields(object any) (any, error) {
	if o, is := object.(metav1.Object); is {
		o.SetManagedFields(nil)
	}
	return object, nil
}

// listWatch notes what becomes of its requests.
func (w *Watch) listWatch(c *Client, kind string) *cache.ListWatch {
	requests := cache.NewFilteredListWatchFromClient(c.rest, objects.Resource(kind), w.namespace, func(*metav1.ListOptions) {})
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := requests.ListWithContext(ctx, options)
			w.note(kind, false, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			events, err := requests.WatchWithContext(ctx, options)
			if refusal := apierrors.APIStatus(nil); options.SendInitialEvents == nil || !errors.As(err, &refusal) {
				w.note(kind, true, err) // else the kind is listed instead
			}
			return events, err
		},
	}
}

// note takes down what became of a request to list or to watch a kind.
func (w *Watch) note(kind string, watching bool, err error) {
	if errors.Is(err, context.Canceled) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return // to be begun again
	}
	w.mu.Lock()
	k := w.kinds[kind]
	switch {
	case err == nil:
		k.refused = nil
		if watching || !apierrors.IsForbidden(k.late) {
			k.late = nil
		}
	case apierrors.IsForbidden(err) && !watching:
		k.refused = missing("list", kind, w.namespace)
	default:
		if k.late == nil {
			k.since = time.Now()
		}
		k.late = err
	}
	w.mu.Unlock()
	w.touch()
}

// touch has the objects gathered anew, and wakes who waits for changes.
func (w *Watch) touch() {
	w.mu.Lock()
	w.indexed = nil
	told := true
	for _, k := range w.kinds {
		told = told && k.told()
	}
	select {
	case <-w.read:
	default:
		if told {
			close(w.read)
		}
	}
	w.mu.Unlock()
	w.changed()
}

// Read waits until every kind was read, and fails if one cannot be for another reason than a missing right.
func (w *Watch) Read(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.read:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, kind := range objects.Kinds {
		if k := w.kinds[kind]; k.late != nil && !apierrors.IsForbidden(k.late) {
			return explain(k.late, kind, w.namespace)
		}
	}
	return nil
}

// Indexed returns the objects as they are. A kind that may not be listed, or was not read yet, is unreadable in them.
func (w *Watch) Indexed() *objects.Indexed {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.indexed != nil {
		return w.indexed
	}
	set := &objects.Set{Namespace: w.namespace, Unreadable: map[string]error{}}
	for kind, k := range w.kinds {
		switch {
		case k.refused != nil:
			set.Unreadable[kind] = k.refused
		case !k.informer.HasSynced() && k.late != nil:
			set.Unreadable[kind] = w.lateness(kind, k)
		case !k.informer.HasSynced():
			set.Unreadable[kind] = errors.New("they are being read")
		default:
			for _, object := range k.informer.GetStore().List() {
				set.Add(object.(runtime.Object))
			}
		}
	}
	w.indexed = set.Index()
	return w.indexed
}

// Late says why some of the objects may be out of date, and since when; nil if none is.
func (w *Watch) Late() (since time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, kind := range objects.Kinds {
		if k := w.kinds[kind]; k.late != nil && k.refused == nil && (err == nil || k.since.Before(since)) {
			since, err = k.since, w.lateness(kind, k)
		}
	}
	return since, err
}

func (w *Watch) lateness(kind string, k *watchedKind) error {
	if apierrors.IsForbidden(k.late) {
		return missing("watch", kind, w.namespace)
	}
	return explain(k.late, kind, w.namespace)
}
