package source

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// watches enqueue bookings by everything that changes what their status says.
func (r *BookingReconciler) watches(reader client.Reader) []enqueue.Watch {
	return watches(&r.Teller, &v1alpha1.AccessSubscription{}, func(ctx context.Context, before, after client.Object) ([]*v1alpha1.BookingGrant, error) {
		return tenant.BookingsConcerned(ctx, reader, before, after)
	})
}

// watches enqueue subscriptions by everything that changes what their status says.
func (r *SubscriptionReconciler) watches(reader client.Reader) []enqueue.Watch {
	r.crowds.reader = reader
	all := watches(&r.Teller, &v1alpha1.AccessPlan{}, func(ctx context.Context, before, after client.Object) ([]*v1alpha1.AccessSubscription, error) {
		return tenant.SubscriptionsConcerned(ctx, reader, before, after)
	})
	for i := range all {
		if _, isMember := all[i].Kind.(*v1alpha1.Member); isMember {
			all[i].Handler = r.crowds.before(all[i].Handler)
		}
	}
	return all
}

// watches are those of a kind whose status shows what people have; bearing is the kind that bears on this one.
func watches[T client.Object](t *Teller, bearing client.Object, concerned enqueue.Concerned[T]) []enqueue.Watch {
	changes := enqueue.Changes(concerned.Enqueue)
	return []enqueue.Watch{
		{Kind: bearing, Handler: changes, When: enqueue.SpecChanges},
		{Kind: &v1alpha1.Member{}, Handler: concerned.EnqueueAfter(t.looks.Wait), When: enqueue.LedgerChanges},
		{Kind: &v1alpha1.PlaceMapping{}, Handler: changes, When: enqueue.PlaceChanges},
		{Kind: &v1alpha1.KisiGroup{}, Handler: changes, When: enqueue.GroupChanges},
		{Kind: &v1alpha1.KisiConnection{}, Handler: changes, When: enqueue.ConnectionChanges},
	}
}

// setUp registers the controller of a kind whose status shows what people have.
func setUp(mgr ctrl.Manager, r reconcile.Reconciler, kind client.Object, watches []enqueue.Watch, enqueuer *enqueue.Enqueuer) error {
	b := ctrl.NewControllerManagedBy(mgr).
		For(kind).
		WatchesRawSource(enqueuer.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4})
	return enqueue.Add(b, watches...).Complete(r)
}
