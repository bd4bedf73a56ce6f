package source

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// SubscriptionReconciler makes Members for people who are subscribed by address, and says what has become of everybody.
type SubscriptionReconciler struct {
	Teller

	crowds crowds
}

// SetupWithManager registers the controller.
func (r *SubscriptionReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return setUp(mgr, r, &v1alpha1.AccessSubscription{}, r.watches(tenant.Cached(mgr.GetClient())), &r.Enqueuers.Subscriptions)
}

// Reconcile brings one subscription up to date.
func (r *SubscriptionReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	subscription := &v1alpha1.AccessSubscription{}
	if err := r.Get(ctx, request.NamespacedName, subscription); err != nil {
		r.forget(request.NamespacedName)
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !subscription.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, nil // the Members' ledgers do the rest
	}
	now := time.Now()
	in := tenant.In(ctx, tenant.Cached(r.Client), subscription.Namespace)
	teams := teams{Objects: in, crowds: &r.crowds, alone: map[entitlement.Address]*v1alpha1.Member{}}
	found, err := entitlement.EvaluateSubscription(teams, subscription, now)
	if err != nil {
		return reconcile.Result{}, err
	}
	o := offer{
		source: entitlement.SourceName(entitlement.KindAccessSubscription, subscription.Name),
		people: found.People, find: teams.Members, byAddress: subscription.Spec.Subject.Team == "", groups: found.Groups, window: found.Window,
		open: found.Open(), problem: found.Problem,
		over: subscription.Status.State == found.Phase && conditions.IsReady(subscription.Status.Conditions),
	}
	return r.tell(ctx, in, subscription, o, found.Next, now, func(p progress, o offer) news {
		return describeSubscription(subscription, found.Phase, judgeSubscription(p, o, found.Phase, now), p.people)
	})
}

// describeSubscription writes into the status what has become of the subscription.
func describeSubscription(subscription *v1alpha1.AccessSubscription, phase v1alpha1.SubscriptionPhase, ready conditions.Verdict, people v1alpha1.PeopleCounts) news {
	before, status := subscription.Status.DeepCopy(), &subscription.Status
	status.ObservedGeneration = subscription.Generation
	status.State, status.People = phase, &people
	conditions.Summarize(&status.Conditions, subscription.Generation, ready)
	return news{
		before: before.Conditions, after: status.Conditions, differs: !equality.Semantic.DeepEqual(before, status),
		same: before.State == status.State && before.ObservedGeneration == status.ObservedGeneration,
	}
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
