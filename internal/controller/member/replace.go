package member

import (
	"context"

	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// changeWindow gives a role assignment other bounds: intent, act, and a look at what Kisi has made of it.
func (d doing) changeWindow(ctx context.Context) error {
	row := d.operation.Row
	ledger := d.p.plan.Ledger
	i := ledger.Find(row)
	if i < 0 || !ledger.Changing(row) {
		return nil // the row has gone meanwhile
	}
	before, wanted := plan.RowWindow(ledger.Grants[i]), plan.RowWindow(row)
	if err := d.intend(ctx, ledger); err != nil {
		return err
	}
	update := kisi.RoleAssignmentUpdate{Notify: ptr.To(false)}
	if !before.From.Equal(wanted.From) {
		update.ValidFrom = &wanted.From
	}
	if !before.Until.Equal(wanted.Until) {
		update.ValidUntil = &wanted.Until
	}
	err := d.kisi.UpdateRoleAssignment(ctx, int64(row.RoleAssignmentID), update)
	if kisi.IsInvalid(err) {
		if refusal := d.sameBounds(ctx, row, before, update); kisi.IsInvalid(refusal) {
			d.session.Learn(session.Behaviour{WindowUpdate: session.No})
			return d.record(ctx, func(ledger *plan.Ledger) { ledger.Changed(row, before) })
		} else if kisi.OutcomeUnknown(refusal) {
			err = refusal
		}
	}
	switch {
	case err == nil:
		return d.readBack(ctx, row, true)
	case kisi.OutcomeUnknown(err):
		// The row keeps both bounds: which of them it has is found out by looking.
		d.inDoubt(row, err)
		return nil
	case kisi.IsNotFound(err):
		return d.lost(ctx, row)
	}
	if err := d.failed(err); err != nil {
		return err
	}
	return d.record(ctx, func(ledger *plan.Ledger) { ledger.Changed(row, before) })
}

// sameBounds tells Kisi the bounds that a row has already, after it has refused other ones. If it refuses them too it
// changes no window at all; otherwise it did not take the new one.
func (d doing) sameBounds(ctx context.Context, row v1alpha1.MemberGrant, before entitlement.Window, update kisi.RoleAssignmentUpdate) error {
	if update.ValidFrom != nil {
		update.ValidFrom = &before.From
	}
	if update.ValidUntil != nil {
		update.ValidUntil = &before.Until
	}
	return d.kisi.UpdateRoleAssignment(ctx, int64(row.RoleAssignmentID), update)
}

// readBack writes down which bounds a row has. Kisi may answer a change as if it had made it, and not make it.
func (d doing) readBack(ctx context.Context, row v1alpha1.MemberGrant, answered bool) error {
	read, err := d.read(ctx, row)
	switch {
	case kisi.IsNotFound(err):
		return d.lost(ctx, row)
	case err != nil:
		return d.failed(err)
	}
	has := executor.AssignmentWindow(*read)
	asked := d.askedFor(row)
	switch {
	case asked != nil && *asked == has && row.State != v1alpha1.GrantRevoking:
		d.session.Learn(session.Behaviour{WindowUpdate: session.Yes})
	case answered:
		d.session.Learn(session.Behaviour{WindowUpdate: session.No})
	case d.onItsWay(row):
		return nil
	}
	d.session.Mirror().Put(executor.MirrorRow(*read))
	d.r.setbacks.settled(personOf(d.p.member), row)
	return d.record(ctx, func(ledger *plan.Ledger) { ledger.Changed(row, has) })
}

// askedFor returns the bounds to which the row is being changed; nil if it is not.
func (d doing) askedFor(row v1alpha1.MemberGrant) *entitlement.Window {
	i := d.p.plan.Ledger.Find(row)
	if i < 0 || d.p.plan.Ledger.Grants[i].ChangingTo == nil {
		return nil
	}
	return ptr.To(plan.Bounds(*d.p.plan.Ledger.Grants[i].ChangingTo))
}

// lost deals with a row that Kisi does not know any more: we may have taken it away ourselves, else somebody else has.
func (d doing) lost(ctx context.Context, row v1alpha1.MemberGrant) error {
	d.session.Mirror().Remove(int64(row.KisiGroupID), int64(row.RoleAssignmentID))
	d.r.setbacks.settled(personOf(d.p.member), row)
	if row.State == v1alpha1.GrantRevoking {
		return d.record(ctx, func(ledger *plan.Ledger) { ledger.Remove(row) })
	}
	return d.vanished(ctx, row)
}

// replace deletes rows and makes one in their stead: the intent before either, and nothing between the two.
func (d doing) replace(ctx context.Context) error {
	row := d.operation.Row
	ledger := d.p.plan.Ledger
	account := ledger.Account(row.OrganizationID)
	if account == nil {
		return nil // the rows had one; the next look says how that came
	}
	row.UserID, row.RequestedBy = account.UserID, d.keyOwner()
	ledger.Put(row)
	for _, old := range d.operation.Instead {
		ledger.Leaving(old)
	}
	if err := d.intend(ctx, ledger); err != nil {
		return err
	}
	for _, old := range d.operation.Instead {
		err := d.kisi.DeleteRoleAssignment(ctx, int64(old.RoleAssignmentID))
		switch {
		case err == nil || kisi.IsNotFound(err):
			d.session.Mirror().Remove(int64(old.KisiGroupID), int64(old.RoleAssignmentID))
			d.gone = append(d.gone, old)
		case kisi.OutcomeUnknown(err):
			// If it was carried out, the person waits at the door: the new row is asked for all the same, and Kisi refuses it
			// if the old one is still there. The old row stays in the ledger until it is known to have gone.
			d.inDoubt(old, err)
		default:
			if err := d.record(ctx, func(ledger *plan.Ledger) { d.giveUp(ledger, row) }); err != nil {
				return err
			}
			return d.failed(err)
		}
	}
	return d.ask(ctx, ledger, row, false) // a replacement is no news to the person
}

// giveUp takes an intent back whose request was refused, or never sent. Where rows have made room for it, the window goes
// on being asked for with the urgency of a person who is locked out.
func (d doing) giveUp(ledger *plan.Ledger, row v1alpha1.MemberGrant) {
	madeRoom := len(d.gone) > 0 || d.p.snapshot.Connections[row.OrganizationID].OverlapRejected && ledger.MadeRoomFor(row)
	if !madeRoom {
		ledger.Remove(row)
		return
	}
	row.State = v1alpha1.GrantQueued
	ledger.Put(row)
}
