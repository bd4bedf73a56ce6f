package member

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/implicit"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// moveOn makes the Member that takes over what one that is being deleted leaves.
func (r *Reconciler) moveOn(ctx context.Context, p *person) (reconcile.Result, error) {
	err := implicit.Ensure(ctx, r.Client, p.member.Namespace, entitlement.Invitee{
		Address: entitlement.Fold(p.member.Spec.Email), Email: p.member.Spec.Email, Name: p.member.Spec.FullName,
	})
	if !implicit.IsNameTaken(err) {
		return reconcile.Result{}, err
	}
	again := reconcile.Result{RequeueAfter: implicit.TakenAgain}
	before := p.member.Status.DeepCopy()
	p.member.Status.ObservedGeneration = p.member.Generation
	conditions.Summarize(&p.member.Status.Conditions, p.member.Generation, conditions.Stalled(v1alpha1.ReasonAmbiguousReference, "the grants of this Member cannot be handed over: "+err.Error()))
	if equality.Semantic.DeepEqual(before, &p.member.Status) {
		return again, nil
	}
	return again, conflicts.Ignore(r.updateStatus(ctx, p.member), "saying why the Member stays")
}
