package source

import (
	"context"
	"fmt"

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
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// PlanReconciler says whether everything that an AccessPlan names is there.
type PlanReconciler struct {
	client.Client
}

// SetupWithManager registers the controller.
func (r *PlanReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.AccessPlan{}).
		Watches(&v1alpha1.KisiGroup{}, handler.EnqueueRequestsFromMapFunc(r.ofGroup), builder.WithPredicates(enqueue.GroupChanges, enqueue.SinceStart)).
		Watches(&v1alpha1.KisiConnection{}, handler.EnqueueRequestsFromMapFunc(r.ofConnection), builder.WithPredicates(enqueue.ConnectionChanges, enqueue.SinceStart)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 2}).
		Complete(r)
}

// Reconcile brings one plan up to date.
func (r *PlanReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	plan := &v1alpha1.AccessPlan{}
	if err := r.Get(ctx, request.NamespacedName, plan); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	in := tenant.In(ctx, r.Client, plan.Namespace)
	problem, err := entitlement.PlanProblem(in, plan)
	if err != nil {
		return reconcile.Result{}, err
	}
	v, err := connectionsOf(in, plan)
	if err != nil {
		return reconcile.Result{}, err
	}
	if problem != nil {
		v = conditions.Verdict{Reason: problem.Reason, Message: problem.Message, Stalled: problem.Stalled()}
	}
	before := plan.Status.DeepCopy()
	plan.Status.ObservedGeneration = plan.Generation
	conditions.Summarize(&plan.Status.Conditions, plan.Generation, v)
	if equality.Semantic.DeepEqual(before, &plan.Status) {
		return reconcile.Result{}, nil
	}
	return reconcile.Result{}, conflicts.Ignore(r.Status().Update(ctx, plan), "writing the status")
}

// connectionsOf says whether the connections of the plan's groups can be used. They may be several.
func connectionsOf(in tenant.Objects, plan *v1alpha1.AccessPlan) (conditions.Verdict, error) {
	for _, ref := range plan.Spec.GroupRefs {
		group, err := in.Group(ref.Name)
		if err != nil {
			return conditions.Verdict{}, err
		}
		if group == nil {
			continue
		}
		name := group.Spec.ConnectionRef.Name
		connection := &v1alpha1.KisiConnection{}
		found, err := in.Get(name, connection)
		switch {
		case err != nil:
			return conditions.Verdict{}, err
		case !found:
			return conditions.Waiting(v1alpha1.ReasonConnectionNotFound,
				fmt.Sprintf("KisiGroup %q: there is no KisiConnection %q in this namespace", group.Name, name)), nil
		case !conditions.IsReady(connection.Status.Conditions):
			return conditions.Waiting(v1alpha1.ReasonConnectionNotReady, fmt.Sprintf("KisiGroup %q: KisiConnection %q is not Ready; see its conditions", group.Name, name)), nil
		}
	}
	return conditions.Ready(v1alpha1.ReasonResolved, "every group that the plan names is there"), nil
}

// ofConnection finds the plans with a group of the connection.
func (r *PlanReconciler) ofConnection(ctx context.Context, connection client.Object) []reconcile.Request {
	var groups v1alpha1.KisiGroupList
	if err := tenant.In(ctx, r.Client, connection.GetNamespace()).List(&groups, tenant.ByConnection, connection.GetName()); err != nil {
		enqueue.LogMapError(ctx, "groups of a connection", err)
		return nil
	}
	var requests []reconcile.Request
	for i := range groups.Items {
		requests = append(requests, r.ofGroup(ctx, &groups.Items[i])...)
	}
	return requests
}

func (r *PlanReconciler) ofGroup(ctx context.Context, group client.Object) []reconcile.Request {
	var plans v1alpha1.AccessPlanList
	if err := tenant.In(ctx, r.Client, group.GetNamespace()).List(&plans, tenant.ByGroup, group.GetName()); err != nil {
		enqueue.LogMapError(ctx, "AccessPlans", err)
		return nil
	}
	return enqueue.RequestsFor(tenant.Pointers(plans.Items))
}
