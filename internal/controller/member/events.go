package member

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// watchWhatConcernsMembers wakes Members by everything that changes what a person should have or can be given.
func watchWhatConcernsMembers(b *ctrl.Builder, reader client.Reader) *ctrl.Builder {
	reached := handler.EnqueueRequestsFromMapFunc(enqueue.Reached(reader, enqueue.ToMembers))
	everybody := enqueue.Behind(handler.EnqueueRequestsFromMapFunc(enqueue.EveryOf(reader, &v1alpha1.MemberList{})))
	return b.
		Watches(&v1alpha1.Member{}, handler.EnqueueRequestsFromMapFunc(sameAddress(reader))).
		Watches(&v1alpha1.Member{}, handler.EnqueueRequestsFromMapFunc(sharingUser(reader))).
		Watches(&v1alpha1.Member{}, reached, builder.WithPredicates(enqueue.SpecChanges)).
		Watches(&v1alpha1.BookingGrant{}, reached, builder.WithPredicates(enqueue.BookingChanges)).
		Watches(&v1alpha1.AccessSubscription{}, reached, builder.WithPredicates(enqueue.SpecChanges)).
		Watches(&v1alpha1.AccessPlan{}, reached, builder.WithPredicates(enqueue.SpecChanges)).
		Watches(&v1alpha1.PlaceMapping{}, reached, builder.WithPredicates(enqueue.PlaceChanges)).
		Watches(&v1alpha1.KisiGroup{}, enqueue.Behind(reached), builder.WithPredicates(enqueue.GroupChanges)).
		Watches(&v1alpha1.KisiConnection{}, everybody, builder.WithPredicates(enqueue.ConnectionChanges))
}

// sameAddress: who stands for an address depends on all of its Members, and rows move between them.
func sameAddress(reader client.Reader) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		reached := tenant.ReachFrom(ctx, reader, object)
		reached.Person(entitlement.Fold(object.(*v1alpha1.Member).Spec.Email))
		requests := enqueue.RequestsFor(reached.Members())
		if reached.Err != nil {
			enqueue.LogMapError(ctx, "Members of an address", reached.Err)
		}
		return requests
	}
}
