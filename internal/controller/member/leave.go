package member

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/report"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// yield is for a Member whose address another one stands for: it hands over, and does nothing else.
func (r *Reconciler) yield(ctx context.Context, p *person) (reconcile.Result, error) {
	ledger := plan.LedgerOf(p.member)
	if err := r.releaseTo(ctx, &ledger, p.primary); err != nil {
		return reconcile.Result{}, err
	}
	if entitlement.IsImplicit(p.member) && ledger.Empty() && len(ledger.Accounts) == 0 {
		return reconcile.Result{}, r.remove(ctx, p.member)
	}
	before := p.member.Status.DeepCopy()
	p.member.Status.Accounts, p.member.Status.Logins, p.member.Status.Grants = ledger.Accounts, ledger.Logins, ledger.Grants
	meta.RemoveStatusCondition(&p.member.Status.Conditions, v1alpha1.ConditionLoginReady)
	p.member.Status.Planned, p.member.Status.PlannedCount = nil, 0
	p.member.Status.ObservedGeneration = p.member.Generation
	if !entitlement.IsImplicit(p.member) { // an implicit one goes as soon as it has handed over, which is no trouble
		conditions.Summarize(&p.member.Status.Conditions, p.member.Generation, conditions.Stalled(v1alpha1.ReasonDuplicateEmail,
			fmt.Sprintf("spec.email: Member %q stands for this address; change one of the two addresses or delete one of them", p.primary.Name)))
	}
	if equality.Semantic.DeepEqual(before, &p.member.Status) {
		return reconcile.Result{}, nil
	}
	return reconcile.Result{}, conflicts.Ignore(r.updateStatus(ctx, p.member), "handing over")
}

// leave is for a Member that is being deleted: what nobody wants is taken back, the rest moves on.
func (r *Reconciler) leave(ctx context.Context, p *person) (reconcile.Result, error) {
	if !controllerutil.ContainsFinalizer(p.member, v1alpha1.Finalizer) {
		return reconcile.Result{}, nil
	}
	if p.owesFormer && !p.namespaceGoing {
		return r.handFormerOver(ctx, p)
	}
	ledger := plan.LedgerOf(p.member)
	for _, other := range p.others {
		// Of several who leave, the one that would stand first keeps the row that more than one has.
		if other == p.primary || p.primary == nil && entitlement.ComesBefore(other, p.member) {
			if err := r.releaseTo(ctx, &ledger, other); err != nil {
				return reconcile.Result{}, err
			}
		}
	}
	ledger.Grants, ledger.Logins = r.withoutEnded(p, p.held(ledger)), p.loginsWithFinalizer(ledger)
	if ledger.Empty() && !p.bequeaths(ledger) && (p.primary == nil || len(ledger.Accounts) == 0 || p.namespaceGoing || tenant.Abandons(p.member)) {
		return reconcile.Result{}, conflicts.Ignore(finalizers.Remove(ctx, r.Client, p.member), "letting the Member go")
	}
	if len(ledger.Grants) != len(p.member.Status.Grants) || len(ledger.Logins) != len(p.member.Status.Logins) {
		p.member.Status.Grants, p.member.Status.Logins = ledger.Grants, ledger.Logins
		return reconcile.Result{}, conflicts.Ignore(r.updateStatus(ctx, p.member), "handing over")
	}
	if tenant.Abandons(p.member) {
		if written, err := r.abandon(ctx, p); written || err != nil {
			return reconcile.Result{}, err // the write wakes it
		}
	}
	if p.primary == nil {
		if decided, err := r.decide(ctx, p); decided || err != nil {
			return reconcile.Result{}, err // the write wakes it
		}
	}
	if p.primary == nil && !p.namespaceGoing && !entitlement.IsImplicit(p.member) && (ledger.Empty() || p.mustMoveOn()) {
		return r.moveOn(ctx, p)
	}
	if p.primary != nil {
		return reconcile.Result{}, nil // who stands takes the rest, and wakes this one
	}
	return r.act(ctx, p)
}

// abandon records which rows stay as they are in Kisi, before they move on, and says first how many. It reports whether
// anything was written.
func (r *Reconciler) abandon(ctx context.Context, p *person) (bool, error) {
	abandoned := func(row v1alpha1.MemberGrant) bool { return row.AbandonedBy != "" }
	rows := tenant.CountAssignments(p.plan.Ledger.Grants, abandoned) - tenant.CountAssignments(p.member.Status.Grants, abandoned)
	if err := report.Abandoned(ctx, r.Client, p.member, rows); err != nil {
		return false, err
	}
	version := p.member.ResourceVersion
	if err := r.write(ctx, p); err != nil {
		return true, conflicts.Ignore(err, "recording what is abandoned")
	}
	return p.member.ResourceVersion != version, nil
}

// held drops the rows that hold no finalizer where nobody can take them over: all of them under abandon, else those of a
// connection that is gone.
func (p *person) held(ledger plan.Ledger) []v1alpha1.MemberGrant {
	if !p.namespaceGoing && !entitlement.IsImplicit(p.member) {
		return ledger.Grants
	}
	if tenant.Abandons(p.member) {
		return nil
	}
	var rows []v1alpha1.MemberGrant
	for _, row := range ledger.Grants {
		if _, connected := p.snapshot.Connections[row.OrganizationID]; connected {
			rows = append(rows, row)
		}
	}
	return rows
}

// withoutEnded drops the rows that have ended and cannot be deleted now: they guard nothing, so a Member that is being
// deleted leaves them behind.
func (r *Reconciler) withoutEnded(p *person, rows []v1alpha1.MemberGrant) []v1alpha1.MemberGrant {
	return slices.DeleteFunc(slices.Clone(rows), func(row v1alpha1.MemberGrant) bool {
		if !plan.Over(row, p.input.Now) {
			return false
		}
		return !slices.ContainsFunc(p.plan.Operations, func(o plan.Operation) bool {
			return o.Kind != plan.Resolve && plan.SameRow(o.Row, row) && !r.Executor.Backoffs.Until(p.who, o.ID()).After(p.input.Now)
		})
	})
}

// abandoner names a Member that is being deleted and leaves in Kisi what it cannot take back.
func abandoner(member *v1alpha1.Member) string {
	if member.DeletionTimestamp.IsZero() || !tenant.Abandons(member) {
		return ""
	}
	return "Member/" + member.Name
}

// mustMoveOn reports whether a row is still wanted, or cannot be taken back now.
func (p *person) mustMoveOn() bool {
	for _, row := range p.plan.Ledger.Grants {
		if !plan.Over(row, p.input.Now) && (p.plan.Wanted(row) || !plan.Revocable(row, p.snapshot.Connections)) {
			return true
		}
	}
	return p.loginsHeld()
}
