package enqueuetest

import (
	"context"
	"reflect"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
)

// Asked is a work queue that takes down what it is asked for.
type Asked struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	// Times that a request was asked for, by its name.
	Times map[string]int
	// Low are the requests that were only ever asked for at a low priority.
	Low map[string]bool
	// After is how long the last of these was put off.
	After map[string]time.Duration
}

// Add takes down a request.
func (a *Asked) Add(request reconcile.Request) { a.AddWithOpts(priorityqueue.AddOpts{}, request) }

// AddAfter takes down a request that is put off.
func (a *Asked) AddAfter(request reconcile.Request, after time.Duration) {
	a.AddWithOpts(priorityqueue.AddOpts{After: after}, request)
}

// AddWithOpts takes down requests.
func (a *Asked) AddWithOpts(options priorityqueue.AddOpts, requests ...reconcile.Request) {
	if a.Times == nil {
		a.Times, a.Low, a.After = map[string]int{}, map[string]bool{}, map[string]time.Duration{}
	}
	low := options.Priority != nil && *options.Priority < 0
	for _, request := range requests {
		a.Low[request.Name] = low && (a.Times[request.Name] == 0 || a.Low[request.Name])
		a.Times[request.Name]++
		a.After[request.Name] = options.After
	}
}

// Change puts an object as it is by now into the cache, or takes it out, and delivers that to the watches; before is nil for
// an object that is new, after for one that is gone.
func (c *Cache) Change(watches []enqueue.Watch, before, after client.Object) *Asked {
	if after != nil {
		c.Put(after)
	} else {
		c.Remove(before)
	}
	return c.deliver(watches, before, after, false)
}

// Fill delivers an object that was there before the process began, and is in the cache.
func (c *Cache) Fill(watches []enqueue.Watch, object client.Object) *Asked {
	return c.deliver(watches, nil, object, true)
}

func (c *Cache) deliver(watches []enqueue.Watch, before, after client.Object, initial bool) *Asked {
	asked, ctx := &Asked{}, context.Background()
	of := after
	if of == nil {
		of = before
	}
	for _, watch := range watches {
		if reflect.TypeOf(watch.Kind) != reflect.TypeOf(of) {
			continue
		}
		switch {
		case before == nil:
			if e := (event.CreateEvent{Object: after, IsInInitialList: initial}); watch.When == nil || watch.When.Create(e) {
				watch.Handler.Create(ctx, e, asked)
			}
		case after == nil:
			if e := (event.DeleteEvent{Object: before}); watch.When == nil || watch.When.Delete(e) {
				watch.Handler.Delete(ctx, e, asked)
			}
		default:
			if e := (event.UpdateEvent{ObjectOld: before, ObjectNew: after}); watch.When == nil || watch.When.Update(e) {
				watch.Handler.Update(ctx, e, asked)
			}
		}
	}
	return asked
}
