package source

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/implicit"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/pacing"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// SubscriptionReconciler makes Members for people who are subscribed by address, and says what has become of everybody.
type SubscriptionReconciler struct {
	client.Client
	Sessions *session.Pool

	pace pacing.Pace
}

// SetupWithManager registers the controller.
func (r *SubscriptionReconciler) SetupWithManager(mgr ctrl.Manager) error {
	reader := mgr.GetClient()
	reached := handler.EnqueueRequestsFromMapFunc(enqueue.Reached(reader, enqueue.ToSubscriptions))
	everything := handler.EnqueueRequestsFromMapFunc(enqueue.EveryOf(reader,
		func() *v1alpha1.AccessSubscriptionList { return &v1alpha1.AccessSubscriptionList{} },
		func(list *v1alpha1.AccessSubscriptionList) []reconcile.Request {
			return enqueue.RequestsFor(tenant.Pointers(list.Items))
		}))
	b := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.AccessSubscription{}).
		Watches(&v1alpha1.AccessPlan{}, reached, builder.WithPredicates(enqueue.SpecChanges)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4})
	return watchWhatSourcesShow(b, reached, everything).Complete(r)
}

// Reconcile brings one subscription up to date.
func (r *SubscriptionReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	subscription := &v1alpha1.AccessSubscription{}
	if err := r.Get(ctx, request.NamespacedName, subscription); err != nil {
		r.pace.Forget(request.NamespacedName)
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !subscription.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, nil // the Members' ledgers do the rest
	}
	now := time.Now()
	in := tenant.In(ctx, r.Client, subscription.Namespace)
	found, err := entitlement.EvaluateSubscription(in, subscription, now)
	if err != nil {
		return reconcile.Result{}, err
	}
	var unnamed error
	if found.Open() && len(found.Groups) > 0 && subscription.Spec.Subject.Team == "" {
		if unnamed, err = ensureMembers(ctx, r.Client, in, found.People); err != nil {
			return reconcile.Result{}, err
		}
	}
	snapshot, err := tenant.TakeSnapshot(in, r.Sessions, false)
	if err != nil {
		return reconcile.Result{}, err
	}
	if len(snapshot.Opening) > 0 {
		return reconcile.Result{RequeueAfter: time.Second}, nil // just after a start: what is recorded stands
	}
	again, err := r.describe(ctx, snapshot, subscription, found, unnamed, now)
	if err != nil {
		return reconcile.Result{}, err
	}
	next := nextEdge(found.Next, found.Window, now)
	return reconcile.Result{RequeueAfter: requeue.Sooner(requeue.Sooner(again, implicit.Again(unnamed)), requeue.Until(next, now))}, nil
}

// describe writes into the status what has become of the subscription, and says when to look again.
func (r *SubscriptionReconciler) describe(ctx context.Context, snapshot *tenant.Snapshot, subscription *v1alpha1.AccessSubscription, found entitlement.Subscription, unnamed error, now time.Time) (time.Duration, error) {
	o := offer{
		source: entitlement.SourceName(entitlement.KindAccessSubscription, subscription.Name),
		people: found.People, groups: found.Groups, window: found.Window,
		open: found.Open(), problem: found.Problem, unnamed: unnamed,
		over: subscription.Status.State == found.Phase && conditions.IsReady(subscription.Status.Conditions),
	}
	p, err := progressOf(snapshot, o, now)
	if err != nil {
		return 0, fmt.Errorf("reading what the people have: %w", err)
	}
	before := subscription.Status.DeepCopy()
	status := &subscription.Status
	status.ObservedGeneration = subscription.Generation
	status.State, status.People = found.Phase, &p.people
	conditions.Summarize(&status.Conditions, subscription.Generation, judgeSubscription(p, o, found.Phase, now))
	if equality.Semantic.DeepEqual(before, status) {
		return 0, nil
	}
	same := before.State == status.State && before.ObservedGeneration == status.ObservedGeneration
	if wait := r.pace.Wait(subscription, before.Conditions, status.Conditions, same); wait > 0 {
		return wait, nil
	}
	return 0, conflicts.Ignore(r.Status().Update(ctx, subscription), "writing the status")
}

func judgeSubscription(p progress, o offer, phase v1alpha1.SubscriptionPhase, now time.Time) conditions.Verdict {
	switch phase {
	case v1alpha1.SubscriptionPhaseCanceled:
		return p.judgeClosed(v1alpha1.ReasonCanceled, "the subscription is canceled")
	case v1alpha1.SubscriptionPhasePending:
		return p.judgeClosed(v1alpha1.ReasonPending, "spec.state is Pending, so the subscription gives nothing yet")
	case v1alpha1.SubscriptionPhaseEnded:
		return conditions.Ready(v1alpha1.ReasonEnded, "spec.endTime has passed")
	case v1alpha1.SubscriptionPhaseExhausted:
		return p.judgeClosed(v1alpha1.ReasonExhausted, "every day pass is used up")
	case v1alpha1.SubscriptionPhaseScheduled:
		return p.judge(o, v1alpha1.ReasonScheduled, now)
	}
	return p.judge(o, v1alpha1.ReasonGranted, now)
}
