package executor_test

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// kept is the ledger as one process has read it.
type kept struct {
	*world
	process *process
	member  *v1alpha1.Member
	version int
}

func (k *kept) Plan(_ context.Context, ledger plan.Ledger) (plan.Plan, error) {
	return k.plan(ledger), nil
}

func (k *kept) Intend(_ context.Context, ledger plan.Ledger) (plan.Plan, error) {
	p := k.plan(ledger)
	stale := false
	wrong := k.effect("the intent", []trouble{diesBefore, diesAfter, ledgerChanges, staleLedger}, func() {
		if stale = k.version != k.world.version; !stale {
			k.write(p.Ledger)
		}
	})
	switch {
	case wrong == ledgerChanges:
		k.world.version++
		return p, executor.ErrStale
	case wrong != nothing || k.process.dead:
		return p, errDied
	case stale:
		return p, executor.ErrStale
	}
	return p, nil
}

func (k *kept) Record(_ context.Context, apply func(*plan.Ledger)) error {
	wrong := k.effect("the result", []trouble{diesBefore, diesAfter, staleLedger}, func() {
		ledger := plan.LedgerOf(k.stored)
		apply(&ledger)
		k.write(k.plan(ledger).Ledger)
	})
	if wrong != nothing || k.process.dead {
		return errDied
	}
	return nil
}

// write keeps a ledger; w.mu is held.
func (k *kept) write(ledger plan.Ledger) {
	k.world.version++
	k.version = k.world.version
	k.stored.Status.Accounts, k.stored.Status.Grants, k.stored.Status.Logins = ledger.Accounts, ledger.Grants, ledger.Logins
	k.stored.DeepCopyInto(k.member)
}

// Claim implements executor.Ledgers: there is one ledger.
func (w *world) Claim(_ context.Context, _ *v1alpha1.Member, _, _, assignment v1alpha1.KisiID) (tenant.Claim, error) {
	own := slices.ContainsFunc(w.stored.Status.Grants, func(row v1alpha1.MemberGrant) bool { return row.RoleAssignmentID == assignment })
	return tenant.Claim{Own: own}, nil
}

// Accounts implements executor.Ledgers.
func (w *world) Accounts(context.Context, v1alpha1.KisiID, v1alpha1.KisiID) ([]v1alpha1.MemberAccount, error) {
	return w.stored.Status.Accounts, nil
}

func (w *world) GroupNotFound(types.NamespacedName)        {}
func (w *world) UserRead(v1alpha1.MemberAccount)           {}
func (w *world) UserGone(v1alpha1.KisiID, v1alpha1.KisiID) {}
func (w *world) Recovered([]types.NamespacedName)          {}
func (w *world) Found(finding plan.Finding)                { w.found = append(w.found, finding.Kind) }
