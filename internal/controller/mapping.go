package controller

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

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

// mapping turns a way of reaching into what a watch calls.
func mapping(reader client.Reader, pick func(*tenant.Reach) []reconcile.Request) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		reached := tenant.ReachFrom(ctx, reader, object).From(object)
		requests := pick(reached)
		if reached.Err != nil {
			logMapError(ctx, "what it concerns", reached.Err)
		}
		return requests
	}
}

func toMembers(r *tenant.Reach) []reconcile.Request { return requestsFor(r.Members()) }

func toBookings(r *tenant.Reach) []reconcile.Request {
	var requests []reconcile.Request
	for _, booking := range r.Bookings {
		requests = append(requests, requestFor(booking))
	}
	return requests
}

func toSubscriptions(r *tenant.Reach) []reconcile.Request {
	var requests []reconcile.Request
	for _, subscription := range r.Subscriptions {
		requests = append(requests, requestFor(subscription))
	}
	return requests
}
