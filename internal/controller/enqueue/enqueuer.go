package enqueue

import (
	"context"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Enqueuer lets what is not a watch, such as an answer from Kisi, wake an object of a controller. It never blocks.
type Enqueuer struct {
	mu    sync.Mutex
	queue Queue
}

// Source hands the controller's queue to the waker.
func (w *Enqueuer) Source() source.Source {
	return source.Func(func(_ context.Context, queue Queue) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.queue = queue
		return nil
	})
}

// Enqueue asks for a reconcile. Before the controller has started it does nothing, because a start reconciles everything.
func (w *Enqueuer) Enqueue(requests ...reconcile.Request) {
	w.add(requests, func(queue Queue) Queue { return queue })
}

// EnqueueBehind asks for reconciles that are many at once, and wait for those of single objects.
func (w *Enqueuer) EnqueueBehind(requests ...reconcile.Request) { w.add(requests, follow) }

func (w *Enqueuer) add(requests []reconcile.Request, through func(Queue) Queue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue == nil {
		return
	}
	queue := through(w.queue)
	for _, request := range requests {
		queue.Add(request)
	}
}
