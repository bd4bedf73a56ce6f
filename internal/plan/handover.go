package plan

import (
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Take moves rows, logins and accounts of another Member of the same address to the one who stands for it. Only the
// receiver's ledger changes; the giver lets go with Release once the receiver's is written. While a row is in both, only
// the receiver may act, and does so when the giver has released it (HeldElsewhere). It reports whether anything was taken.
//
// A row in doubt is another row than one in Kisi with the same bounds: it may be a second assignment, which only a look
// at Kisi tells. An account under the address goes before one that the receiver has under an earlier address; one of an
// earlier address comes along with the rows of its user.
func Take(receiver *Ledger, giver Ledger, address entitlement.Address) bool {
	taken := false
	for _, row := range giver.Grants {
		taken = receiver.take(row) || taken
	}
	for _, login := range giver.Logins {
		if !receiver.HasLogin(login) {
			receiver.Logins = append(receiver.Logins, login)
			taken = true
		}
	}
	for _, account := range giver.Accounts {
		if receiver.hasAccount(account, address, giver.hasRowOf(account)) {
			continue
		}
		if receiver.Account(account.OrganizationID) == nil || entitlement.Fold(account.Email) == address {
			receiver.SetAccount(account)
		} else {
			receiver.Accounts = append(receiver.Accounts, account)
		}
		taken = true
	}
	return taken
}

// Release takes out of the giver's ledger what the receiver's has by now; an account after the rows of its user, so that it
// is known whose they are. It reports whether anything was released.
func Release(giver *Ledger, receiver Ledger, address entitlement.Address) bool {
	rows, accounts, logins := len(giver.Grants), len(giver.Accounts), len(giver.Logins)
	before := *giver
	giver.Grants = slices.DeleteFunc(slices.Clone(giver.Grants), receiver.carries)
	giver.Accounts = slices.DeleteFunc(slices.Clone(giver.Accounts), func(account v1alpha1.MemberAccount) bool {
		return receiver.hasAccount(account, address, before.hasRowOf(account)) && !giver.hasRowOf(account)
	})
	giver.Logins = slices.DeleteFunc(slices.Clone(giver.Logins), receiver.HasLogin)
	return len(giver.Grants) != rows || len(giver.Accounts) != accounts || len(giver.Logins) != logins
}

// TakeFormer moves accounts to whoever stands by now for the address under which another Member has them from before its
// own address was changed, and with each account the rows of its user that the receiver wants. The rest stays with the
// giver, who takes it back. A row may come later than its account: two who have each other's rows would wait for one
// another, since Kisi may refuse a second row of a user. As with Take only the receiver's ledger changes. It reports
// whether anything was taken.
func TakeFormer(receiver *Ledger, giver Ledger, address entitlement.Address, wants func(v1alpha1.MemberGrant) bool) bool {
	taken := false
	for _, account := range giver.Accounts {
		if entitlement.Fold(account.Email) != address {
			continue
		}
		switch own := receiver.AccountUnder(account.OrganizationID, address); {
		case own == nil:
			receiver.SetAccount(account) // before one of an earlier address, which goes to somebody else in its turn
			taken = true
		case own.UserID != account.UserID:
			continue // made again since
		}
		for _, row := range giver.Grants {
			if rowOf(row, account) && wants(row) {
				taken = receiver.take(row) || taken
			}
		}
	}
	return taken
}

// ReleaseFormer takes out of the giver's ledger what the receiver has taken with TakeFormer. An account stays as long as
// there are rows of its user, so that they are known for those of an earlier address. It reports whether anything was
// released.
func ReleaseFormer(giver *Ledger, receiver Ledger, address entitlement.Address) bool {
	released := false
	for _, account := range slices.Clone(giver.Accounts) {
		if entitlement.Fold(account.Email) != address || receiver.AccountUnder(account.OrganizationID, address) == nil {
			continue
		}
		before := len(giver.Grants)
		giver.Grants = slices.DeleteFunc(slices.Clone(giver.Grants), func(row v1alpha1.MemberGrant) bool {
			return rowOf(row, account) && receiver.carries(row)
		})
		released = released || len(giver.Grants) != before
		if !giver.hasRowOf(account) {
			giver.removeUser(account)
			released = true
		}
	}
	return released
}

// carries reports whether the ledger has the row of another one. A row that only waits stands for none that is in doubt:
// that one may be in Kisi, and would be in no ledger.
func (l Ledger) carries(row v1alpha1.MemberGrant) bool {
	return l.find(row, func(known, row v1alpha1.MemberGrant) bool {
		return identical(known, row) && (InKisi(row) || inDoubt(known) || !inDoubt(row))
	}) >= 0
}

// take adds the row of another ledger, unless it is there. One in doubt comes in the place of one that only waits.
func (l *Ledger) take(row v1alpha1.MemberGrant) bool {
	if l.carries(row) {
		return false
	}
	if !InKisi(row) {
		l.Remove(row)
	}
	l.Grants = append(l.Grants, row)
	return true
}

func rowOf(row v1alpha1.MemberGrant, account v1alpha1.MemberAccount) bool {
	return row.OrganizationID == account.OrganizationID && row.UserID == account.UserID
}

// hasAccount reports whether the ledger has the account, or another one in its organization that counts more. One of an
// earlier address is needed as long as there are rows of its user.
func (l Ledger) hasAccount(account v1alpha1.MemberAccount, address entitlement.Address, needed bool) bool {
	own := l.Account(account.OrganizationID)
	current := entitlement.Fold(account.Email) == address
	switch {
	case own == nil:
		return false
	case current:
		return own.Email == "" || entitlement.Fold(own.Email) == address
	case !needed:
		return true
	}
	return slices.ContainsFunc(l.Accounts, func(other v1alpha1.MemberAccount) bool {
		return other.OrganizationID == account.OrganizationID && other.UserID == account.UserID
	})
}

// HeldElsewhere reports whether another Member of the address has the operation's row in its ledger too. Then whoever
// acts waits for the other to release it: otherwise the row could come back, by a copy that does not know what has become
// of it meanwhile. A new row is nobody else's.
func HeldElsewhere(o Operation, others ...Ledger) bool {
	if o.Login != (v1alpha1.MemberLogin{}) {
		return slices.ContainsFunc(others, func(l Ledger) bool { return l.HasLogin(o.Login) })
	}
	rows := o.Instead
	if o.Kind != Grant && o.Kind != Replace {
		rows = append(slices.Clone(rows), o.Row)
	}
	return slices.ContainsFunc(rows, func(row v1alpha1.MemberGrant) bool {
		return slices.ContainsFunc(others, func(l Ledger) bool { return l.find(row, identical) >= 0 })
	})
}

// Revocable reports whether the row can be taken back now through its connection. What a Member that is being deleted
// cannot take back moves on, so that the deletion never hangs.
func Revocable(row v1alpha1.MemberGrant, connections map[v1alpha1.KisiID]Connection) bool {
	connection, connected := connections[row.OrganizationID]
	return connected && connection.Ready && connection.Mode == v1alpha1.ModeEnforce
}

// Wanted reports whether the row stays: because something asks for it, because its successor is not in Kisi yet, or
// because it may not be touched.
func (p Plan) Wanted(row v1alpha1.MemberGrant) bool {
	i := p.Ledger.find(row, identical)
	return i >= 0 && i < len(p.staying) && p.staying[i]
}
