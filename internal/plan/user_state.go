package plan

import (
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// UserRules say what happens to the users of people, beside giving them rows.
type UserRules struct {
	// Always keeps a user for every Active Member.
	Always bool
	// OnUnused is for users created here of whom nothing is wanted any more.
	OnUnused v1alpha1.UnusedUserPolicy
	// Restore undoes by itself that an admin removed or suspended a user.
	Restore bool
}

// UserSeen is what a read of a person's user in Kisi has shown.
type UserSeen struct {
	// Enabled says that the user's access is on.
	Enabled bool
	// OffInDirectory says that the organization's directory has switched the user off, whatever Enabled says.
	OffInDirectory bool
	Address        entitlement.Address
}

// See brings an account up to date with what a read of its user has shown; nil: Kisi has no such user. ours says that
// some ledger has the intent to suspend the user. Whatever has no recorded intent of ours is an admin's decision. It
// reports whether the account stays: one that this operator deleted does not.
func See(account v1alpha1.MemberAccount, seen *UserSeen, ours bool) (v1alpha1.MemberAccount, bool) {
	if seen == nil {
		if account.Access == v1alpha1.AccountDeleting {
			return account, false
		}
		account.Access, account.SuspendedBy = v1alpha1.AccountRemovedInKisi, ""
		return account, true
	}
	account.EmailMatches = v1alpha1.AddressMatches
	if seen.Address != entitlement.Fold(account.Email) {
		account.EmailMatches = v1alpha1.AddressDiffers
	}
	if account.SuspendedBy = ""; seen.OffInDirectory {
		account.SuspendedBy = v1alpha1.SuspendedByDirectory
	}
	switch {
	case seen.Enabled && !seen.OffInDirectory:
		account.Access = v1alpha1.AccountEnabled
	case !seen.Enabled && (ours || Intended(account)): // to be undone when the directory lets the person in again
		account.Access = v1alpha1.AccountSuspendedByUs
	default:
		account.Access = v1alpha1.AccountSuspendedInKisi
	}
	return account, true
}

// Intended reports whether the account says that this operator has suspended its user, or was about to suspend or delete
// it.
func Intended(account v1alpha1.MemberAccount) bool {
	switch account.Access {
	case v1alpha1.AccountSuspending, v1alpha1.AccountSuspendedByUs, v1alpha1.AccountDeleting:
		return true
	}
	return false
}

// Differs reports whether a read of the account's user says something else than the account; nil: Kisi has no such user.
func Differs(account v1alpha1.MemberAccount, seen *UserSeen) bool {
	if seen == nil {
		return account.Access != v1alpha1.AccountRemovedInKisi && account.Access != v1alpha1.AccountDeleting
	}
	enabled := seen.Enabled && !seen.OffInDirectory
	return enabled != (account.Access == v1alpha1.AccountEnabled) || seen.OffInDirectory != (account.SuspendedBy == v1alpha1.SuspendedByDirectory)
}

// Withholds reports whether the decision of an admin, or of the organization's directory, keeps the account's person out.
func Withholds(account v1alpha1.MemberAccount) bool {
	return account.Access == v1alpha1.AccountSuspendedInKisi || account.Access == v1alpha1.AccountRemovedInKisi || account.SuspendedBy != ""
}

// undo takes back admins' decisions where that was asked for, once by reinstate or always by Restore: a suspended user is
// enabled before the next row if it was created here, and a removed one is made again. A directory's decisions stand.
func (p *planner) undo() {
	p.Ledger.Accounts = slices.Clone(p.Ledger.Accounts)
	for i := 0; i < len(p.Ledger.Accounts); i++ {
		account := &p.Ledger.Accounts[i]
		connection, connected := p.Connections[account.OrganizationID]
		restore := connected && connection.Users.Restore && connection.writes()
		switch {
		case !p.Reinstate && !restore || !p.current(*account) || account.SuspendedBy != "":
		case account.Access == v1alpha1.AccountSuspendedInKisi && account.Origin == v1alpha1.AccountCreated:
			account.Access = v1alpha1.AccountSuspendedByUs
		case account.Access == v1alpha1.AccountRemovedInKisi:
			p.doubtRows(account.OrganizationID, account.UserID)
			p.Ledger.Accounts = slices.Delete(p.Ledger.Accounts, i, i+1)
			i--
		}
	}
}

// doubtRows has the rows of a user who is gone looked for before anything builds on them.
func (p *planner) doubtRows(organization, user v1alpha1.KisiID) {
	p.Ledger.Grants = slices.Clone(p.Ledger.Grants)
	for i := range p.Ledger.Grants {
		row := &p.Ledger.Grants[i]
		if row.OrganizationID == organization && row.UserID == user && InKisi(*row) && row.State != v1alpha1.GrantRetained {
			row.State = v1alpha1.GrantRevoking
			row.Sources, row.SourceCount = nil, 0
		}
	}
}

// writes reports whether anything may be written to Kisi through the connection.
func (c Connection) writes() bool {
	return c.Ready && c.Mode != v1alpha1.ModeObserve && c.Mode != v1alpha1.ModePaused
}

// settleUser says what has to be done about the person's user before anything is granted in the organization; nil:
// nothing.
func (p *planner) settleUser(organization v1alpha1.KisiID) *Operation {
	account, connection := p.Ledger.Account(organization), p.Connections[organization]
	if account == nil || !connection.writes() || !p.current(*account) {
		return nil
	}
	operation := Operation{
		Row:     v1alpha1.MemberGrant{Connection: connection.Name, OrganizationID: organization, UserID: account.UserID},
		Urgency: Change,
	}
	switch {
	case p.Doubted[organization], (account.Access == v1alpha1.AccountDeleting || neverRead(*account)) && p.dueIn(organization):
		operation.Kind = CheckUser
	case (account.Access == v1alpha1.AccountSuspendedByUs || account.Access == v1alpha1.AccountSuspending) && account.SuspendedBy == "" && p.dueIn(organization):
		operation.Kind = EnableUser
	default:
		return nil
	}
	return &operation
}

// neverRead reports whether the account's user is known by assignments alone, which do not tell whether an admin has
// suspended the person.
func neverRead(account v1alpha1.MemberAccount) bool {
	return account.Origin == v1alpha1.AccountFound && account.Access == v1alpha1.AccountEnabled && account.EmailMatches == ""
}

// dueIn reports whether a window of the organization is to be in Kisi by now.
func (p *planner) dueIn(organization v1alpha1.KisiID) bool {
	for key, windows := range p.wanted {
		if key.OrganizationID == organization && slices.ContainsFunc(windows, func(w *wanted) bool { return p.due(p.Connections[organization], w) }) {
			return true
		}
	}
	return false
}

// heedSound takes what a list of users has shown of the person's user for a look at the user, where there was none yet.
func (p *planner) heedSound() {
	if !slices.ContainsFunc(p.Ledger.Accounts, neverRead) {
		return
	}
	accounts := slices.Clone(p.Ledger.Accounts)
	for i := range accounts {
		account := &accounts[i]
		if !neverRead(*account) || !p.current(*account) {
			continue
		}
		for key, observation := range p.Observed {
			if key.OrganizationID == account.OrganizationID && observation.Sound && observation.UserID == account.UserID {
				account.EmailMatches = v1alpha1.AddressMatches
			}
		}
	}
	p.Ledger.Accounts = accounts
}

// settleUsers finds out, before anything is granted, where the person's user comes first.
func (p *planner) settleUsers() {
	if p.Leaving {
		return
	}
	for organization := range p.Connections {
		if operation := p.settleUser(organization); operation != nil {
			p.userFirst[organization] = operation
		}
	}
}

// waitForUser holds a window back until the person's user is settled, which is as urgent.
func (p *planner) waitForUser(operation *Operation, w *wanted) {
	operation.Urgency = min(operation.Urgency, urgencyOf(w.Window, p.Now))
	p.lookAgainWhenUrgent(w.Window)
	p.plan.Unsettled++
}

// withhold records that a window is not given because of an admin's decision.
func (p *planner) withhold(connection Connection, key Pair, w *wanted) {
	p.plan.Withheld++
	if w.row != nil || !connection.writes() || len(p.plan.Ledger.Grants) >= maxGrants {
		return
	}
	row := p.newRow(connection, key, w)
	row.State = v1alpha1.GrantWithheld
	p.keep(row, true)
}

// wants reports where the person has a window now or later, and whether that can be told at all: what contradicts itself
// may yet want anything.
func (p *planner) wants() (organizations map[v1alpha1.KisiID]bool, unclear bool) {
	organizations = map[v1alpha1.KisiID]bool{}
	for key, windows := range p.wanted {
		organizations[key.OrganizationID] = organizations[key.OrganizationID] || len(windows) > 0
	}
	for _, target := range p.plan.Waiting {
		switch {
		case target.State == TargetMissing:
		case target.OrganizationID == 0:
			unclear = true
		default:
			organizations[target.OrganizationID] = true
		}
	}
	return organizations, unclear || len(p.Entitlements.Frozen) > 0
}
