package executor

import (
	"context"
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// verify looks whether what the ledger says of a row still holds. That the last look at everything did not show a row is
// no proof: it may be younger than that look, or made by a process before this one.
func (e *execution) verify(ctx context.Context) error {
	row := e.Operation.Row
	if !plan.InKisi(row) {
		return e.verifyObstacle(ctx, row)
	}
	if e.Session.Mirror().Gone(int64(row.RoleAssignmentID)) {
		return e.vanished(ctx, row) // to ask once more would cost a request and say the same
	}
	found, err := e.read(ctx, row)
	switch {
	case err == nil:
		e.Session.Mirror().Confirm(MirrorRow(*found))
		if found.RoleID == kisi.RoleGroupManager && row.SourceCount == 0 {
			// Somebody made a manager of the person. That is theirs to take back.
			return e.record(ctx, func(ledger *plan.Ledger) { ledger.Remove(row) })
		}
		return nil // the plan looks again
	case !kisi.IsNotFound(err):
		return e.failed(err)
	}
	e.Session.Mirror().Remove(int64(row.KisiGroupID), int64(row.RoleAssignmentID))
	return e.vanished(ctx, row)
}

// vanished deals with a row that somebody took away in Kisi. It is put back if it is wanted and the person's user is there
// and enabled; otherwise to let the person in would undo what an administrator decided.
func (e *execution) vanished(ctx context.Context, row v1alpha1.MemberGrant) error {
	leave := func(ledger *plan.Ledger) { ledger.Remove(row) }
	if row.SourceCount == 0 || e.Plan.Withholds(row.OrganizationID) {
		return e.record(ctx, leave)
	}
	if usable, err := e.checkUser(ctx); !usable || err != nil {
		return err
	}
	ledger := plan.Ledger{Accounts: e.Plan.Ledger.Accounts, Grants: slices.Clone(e.Plan.Ledger.Grants)}
	leave(&ledger)
	if err := e.decide(ctx, ledger); err != nil {
		return err
	}
	for _, operation := range e.Plan.Operations {
		if operation.Kind == plan.Grant && plan.PairOf(operation.Row) == plan.PairOf(row) && plan.RowWindow(operation.Row).Overlaps(plan.RowWindow(row)) {
			e.Operation = operation
			e.Operation.Repairs = true
			if err := e.grant(ctx); err != nil {
				return err
			}
			e.found(row)
			return nil
		}
	}
	e.found(row)
	return e.record(ctx, leave)
}

// found reports a row that somebody took away in Kisi.
func (e *execution) found(row v1alpha1.MemberGrant) {
	e.Observer.Found(plan.Finding{Kind: plan.AssignmentRemoved, Row: row})
}

// verifyObstacle reads the person alone, to see whether somebody else's assignment still covers or blocks a window.
func (e *execution) verifyObstacle(ctx context.Context, row v1alpha1.MemberGrant) error {
	at := e.now()
	assignments, err := e.assignmentsOf(ctx, row.UserID)
	if err != nil {
		return e.failed(err)
	}
	found, err := e.inTheWay(ctx, assignments, row, at)
	if err != nil {
		return err
	}
	if found.state == row.State {
		e.Backoffs.RecheckAt(e.who, row, found.again)
		return nil
	}
	return e.record(ctx, func(ledger *plan.Ledger) {
		ledger.Remove(row)
		if found.state == "" {
			return // it is asked for at once
		}
		row.RoleAssignmentID, row.State = found.id, found.state
		ledger.Put(row)
	})
}

// stillNeeded reports whether an assignment is still to be made now that the person's user is known: one who was there
// before may have it already. Otherwise it records the user.
func (e *execution) stillNeeded(ctx context.Context, ledger plan.Ledger) (bool, error) {
	if err := e.decide(ctx, ledger); err != nil {
		return false, err
	}
	if slices.ContainsFunc(e.Plan.Operations, func(o plan.Operation) bool { return o.ID() == e.Operation.ID() }) {
		return true, nil
	}
	return false, e.intend(ctx, ledger)
}
