package enqueue

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Queue is that of a controller.
type Queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Changes handles the events of a kind as changes of an object from one state to another: before is nil where there was none,
// after where there is none. initial says that the object was there when the caches filled.
type Changes func(ctx context.Context, before, after client.Object, initial bool, q Queue)

var _ handler.EventHandler = Changes(nil)

// Create implements handler.EventHandler.
func (c Changes) Create(ctx context.Context, e event.CreateEvent, q Queue) {
	c(ctx, nil, e.Object, e.IsInInitialList, q)
}

// Update implements handler.EventHandler.
func (c Changes) Update(ctx context.Context, e event.UpdateEvent, q Queue) {
	c(ctx, e.ObjectOld, e.ObjectNew, false, q)
}

// Delete implements handler.EventHandler.
func (c Changes) Delete(ctx context.Context, e event.DeleteEvent, q Queue) {
	c(ctx, e.Object, nil, false, q)
}

// Generic implements handler.EventHandler.
func (c Changes) Generic(ctx context.Context, e event.GenericEvent, q Queue) {
	c(ctx, e.Object, e.Object, false, q)
}

// Concerned finds those whom a change of an object concerns: it looks at the object as it was and as it is together.
type Concerned[T client.Object] func(ctx context.Context, before, after client.Object) ([]T, error)

// Enqueue enqueues them. What is there when the caches fill enqueues nobody, since a start reconciles everything anyway.
func (c Concerned[T]) Enqueue(ctx context.Context, before, after client.Object, initial bool, q Queue) {
	if initial {
		return
	}
	requests := c.requests(ctx, before, after)
	if len(requests) > fewAtOnce {
		q = follow(q)
	}
	for _, request := range requests {
		q.Add(request)
	}
}

// EnqueueAfter enqueues them where each of them may have to wait, so that many changes cost one reconcile.
func (c Concerned[T]) EnqueueAfter(wait func(types.NamespacedName) time.Duration) Changes {
	return func(ctx context.Context, before, after client.Object, initial bool, q Queue) {
		if initial {
			return
		}
		for _, request := range c.requests(ctx, before, after) {
			q.AddAfter(request, wait(request.NamespacedName))
		}
	}
}

// fewAtOnce is how many a change may concern without yielding to changes that concern fewer.
const fewAtOnce = 20

func (c Concerned[T]) requests(ctx context.Context, before, after client.Object) []reconcile.Request {
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
	return requests
}
