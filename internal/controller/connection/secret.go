package connection

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/secrets"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// KeySecretReconciler keeps the Secret with an API key for as long as the key is needed to take back what was granted:
// under disconnectPolicy Revoke it carries our finalizer. A Secret that is deleted on its own, while no connection that
// uses it is going, is let go at once.
type KeySecretReconciler struct {
	client.Client
	// APIReader reads past the cache.
	APIReader client.Reader
	Enqueuers *enqueue.Enqueuers
	Holds     *KeyHolds
}

// KeyHolds is what the controllers know of each other's part in keeping Secrets.
type KeyHolds struct{ refused sync.Map } // by types.NamespacedName of the Secret

// refusedRetry is how soon it is tried again to keep a Secret that the operator's role did not let it patch.
const refusedRetry = 5 * time.Minute

// SetupWithManager registers the controller.
func (r *KeySecretReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("keysecret").
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.ofSecret)).
		Watches(&v1alpha1.KisiConnection{}, handler.EnqueueRequestsFromMapFunc(keySecretOf)). // also of the Secret named before
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}).
		Complete(r)
}

// Reconcile adds the finalizer to one Secret, or takes it off.
func (r *KeySecretReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	secret := secrets.Metadata()
	if err := r.Get(ctx, request.NamespacedName, secret); err != nil {
		r.Holds.refused.Delete(request.NamespacedName)
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	using, err := connectionsWithKey(ctx, r.Client, request.NamespacedName)
	if err != nil {
		return reconcile.Result{}, err
	}
	needed, err := r.needed(ctx, secret, using)
	if err != nil {
		return reconcile.Result{}, err
	}
	switch held := controllerutil.ContainsFinalizer(secret, v1alpha1.Finalizer); {
	case needed && !held && secret.DeletionTimestamp.IsZero():
		err = finalizers.Add(ctx, r.Client, secret)
	case !needed && held:
		err = finalizers.Remove(ctx, r.Client, secret)
	}
	if apierrors.IsForbidden(err) {
		if _, known := r.Holds.refused.Swap(request.NamespacedName, true); !known {
			r.Enqueuers.Connections.Enqueue(enqueue.RequestsFor(using)...)
		}
		return reconcile.Result{RequeueAfter: refusedRetry}, nil
	}
	r.Holds.refused.Delete(request.NamespacedName)
	return reconcile.Result{}, conflicts.Ignore(err, "keeping the Secret with the API key")
}

// needed reports whether the Secret has to stay: for a connection that takes everything back before it goes, from the
// first use of the key until the connection is gone. Whoever deletes only the Secret gets rid of it.
func (r *KeySecretReconciler) needed(ctx context.Context, secret *metav1.PartialObjectMetadata, using []*v1alpha1.KisiConnection) (bool, error) {
	for _, connection := range using {
		if !tenant.RevokesBeforeLeaving(connection) {
			continue
		}
		if secret.DeletionTimestamp.IsZero() || !connection.DeletionTimestamp.IsZero() {
			return true, nil
		}
		going, err := r.going(ctx, connection)
		if going || err != nil {
			return going, err
		}
	}
	return false, nil
}

// going reports whether a connection, or its namespace, is being deleted. Deleted together, the cache may show the Secret's
// end before the connection's.
func (r *KeySecretReconciler) going(ctx context.Context, connection *v1alpha1.KisiConnection) (bool, error) {
	live := &v1alpha1.KisiConnection{}
	err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(connection), live)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading KisiConnection %s: %w", connection.Name, err)
	}
	if err == nil && !live.DeletionTimestamp.IsZero() {
		return true, nil
	}
	return tenant.NamespaceGoing(ctx, r.APIReader, connection.Namespace)
}

// ofSecret lets through the Secrets that hold an API key, and those that once did.
func (r *KeySecretReconciler) ofSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	if controllerutil.ContainsFinalizer(secret, v1alpha1.Finalizer) {
		return []reconcile.Request{enqueue.RequestFor(secret)}
	}
	using, err := connectionsWithKey(ctx, r.Client, client.ObjectKeyFromObject(secret))
	if err != nil {
		enqueue.LogMapError(ctx, "connections of a Secret", err)
	}
	if len(using) == 0 {
		return nil
	}
	return []reconcile.Request{enqueue.RequestFor(secret)}
}

func keySecretOf(_ context.Context, object client.Object) []reconcile.Request {
	connection := object.(*v1alpha1.KisiConnection)
	return []reconcile.Request{enqueue.RequestNamed(connection.Namespace, string(connection.Spec.APIKeySecretRef.Name))}
}

// connectionsWithKey lists the connections whose API key is in the Secret.
func connectionsWithKey(ctx context.Context, reader client.Reader, secret types.NamespacedName) ([]*v1alpha1.KisiConnection, error) {
	var list v1alpha1.KisiConnectionList
	in := tenant.In(ctx, reader, secret.Namespace)
	if err := in.List(&list, tenant.BySecret, secret.Name); err != nil {
		return nil, err
	}
	var using []*v1alpha1.KisiConnection
	for _, connection := range tenant.Pointers(list.Items) {
		if string(connection.Spec.APIKeySecretRef.Name) == secret.Name {
			using = append(using, connection)
		}
	}
	return using, nil
}

// describeKey says whether the Secret with the key stays until everything is taken back. It is advice: without it the last
// key that was read serves, as long as this process lives.
func (r *Reconciler) describeKey(ctx context.Context, connection *v1alpha1.KisiConnection) error {
	current := &connection.Status.Conditions
	name := types.NamespacedName{Namespace: connection.Namespace, Name: string(connection.Spec.APIKeySecretRef.Name)}
	secret := secrets.Metadata()
	err := r.Get(ctx, name, secret)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("looking for Secret %s: %w", name.Name, err)
	}
	if err != nil || !tenant.RevokesBeforeLeaving(connection) {
		meta.RemoveStatusCondition(current, v1alpha1.ConditionKeyProtected)
		return nil //nolint:nilerr // a Secret that is not there is protected by nothing
	}
	_, refused := r.Holds.refused.Load(name)
	switch {
	case refused:
		conditions.Set(current, connection.Generation, v1alpha1.ConditionKeyProtected, metav1.ConditionFalse, v1alpha1.ReasonSecretsForbidden, fmt.Sprintf(
			"the Kubernetes API does not let the operator patch Secret %q: give it the role in config/rbac/key_secret_role.yaml; until then delete the KisiConnection before the Secret", name.Name))
	case controllerutil.ContainsFinalizer(secret, v1alpha1.Finalizer):
		conditions.Set(current, connection.Generation, v1alpha1.ConditionKeyProtected, metav1.ConditionTrue, v1alpha1.ReasonKeyHeld, fmt.Sprintf(
			"deleted together with this KisiConnection, Secret %q stays until everything that was granted is taken back", name.Name))
	}
	return nil
}
