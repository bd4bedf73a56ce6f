package executor

import (
	"context"

	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// enableUser ends a suspension of ours.
func (e *execution) enableUser(ctx context.Context) error {
	organization := e.Operation.Row.OrganizationID
	account := e.Plan.Ledger.Account(organization)
	if account == nil {
		return nil
	}
	if account.Access == v1alpha1.AccountSuspending && e.onItsWay(e.Operation.Row) {
		return nil // the request to suspend must not come after the one to enable
	}
	err := e.kisi.UpdateUser(ctx, int64(account.UserID), kisi.UserUpdate{AccessEnabled: ptr.To(true)})
	if kisi.IsNotFound(err) {
		_, err := e.checkUser(ctx)
		return err
	}
	if kisi.IsUnclear(err) { // looking tells at once whether it is done: until that is known the person gets nothing
		if usable, looked := e.checkUser(ctx); usable || looked != nil {
			return looked
		}
	}
	if err != nil {
		return e.failed(err)
	}
	e.wroteUser(account.UserID, mirror.Changed)
	e.Backoffs.Settled(e.who, e.Operation.Row)
	return e.access(ctx, *account, v1alpha1.AccountEnabled)
}

// access records whether the account's user may open doors.
func (e *execution) access(ctx context.Context, account v1alpha1.MemberAccount, value v1alpha1.AccountAccess) error {
	return e.record(ctx, func(ledger *plan.Ledger) {
		if current := ledger.Account(account.OrganizationID); current != nil && current.UserID == account.UserID {
			current.Access = value
		}
	})
}

// disposeOfUser suspends or deletes a user created here of whom nothing is wanted any more, unless Kisi holds anything for
// the user: intent, act, result.
func (e *execution) disposeOfUser(ctx context.Context) error {
	ledger := e.Plan.Ledger
	account := ledger.Account(e.Operation.Row.OrganizationID)
	if account == nil {
		return nil
	}
	before := *account
	holds, err := e.holdsAnything(ctx, account.UserID)
	if err != nil {
		return e.failed(err)
	}
	if holds {
		e.Backoffs.Postponed(e.who, e.Operation.ID(), e.now().Add(e.resync()))
		return nil
	}
	if account.Access = v1alpha1.AccountSuspending; e.Operation.Kind == plan.DeleteUser {
		account.Access = v1alpha1.AccountDeleting
	}
	if err := e.intend(ctx, ledger); err != nil {
		return err
	}
	act := mirror.Changed
	if e.Operation.Kind == plan.DeleteUser {
		act, err = mirror.Removed, e.kisi.DeleteUser(ctx, int64(before.UserID))
	} else {
		err = e.kisi.UpdateUser(ctx, int64(before.UserID), kisi.UserUpdate{AccessEnabled: ptr.To(false)})
	}
	if err == nil {
		e.wroteUser(before.UserID, act)
	}
	return e.disposed(ctx, before, err)
}

// disposed records what has become of the intent.
func (e *execution) disposed(ctx context.Context, before v1alpha1.MemberAccount, err error) error {
	switch {
	case e.Operation.Kind == plan.DeleteUser && (err == nil || kisi.IsNotFound(err)):
		return e.record(ctx, func(ledger *plan.Ledger) {
			if current := ledger.Account(before.OrganizationID); current != nil && current.UserID == before.UserID {
				ledger.RemoveAccount(before.OrganizationID)
			}
		})
	case err == nil:
		e.Backoffs.Settled(e.who, e.Operation.Row)
		return e.access(ctx, before, v1alpha1.AccountSuspendedByUs)
	case kisi.IsNotFound(err):
		_, err := e.checkUser(ctx)
		return err
	case kisi.OutcomeUnknown(err):
		// The intent stays: it is carried out again, or found out if the person comes back first.
		e.inDoubt(e.Operation.Row, err)
		return e.failed(err)
	}
	if err := e.access(ctx, before, before.Access); err != nil {
		return err
	}
	return e.failed(err)
}

// holdsAnything reads, completely, whether Kisi holds a role of any scope or a team membership for the user. The owners of
// the key and of the organization hold more than that: nothing works without them, and whether Kisi lists a role of an
// owner's is not documented.
func (e *execution) holdsAnything(ctx context.Context, userID v1alpha1.KisiID) (bool, error) {
	if userID == e.keyOwner() {
		return true, nil
	}
	organization, err := e.kisi.Organization(ctx)
	if err != nil || organization.OwnerID != nil && *organization.OwnerID == int64(userID) {
		return true, err
	}
	assignments, err := e.assignmentsOf(ctx, userID)
	if err != nil || len(assignments) > 0 {
		return true, err
	}
	memberships, err := e.kisi.ListTeamMemberships(ctx, kisi.TeamMembershipFilter{MemberType: kisi.TypeUser, MemberID: int64(userID)})
	if err != nil {
		return true, err
	}
	if !memberships.Complete() {
		return true, &failure.IncompleteListError{Doing: "reading the person's teams", Why: memberships.Incomplete}
	}
	return len(memberships.Items) > 0, nil
}
