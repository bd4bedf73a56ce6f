package controller

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// mapping turns a way of reaching into what a watch calls.
func mapping(reader client.Reader, pick func(*reach) []reconcile.Request) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		reached := reachFrom(ctx, reader, object).from(object)
		requests := pick(reached)
		if reached.err != nil {
			logMapError(ctx, "what it concerns", reached.err)
		}
		return requests
	}
}

func toMembers(r *reach) []reconcile.Request { return requestsFor(r.members()) }

func toBookings(r *reach) []reconcile.Request {
	var requests []reconcile.Request
	for _, booking := range r.bookings {
		requests = append(requests, requestFor(booking))
	}
	return requests
}

func toSubscriptions(r *reach) []reconcile.Request {
	var requests []reconcile.Request
	for _, subscription := range r.subscriptions {
		requests = append(requests, requestFor(subscription))
	}
	return requests
}

// everyOf maps an object, such as a connection, to all objects of a kind in its namespace.
func everyOf[T client.ObjectList](reader client.Reader, list func() T, items func(T) []reconcile.Request) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		all := list()
		if err := reader.List(ctx, all, client.InNamespace(object.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			logMapError(ctx, "everything in the namespace", err)
			return nil
		}
		return slices.Clip(items(all))
	}
}
