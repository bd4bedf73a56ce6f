package plan

import (
	"cmp"
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

const (
	// CreateUser makes the person's user in Kisi before any access needs it.
	CreateUser OperationKind = "CreateUser"
	// Rename brings the name of a user that this operator created up to date.
	Rename OperationKind = "Rename"
)

// Profile is what the person's users in Kisi should look like.
type Profile struct {
	Address access.Address
	// Name as Kisi shows it.
	Name v1alpha1.FullName
	// Active is set for the Member who stands for the address and has access at all.
	Active bool
}

// Users returns what is to do about the person's users in Kisi, apart from what granting does anyway. A connection that
// is not Ready, or whose mode keeps it from writing, has nothing done. create says which organizations want a user for
// every Active Member.
func Users(profile Profile, ledger Ledger, connections map[v1alpha1.KisiID]Connection, create func(v1alpha1.KisiID) bool) []Operation {
	var operations []Operation
	for organization, connection := range connections {
		if !connection.Ready || connection.Mode == v1alpha1.ModeObserve || connection.Mode == v1alpha1.ModePaused {
			continue
		}
		operation := Operation{Row: v1alpha1.MemberGrant{Connection: connection.Name, OrganizationID: organization}, Urgency: Change}
		account := ledger.Account(organization)
		known := account != nil && access.Fold(account.Email) == profile.Address
		switch {
		case known && account.Origin == v1alpha1.AccountCreated && account.Access == v1alpha1.AccountEnabled && account.FullName != profile.Name:
			operation.Kind = Rename
			operation.Row.UserID = account.UserID
		case !known && profile.Active && create(organization):
			operation.Kind = CreateUser
		default:
			continue
		}
		operations = append(operations, operation)
	}
	slices.SortFunc(operations, func(a, b Operation) int { return cmp.Compare(a.Row.OrganizationID, b.Row.OrganizationID) })
	return operations
}
