package enqueue

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// EveryOf maps an object, such as a connection, to all objects of a list's kind in its namespace.
func EveryOf(reader client.Reader, list client.ObjectList) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		all := list.DeepCopyObject().(client.ObjectList)
		if err := reader.List(ctx, all, client.InNamespace(object.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			LogMapError(ctx, "everything in the namespace", err)
			return nil
		}
		requests := make([]reconcile.Request, 0, meta.LenList(all))
		_ = meta.EachListItem(all, func(item runtime.Object) error {
			requests = append(requests, RequestFor(item.(client.Object)))
			return nil
		})
		return requests
	}
}

// Reached turns a way of reaching into what a watch calls.
func Reached(reader client.Reader, pick func(*tenant.Reach) []reconcile.Request) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		reached := tenant.ReachFrom(ctx, reader, object).From(object)
		requests := pick(reached)
		if reached.Err != nil {
			LogMapError(ctx, "what it concerns", reached.Err)
		}
		return requests
	}
}

// ToMembers picks the Members of the people reached.
func ToMembers(r *tenant.Reach) []reconcile.Request { return RequestsFor(r.Members()) }

// ToBookings picks the bookings reached.
func ToBookings(r *tenant.Reach) []reconcile.Request {
	var requests []reconcile.Request
	for _, booking := range r.Bookings {
		requests = append(requests, RequestFor(booking))
	}
	return requests
}

// ToSubscriptions picks the subscriptions reached.
func ToSubscriptions(r *tenant.Reach) []reconcile.Request {
	var requests []reconcile.Request
	for _, subscription := range r.Subscriptions {
		requests = append(requests, RequestFor(subscription))
	}
	return requests
}
