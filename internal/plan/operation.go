package plan

import (
	"fmt"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// OperationKind is what is to be done in Kisi.
type OperationKind string

const (
	// Grant makes a role assignment, and the user before it if the person has none.
	Grant OperationKind = "Grant"
	// Update changes the window of a role assignment in place, and looks whether Kisi has done so.
	Update OperationKind = "Update"
	// Replace deletes role assignments and makes another one in their stead, in one step.
	Replace OperationKind = "Replace"
	// Resolve looks whether a request whose answer was lost was carried out: for a row without an id a create, found by its
	// bounds; for a row with one a change or a delete, found by its id.
	Resolve OperationKind = "Resolve"
	// Verify looks whether what the ledger says of a row still holds: a row that Kisi is not known to hold any more is read
	// by its id, the obstacle of one that somebody else covers or blocks by a complete read of the person.
	Verify OperationKind = "Verify"
	// Revoke deletes a role assignment that nothing asks for any more.
	Revoke OperationKind = "Revoke"
	// Tidy deletes a role assignment that ended long enough ago.
	Tidy OperationKind = "Tidy"
)

// Urgency orders operations, the most urgent first.
type Urgency int

const (
	// Urgent is for windows that are open for a short time, or about to open.
	Urgent Urgency = iota
	// Revocation is as urgent as Urgent and takes turns with it.
	Revocation
	// New is for access that nobody waits for at the door.
	New
	// Change replaces a row that lets the person in meanwhile.
	Change
	// Sweep is for what nobody notices.
	Sweep
)

// Operation is one thing to do in Kisi for one person.
type Operation struct {
	Kind OperationKind
	// Row is the ledger row that the operation makes, settles or removes; of an Update, the row as it is to be.
	Row v1alpha1.MemberGrant
	// Instead are the rows that a Replace deletes first.
	Instead []v1alpha1.MemberGrant
	// Replaces says that a Grant serves in place of another row of the pair, which goes afterwards.
	Replaces bool
	// NewAccess says that the person had no row of the pair just before a Grant.
	NewAccess bool
	// Repairs says that a Grant puts back what somebody took away or changed in Kisi, which mails nobody.
	Repairs bool
	Urgency Urgency
	// Opens is when the window opens, or has opened, that a Grant makes or a Resolve looks for. The row of one that is open does
	// not say; zero: it has always been open.
	Opens time.Time
	// Login is the one that the operation makes, settles or takes back; the Row then only says whose and where.
	Login v1alpha1.MemberLogin
}

// ID is the same for the same operation in every plan.
func (o Operation) ID() string {
	window := RowWindow(o.Row)
	return fmt.Sprintf("%s/%d/%d/%d/%d/%d/%d", o.Kind, o.Row.OrganizationID, o.Row.KisiGroupID, o.Row.RoleAssignmentID,
		window.From.Unix(), window.Until.Unix(), o.Login.LoginID)
}

// action is how an operation is called where it is held back.
func (o Operation) action() v1alpha1.PlannedAction {
	switch {
	case o.Kind == Grant && o.Replaces, o.Kind == Update, o.Kind == Replace:
		return v1alpha1.PlannedChange
	case o.Kind == Grant:
		return v1alpha1.PlannedGrant
	}
	return v1alpha1.PlannedRevoke
}

const (
	// soon is how close to its opening a window becomes urgent.
	soon = 15 * time.Minute
	// short is how long a window lasts at most whose every minute counts.
	short = 24 * time.Hour
)

// urgencyOf tells a booking from a bulk import: both may be open now, but only the booking's people stand at the door.
func urgencyOf(window entitlement.Window, now time.Time) Urgency {
	if window.From.IsZero() || window.From.Sub(now) > soon {
		return closingUrgency(window, now)
	}
	if now.Sub(window.From) < soon {
		return Urgent // about to open, or just opened
	}
	return closingUrgency(window, now)
}

// closingUrgency is for windows that are open by now. The row of an open window does not say since when, so its end must.
func closingUrgency(window entitlement.Window, now time.Time) Urgency {
	if window.Opened(now) && !window.Until.IsZero() && window.Until.Sub(now) <= short {
		return Urgent
	}
	return New
}

// urgencyChanges lists the instants at which urgencyOf may change for a window.
func urgencyChanges(window entitlement.Window) []time.Time {
	var changes []time.Time
	if !window.From.IsZero() {
		changes = append(changes, window.From.Add(-soon), window.From.Add(soon))
	}
	if !window.Until.IsZero() {
		changes = append(changes, window.Until.Add(-short))
	}
	return changes
}
