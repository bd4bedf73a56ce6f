package plan

import "github.com/kisi-operator/kisi-operator/api/v1alpha1"

// LedgerChanges is what differs in Kisi between two states of one ledger.
type LedgerChanges struct {
	// Made are rows that are in Kisi only after, and Gone those that were there only before.
	Made, Gone []v1alpha1.MemberGrant
	// Changed are rows, as they are after, that have other bounds.
	Changed []v1alpha1.MemberGrant
}

// Compare returns what differs in Kisi from one state of a ledger to another. What is only planned, or in doubt, does not count.
func Compare(before, after Ledger) (changes LedgerChanges) {
	for _, row := range after.Grants {
		i := inKisi(before, row)
		switch {
		case !InKisi(row):
		case i < 0:
			changes.Made = append(changes.Made, row)
		case RowWindow(before.Grants[i]) != RowWindow(row):
			changes.Changed = append(changes.Changed, row)
		}
	}
	for _, row := range before.Grants {
		if InKisi(row) && inKisi(after, row) < 0 {
			changes.Gone = append(changes.Gone, row)
		}
	}
	return changes
}

// inKisi returns the index of the row with the same role assignment, or -1.
func inKisi(l Ledger, row v1alpha1.MemberGrant) int {
	return l.find(row, func(known, row v1alpha1.MemberGrant) bool {
		return known.OrganizationID == row.OrganizationID && known.RoleAssignmentID == row.RoleAssignmentID
	})
}

// Decided lists the rows that a decision keeps as they are, or keeps out, and that no decision did before: those held by the
// revocation limit, withheld because of what was done in Kisi, or left there when their connection was let go.
func Decided(before, after Ledger) (rows []v1alpha1.MemberGrant) {
	for _, row := range after.Grants {
		switch row.State {
		case v1alpha1.GrantHeld, v1alpha1.GrantWithheld, v1alpha1.GrantRetained:
			if i := before.Find(row); i < 0 || before.Grants[i].State != row.State {
				rows = append(rows, row)
			}
		}
	}
	return rows
}
