package connection

import (
	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/tally"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// counts keeps, by namespace, what all ledgers there come to.
type counts struct{ tally.Kept[string, counted] }

// counted is something that a Member counts for.
type counted struct {
	what         countedKind
	organization v1alpha1.KisiID     // of what is in the ledger
	group        v1alpha1.ObjectName // of what is held, or planned
}

type countedKind int

const (
	anAccount countedKind = iota
	aGrant
	aPendingGrant
	aPendingRevocation
	aHeldRevocation
	aPlannedGrant
	aPlannedChange
	aPlannedRevocation
)

// sharesOf are what a Member counts for; nil if there is none.
func sharesOf(member *v1alpha1.Member) map[counted]int32 {
	if member == nil {
		return nil
	}
	shares := map[counted]int32{}
	for _, account := range member.Status.Accounts {
		shares[counted{what: anAccount, organization: account.OrganizationID}]++
	}
	for _, row := range member.Status.Grants {
		if plan.CountsAsGrant(row) {
			shares[counted{what: aGrant, organization: row.OrganizationID}]++
		}
		switch row.State {
		case v1alpha1.GrantPending:
			shares[counted{what: aPendingGrant, organization: row.OrganizationID}]++
		case v1alpha1.GrantRevoking:
			shares[counted{what: aPendingRevocation, organization: row.OrganizationID}]++
		case v1alpha1.GrantHeld:
			shares[counted{what: aHeldRevocation, organization: row.OrganizationID, group: row.Group}]++
		}
	}
	addPlanned(shares, member)
	return shares
}

// of adds to the counts of a connection what the Members of its namespace count for; has tells its groups. It returns what
// the revocation limit holds.
func (c *counts) of(connection *v1alpha1.KisiConnection, has func(v1alpha1.ObjectName) bool, to *v1alpha1.ConnectionCounts) limit.HeldRows {
	held := limit.HeldRows{}
	c.At(connection.Namespace, func(sums map[counted]int32) { addTo(to, held, sums, connection, has) })
	return held
}

func addTo(counts *v1alpha1.ConnectionCounts, held limit.HeldRows, sums map[counted]int32, connection *v1alpha1.KisiConnection, has func(v1alpha1.ObjectName) bool) {
	for of, times := range sums {
		switch of.what {
		case aPlannedGrant, aPlannedChange, aPlannedRevocation:
			if has(of.group) {
				countPlanned(counts, of.what, connection.Spec.Mode, times)
			}
			continue
		}
		if of.organization != connection.Status.Organization.ID {
			continue
		}
		switch of.what {
		case anAccount:
			counts.Members += times
		case aGrant:
			counts.Grants += times
		case aPendingGrant:
			counts.PendingGrants += times
		case aPendingRevocation:
			counts.PendingRevocations += times
		case aHeldRevocation:
			counts.HeldRevocations += times
			held[of.group] += int(times)
		}
	}
}

// differing lists the organizations and the groups of what differs between two states of a Member.
func differing(before, after map[counted]int32) (organizations map[string]bool, groups map[v1alpha1.ObjectName]bool) {
	organizations, groups = map[string]bool{}, map[v1alpha1.ObjectName]bool{}
	for _, shares := range []map[counted]int32{before, after} {
		for of := range shares {
			switch {
			case before[of] == after[of]:
			case of.organization != 0:
				organizations[tenant.IDText(of.organization)] = true
			default:
				groups[of.group] = true
			}
		}
	}
	return organizations, groups
}
