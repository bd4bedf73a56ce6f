package member

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// observe puts into the plan's input what Kisi is known to hold of the person, in every group that the plan is about.
func (r *Reconciler) observe(ctx context.Context, p *person) error {
	p.input.Observed = map[plan.Pair]plan.Observation{}
	for _, target := range p.input.Targets {
		row := v1alpha1.MemberGrant{Connection: target.Connection, OrganizationID: target.OrganizationID, KisiGroupID: target.KisiGroupID}
		if err := r.observeIn(ctx, p, row, target.Ownership != plan.OwnsLedger); err != nil {
			return err
		}
	}
	for _, row := range p.input.Ledger.Grants {
		if err := r.observeIn(ctx, p, row, false); err != nil {
			return err
		}
		if row.State != v1alpha1.GrantCovered && row.State != v1alpha1.GrantBlocked {
			continue
		}
		observation, known := p.input.Observed[plan.PairOf(row)]
		if known && row.State == v1alpha1.GrantCovered {
			continue // the plan sees for itself
		}
		if known {
			if obstacles := p.obstacles(observation, row); obstacles != "" {
				r.Executor.Backoffs.BlockedBy(p.who, row, obstacles, p.input.Now, p.snapshot.ResyncInterval(row.OrganizationID))
			}
		}
		if r.Executor.Backoffs.RecheckDue(p.who, row, p.input.Now, known || p.input.DueSoon(row)) {
			p.input.Recheck = append(p.input.Recheck, row)
		}
	}
	return nil
}

// obstacles names the assignments of somebody else that may keep the row out of Kisi, with their bounds; empty if none
// overlaps it.
func (p *person) obstacles(observation plan.Observation, row v1alpha1.MemberGrant) string {
	overlaps := false
	var names strings.Builder
	ours := func(seen plan.ObservedRow) bool {
		return slices.ContainsFunc(p.input.Ledger.Grants, func(own v1alpha1.MemberGrant) bool {
			return own.OrganizationID == row.OrganizationID && own.RoleAssignmentID == seen.ID
		})
	}
	for _, seen := range observation.Foreign(p.input.Now, ours) {
		overlaps = overlaps || seen.Window.Overlaps(plan.RowWindow(row))
		fmt.Fprintf(&names, "%d/%d/%d ", seen.ID, seen.Window.From.Unix(), seen.Window.Until.Unix())
	}
	if !overlaps {
		return ""
	}
	return names.String()
}

// observeIn looks at the pair of a row, once. Where rows may be ours that no ledger has, the person is known by address
// too: nobody has had to make or find a user for them yet.
func (r *Reconciler) observeIn(ctx context.Context, p *person, row v1alpha1.MemberGrant, byAddress bool) error {
	pair := plan.PairOf(row)
	if _, looked := p.input.Observed[pair]; looked || pair.OrganizationID == 0 || pair.KisiGroupID == 0 {
		return nil
	}
	s := p.snapshot.SessionFor(row)
	if s == nil {
		return nil
	}
	observation := plan.Observation{UserID: userOf(p, row)}
	users := []int64{int64(observation.UserID)}
	if byAddress {
		others, _ := s.Mirror().UsersOf(int64(row.KisiGroupID), string(entitlement.Fold(p.member.Spec.Email)))
		if observation.UserID == 0 && p.input.Ledger.Account(row.OrganizationID) == nil && len(others) == 1 {
			observation.UserID = v1alpha1.KisiID(others[0])
		}
		users = append(users, others...)
	}
	slices.Sort(users)
	owner := s.Verdict().Identity.UserID
	for _, user := range slices.Compact(users) {
		if user == 0 {
			continue
		}
		rows, known := s.Mirror().Pair(int64(row.KisiGroupID), user)
		if !known {
			return nil
		}
		for _, seen := range rows {
			claim, err := r.claimOn(ctx, p, pair.OrganizationID, seen)
			if err != nil {
				return err
			}
			observation.Rows = append(observation.Rows, observedRow(seen, owner, claim))
			if user == int64(observation.UserID) && seen.Address == string(entitlement.Fold(p.member.Spec.Email)) {
				observation.Sound = s.Mirror().Sound(user)
			}
		}
	}
	if observation.UserID != 0 || len(observation.Rows) > 0 {
		p.input.Observed[pair] = observation
	}
	return nil
}

// claimOn says which ledgers have a row that Kisi holds. One that the person's own does not have may be taken into it, so it
// is looked for in all that was written until now: the row may be the answer to a request that another person's ledger takes
// down at this moment.
func (r *Reconciler) claimOn(ctx context.Context, p *person, organization v1alpha1.KisiID, seen mirror.Row) (tenant.Claim, error) {
	ledgers := tenant.Ledgers{Reader: r.Client}
	if slices.ContainsFunc(p.input.Ledger.Grants, func(own v1alpha1.MemberGrant) bool {
		return own.OrganizationID == organization && int64(own.RoleAssignmentID) == seen.ID
	}) {
		ledgers.Reader = tenant.Cached(r.Client)
	}
	return ledgers.Claim(ctx, p.member, organization, v1alpha1.KisiID(seen.UserID), v1alpha1.KisiID(seen.ID))
}

// adopting lists the KisiGroups in which the person has assignments that are ours though no ledger may have them.
func (r *Reconciler) adopting(p *person, ledger plan.Ledger) ([]v1alpha1.ObjectName, error) {
	var groups v1alpha1.KisiGroupList
	if err := p.snapshot.Objects.List(&groups, tenant.ByAdopting, "true"); err != nil {
		return nil, err
	}
	var names []v1alpha1.ObjectName
	for i := range groups.Items {
		name := v1alpha1.ObjectName(groups.Items[i].Name)
		target, err := p.snapshot.Target(name)
		if err != nil {
			return nil, err
		}
		s := p.snapshot.SessionFor(v1alpha1.MemberGrant{Connection: target.Connection, OrganizationID: target.OrganizationID})
		if s == nil || target.State != plan.TargetBound {
			continue
		}
		users, _ := s.Mirror().UsersOf(int64(target.KisiGroupID), string(entitlement.Fold(p.member.Spec.Email)))
		if account := ledger.Account(target.OrganizationID); account != nil {
			users = append(users, int64(account.UserID))
		}
		for _, user := range users {
			if rows, _ := s.Mirror().Pair(int64(target.KisiGroupID), user); len(rows) > 0 {
				names = append(names, name)
				break
			}
		}
	}
	return names, nil
}

func observedRow(seen mirror.Row, owner int64, claim tenant.Claim) plan.ObservedRow {
	return plan.ObservedRow{
		ID: v1alpha1.KisiID(seen.ID), UserID: v1alpha1.KisiID(seen.UserID),
		Window: entitlement.Window{From: seen.From, Until: seen.Until},
		Basic:  seen.Basic, Manager: seen.Manager, ByKeyOwner: owner != 0 && seen.CreatedBy == owner, Claimed: claim.Elsewhere, Shared: claim.Shared,
	}
}

// userOf is the person's user in the row's organization: that of the account, unless the address has changed since; 0 if
// there is none yet.
func userOf(p *person, row v1alpha1.MemberGrant) v1alpha1.KisiID {
	account := p.input.Ledger.Account(row.OrganizationID)
	if account == nil {
		return row.UserID
	}
	if account.Email != "" && entitlement.Fold(account.Email) != entitlement.Fold(p.member.Spec.Email) {
		return 0
	}
	return cmp.Or(account.UserID, row.UserID)
}
