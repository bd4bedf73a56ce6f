package member

import (
	"context"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// decide settles which of the rows that the revocation limit counts may be taken back, and writes it into the ledger
// before any of them is. It reports whether it wrote anything; the write wakes the Member.
func (r *Reconciler) decide(ctx context.Context, p *person) (bool, error) {
	approved, undecided, err := p.approved()
	if err != nil || len(approved)+len(undecided) == 0 {
		return false, err
	}
	ledger := plan.LedgerOf(p.member)
	ledger.Accounts = slices.Clone(p.plan.Ledger.Accounts)
	for _, row := range approved {
		ledger.Decide(row, true)
	}
	paid := map[client.ObjectKey][]v1alpha1.MemberGrant{}
	for group, rows := range byGroupName(undecided) {
		name := client.ObjectKey{Namespace: p.member.Namespace, Name: string(group)}
		if paid[name], err = r.Allowances.Spend(ctx, name, rows, p.limitFor(rows[0])); err != nil {
			return false, err
		}
		for _, row := range rows {
			ledger.Decide(row, contains(paid[name], row))
		}
	}
	if err := r.replan(ctx, p, ledger, p.input.Now); err != nil {
		return false, err
	}
	if err := r.write(ctx, p); err != nil {
		return true, conflicts.Ignore(err, "writing down which grants may be revoked")
	}
	for name, rows := range paid {
		r.Allowances.Settle(name, rows)
	}
	return true, nil
}

func contains(rows []v1alpha1.MemberGrant, row v1alpha1.MemberGrant) bool {
	return slices.ContainsFunc(rows, func(other v1alpha1.MemberGrant) bool { return plan.SameRow(other, row) })
}

func byGroupName(rows []v1alpha1.MemberGrant) map[v1alpha1.ObjectName][]v1alpha1.MemberGrant {
	groups := map[v1alpha1.ObjectName][]v1alpha1.MemberGrant{}
	for _, row := range rows {
		groups[row.Group] = append(groups[row.Group], row)
	}
	return groups
}

// approved returns the rows that an approval releases, and those that the limit has yet to decide on.
func (p *person) approved() (approved, undecided []v1alpha1.MemberGrant, err error) {
	for _, row := range slices.Concat(p.plan.Counted, p.plan.Held) {
		if p.heldElsewhere(plan.Operation{Kind: plan.Revoke, Row: row}) {
			continue // the release wakes this Member
		}
		approvals, err := p.approvalsFor(row, p.input.Now)
		switch {
		case err != nil:
			return nil, nil, err
		case slices.ContainsFunc(approvals, func(a limit.Approval) bool { return a.Given }):
			approved = append(approved, row)
		case row.State != v1alpha1.GrantHeld:
			undecided = append(undecided, row)
		}
	}
	return approved, undecided, nil
}

// limitFor is the revocation limit that counts for a row: that of the connection through which it is acted on.
func (p *person) limitFor(row v1alpha1.MemberGrant) plan.Limit {
	connection := p.snapshot.ConnectionFor(row)
	if connection == nil {
		return plan.Limit{Window: time.Hour}
	}
	return limit.Of(connection)
}

// approvalBegins is when an approval that reaches too far ahead by now begins to count; zero if there is none.
func (p *person) approvalBegins() (begins time.Time, err error) {
	for _, row := range p.plan.Held {
		approvals, err := p.approvalsFor(row, p.input.Now)
		if err != nil {
			return begins, err
		}
		for _, a := range approvals {
			begins = entitlement.Sooner(begins, a.Begins)
		}
	}
	return begins, nil
}

// approvalsFor reads every approval that a held row of the Member may have: its own, its group's, and its connection's.
func (p *person) approvalsFor(row v1alpha1.MemberGrant, now time.Time) ([]limit.Approval, error) {
	approvals := []limit.Approval{limit.ApprovalOf(p.member, now)}
	for _, connection := range p.snapshot.ByName {
		if organization := connection.Status.Organization; organization != nil && organization.ID == row.OrganizationID {
			approvals = append(approvals, limit.ApprovalOf(connection, now))
		}
	}
	group := &v1alpha1.KisiGroup{} // one that is being deleted counts, too
	found, err := p.snapshot.Objects.Get(row.Group, group)
	if found {
		approvals = append(approvals, limit.ApprovalOf(group, now))
	}
	return approvals, err
}
