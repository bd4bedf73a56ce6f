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

// doubtUsers reads the users of a filter and doubts those of the expected ones of whom the ledgers say something else. The
// list decides nothing by itself: whether a group's shows exactly those who have a row is not documented, so whoever is
// doubted is read alone before anything is done. It reports whether the list was read.
func (r *Reconciler) doubtUsers(ctx context.Context, kisiClient *kisi.Client, s *session.Session, filter kisi.UserFilter, expected []int64) (read bool) {
	if len(expected) == 0 {
		return true
	}
	listing, err := kisiClient.ListUsers(ctx, filter)
	if err != nil || !listing.Complete() {
		s.Report(err)
		return kisi.IsForbidden(err) // each change by itself is told by an event
	}
	listed := map[int64]*kisi.User{}
	for i := range listing.Items {
		listed[listing.Items[i].ID] = &listing.Items[i]
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
	all, err := tenant.Ledgers{Reader: r}.Accounts(ctx, v1alpha1.KisiID(s.Verdict().Identity.OrganizationID), v1alpha1.KisiID(id))
	return slices.ContainsFunc(all, func(account v1alpha1.MemberAccount) bool { return accountDiffers(s, account, listed) }), err
}

func accountDiffers(s *session.Session, account v1alpha1.MemberAccount, listed *kisi.User) bool {
	if listed == nil {
		return true
	}
	seen := executor.SeenUser(s, listed)
	addressMatches := seen.Address == entitlement.Fold(account.Email)
	return plan.Differs(account, seen) || addressMatches == (account.EmailMatches == v1alpha1.AddressDiffers)
}
