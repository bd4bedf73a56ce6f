package group

import (
	"context"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// userList is what was read of some users.
type userList struct {
	asked     bool
	listing   kisi.Listing[kisi.User]
	forbidden bool // each change by itself is told by an event
}

func listUsers(ctx context.Context, kisiClient *kisi.Client, s *session.Session, filter kisi.UserFilter) userList {
	listing, err := kisiClient.ListUsers(ctx, filter)
	if err != nil || !listing.Complete() {
		s.Report(err)
	}
	return userList{asked: true, listing: listing, forbidden: kisi.IsForbidden(err)}
}

// listForAdopting reads the users of a group whose rows may be taken over, and notes those of them who are sound and in no
// ledger yet: to take over their rows needs no look at each of them.
func (r *Reconciler) listForAdopting(ctx context.Context, kisiClient *kisi.Client, s *session.Session, groupID int64, rows []mirror.Row) userList {
	reading := s.Mirror().BeginUsers(groupID)
	users := listUsers(ctx, kisiClient, s, kisi.UserFilter{GroupID: groupID})
	addresses := map[int64]string{}
	for _, row := range rows {
		addresses[row.UserID] = row.Address
	}
	var sound []int64
	for i := range users.listing.Items { // of whom it says so, whoever else may be missing
		user := &users.listing.Items[i]
		seen := executor.SeenUser(s, user)
		if !seen.Enabled || seen.OffInDirectory || seen.Address == "" || string(seen.Address) != addresses[user.ID] {
			continue
		}
		if known, err := r.accounts(ctx, s, user.ID); err == nil && len(known) == 0 {
			sound = append(sound, user.ID)
		}
	}
	reading.Finish(sound)
	return users
}

// doubtUsers doubts those of the expected users of whom the ledgers say something else than a list. The list decides nothing
// by itself: whether a group's shows exactly those who have a row is not documented, so whoever is doubted is read alone
// before anything is done. It reports whether the list was read.
func (r *Reconciler) doubtUsers(ctx context.Context, s *session.Session, users userList, expected []int64) (read bool) {
	if !users.listing.Complete() {
		return users.forbidden
	}
	listed := map[int64]*kisi.User{}
	for i := range users.listing.Items {
		listed[users.listing.Items[i].ID] = &users.listing.Items[i]
	}
	var change mirror.Change
	for _, id := range expected {
		differs, err := r.differsFromLedger(ctx, s, id, listed[id])
		if err != nil {
			enqueue.LogMapError(ctx, "the ledgers of a user", err)
			return false
		}
		if differs {
			s.Mirror().DoubtUser(id)
			change.Users = append(change.Users, id)
		}
	}
	s.Mirror().Report(change)
	return true
}

// usersOf lists the people who have a row that has not ended.
func usersOf(rows []mirror.Row, now time.Time) []int64 {
	seen := map[int64]bool{}
	var users []int64
	for _, row := range rows {
		if row.UserID != 0 && !seen[row.UserID] && (row.Until.IsZero() || row.Until.After(now)) {
			seen[row.UserID] = true
			users = append(users, row.UserID)
		}
	}
	return users
}

// differsFromLedger reports whether any ledger says something else of a user than a list does; nil: it does not show the
// user.
func (r *Reconciler) differsFromLedger(ctx context.Context, s *session.Session, id int64, listed *kisi.User) (bool, error) {
	all, err := r.accounts(ctx, s, id)
	return slices.ContainsFunc(all, func(account v1alpha1.MemberAccount) bool { return accountDiffers(s, account, listed) }), err
}

// accounts are what the ledgers say of a user.
func (r *Reconciler) accounts(ctx context.Context, s *session.Session, id int64) ([]v1alpha1.MemberAccount, error) {
	return tenant.Ledgers{Reader: tenant.Cached(r)}.Accounts(ctx, v1alpha1.KisiID(s.Verdict().Identity.OrganizationID), v1alpha1.KisiID(id))
}

func accountDiffers(s *session.Session, account v1alpha1.MemberAccount, listed *kisi.User) bool {
	if listed == nil {
		return true
	}
	seen := executor.SeenUser(s, listed)
	addressMatches := seen.Address == entitlement.Fold(account.Email)
	return plan.Differs(account, seen) || addressMatches == (account.EmailMatches == v1alpha1.AddressDiffers)
}
