package tenant

import (
	"context"
	"fmt"
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Claim says which ledgers have a role assignment, as one Member sees it.
type Claim struct {
	Own       bool // the Member's
	Elsewhere bool // another Member's
	// Shared says that all the others are those of people who have the same Kisi user by now, so that the row does not move to
	// this one, as it does between the Members of one address, or with an address.
	Shared bool
}

// Any reports whether some ledger has it.
func (c Claim) Any() bool { return c.Own || c.Elsewhere }

// Claim finds the ledgers that have a role assignment of the user.
func (l Ledgers) Claim(ctx context.Context, member *v1alpha1.Member, organizationID, userID, assignmentID v1alpha1.KisiID) (Claim, error) {
	members, err := l.By(ctx, ByAssignment, AssignmentIndex(organizationID, assignmentID))
	if err != nil {
		return Claim{}, fmt.Errorf("looking for the ledger of role assignment %d: %w", assignmentID, err)
	}
	found := Claim{Shared: true}
	for _, other := range members {
		if other.UID == member.UID {
			found.Own = true
		} else {
			found.Elsewhere = true
			found.Shared = found.Shared && PersonOf(other) != PersonOf(member) && hasUser(other, organizationID, userID)
		}
	}
	found.Shared = found.Shared && found.Elsewhere && !found.Own
	return found, nil
}

// hasUser reports whether the user is the Member's under the address that it has by now.
func hasUser(member *v1alpha1.Member, organizationID, userID v1alpha1.KisiID) bool {
	return slices.ContainsFunc(member.Status.Accounts, func(account v1alpha1.MemberAccount) bool {
		return account.OrganizationID == organizationID && account.UserID == userID && entitlement.Fold(account.Email) == entitlement.Fold(member.Spec.Email)
	})
}

// PersonOf names the person whom a Member is about; every Member of one address has the same.
func PersonOf(member *v1alpha1.Member) string {
	return PersonAt(member.Namespace, entitlement.Fold(member.Spec.Email))
}

// PersonAt names the person of an address in a namespace.
func PersonAt(namespace string, address entitlement.Address) string {
	return namespace + "/" + entitlement.ImplicitName(address)
}
