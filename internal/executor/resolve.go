package executor

import (
	"context"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// resolve finds out by a complete read of the person whether a request whose answer was lost was carried out.
func (e *execution) resolve(ctx context.Context) error {
	row := e.Operation.Row
	if plan.InKisi(row) {
		return e.readBack(ctx, row, false)
	}
	assignments, err := e.assignmentsOf(ctx, row.UserID)
	if err != nil {
		return e.failed(err)
	}
	for _, a := range assignments {
		if a.AppliesToType != kisi.TypeGroup || a.AppliesToID != int64(row.KisiGroupID) || a.RoleID != kisi.RoleGroupBasic || !e.answers(a, row) {
			continue
		}
		if !AssignmentWindow(a).Equal(plan.RowWindow(row)) {
			continue
		}
		claim, err := e.claimOn(ctx, row, a)
		if err != nil {
			return err
		}
		if !claim.Any() {
			row.RoleAssignmentID = v1alpha1.KisiID(a.ID)
			e.Session.Mirror().Put(MirrorRow(a))
			return e.made(ctx, row, false)
		}
	}
	if e.onItsWay(row) {
		return nil
	}
	e.Backoffs.InVain(e.who, plan.Operation{Kind: plan.Grant, Row: row}, row, noAnswer)
	e.Backoffs.Settled(e.who, row)
	return e.record(ctx, func(ledger *plan.Ledger) { e.giveUp(ledger, row) })
}

// answers reports whether the role assignment was made with the key by which the row was asked for. It may be another
// person's than the one in use by now: then the row would pass for somebody else's, and never be taken back.
func (e *execution) answers(a kisi.RoleAssignment, row v1alpha1.MemberGrant) bool {
	if row.RequestedBy == 0 {
		return e.madeByUs(a)
	}
	return a.CreatedByID != nil && v1alpha1.KisiID(*a.CreatedByID) == row.RequestedBy
}

// noAnswer is what the status says of a request that was not carried out and had no usable answer.
const noAnswer = "Kisi gave no answer; trying again"

// inDoubt records that it is not known what became of a request about the row. One that was answered, however badly, is
// over: looking tells at once. One that was not may reach Kisi for as long as a request may take.
func (e *execution) inDoubt(row v1alpha1.MemberGrant, err error) {
	e.Session.Report(err)
	until := e.now()
	if !kisi.Answered(err) {
		until = until.Add(e.Session.RequestTimeout())
	}
	e.Backoffs.Doubt(e.who, e.Operation.ID(), row, until)
}

// onItsWay reports whether a request about the row may still reach Kisi: one of this process, of the one before, or of
// another that should not be there. The operation is then put off until it cannot.
func (e *execution) onItsWay(row v1alpha1.MemberGrant) bool {
	who := e.who
	certain := e.Backoffs.DoubtUntil(who, row)
	if certain.IsZero() {
		// Not a request of this process: whoever wrote the intent may just be sending it.
		certain = e.now().Add(e.Session.RequestTimeout())
		e.Backoffs.Doubt(who, e.Operation.ID(), row, certain)
	}
	if !certain.After(e.now()) {
		return false
	}
	e.Backoffs.Postponed(who, e.Operation.ID(), certain)
	return true
}
