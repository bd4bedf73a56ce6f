package enqueue

import (
	"context"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Concerned enqueues those whom a change of an object concerns: find looks at the object as it was and as it is together,
// and is given nil where there was or is none. What is there when the caches fill enqueues nobody, since a start reconciles
// everything anyway.
type Concerned[T client.Object] func(ctx context.Context, before, after client.Object) ([]T, error)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

var _ handler.EventHandler = Concerned[client.Object](nil)

// Create implements handler.EventHandler.
func (c Concerned[T]) Create(ctx context.Context, e event.CreateEvent, q queue) {
	if !e.IsInInitialList {
		c.enqueue(ctx, q, nil, e.Object)
	}
}

// Update implements handler.EventHandler.
func (c Concerned[T]) Update(ctx context.Context, e event.UpdateEvent, q queue) {
	c.enqueue(ctx, q, e.ObjectOld, e.ObjectNew)
}

// Delete implements handler.EventHandler.
func (c Concerned[T]) Delete(ctx context.Context, e event.DeleteEvent, q queue) {
	c.enqueue(ctx, q, e.Object, nil)
}

// Generic implements handler.EventHandler.
func (c Concerned[T]) Generic(ctx context.Context, e event.GenericEvent, q queue) {
	c.enqueue(ctx, q, e.Object, e.Object)
}

// fewAtOnce is how many a change may concern without yielding to changes that concern fewer.
const fewAtOnce = 20

func (c Concerned[T]) enqueue(ctx context.Context, q queue, before, after client.Object) {
	found, err := c(ctx, before, after)
	if err != nil {
		LogMapError(ctx, "what it concerns", err)
	}
	requests := make([]reconcile.Request, 0, len(found))
	asked := make(map[reconcile.Request]bool, len(found))
	for _, object := range found {
		if request := RequestFor(object); !asked[request] {
			asked[request] = true
			requests = append(requests, request)
		}
	}
	prioritized, can := q.(priorityqueue.PriorityQueue[reconcile.Request])
	if can && len(requests) > fewAtOnce {
		low := handler.LowPriority
		prioritized.AddWithOpts(priorityqueue.AddOpts{Priority: &low}, requests...)
		return
	}
	for _, request := range requests {
		q.Add(request)
	}
}
