package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

// PlanReconciler says whether everything that an AccessPlan names is there.
type PlanReconciler struct {
	client.Client
}

// SetupWithManager registers the controller.
func (r *PlanReconciler) SetupWithManager(mgr ctrl.Manager, options Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.AccessPlan{}).
		Watches(&v1alpha1.KisiGroup{}, handler.EnqueueRequestsFromMapFunc(r.ofGroup), builder.WithPredicates(groupChanges)).
		WithOptions(options.forController(2)).
		Complete(r)
}

// Reconcile brings one plan up to date.
func (r *PlanReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	plan := &v1alpha1.AccessPlan{}
	if err := r.Get(ctx, request.NamespacedName, plan); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	in := objects{ctx, r.Client, plan.Namespace}
	problem, err := access.PlanProblem(in, plan)
	if err != nil {
		return reconcile.Result{}, err
	}
	v := ready(v1alpha1.ReasonResolved, "every group that the plan names is there")
	if problem != nil {
		v = verdict{Reason: problem.Reason, Message: problem.Message, Stalled: problem.Stalled()}
	}
	before := plan.Status.DeepCopy()
	plan.Status.ObservedGeneration = plan.Generation
	setVerdict(&plan.Status.Conditions, plan.Generation, v)
	if equality.Semantic.DeepEqual(before, &plan.Status) {
		return reconcile.Result{}, nil
	}
	return reconcile.Result{}, conflictIsNews(r.Status().Update(ctx, plan), "writing the status")
}

func (r *PlanReconciler) ofGroup(ctx context.Context, group client.Object) []reconcile.Request {
	var plans v1alpha1.AccessPlanList
	if err := (objects{ctx, r.Client, group.GetNamespace()}).list(&plans, byGroup, group.GetName()); err != nil {
		logMapError(ctx, "AccessPlans", err)
		return nil
	}
	return requestsFor(pointers(plans.Items))
}
