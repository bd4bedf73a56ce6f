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

// grant makes a role assignment: intent, act, result. The user is made before it if the person has none.
func (e *execution) grant(ctx context.Context) error {
	row := e.Operation.Row
	ledger := e.Plan.Ledger
	settings := e.Snapshot.ConnectionFor(row).Spec
	account := ledger.Account(row.OrganizationID)
	if account == nil || entitlement.Fold(account.Email) != entitlement.Fold(e.Member.Spec.Email) {
		// Kisi cannot change a user's address, so another address is another user.
		made, err := e.ensureUser(ctx, settings)
		if err != nil {
			return e.failed(err)
		}
		if !usableAccount(*made) { // found suspended: that is an admin's decision, and is written down before any row
			return e.record(ctx, func(ledger *plan.Ledger) { ledger.SetAccount(*made) })
		}
		ledger.SetAccount(*made)
		account = ledger.Account(row.OrganizationID)
		if needed, err := e.stillNeeded(ctx, ledger); !needed || err != nil {
			return err
		}
	}
	row.UserID, row.RequestedBy = account.UserID, e.keyOwner()
	notify := !e.Operation.Repairs && notifies(settings, account.Notified, e.Operation.NewAccess)
	ledger.Put(row)
	if err := e.intend(ctx, ledger); err != nil {
		return err
	}
	return e.ask(ctx, ledger, row, notify)
}

// ask makes a role assignment whose intent is written.
func (e *execution) ask(ctx context.Context, ledger plan.Ledger, row v1alpha1.MemberGrant, notify bool) error {
	sent := e.now()
	created, err := e.kisi.CreateRoleAssignment(ctx, kisi.RoleAssignmentCreate{
		AppliesToType: kisi.TypeGroup, AppliesToID: int64(row.KisiGroupID),
		AssigneeType: kisi.TypeUser, AssigneeID: int64(row.UserID),
		RoleID:    kisi.RoleGroupBasic,
		ValidFrom: instant(row.ValidFrom), ValidUntil: instant(row.ValidUntil),
		Notify: ptr.To(notify),
	})
	switch {
	case err == nil:
		e.learnOverlap(ledger, row, session.Yes, 0)
		if !plan.SameBounds(AssignmentWindow(*created), plan.RowWindow(row), e.now()) {
			return e.otherBounds(ctx, row, created, notify)
		}
		row.RoleAssignmentID = v1alpha1.KisiID(created.ID)
		e.Session.Mirror().Put(MirrorRow(*created))
		return e.made(ctx, row, notify)
	case kisi.OutcomeUnknown(err):
		// The row stays Pending: whether it was made is found out by looking, never by asking again.
		e.inDoubt(row, err)
		return nil
	}
	return e.refused(ctx, row, err, sent)
}

// made records a row that is in Kisi.
func (e *execution) made(ctx context.Context, row v1alpha1.MemberGrant, notified bool) error {
	e.Backoffs.Settled(e.who, row)
	e.Backoffs.Succeeded(e.who, row)
	e.recovered()
	return e.record(ctx, func(ledger *plan.Ledger) {
		row.State, row.RequestedBy = v1alpha1.GrantActive, 0 // the plan says Scheduled where it opens later
		ledger.Put(row)
		if account := ledger.Account(row.OrganizationID); account != nil && notified {
			account.Notified = v1alpha1.NotifiedYes
		}
	})
}

// recovered tells of those who were refused what this operation was before it was carried out.
func (e *execution) recovered() {
	if members := e.Backoffs.Recovered(e.who, e.Operation.ID()); len(members) > 0 {
		e.Observer.Recovered(members)
	}
}

// notifies says whether Kisi mails the person about this row.
func notifies(settings v1alpha1.KisiConnectionSpec, before v1alpha1.Notified, newAccess bool) bool {
	if settings.Users.Type == v1alpha1.UserTypeManaged || settings.Notifications == v1alpha1.NotificationsNever {
		return false
	}
	first := before != v1alpha1.NotifiedYes
	return first || (newAccess && settings.Notifications == v1alpha1.NotificationsAlways)
}

// keyOwner is the user in Kisi whose key is in use.
func (e *execution) keyOwner() v1alpha1.KisiID {
	return v1alpha1.KisiID(e.Session.Verdict().Identity.UserID)
}
