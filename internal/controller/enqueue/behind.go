package enqueue

import (
	"context"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	// Ahead is the priority of what changed by itself: the edit of one object must not wait until a whole organization was
	// looked at.
	Ahead = 0
	// behind is the priority of what is looked at because of something that concerns everybody: before what is looked at only
	// because the process has started, which has handler.LowPriority.
	behind = handler.LowPriority / 2
)

// Behind has changes enqueue behind what single objects need.
func Behind(changes Changes) Changes {
	return func(ctx context.Context, before, after client.Object, initial bool, q Queue) {
		changes(ctx, before, after, initial, follow(q))
	}
}

// behindQueue adds with the priority behind, unless something less is asked for.
type behindQueue struct {
	priorityqueue.PriorityQueue[reconcile.Request]
}

func follow(queue Queue) Queue {
	if ordered, is := queue.(priorityqueue.PriorityQueue[reconcile.Request]); is {
		return behindQueue{ordered}
	}
	return queue
}

// Add implements workqueue.TypedInterface.
func (q behindQueue) Add(request reconcile.Request) {
	q.AddWithOpts(priorityqueue.AddOpts{}, request)
}

// AddWithOpts implements priorityqueue.PriorityQueue.
func (q behindQueue) AddWithOpts(o priorityqueue.AddOpts, requests ...reconcile.Request) {
	o.Priority = ptr.To(min(behind, ptr.Deref(o.Priority, behind)))
	q.PriorityQueue.AddWithOpts(o, requests...)
}
