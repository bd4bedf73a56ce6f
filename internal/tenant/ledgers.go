package tenant

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Ledgers are those of all Members, in all namespaces.
type Ledgers struct{ client.Reader }

// By lists the Members that an index leads to, without copying them.
func (l Ledgers) By(ctx context.Context, index, value string) ([]*v1alpha1.Member, error) {
	var members v1alpha1.MemberList
	if err := l.List(ctx, &members, client.MatchingFields{index: value}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Members by %s: %w", index, err)
	}
	return Pointers(members.Items), nil
}

// Accounts lists what the ledgers say of a user.
func (l Ledgers) Accounts(ctx context.Context, organization, user v1alpha1.KisiID) ([]v1alpha1.MemberAccount, error) {
	members, err := l.By(ctx, ByUser, UserIndex(organization, user))
	if err != nil {
		return nil, fmt.Errorf("looking for the ledgers of user %d: %w", user, err)
	}
	var accounts []v1alpha1.MemberAccount
	for _, member := range members {
		for _, account := range member.Status.Accounts {
			if account.OrganizationID == organization && account.UserID == user {
				accounts = append(accounts, account)
			}
		}
	}
	return accounts, nil
}

// GroupsBoundTo lists the KisiGroups of all namespaces that are bound to a group in Kisi, of whichever organization, without
// copying them.
func GroupsBoundTo(ctx context.Context, reader client.Reader, id v1alpha1.KisiID) ([]*v1alpha1.KisiGroup, error) {
	var groups v1alpha1.KisiGroupList
	if err := reader.List(ctx, &groups, client.MatchingFields{ByBinding: IDText(id)}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the groups bound to Kisi group %d: %w", id, err)
	}
	return Pointers(groups.Items), nil
}

// CountAssignments counts the role assignments of the rows that count; one that moves between two ledgers is in both.
func CountAssignments(rows []v1alpha1.MemberGrant, count func(v1alpha1.MemberGrant) bool) int {
	counted := sets.New[v1alpha1.KisiID]()
	for _, row := range rows {
		if count(row) {
			counted.Insert(row.RoleAssignmentID)
		}
	}
	return len(counted)
}
