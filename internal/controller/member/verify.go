package member

import (
	"context"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// verify looks whether what the ledger says of a row still holds. That the last look at everything did not show a row is
// no proof: it may be younger than that look, or made by a process before this one.
func (d doing) verify(ctx context.Context) error {
	row := d.operation.Row
	if !plan.InKisi(row) {
		return d.verifyObstacle(ctx, row)
	}
	found, err := d.read(ctx, row)
	switch {
	case err == nil:
		d.session.Mirror().Confirm(executor.MirrorRow(*found))
		if found.RoleID == kisi.RoleGroupManager && row.SourceCount == 0 {
			// Somebody made a manager of the person. That is theirs to take back.
			return d.record(ctx, func(ledger *plan.Ledger) { ledger.Remove(row) })
		}
		return nil // the plan looks again
	case !kisi.IsNotFound(err):
		return d.failed(err)
	}
	d.session.Mirror().Remove(int64(row.KisiGroupID), int64(row.RoleAssignmentID))
	return d.vanished(ctx, row)
}

// vanished deals with a row that somebody took away in Kisi. It is put back if it is wanted and the person's user is there
// and enabled; otherwise to let the person in would undo what an administrator decided.
func (d doing) vanished(ctx context.Context, row v1alpha1.MemberGrant) error {
	leave := func(ledger *plan.Ledger) { ledger.Remove(row) }
	if row.SourceCount == 0 || d.p.plan.Withholds(row.OrganizationID) {
		return d.record(ctx, leave)
	}
	if usable, err := d.checkUser(ctx); !usable || err != nil {
		return err
	}
	ledger := plan.Ledger{Accounts: d.p.plan.Ledger.Accounts, Grants: slices.Clone(d.p.plan.Ledger.Grants)}
	leave(&ledger)
	if err := d.r.replan(ctx, d.p, ledger); err != nil {
		return err
	}
	for _, operation := range d.p.plan.Operations {
		if operation.Kind == plan.Grant && pairOf(operation.Row) == pairOf(row) && plan.RowWindow(operation.Row).Overlaps(plan.RowWindow(row)) {
			d.operation = operation
			d.operation.Repairs = true
			if err := d.grant(ctx); err != nil {
				return err
			}
			d.found(row)
			return nil
		}
	}
	d.found(row)
	return d.record(ctx, leave)
}

// found reports a row that somebody took away in Kisi.
func (d doing) found(row v1alpha1.MemberGrant) {
	d.r.reportFindings(d.p, plan.Finding{Kind: plan.AssignmentRemoved, Row: row})
}

// verifyObstacle reads the person alone, to see whether somebody else's assignment still covers or blocks a window.
func (d doing) verifyObstacle(ctx context.Context, row v1alpha1.MemberGrant) error {
	at := time.Now()
	assignments, err := d.assignmentsOf(ctx, row.UserID)
	if err != nil {
		return d.failed(err)
	}
	found, err := d.inTheWay(ctx, assignments, row, at)
	if err != nil {
		return err
	}
	if found.state == row.State {
		d.r.setbacks.recheckAt(personOf(d.p.member), row, found.again)
		return nil
	}
	return d.record(ctx, func(ledger *plan.Ledger) {
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
func (d doing) stillNeeded(ctx context.Context, ledger plan.Ledger) (bool, error) {
	if err := d.r.replan(ctx, d.p, ledger); err != nil {
		return false, err
	}
	if slices.ContainsFunc(d.p.plan.Operations, func(o plan.Operation) bool { return o.ID() == d.operation.ID() }) {
		return true, nil
	}
	return false, d.r.write(ctx, d.p)
}
