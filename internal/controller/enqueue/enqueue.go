package enqueue

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Enqueuers reach the controllers from outside their watches.
type Enqueuers struct {
	Connections, Groups, Places, Members, Imports, Bookings, Subscriptions Enqueuer

	// DoubtGroup has a KisiGroup looked up in Kisi again, because a write did not find its group there.
	DoubtGroup func(types.NamespacedName)
	// DoubtHook has a connection's webhook looked up in Kisi again, because Kisi has switched one off.
	DoubtHook func(*v1alpha1.KisiConnection)
}

// SessionChanged wakes what waits for a connection's verdict.
func (w *Enqueuers) SessionChanged(name types.NamespacedName) {
	w.Connections.Enqueue(reconcile.Request{NamespacedName: name})
}

// RequestFor asks for a reconcile of the object.
func RequestFor(object client.Object) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)}
}

// RequestsFor asks for a reconcile of each object.
func RequestsFor[T client.Object](objects []T) []reconcile.Request {
	requests := make([]reconcile.Request, 0, len(objects))
	for _, object := range objects {
		requests = append(requests, RequestFor(object))
	}
	return requests
}

// LogMapError says that an event could not be mapped; the objects it concerns are looked at again at the next change.
func LogMapError(ctx context.Context, what string, err error) {
	log.FromContext(ctx).Error(err, "Cannot find what an event concerns", "lookingFor", what)
}

// RequestNamed asks for a reconcile of what has this name.
func RequestNamed(namespace, name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}
