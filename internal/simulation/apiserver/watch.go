package apiserver

import (
	"context"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// watcher hands the changes of a folder on, in order, at the pace of whoever reads. What waits is bounded by what changes.
type watcher struct {
	prefix, folder string // folder is a whole key if the watch is not recursive
	recursive      bool
	predicate      storage.SelectionPredicate
	database       *database
	out            chan watch.Event
	done           chan struct{}
	stop           sync.Once

	mu      sync.Mutex
	waiting []watch.Event
	more    chan struct{}
}

// Watch implements storage.Interface.
func (s *resourceStorage) Watch(ctx context.Context, key string, options storage.ListOptions) (watch.Interface, error) {
	from, err := versioner.ParseResourceVersion(options.ResourceVersion)
	if err != nil {
		return nil, err
	}
	w := &watcher{
		prefix: s.prefix, folder: path(key), recursive: options.Recursive, predicate: options.Predicate, database: s.database,
		out: make(chan watch.Event), done: make(chan struct{}), more: make(chan struct{}, 1),
	}
	if options.Recursive {
		w.folder = folder(key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if from > s.version {
		return nil, storage.NewTooLargeResourceVersionError(from, s.version, 1)
	}
	initial := options.SendInitialEvents != nil && *options.SendInitialEvents || options.SendInitialEvents == nil && from == 0
	switch {
	case initial:
		for _, at := range s.below(key, options.Recursive) {
			w.tell(change{kind: watch.Added, key: at, after: s.objects[at]})
		}
		if options.SendInitialEvents != nil && options.Predicate.AllowWatchBookmarks {
			if err := w.mark(s.newFunc(), s.version, true); err != nil {
				return nil, err
			}
		}
	case from == 0: // from now on
	case from < s.dropped[s.prefix]:
		return nil, apierrors.NewResourceExpired("too old resource version: it is not kept any more")
	default:
		for _, is := range s.changes[s.prefix] {
			if is.version > from {
				w.tell(is)
			}
		}
	}
	s.watchers[w] = true
	go w.run(ctx)
	return w, nil
}

// tell queues what a change means for this watch: an object that comes to match is added, one that no longer does deleted.
func (w *watcher) tell(is change) {
	if w.recursive && !strings.HasPrefix(is.key, w.folder) || !w.recursive && is.key != w.folder {
		return
	}
	did := is.before != nil && w.matches(is.before)
	does := is.kind != watch.Deleted && w.matches(is.after)
	switch {
	case does && did:
		w.queue(watch.Event{Type: watch.Modified, Object: is.after.DeepCopyObject()})
	case does:
		w.queue(watch.Event{Type: watch.Added, Object: is.after.DeepCopyObject()})
	case did:
		gone := is.before.DeepCopyObject()
		_ = versioner.UpdateObject(gone, is.version)
		w.queue(watch.Event{Type: watch.Deleted, Object: gone})
	}
}

func (w *watcher) matches(object runtime.Object) bool {
	matches, err := w.predicate.Matches(object)
	return err == nil && matches
}

// mark queues a bookmark.
func (w *watcher) mark(object runtime.Object, version uint64, initialEnd bool) error {
	if err := versioner.UpdateObject(object, version); err != nil {
		return err
	}
	if initialEnd {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return err
		}
		accessor.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	}
	w.queue(watch.Event{Type: watch.Bookmark, Object: object})
	return nil
}

func (w *watcher) queue(event watch.Event) {
	w.mu.Lock()
	w.waiting = append(w.waiting, event)
	w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *watcher) run(ctx context.Context) {
	defer close(w.out)
	defer func() {
		w.database.mu.Lock()
		delete(w.database.watchers, w)
		w.database.mu.Unlock()
	}()
	for {
		w.mu.Lock()
		next := w.waiting
		w.waiting = nil
		w.mu.Unlock()
		for _, event := range next {
			select {
			case w.out <- event:
			case <-w.done:
				return
			case <-ctx.Done():
				return
			}
		}
		if len(next) > 0 {
			continue
		}
		select {
		case <-w.more:
		case <-w.done:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Stop implements watch.Interface.
func (w *watcher) Stop() { w.stop.Do(func() { close(w.done) }) }

// ResultChan implements watch.Interface.
func (w *watcher) ResultChan() <-chan watch.Event { return w.out }
