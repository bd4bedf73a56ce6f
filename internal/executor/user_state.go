package executor

import (
	"context"
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// checkUser reads the person's user in the operation's organization and writes down how it stands. It reports whether
// rows may be made for the user: not where an admin removed or suspended it, nor where it could not be read, which puts
// the operation off. A person without an account has a user made with the next row.
func (e *execution) checkUser(ctx context.Context) (usable bool, err error) {
	organization := e.Operation.Row.OrganizationID
	account := e.Plan.Ledger.Account(organization)
	if account == nil {
		return true, nil
	}
	e.Session.Mirror().SettleUser(int64(account.UserID)) // before the read: what is heard of meanwhile is another doubt
	seen, stays, err := e.readUser(ctx, *account)
	if err != nil {
		e.Session.Mirror().DoubtUser(int64(account.UserID))
		return false, e.failed(err)
	}
	e.Observer.UserRead(*account)
	if !stays || seen.UserID != account.UserID || seen.Access == v1alpha1.AccountRemovedInKisi {
		e.Observer.UserGone(organization, account.UserID)
		// Of a user whom Kisi had anyway, and of whom nothing is wanted, nothing has to be remembered.
		stays = stays && (seen.UserID != account.UserID || !entitlement.IsImported(e.Member) || e.Plan.Wants(organization))
	}
	recorded := plan.LedgerOf(e.Member).Account(organization)
	if stays && recorded != nil && seen == *recorded {
		return usableAccount(seen), nil
	}
	known, adopted := account.UserID, recorded == nil
	err = e.record(ctx, func(ledger *plan.Ledger) {
		current := ledger.Account(organization)
		switch {
		case current == nil && adopted:
			if stays {
				ledger.SetAccount(seen)
			}
		case current == nil || current.UserID != known: // another user by now, of whom this says nothing
		case stays:
			*current = seen
		default:
			ledger.RemoveAccount(organization)
		}
	})
	if err == nil && stays && recorded != nil {
		e.foundUser(*recorded, seen)
	}
	return err == nil && stays && usableAccount(seen), err
}

// foundUser reports a user whom somebody has suspended or deleted since it was last looked at.
func (e *execution) foundUser(before, seen v1alpha1.MemberAccount) {
	if before.UserID != seen.UserID || plan.Withholds(before) || !plan.Withholds(seen) {
		return
	}
	kind := plan.UserSuspended
	if seen.Access == v1alpha1.AccountRemovedInKisi {
		kind = plan.UserRemoved
	}
	row := v1alpha1.MemberGrant{Connection: seen.Connection, OrganizationID: seen.OrganizationID, UserID: seen.UserID}
	e.Observer.Found(plan.Finding{Kind: kind, Row: row})
}

func usableAccount(account v1alpha1.MemberAccount) bool {
	return account.Access == v1alpha1.AccountEnabled
}

// readUser reads the account's user by id, and if there is none, looks for one that was made again under the same
// address. It returns the account as it is by now, and whether there still is one.
func (e *execution) readUser(ctx context.Context, account v1alpha1.MemberAccount) (v1alpha1.MemberAccount, bool, error) {
	ours, err := e.suspendedByUs(ctx, account)
	if err != nil {
		return account, false, err
	}
	user, err := e.kisi.User(ctx, int64(account.UserID))
	if err == nil {
		seen, stays := plan.See(account, SeenUser(e.Session, user), ours)
		return seen, stays, nil
	}
	if !kisi.IsNotFound(err) {
		return account, false, err
	}
	again, err := e.userOf(ctx, account.Email)
	if err != nil {
		return account, false, err
	}
	if again == nil {
		seen, stays := plan.See(account, nil, ours)
		return seen, stays, nil
	}
	return e.accountOf(again, account.Email), true, nil
}

// suspendedByUs reports whether the ledger of any Member, in any namespace, has the intent to suspend the user.
func (e *execution) suspendedByUs(ctx context.Context, account v1alpha1.MemberAccount) (bool, error) {
	all, err := e.Ledgers.Accounts(ctx, account.OrganizationID, account.UserID)
	return slices.ContainsFunc(all, func(other v1alpha1.MemberAccount) bool {
		return other.Origin == v1alpha1.AccountCreated && plan.Intended(other)
	}), err
}
