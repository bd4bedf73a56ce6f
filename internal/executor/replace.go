package executor

import (
	"context"

	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// changeWindow gives a role assignment other bounds: intent, act, and a look at what Kisi has made of it.
func (e *execution) changeWindow(ctx context.Context) error {
	row := e.Operation.Row
	ledger := e.Plan.Ledger
	i := ledger.Find(row)
	if i < 0 || !ledger.Changing(row) {
		return nil // the row has gone meanwhile
	}
	before, wanted := plan.RowWindow(ledger.Grants[i]), plan.RowWindow(row)
	if err := e.intend(ctx, ledger); err != nil {
		return err
	}
	update := kisi.RoleAssignmentUpdate{Notify: ptr.To(false)}
	if !before.From.Equal(wanted.From) {
		update.ValidFrom = &wanted.From
	}
	if !before.Until.Equal(wanted.Until) {
		update.ValidUntil = &wanted.Until
	}
	err := e.kisi.UpdateRoleAssignment(ctx, int64(row.RoleAssignmentID), update)
	if kisi.IsInvalid(err) {
		if refusal := e.sameBounds(ctx, row, before, update); kisi.IsInvalid(refusal) {
			e.Session.Learn(session.Behaviour{WindowUpdate: session.No})
			return e.record(ctx, func(ledger *plan.Ledger) { ledger.Changed(row, before) })
		} else if kisi.OutcomeUnknown(refusal) {
			err = refusal
		}
	}
	switch {
	case err == nil, kisi.IsUnclear(err) && e.Backoffs.TimesInVain(e.who, row) >= unclearChanges-1:
		return e.readBack(ctx, row, true)
	case kisi.OutcomeUnknown(err):
		// The row keeps both bounds: which of them it has is found out by looking.
		e.inDoubt(row, err)
		return nil
	case kisi.IsNotFound(err):
		return e.lost(ctx, row)
	}
	if err := e.failed(err); err != nil {
		return err
	}
	return e.record(ctx, func(ledger *plan.Ledger) { ledger.Changed(row, before) })
}

// sameBounds tells Kisi the bounds that a row has already, after it has refused other ones. If it refuses them too it
// changes no window at all; otherwise it did not take the new one.
func (e *execution) sameBounds(ctx context.Context, row v1alpha1.MemberGrant, before entitlement.Window, update kisi.RoleAssignmentUpdate) error {
	if update.ValidFrom != nil {
		update.ValidFrom = &before.From
	}
	if update.ValidUntil != nil {
		update.ValidUntil = &before.Until
	}
	return e.kisi.UpdateRoleAssignment(ctx, int64(row.RoleAssignmentID), update)
}

// readBack writes down which bounds a row has. Kisi may answer a change as if it had made it, and not make it.
func (e *execution) readBack(ctx context.Context, row v1alpha1.MemberGrant, answered bool) error {
	read, err := e.read(ctx, row)
	switch {
	case kisi.IsNotFound(err):
		return e.lost(ctx, row)
	case err != nil:
		return e.failed(err)
	}
	has := AssignmentWindow(*read)
	asked := e.askedFor(row)
	made := asked != nil && *asked == has
	switch {
	case made && row.State != v1alpha1.GrantRevoking:
		e.Session.Learn(session.Behaviour{WindowUpdate: session.Yes})
	case answered:
		e.Session.Learn(session.Behaviour{WindowUpdate: session.No})
	case e.onItsWay(row):
		return nil
	case asked != nil && row.State != v1alpha1.GrantRevoking:
		e.Backoffs.InVain(e.who, plan.Operation{Kind: plan.Update, Row: withBounds(row, *asked)}, row, noAnswer)
	}
	if made {
		e.Backoffs.Succeeded(e.who, withBounds(row, *asked))
	}
	e.Session.Mirror().Put(MirrorRow(*read))
	e.Backoffs.Settled(e.who, row)
	return e.record(ctx, func(ledger *plan.Ledger) { ledger.Changed(row, has) })
}

// unclearChanges is how many changes of a window may be answered in a way that says nothing, and come to nothing, until another
// row is made in its place: the person waits for the new window.
const unclearChanges = 3

// withBounds is the row with other bounds.
func withBounds(row v1alpha1.MemberGrant, bounds entitlement.Window) v1alpha1.MemberGrant {
	written := bounds.API()
	row.ValidFrom, row.ValidUntil = written.From, written.Until
	return row
}

// askedFor returns the bounds to which the row is being changed; nil if it is not.
func (e *execution) askedFor(row v1alpha1.MemberGrant) *entitlement.Window {
	i := e.Plan.Ledger.Find(row)
	if i < 0 || e.Plan.Ledger.Grants[i].ChangingTo == nil {
		return nil
	}
	return ptr.To(plan.Bounds(*e.Plan.Ledger.Grants[i].ChangingTo))
}

// lost deals with a row that Kisi does not know any more: we may have taken it away ourselves, else somebody else has.
func (e *execution) lost(ctx context.Context, row v1alpha1.MemberGrant) error {
	e.Session.Mirror().Remove(int64(row.KisiGroupID), int64(row.RoleAssignmentID))
	e.Backoffs.Settled(e.who, row)
	if row.State == v1alpha1.GrantRevoking {
		return e.record(ctx, func(ledger *plan.Ledger) { ledger.Remove(row) })
	}
	return e.vanished(ctx, row)
}

// replace deletes rows and makes one in their stead: the intent before either, and nothing between the two.
func (e *execution) replace(ctx context.Context) error {
	row := e.Operation.Row
	ledger := e.Plan.Ledger
	account := ledger.Account(row.OrganizationID)
	if account == nil {
		return nil // the rows had one; the next look says how that came
	}
	row.UserID, row.RequestedBy = account.UserID, e.keyOwner()
	ledger.Put(row)
	for _, old := range e.Operation.Instead {
		ledger.Leaving(old)
	}
	if err := e.intend(ctx, ledger); err != nil {
		return err
	}
	for _, old := range e.Operation.Instead {
		err := e.kisi.DeleteRoleAssignment(ctx, int64(old.RoleAssignmentID))
		switch {
		case err == nil || kisi.IsNotFound(err):
			e.Session.Mirror().Remove(int64(old.KisiGroupID), int64(old.RoleAssignmentID))
			e.gone = append(e.gone, old)
		case kisi.OutcomeUnknown(err):
			// If it was carried out, the person waits at the door: the new row is asked for all the same, and Kisi refuses it
			// if the old one is still there. The old row stays in the ledger until it is known to have gone.
			e.inDoubt(old, err)
		default:
			if err := e.record(ctx, func(ledger *plan.Ledger) { e.giveUp(ledger, row) }); err != nil {
				return err
			}
			return e.failed(err)
		}
	}
	return e.ask(ctx, ledger, row, false) // a replacement is no news to the person
}

// giveUp takes an intent back whose request was refused, or never sent. Where rows have made room for it, the window goes
// on being asked for with the urgency of a person who is locked out.
func (e *execution) giveUp(ledger *plan.Ledger, row v1alpha1.MemberGrant) {
	madeRoom := len(e.gone) > 0 || e.Snapshot.Connections[row.OrganizationID].OverlapRejected && ledger.MadeRoomFor(row)
	if !madeRoom {
		ledger.Remove(row)
		return
	}
	row.State = v1alpha1.GrantQueued
	ledger.Put(row)
}
