package source

import (
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// setUp registers the controller of a kind whose status shows what people have: it wakes the sources that an event reaches,
// and every one of a namespace by its connection. bearing is the kind that bears on this one.
func setUp(mgr ctrl.Manager, r reconcile.Reconciler, kind, bearing client.Object, list client.ObjectList, pick func(*tenant.Reach) []reconcile.Request) error {
	reader := tenant.Cached(mgr.GetClient())
	reached := handler.EnqueueRequestsFromMapFunc(enqueue.Reached(reader, pick))
	everything := handler.EnqueueRequestsFromMapFunc(enqueue.EveryOf(reader, list))
	return ctrl.NewControllerManagedBy(mgr).
		For(kind).
		Watches(bearing, reached, builder.WithPredicates(enqueue.SpecChanges)).
		Watches(&v1alpha1.Member{}, reached, builder.WithPredicates(enqueue.LedgerChanges)).
		Watches(&v1alpha1.PlaceMapping{}, reached, builder.WithPredicates(enqueue.PlaceChanges)).
		Watches(&v1alpha1.KisiGroup{}, reached, builder.WithPredicates(enqueue.GroupChanges)).
		Watches(&v1alpha1.KisiConnection{}, everything, builder.WithPredicates(enqueue.ConnectionChanges)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4}).
		Complete(r)
}
