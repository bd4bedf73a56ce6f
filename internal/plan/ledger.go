// Package plan compares, purely, what a person should have with what the ledger says the person has, and returns what
// to do about it, in order, and when to look again. Time is an argument; Kisi and Kubernetes are unknown here.
package plan

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

// Ledger is everything that the operator granted to one person: the accounts, logins and grants of Member.status.
type Ledger struct {
	Accounts []v1alpha1.MemberAccount
	Logins   []v1alpha1.MemberLogin
	Grants   []v1alpha1.MemberGrant
}

// LedgerOf copies the ledger out of a Member.
func LedgerOf(member *v1alpha1.Member) Ledger {
	status := member.Status.DeepCopy()
	return Ledger{Accounts: status.Accounts, Logins: status.Logins, Grants: status.Grants}
}

// Empty reports whether the ledger has no rows and no logins. Accounts without rows hold nothing.
func (l Ledger) Empty() bool { return len(l.Grants)+len(l.Logins) == 0 }

// Account returns the person's account in the organization, or nil.
func (l Ledger) Account(organizationID v1alpha1.KisiID) *v1alpha1.MemberAccount {
	for i := range l.Accounts {
		if l.Accounts[i].OrganizationID == organizationID {
			return &l.Accounts[i]
		}
	}
	return nil
}

// SetAccount adds or replaces the person's account in its organization.
func (l *Ledger) SetAccount(account v1alpha1.MemberAccount) {
	if known := l.Account(account.OrganizationID); known != nil {
		*known = account
		return
	}
	l.Accounts = append(l.Accounts, account)
}

// RemoveAccount takes the person's account in the organization out.
func (l *Ledger) RemoveAccount(organizationID v1alpha1.KisiID) {
	l.Accounts = slices.DeleteFunc(l.Accounts, func(account v1alpha1.MemberAccount) bool { return account.OrganizationID == organizationID })
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

// SameRow reports whether two ledger rows speak of one role assignment: by id where both have one, else by organization,
// group and bounds as they are written.
func SameRow(a, b v1alpha1.MemberGrant) bool {
	if a.OrganizationID != b.OrganizationID || a.KisiGroupID != b.KisiGroupID {
		return false
	}
	if a.RoleAssignmentID != 0 && b.RoleAssignmentID != 0 {
		return a.RoleAssignmentID == b.RoleAssignmentID
	}
	return sameInstant(a.ValidFrom, b.ValidFrom) && sameInstant(a.ValidUntil, b.ValidUntil)
}

// identical is SameRow without taking a row in Kisi for one that is not known to be there.
func identical(a, b v1alpha1.MemberGrant) bool {
	return SameRow(a, b) && InKisi(a) == InKisi(b)
}

func sameInstant(a, b *metav1.Time) bool {
	return access.NewWindow(a, nil).From.Equal(access.NewWindow(b, nil).From)
}

// RowWindow is the window of a row.
func RowWindow(row v1alpha1.MemberGrant) access.Window {
	return access.NewWindow(row.ValidFrom, row.ValidUntil)
}

// SameBounds reports whether a row of one window serves for the other: their ends are equal, and their starts are equal
// or both past.
func SameBounds(a, b access.Window, now time.Time) bool {
	starts := a.From.Equal(b.From) || (a.Opened(now) && b.Opened(now))
	return starts && a.Until.Equal(b.Until)
}

// InKisi reports whether the row is known to be a role assignment in Kisi.
func InKisi(row v1alpha1.MemberGrant) bool { return row.RoleAssignmentID != 0 }

// Withholds reports whether somebody removed or suspended the person's user in the organization, which keeps rows from
// being made.
func (p Plan) Withholds(organization v1alpha1.KisiID) bool {
	account := p.Ledger.Account(organization)
	return account != nil && (account.Access == v1alpha1.AccountSuspendedInKisi || account.Access == v1alpha1.AccountRemovedInKisi)
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
