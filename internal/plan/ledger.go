// Package plan compares, purely, what a person should have with what the ledger says the person has, and returns what
// to do about it, in order, and when to look again. Time is an argument; Kisi and Kubernetes are unknown here.
package plan

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Ledger is everything that the operator granted to one person: the accounts, logins and grants of Member.status.
type Ledger struct {
	Accounts []v1alpha1.MemberAccount
	Logins   []v1alpha1.MemberLogin
	Grants   []v1alpha1.MemberGrant
}

// LedgerOf copies the ledger out of a Member. Accounts under the Member's address come before those of an earlier one.
func LedgerOf(member *v1alpha1.Member) Ledger {
	status := member.Status.DeepCopy()
	address := entitlement.Fold(member.Spec.Email)
	slices.SortStableFunc(status.Accounts, func(a, b v1alpha1.MemberAccount) int {
		return under(b, address) - under(a, address)
	})
	return Ledger{Accounts: status.Accounts, Logins: status.Logins, Grants: status.Grants}
}

func under(account v1alpha1.MemberAccount, address entitlement.Address) int {
	if entitlement.Fold(account.Email) == address {
		return 1
	}
	return 0
}

// Empty reports whether the ledger has no rows and no logins. Accounts without rows hold nothing.
func (l Ledger) Empty() bool { return len(l.Grants)+len(l.Logins) == 0 }

// Guarded reports whether the ledger has anything in Kisi, or may have, that is to be taken back before it goes.
func (l Ledger) Guarded() bool {
	return len(l.Logins) > 0 || slices.ContainsFunc(l.Grants, func(row v1alpha1.MemberGrant) bool {
		return row.State != v1alpha1.GrantRetained && (InKisi(row) || inDoubt(row))
	})
}

// Account returns the person's account in the organization, or nil. Behind it there may be others, of the users whom the
// person had under earlier addresses: they stay as long as there is anything of theirs to hand over or to take back.
func (l Ledger) Account(organizationID v1alpha1.KisiID) *v1alpha1.MemberAccount {
	for i := range l.Accounts {
		if l.Accounts[i].OrganizationID == organizationID {
			return &l.Accounts[i]
		}
	}
	return nil
}

// AccountUnder returns the account in the organization that is under the address, or nil.
func (l Ledger) AccountUnder(organizationID v1alpha1.KisiID, address entitlement.Address) *v1alpha1.MemberAccount {
	for i := range l.Accounts {
		if l.Accounts[i].OrganizationID == organizationID && entitlement.Fold(l.Accounts[i].Email) == address {
			return &l.Accounts[i]
		}
	}
	return nil
}

// Counts reports whether the account is the person's in its organization, and not one of an earlier address behind it.
func (l Ledger) Counts(account v1alpha1.MemberAccount) bool {
	first := l.Account(account.OrganizationID)
	return first != nil && first.UserID == account.UserID
}

// SetAccount makes the account the person's in its organization. One of the same user or address is replaced; one of
// another address stays behind it.
func (l *Ledger) SetAccount(account v1alpha1.MemberAccount) {
	address := entitlement.Fold(account.Email)
	replaced := func(other v1alpha1.MemberAccount) bool {
		return other.OrganizationID == account.OrganizationID &&
			(other.UserID == account.UserID || other.Email == "" || entitlement.Fold(other.Email) == address)
	}
	first := l.Account(account.OrganizationID)
	if first != nil && replaced(*first) {
		*first = account
		known := false
		l.Accounts = slices.DeleteFunc(l.Accounts, func(other v1alpha1.MemberAccount) bool {
			again := known && replaced(other)
			known = known || replaced(other)
			return again
		})
		return
	}
	l.Accounts = slices.DeleteFunc(l.Accounts, replaced)
	i := slices.IndexFunc(l.Accounts, func(other v1alpha1.MemberAccount) bool { return other.OrganizationID == account.OrganizationID })
	if i < 0 {
		i = len(l.Accounts)
	}
	l.Accounts = slices.Insert(l.Accounts, i, account)
}

// RemoveAccount takes the person's account in the organization out.
func (l *Ledger) RemoveAccount(organizationID v1alpha1.KisiID) {
	if account := l.Account(organizationID); account != nil {
		l.removeUser(*account)
	}
}

// removeUser takes the account of the user out.
func (l *Ledger) removeUser(account v1alpha1.MemberAccount) {
	l.Accounts = slices.DeleteFunc(l.Accounts, func(other v1alpha1.MemberAccount) bool {
		return other.OrganizationID == account.OrganizationID && other.UserID == account.UserID
	})
}

// hasRowOf reports whether the ledger has a row of the account's user.
func (l Ledger) hasRowOf(account v1alpha1.MemberAccount) bool {
	return slices.ContainsFunc(l.Grants, func(row v1alpha1.MemberGrant) bool { return rowOf(row, account) })
}

// forgetFormer drops the accounts of earlier addresses of whose users nothing is left.
func (l *Ledger) forgetFormer() {
	l.Accounts = slices.DeleteFunc(slices.Clone(l.Accounts), func(account v1alpha1.MemberAccount) bool {
		return !l.Counts(account) && !l.hasRowOf(account)
	})
}

// Find returns the index of the row that is the same as the given one, or -1. A row of the same id goes before one that
// only has the same bounds.
func (l Ledger) Find(row v1alpha1.MemberGrant) int {
	if i := l.find(row, identical); i >= 0 {
		return i
	}
	return l.find(row, SameRow)
}

