package source

import (
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
)

// watchWhatSourcesShow wakes the sources that an event reaches, and every one of a namespace by its connection.
func watchWhatSourcesShow(b *ctrl.Builder, reached, everything handler.EventHandler) *ctrl.Builder {
	return b.
		Watches(&v1alpha1.Member{}, reached, builder.WithPredicates(enqueue.LedgerChanges)).
		Watches(&v1alpha1.PlaceMapping{}, reached, builder.WithPredicates(enqueue.PlaceChanges)).
		Watches(&v1alpha1.KisiGroup{}, reached, builder.WithPredicates(enqueue.GroupChanges)).
		Watches(&v1alpha1.KisiConnection{}, everything, builder.WithPredicates(enqueue.ConnectionChanges))
}
