package enqueue

import (
	"context"
	"sync"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Enqueuer lets what is not a watch, such as an answer from Kisi, wake an object of a controller. It never blocks.
type Enqueuer struct {
	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// Source hands the controller's queue to the waker.
func (w *Enqueuer) Source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.queue = queue
		return nil
	})
}

// Enqueue asks for a reconcile. Before the controller has started it does nothing, because a start reconciles everything.
func (w *Enqueuer) Enqueue(requests ...reconcile.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue == nil {
		return
	}
	for _, request := range requests {
		w.queue.Add(request)
	}
}