func (l Ledger) find(row v1alpha1.MemberGrant, same func(a, b v1alpha1.MemberGrant) bool) int {
	return slices.IndexFunc(l.Grants, func(known v1alpha1.MemberGrant) bool { return same(known, row) })
}

// Put adds the row, or replaces the one that is the same. A row that is not in Kisi never replaces one that is: that one
// would be lost.
func (l *Ledger) Put(row v1alpha1.MemberGrant) {
	i := l.find(row, identical)
	if i < 0 && InKisi(row) {
		i = l.Find(row)
	}
	if i < 0 {
		l.Grants = append(l.Grants, row)
		return
	}
	l.Grants[i] = row
}

// Remove takes exactly the row out: not one of another id, nor one in Kisi for one that is not.
func (l *Ledger) Remove(row v1alpha1.MemberGrant) {
	if i := l.find(row, identical); i >= 0 {
		l.Grants = append(l.Grants[:i:i], l.Grants[i+1:]...)
	}
}

// Changing records that Kisi is about to be asked to give the row of the same id the bounds of this one. It reports
// whether there is such a row.
func (l *Ledger) Changing(row v1alpha1.MemberGrant) bool {
	i := l.find(row, identical)
	if i >= 0 {
		l.Grants[i].ChangingTo = &v1alpha1.GrantWindow{ValidFrom: row.ValidFrom, ValidUntil: row.ValidUntil}
	}
	return i >= 0
}

// Changed records which bounds Kisi has been seen to give the row.
func (l *Ledger) Changed(row v1alpha1.MemberGrant, bounds entitlement.Window) {
	if i := l.find(row, identical); i >= 0 {
		known := &l.Grants[i]
		known.ValidFrom, known.ValidUntil, known.ChangingTo = timeOf(bounds.From), timeOf(bounds.Until), nil
		known.State = v1alpha1.GrantActive // the plan says Scheduled where it opens later
	}
}

// Leaving records that the row is about to be taken away.
func (l *Ledger) Leaving(row v1alpha1.MemberGrant) {
	if i := l.find(row, identical); i >= 0 {
		l.Grants[i].State, l.Grants[i].Sources, l.Grants[i].SourceCount = v1alpha1.GrantRevoking, nil, 0
	}
}

// MadeRoomFor reports whether a row of ours that overlaps the given one was about to be taken away, or has been: the
// person may be locked out until the new one is there.
func (l Ledger) MadeRoomFor(row v1alpha1.MemberGrant) bool {
	return slices.ContainsFunc(l.Grants, func(old v1alpha1.MemberGrant) bool {
		return old.State == v1alpha1.GrantRevoking && PairOf(old) == PairOf(row) && mayGive(old).Overlaps(RowWindow(row))
	})
}

// SameRow reports whether two ledger rows speak of one role assignment: by id where both have one, else by organization,
// group, user as far as both name one, and bounds as they are written.
func SameRow(a, b v1alpha1.MemberGrant) bool {
	if a.OrganizationID != b.OrganizationID || a.KisiGroupID != b.KisiGroupID {
		return false
	}
	if a.RoleAssignmentID != 0 && b.RoleAssignmentID != 0 {
		return a.RoleAssignmentID == b.RoleAssignmentID
	}
	if a.UserID != 0 && b.UserID != 0 && a.UserID != b.UserID {
		return false
	}
	return sameInstant(a.ValidFrom, b.ValidFrom) && sameInstant(a.ValidUntil, b.ValidUntil)
}

// identical is SameRow without taking a row in Kisi for one that is not known to be there.
func identical(a, b v1alpha1.MemberGrant) bool {
	return SameRow(a, b) && InKisi(a) == InKisi(b)
}

func sameInstant(a, b *metav1.Time) bool {
	return entitlement.NewWindow(a, nil).From.Equal(entitlement.NewWindow(b, nil).From)
}

// InKisi reports whether the row is known to be a role assignment in Kisi.
func InKisi(row v1alpha1.MemberGrant) bool { return row.RoleAssignmentID != 0 }

// CountsAsGrant reports whether the row is one of the grants that a connection counts: in Kisi and the operator's, also while it
// is to be taken away.
func CountsAsGrant(row v1alpha1.MemberGrant) bool {
	switch row.State {
	case v1alpha1.GrantActive, v1alpha1.GrantScheduled, v1alpha1.GrantRevoking, v1alpha1.GrantHeld:
		return true
	}
	return false
}

// inDoubt reports whether it is not known whether the row is in Kisi, or with which bounds: it was asked for, or was to be
// changed or taken back, and no answer is recorded.
func inDoubt(row v1alpha1.MemberGrant) bool {
	if row.ChangingTo != nil {
		return true
	}
	switch row.State {
	case v1alpha1.GrantCovered, v1alpha1.GrantQueued, v1alpha1.GrantBlocked, v1alpha1.GrantWithheld:
		return false
	case v1alpha1.GrantRevoking:
		return true
	case v1alpha1.GrantRetained:
		return !InKisi(row) || row.SourceCount == 0 // it was to be taken back when its connection went
	}
	return !InKisi(row)
}

// Withholds reports whether somebody removed or suspended the person's user in the organization, which keeps rows from
// being made.
func (p Plan) Withholds(organization v1alpha1.KisiID) bool {
	account := p.Ledger.Account(organization)
	return account != nil && (account.Access == v1alpha1.AccountSuspendedInKisi || account.Access == v1alpha1.AccountRemovedInKisi)
}
