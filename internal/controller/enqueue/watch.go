package enqueue

import (
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Watch says whom a change of an object of a kind enqueues.
type Watch struct {
	Kind    client.Object
	Handler Changes
	// When leaves out changes that concern nobody else.
	When predicate.Predicate
}

// Add registers the watches with a controller.
func Add(b *ctrl.Builder, watches ...Watch) *ctrl.Builder {
	for _, watch := range watches {
		b = b.Watches(watch.Kind, watch.Handler, builder.WithPredicates(watch.When))
	}
	return b
}
