package tenant

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// CountAssignments counts the role assignments of the rows that count; one that moves between two ledgers is in both.
func CountAssignments(rows []v1alpha1.MemberGrant, count func(v1alpha1.MemberGrant) bool) int {
	counted := map[v1alpha1.KisiID]bool{}
	for _, row := range rows {
		if count(row) {
			counted[row.RoleAssignmentID] = true
		}
	}
	return len(counted)
}

// Accounts lists what the ledgers of all Members, in all namespaces, say of a user.
func (l Ledgers) Accounts(ctx context.Context, organization, user v1alpha1.KisiID) ([]v1alpha1.MemberAccount, error) {
	var members v1alpha1.MemberList
	err := l.List(ctx, &members, client.MatchingFields{ByUser: UserIndex(organization, user)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("looking for the ledgers of user %d: %w", user, err)
	}
	var accounts []v1alpha1.MemberAccount
	for i := range members.Items {
		for _, account := range members.Items[i].Status.Accounts {
			if account.OrganizationID == organization && account.UserID == user {
				accounts = append(accounts, account)
			}
		}
	}
	return accounts, nil
}
