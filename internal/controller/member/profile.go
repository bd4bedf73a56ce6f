package member

import (
	"context"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// kisiName is the person's name as Kisi shows it: the full name, else the address.
func kisiName(member *v1alpha1.Member) v1alpha1.FullName {
	if member.Spec.FullName != "" {
		return member.Spec.FullName
	}
	return v1alpha1.FullName(member.Spec.Email)
}

// followName gives an implicit Member the name by which the sources speak of the person. It reports whether it has.
func (r *Reconciler) followName(ctx context.Context, p *person) (bool, error) {
	if !entitlement.IsImplicit(p.member) || imports.IsImported(p.member) {
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
	if !p.member.DeletionTimestamp.IsZero() || p.standing == nil || p.standing.UID != p.member.UID {
		return nil, nil
	}
	profile := plan.Profile{
		Address: entitlement.Fold(p.member.Spec.Email), Name: kisiName(p.member), Active: p.member.Spec.State == v1alpha1.MemberActive,
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

// createUser makes the person's user where users.create is Always. It needs no intent: a user that was made and not
// written down is found again by its address, and known by its metadata.
func (d doing) createUser(ctx context.Context) error {
	made, err := d.ensureUser(ctx, d.p.snapshot.ConnectionFor(d.operation.Row).Spec)
	if err != nil {
		return d.failed(err)
	}
	return d.record(ctx, func(ledger *plan.Ledger) { ledger.SetAccount(*made) })
}

// rename writes the person's name to a user that this operator created.
func (d doing) rename(ctx context.Context) error {
	name := kisiName(d.p.member)
	err := d.kisi.UpdateUser(ctx, int64(d.operation.Row.UserID), kisi.UserUpdate{Name: ptr.To(string(name))})
	if err != nil {
		return d.failed(err)
	}
	d.wroteUser(d.operation.Row.UserID, mirror.Changed)
	return d.record(ctx, func(ledger *plan.Ledger) {
		if account := ledger.Account(d.operation.Row.OrganizationID); account != nil {
			account.FullName = name
		}
	})
}
