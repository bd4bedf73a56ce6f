package plan

import (
	"maps"
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

const (
	// CheckUser reads the person's user before anything is granted in the organization.
	CheckUser OperationKind = "CheckUser"
	// EnableUser ends a suspension of ours, before anything is granted in the organization.
	EnableUser OperationKind = "EnableUser"
	// CreateUser makes the person's user in Kisi before any access needs it.
	CreateUser OperationKind = "CreateUser"
	// Rename brings the name of a user that this operator created up to date.
	Rename OperationKind = "Rename"
	// SuspendUser switches off a user created here of whom nothing is wanted any more.
	SuspendUser OperationKind = "SuspendUser"
	// DeleteUser deletes a user created here of whom nothing is wanted any more.
	DeleteUser OperationKind = "DeleteUser"
)

// Profile is what the person's users in Kisi should look like.
type Profile struct {
	Address entitlement.Address
	// Name as Kisi shows it.
	Name v1alpha1.FullName
	// Active is set for the Member who stands for the address and has access at all.
	Active bool
}

// Users returns what is to be done about the person's users in Kisi, apart from what granting does anyway. A connection
// that is not Ready, or whose mode keeps it from writing, has nothing done. wantedElsewhere says whether another Member,
// of any namespace, has something of the account's user.
func (p Plan) Users(profile Profile, connections map[v1alpha1.KisiID]Connection, wantedElsewhere func(v1alpha1.MemberAccount) bool) []Operation {
	var operations []Operation
	for _, organization := range slices.Sorted(maps.Keys(connections)) {
		connection := connections[organization]
		if !connection.writes() || p.settles(organization) {
			continue
		}
		operation := Operation{Row: v1alpha1.MemberGrant{Connection: connection.Name, OrganizationID: organization}, Urgency: Change}
		account := p.Ledger.Account(organization)
		if account != nil && entitlement.Fold(account.Email) == profile.Address {
			operation.Row.UserID = account.UserID
			operation.Kind = p.aboutUser(profile, *account, connection, wantedElsewhere)
		} else if profile.Active && connection.Users.Always {
			operation.Kind = CreateUser
		}
		switch operation.Kind {
		case "":
			continue
		case SuspendUser, DeleteUser:
			operation.Urgency = Sweep
		}
		operations = append(operations, operation)
	}
	return operations
}

// settles reports whether the plan reads or enables the person's user in the organization anyway.
func (p Plan) settles(organization v1alpha1.KisiID) bool {
	return slices.ContainsFunc(p.Operations, func(o Operation) bool {
		return o.Row.OrganizationID == organization && (o.Kind == CheckUser || o.Kind == EnableUser)
	})
}

// aboutUser says what is to be done about a user whom the person has; empty: nothing.
func (p Plan) aboutUser(profile Profile, account v1alpha1.MemberAccount, connection Connection, wantedElsewhere func(v1alpha1.MemberAccount) bool) OperationKind {
	needed := p.needs(profile, account.OrganizationID, connection)
	suspended := (account.Access == v1alpha1.AccountSuspendedByUs || account.Access == v1alpha1.AccountSuspending) && account.SuspendedBy == ""
	switch {
	case account.Origin == v1alpha1.AccountCreated && account.Access == v1alpha1.AccountEnabled && account.FullName != profile.Name && profile.Name != "":
		return Rename
	case suspended && (profile.Active && connection.Users.Always || wantedElsewhere(account)):
		return EnableUser
	case needed || !connection.Users.disposes(account):
		if account.Access == v1alpha1.AccountDeleting || account.Access == v1alpha1.AccountSuspending && !p.wants[account.OrganizationID] {
			return CheckUser // the intent has no reason any more; what became of it is found out
		}
		return ""
	case connection.Mode != v1alpha1.ModeEnforce || wantedElsewhere(account):
		return ""
	case connection.Users.OnUnused == v1alpha1.UnusedUsersDelete:
		return DeleteUser
	}
	return SuspendUser
}

// Wants reports whether the person has, or may yet have, a window in the organization, now or later.
func (p Plan) Wants(organization v1alpha1.KisiID) bool { return p.unclear || p.wants[organization] }

// needs reports whether the person's user has, or may yet have, something to open, or is to be kept in any case.
func (p Plan) needs(profile Profile, organization v1alpha1.KisiID, connection Connection) bool {
	return p.Wants(organization) || profile.Active && connection.Users.Always ||
		slices.ContainsFunc(p.Ledger.Grants, func(row v1alpha1.MemberGrant) bool { return row.OrganizationID == organization })
}

// disposes reports whether a user of whom nothing is wanted is to be dealt with, as far as the account tells. Only users
// that this operator created ever are.
func (r UserRules) disposes(account v1alpha1.MemberAccount) bool {
	if account.Origin != v1alpha1.AccountCreated {
		return false
	}
	switch r.OnUnused {
	case v1alpha1.UnusedUsersSuspend:
		return account.Access == v1alpha1.AccountEnabled || account.Access == v1alpha1.AccountSuspending
	case v1alpha1.UnusedUsersDelete:
		return account.Access == v1alpha1.AccountEnabled || Intended(account)
	}
	return false
}

// Remembered reports whether the account must not be forgotten though nothing is wanted of its user: because something is
// still to be done about it, or because only the ledger tells what this operator did from what an admin did. decisions
// says whether admins' decisions are remembered too.
func Remembered(account v1alpha1.MemberAccount, connections map[v1alpha1.KisiID]Connection, decisions bool) bool {
	connection, connected := connections[account.OrganizationID]
	return connected && (Intended(account) || connection.Users.disposes(account) || decisions && Withholds(account))
}
