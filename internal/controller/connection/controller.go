package connection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/pacing"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/lookup"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
	"github.com/kisi-operator/kisi-operator/internal/webhook"
)

// Reconciler keeps the session of every KisiConnection and says how it stands.
type Reconciler struct {
	client.Client
	// APIReader reads past the cache: the content of a Secret is never cached.
	APIReader        client.Reader
	Sessions         *session.Pool
	AllowedEndpoints []string
	Enqueuers        *enqueue.Enqueuers
	Holds            *KeyHolds
	Imports          *imports.Users
	// OnGone, if set, is told of a connection that is gone.
	OnGone func(types.NamespacedName)
	// Webhooks takes Kisi's webhook calls; nil: the operator listens to none.
	Webhooks *webhook.Server

	hooks         lookup.Lookups[hookFound]
	signatureKeys keyring[kisi.Secret]
	hookWaits     sync.Map // connection → since when it only waits for its webhook to be removed

	apiKeys  keyring[kisi.APIKey]
	looks    sync.Map // connection → its reconcile-at annotation
	throttle pacing.Throttle
	bursts   pacing.Bursts
	counts   counts
	opened   sync.Map // connection → the session that its dependents know of
}

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.Enqueuers.DoubtHook = r.doubtHook
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.KisiConnection{}).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.usingSecret)).
		Watches(&v1alpha1.Member{}, enqueue.Changes(memberEvents{r}.changed)).
		Watches(&v1alpha1.KisiGroup{}, handler.EnqueueRequestsFromMapFunc(ofGroup), builder.WithPredicates(enqueue.GroupCountChanges, enqueue.SinceStart)).
		WatchesRawSource(r.Enqueuers.Connections.Source()).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4}).
		Complete(r)
}

// Reconcile brings one connection up to date.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	now := time.Now()
	connection := &v1alpha1.KisiConnection{}
	if err := r.Get(ctx, request.NamespacedName, connection); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(request)
			return reconcile.Result{}, nil
		}
		return reconcile.Result{}, fmt.Errorf("reading the connection: %w", err)
	}
	if !connection.DeletionTimestamp.IsZero() {
		return r.letGo(ctx, connection, now)
	}
	if err := finalizers.Add(ctx, r.Client, connection); err != nil {
		return reconcile.Result{}, err
	}
	before := connection.Status.DeepCopy()
	unread := r.check(ctx, connection, now)
	again, unserved := r.serveWebhook(ctx, connection)
	unread = errors.Join(unread, unserved)
	after, err := r.count(ctx, connection, now)
	if err != nil {
		return reconcile.Result{}, err
	}
	after = requeue.Sooner(requeue.Sooner(after, again), requeue.Until(doubtedAt(connection.Status.API), now))
	if err := r.describeSync(ctx, connection); err != nil {
		return reconcile.Result{}, err
	}
	if err := r.describeKey(ctx, connection); err != nil {
		return reconcile.Result{}, err
	}
	r.describeImport(connection)
	if err := r.announce(ctx, connection); err != nil {
		return reconcile.Result{}, err
	}
	// Until Kisi or the Secret has answered for this generation Ready is about an older one, and so is the status.
	if current := meta.FindStatusCondition(connection.Status.Conditions, v1alpha1.ConditionReady); current != nil {
		connection.Status.ObservedGeneration = current.ObservedGeneration
	}
	if equality.Semantic.DeepEqual(before, &connection.Status) {
		return reconcile.Result{RequeueAfter: after}, unread
	}
	if wait := r.bursts.Take(request.NamespacedName); wait > 0 {
		return reconcile.Result{RequeueAfter: requeue.Sooner(after, wait)}, unread
	}
	if err := r.Status().Update(ctx, connection); err != nil {
		return reconcile.Result{}, fmt.Errorf("writing the status: %w", err)
	}
	return reconcile.Result{RequeueAfter: after}, unread
}

func (r *Reconciler) report(connection *v1alpha1.KisiConnection, v conditions.Verdict) {
	conditions.Summarize(&connection.Status.Conditions, connection.Generation, v)
}

// announce wakes everything that waits for a session of the connection. A status that changes wakes the rest through
// their watches; after a restart, or with a new key, the status may be the same and the session new.
func (r *Reconciler) announce(ctx context.Context, connection *v1alpha1.KisiConnection) error {
	name := client.ObjectKeyFromObject(connection)
	opened := tenant.SessionOf(r.Sessions, name)
	if opened == nil {
		r.opened.Delete(name)
		return nil
	}
	if known, _ := r.opened.Load(name); known == opened {
		return nil
	}
	in := tenant.In(ctx, r.Client, connection.Namespace)
	var groups v1alpha1.KisiGroupList
	if err := in.List(&groups, tenant.ByConnection, connection.Name); err != nil {
		return err
	}
	var places v1alpha1.PlaceMappingList
	if err := in.List(&places, tenant.ByConnection, connection.Name); err != nil {
		return err
	}
	members, err := tenant.PeopleConcerned(ctx, r.Client, nil, connection)
	if err != nil {
		return err
	}
	bookings, err := tenant.BookingsConcerned(ctx, r.Client, nil, connection)
	if err != nil {
		return err
	}
	subscriptions, err := tenant.SubscriptionsConcerned(ctx, r.Client, nil, connection)
	if err != nil {
		return err
	}
	r.Enqueuers.Imports.Enqueue(enqueue.RequestFor(connection))
	r.Enqueuers.Groups.Enqueue(enqueue.RequestsFor(tenant.Pointers(groups.Items))...)
	r.Enqueuers.Places.Enqueue(enqueue.RequestsFor(tenant.Pointers(places.Items))...)
	r.Enqueuers.Members.EnqueueBehind(enqueue.RequestsFor(members)...)
	r.Enqueuers.Bookings.EnqueueBehind(enqueue.RequestsFor(bookings)...)
	r.Enqueuers.Subscriptions.EnqueueBehind(enqueue.RequestsFor(subscriptions)...)
	r.opened.Store(name, opened)
	return nil
}

func (r *Reconciler) forget(request reconcile.Request) {
	r.opened.Delete(request.NamespacedName)
	r.hookWaits.Delete(request.NamespacedName)
	r.throttle.Forget(request.NamespacedName)
	r.bursts.Forget(request.NamespacedName)
	r.Sessions.Close(request.NamespacedName)
	r.apiKeys.forget(request.NamespacedName)
	r.looks.Delete(request.NamespacedName)
	r.signatureKeys.forget(request.NamespacedName)
	r.hooks.Forget("webhook/" + request.String())
	r.ignoreCalls(request.NamespacedName)
	if r.OnGone != nil {
		r.OnGone(request.NamespacedName)
	}
}
