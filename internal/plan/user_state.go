package plan

import (
	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

// UserSeen is what a read of a person's user in Kisi has shown.
type UserSeen struct {
	// Enabled says that the user's access is on.
	Enabled bool
	Address access.Address
}

// See brings an account up to date with what a read of its user has shown; nil: Kisi has no such user. ours says that
// some ledger has the intent to suspend the user. Whatever has no recorded intent of ours is an admin's decision. It
// reports whether the account stays: one that this operator deleted does not.
func See(account v1alpha1.MemberAccount, seen *UserSeen, ours bool) (v1alpha1.MemberAccount, bool) {
	if seen == nil {
		if account.Access == v1alpha1.AccountRemovedByUs {
			return account, false
		}
		account.Access = v1alpha1.AccountRemovedInKisi
		return account, true
	}
	account.EmailMatches = v1alpha1.AddressMatches
	if seen.Address != access.Fold(account.Email) {
		account.EmailMatches = v1alpha1.AddressDiffers
	}
	switch {
	case seen.Enabled:
		account.Access = v1alpha1.AccountEnabled
	case account.Access == v1alpha1.AccountRemovedByUs && account.Origin == v1alpha1.AccountCreated, ours:
		account.Access = v1alpha1.AccountSuspendedByUs
	case account.Access != v1alpha1.AccountSuspendedByUs:
		account.Access = v1alpha1.AccountSuspendedInKisi
	}
	return account, true
}
