package controller

import (
	"cmp"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// observed gathers what Kisi is known to hold of the person, in every group that the plan is about.
func (r *MemberReconciler) observed(p *person, ledger plan.Ledger) (map[plan.Pair]plan.Observation, error) {
	observed := map[plan.Pair]plan.Observation{}
	look := func(row v1alpha1.MemberGrant) error {
		pair := plan.Pair{OrganizationID: row.OrganizationID, KisiGroupID: row.KisiGroupID}
		if _, looked := observed[pair]; looked || pair.OrganizationID == 0 || pair.KisiGroupID == 0 {
			return nil
		}
		observation, known, err := r.observedIn(p, ledger, row)
		if known {
			observed[pair] = observation
		}
		return err
	}
	for _, target := range p.input.Targets {
		if err := look(v1alpha1.MemberGrant{Connection: target.Connection, OrganizationID: target.OrganizationID, KisiGroupID: target.KisiGroupID}); err != nil {
			return nil, err
		}
	}
	for _, row := range ledger.Grants {
		if err := look(row); err != nil {
			return nil, err
		}
	}
	return observed, nil
}

// observedIn is what Kisi is known to hold of the person in the pair of a row.
func (r *MemberReconciler) observedIn(p *person, ledger plan.Ledger, row v1alpha1.MemberGrant) (plan.Observation, bool, error) {
	observation := plan.Observation{UserID: userOf(p, ledger, row)}
	s := p.landscape.sessionFor(row)
	if s == nil || observation.UserID == 0 {
		return observation, false, nil
	}
	rows, known := s.Mirror().Pair(int64(row.KisiGroupID), int64(observation.UserID))
	if !known {
		return observation, false, nil
	}
	owner := s.Verdict().Identity.UserID
	for _, seen := range rows {
		claimed, err := r.claimedElsewhere(p, row.OrganizationID, v1alpha1.KisiID(seen.ID))
		if err != nil {
			return observation, false, err
		}
		observation.Rows = append(observation.Rows, observedRow(seen, owner, claimed))
	}
	return observation, true, nil
}

func observedRow(seen mirror.Row, owner int64, claimed bool) plan.ObservedRow {
	return plan.ObservedRow{
		ID: v1alpha1.KisiID(seen.ID), UserID: v1alpha1.KisiID(seen.UserID),
		Window: access.Window{From: seen.From, Until: seen.Until},
		Basic:  seen.Basic, ByKeyOwner: owner != 0 && seen.CreatedBy == owner, Claimed: claimed,
	}
}

// userOf is the person's user in the row's organization: that of the account, unless the address has changed since; 0 if
// there is none yet.
func userOf(p *person, ledger plan.Ledger, row v1alpha1.MemberGrant) v1alpha1.KisiID {
	account := ledger.Account(row.OrganizationID)
	if account == nil {
		return row.UserID
	}
	if account.Email != "" && access.Fold(account.Email) != access.Fold(p.member.Spec.Email) {
		return 0
	}
	return cmp.Or(account.UserID, row.UserID)
}

// claimedElsewhere reports whether the ledger of another Member has the role assignment.
func (r *MemberReconciler) claimedElsewhere(p *person, organizationID, assignmentID v1alpha1.KisiID) (bool, error) {
	var members v1alpha1.MemberList
	err := r.List(p.landscape.in.ctx, &members, client.MatchingFields{byAssignment: assignmentIndex(organizationID, assignmentID)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return false, fmt.Errorf("looking for the ledger of role assignment %d: %w", assignmentID, err)
	}
	for i := range members.Items {
		if members.Items[i].UID != p.member.UID {
			return true, nil
		}
	}
	return false, nil
}
