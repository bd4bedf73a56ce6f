package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Wakers reach the controllers from outside their watches.
type Wakers struct {
	Connections, Groups, Places, Members, Imports waker

	// doubtGroup has a KisiGroup looked up in Kisi again, because a write did not find its group there.
	doubtGroup func(types.NamespacedName)
	// doubtHook has a connection's webhook looked up in Kisi again, because Kisi has switched one off.
	doubtHook func(*v1alpha1.KisiConnection)
}

// SessionChanged wakes what waits for a connection's verdict.
func (w *Wakers) SessionChanged(name types.NamespacedName) {
	w.Connections.wake(reconcile.Request{NamespacedName: name})
}

func requestFor(object client.Object) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)}
}

func requestsFor[T client.Object](objects []T) []reconcile.Request {
	requests := make([]reconcile.Request, 0, len(objects))
	for _, object := range objects {
		requests = append(requests, requestFor(object))
	}
	return requests
}

// logMapError says that an event could not be mapped; the objects it concerns are looked at again at the next change.
func logMapError(ctx context.Context, what string, err error) {
	log.FromContext(ctx).Error(err, "Cannot find what an event concerns", "looking for", what)
}

func requestNamed(namespace, name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}
