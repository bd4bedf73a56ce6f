package controller

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// watchWhatConcernsMembers wakes Members by everything that changes what a person should have or can be given.
func watchWhatConcernsMembers(b *ctrl.Builder, reader client.Reader) *ctrl.Builder {
	reached := handler.EnqueueRequestsFromMapFunc(mapping(reader, toMembers))
	everybody := handler.EnqueueRequestsFromMapFunc(everyOf(reader,
		func() *v1alpha1.MemberList { return &v1alpha1.MemberList{} },
		func(list *v1alpha1.MemberList) []reconcile.Request { return requestsFor(tenant.Pointers(list.Items)) }))
	return b.
		Watches(&v1alpha1.Member{}, handler.EnqueueRequestsFromMapFunc(sameAddress(reader))).
		Watches(&v1alpha1.Member{}, handler.EnqueueRequestsFromMapFunc(sharingUser(reader))).
		Watches(&v1alpha1.Member{}, reached, builder.WithPredicates(specChanges)).
		Watches(&v1alpha1.BookingGrant{}, reached, builder.WithPredicates(bookingChanges)).
		Watches(&v1alpha1.AccessSubscription{}, reached, builder.WithPredicates(specChanges)).
		Watches(&v1alpha1.AccessPlan{}, reached, builder.WithPredicates(specChanges)).
		Watches(&v1alpha1.PlaceMapping{}, reached, builder.WithPredicates(placeChanges)).
		Watches(&v1alpha1.KisiGroup{}, reached, builder.WithPredicates(groupChanges)).
		Watches(&v1alpha1.KisiConnection{}, everybody, builder.WithPredicates(connectionChanges))
}

// sameAddress: who stands for an address depends on all of its Members, and rows move between them.
func sameAddress(reader client.Reader) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		reached := tenant.ReachFrom(ctx, reader, object)
		reached.Person(access.Fold(object.(*v1alpha1.Member).Spec.Email))
		requests := requestsFor(reached.Members())
		if reached.Err != nil {
			logMapError(ctx, "Members of an address", reached.Err)
		}
		return requests
	}
}
