package member

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// followName gives an implicit Member the name by which the sources speak of the person. It reports whether it has.
func (r *Reconciler) followName(ctx context.Context, p *person) (bool, error) {
	if !entitlement.IsImplicit(p.member) || entitlement.IsImported(p.member) {
		return false, nil
	}
	name, err := entitlement.NameOf(p.snapshot.Objects, entitlement.Fold(p.member.Spec.Email), p.member.Spec.FullName)
	if err != nil || name == p.member.Spec.FullName {
		return false, err
	}
	before := p.member.DeepCopy()
	p.member.Spec.FullName = name
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return true, conflicts.Ignore(r.Patch(ctx, p.member, patch), "writing the person's name")
}

// userOperations says what is to be done about the person's users in Kisi, apart from what granting does anyway.
func (r *Reconciler) userOperations(ctx context.Context, p *person) ([]plan.Operation, error) {
	if !p.member.DeletionTimestamp.IsZero() || p.primary == nil || p.primary.UID != p.member.UID {
		return nil, nil
	}
	profile := plan.Profile{
		Address: entitlement.Fold(p.member.Spec.Email), Name: entitlement.KisiName(p.member), Active: p.member.Spec.State == v1alpha1.MemberActive,
	}
	var failed error
	operations := p.plan.Users(profile, p.snapshot.Connections, func(account v1alpha1.MemberAccount) bool {
		wanted, err := r.wantedElsewhere(ctx, p, account)
		if err != nil {
			failed = err
		}
		p.sharesUser = p.sharesUser || wanted
		return wanted || err != nil
	})
	return operations, failed
}
