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

// Concerned enqueues those whom a change of an object concerns: find looks at the object as it was and as it is together,
// and is given nil where there was or is none. What is there when the caches fill enqueues nobody, since a start reconciles
// everything anyway.
type Concerned[T client.Object] func(ctx context.Context, before, after client.Object) ([]T, error)

// Queue is that of a controller.
type Queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

var _ handler.EventHandler = Concerned[client.Object](nil)

// Create implements handler.EventHandler.
func (c Concerned[T]) Create(ctx context.Context, e event.CreateEvent, q Queue) {
	if !e.IsInInitialList {
		c.enqueue(ctx, q, nil, e.Object)
	}
}

// Update implements handler.EventHandler.
func (c Concerned[T]) Update(ctx context.Context, e event.UpdateEvent, q Queue) {
	c.enqueue(ctx, q, e.ObjectOld, e.ObjectNew)
}

// Delete implements handler.EventHandler.
func (c Concerned[T]) Delete(ctx context.Context, e event.DeleteEvent, q Queue) {
	c.enqueue(ctx, q, e.Object, nil)
}

// Generic implements handler.EventHandler.
func (c Concerned[T]) Generic(ctx context.Context, e event.GenericEvent, q Queue) {
	c.enqueue(ctx, q, e.Object, e.Object)
}

// fewAtOnce is how many a change may concern without yielding to changes that concern fewer.
const fewAtOnce = 20

func (c Concerned[T]) enqueue(ctx context.Context, q Queue, before, after client.Object) {
	requests := c.requests(ctx, before, after)
	if len(requests) > fewAtOnce {
		q = follow(q)
	}
	for _, request := range requests {
		q.Add(request)
	}
}

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

// Paced is Concerned where each of those concerned may have to wait, so that many changes cost one reconcile.
type Paced[T client.Object] struct {
	Concerned Concerned[T]
	Wait      func(types.NamespacedName) time.Duration
}

// Create implements handler.EventHandler.
func (p Paced[T]) Create(ctx context.Context, e event.CreateEvent, q Queue) {
	if !e.IsInInitialList {
		p.enqueue(ctx, q, nil, e.Object)
	}
}

// Update implements handler.EventHandler.
func (p Paced[T]) Update(ctx context.Context, e event.UpdateEvent, q Queue) {
	p.enqueue(ctx, q, e.ObjectOld, e.ObjectNew)
}

// Delete implements handler.EventHandler.
func (p Paced[T]) Delete(ctx context.Context, e event.DeleteEvent, q Queue) {
	p.enqueue(ctx, q, e.Object, nil)
}

// Generic implements handler.EventHandler.
func (p Paced[T]) Generic(ctx context.Context, e event.GenericEvent, q Queue) {
	p.enqueue(ctx, q, e.Object, e.Object)
}

func (p Paced[T]) enqueue(ctx context.Context, q Queue, before, after client.Object) {
	for _, request := range p.Concerned.requests(ctx, before, after) {
		q.AddAfter(request, p.Wait(request.NamespacedName))
	}
}
