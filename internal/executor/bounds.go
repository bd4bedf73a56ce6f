package executor

import (
	"context"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// slightly is how far Kisi may be off with the bounds of a row that is kept all the same, until there is a better one.
const slightly = time.Minute

// otherBounds deals with a row that Kisi seems to have made with other bounds than it was asked for. To ask again at once
// would go on for ever, so that waits. Until then a row that is only slightly off lets the person in; one that may give
// anything else, or is one more of the kind, goes again.
func (e *execution) otherBounds(ctx context.Context, row v1alpha1.MemberGrant, created *kisi.RoleAssignment, notified bool) error {
	asked := row
	row.RoleAssignmentID = v1alpha1.KisiID(created.ID)
	read, err := e.read(ctx, row) // the answer to the POST may only not say all
	if err != nil {
		e.Session.Report(err)
		read = created
	}
	has := AssignmentWindow(*read)
	if plan.SameBounds(has, plan.RowWindow(asked), e.now()) {
		e.Session.Mirror().Put(MirrorRow(*read))
		return e.made(ctx, row, notified)
	}
	row = withBounds(row, has)
	row.State, row.RequestedBy = v1alpha1.GrantActive, 0
	who, why := e.who, failure.Failure{Message: "Kisi makes the role assignment with other bounds than it is asked for; trying again"}
	kept := nearly(has, plan.RowWindow(asked), e.now()) && !e.hasLike(row)
	if kept {
		e.Backoffs.TroubledUntil(who, e.Operation.ID(), e.now().Add(e.resync()), why)
	} else {
		e.Backoffs.Troubled(who, e.Operation.ID(), why, 0)
		err := e.kisi.DeleteRoleAssignment(ctx, created.ID)
		kept = err != nil && !kisi.IsNotFound(err)
	}
	if kept {
		e.Session.Mirror().Put(MirrorRow(*read))
	} else {
		e.Session.Mirror().Remove(int64(row.KisiGroupID), created.ID)
	}
	e.Backoffs.Settled(who, asked)
	return e.record(ctx, func(ledger *plan.Ledger) {
		if kept {
			ledger.Remove(asked)
			ledger.Put(row)
		} else {
			e.giveUp(ledger, asked)
		}
		if account := ledger.Account(row.OrganizationID); account != nil && notified {
			account.Notified = v1alpha1.NotifiedYes
		}
	})
}

// hasLike reports whether the ledger has another row with the same bounds, which lets the person in just as well.
func (e *execution) hasLike(row v1alpha1.MemberGrant) bool {
	same := func(other v1alpha1.MemberGrant) bool {
		return plan.PairOf(other) == plan.PairOf(row) && plan.InKisi(other) && plan.RowWindow(other).Equal(plan.RowWindow(row)) &&
			!slices.ContainsFunc(e.gone, func(gone v1alpha1.MemberGrant) bool { return gone.RoleAssignmentID == other.RoleAssignmentID })
	}
	return slices.ContainsFunc(e.Plan.Ledger.Grants, same)
}

// nearly reports whether a window begins and ends about as the other one does.
func nearly(a, b entitlement.Window, now time.Time) bool {
	near := func(a, b time.Time) bool {
		return a.Equal(b) || !a.IsZero() && !b.IsZero() && a.Sub(b).Abs() <= slightly
	}
	return (near(a.From, b.From) || a.Opened(now) && b.Opened(now)) && near(a.Until, b.Until)
}
