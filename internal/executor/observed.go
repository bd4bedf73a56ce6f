package executor

import (
	"context"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// AssignmentWindow is when a role assignment opens, to the second.
func AssignmentWindow(a kisi.RoleAssignment) entitlement.Window {
	var w entitlement.Window
	if a.ValidFrom != nil {
		w.From = storable(*a.ValidFrom)
	}
	if a.ValidUntil != nil {
		w.Until = storable(*a.ValidUntil)
	}
	return w
}

// earliest and latest are the bounds that a ledger takes: for one beyond, the whole status would be refused.
var (
	earliest = time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// storable returns a bound as a ledger has it; no bound for the zero time.
func storable(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Second)
	switch {
	case t.IsZero() || !t.Before(earliest) && !t.After(latest):
		return t
	case t.Before(earliest):
		return earliest
	}
	return latest
}

// MirrorRow is a role assignment as the mirror keeps it.
func MirrorRow(a kisi.RoleAssignment) mirror.Row {
	window := AssignmentWindow(a)
	row := mirror.Row{ID: a.ID, GroupID: a.AppliesToID, From: window.From, Until: window.Until}
	if a.AssigneeType == kisi.TypeUser && kisi.IsID(a.AssigneeID) {
		row.UserID = a.AssigneeID
		if len(a.Assignee.Email) <= longestAddress {
			row.Address = string(entitlement.Fold(v1alpha1.EmailAddress(a.Assignee.Email)))
		}
		row.Basic, row.Manager = a.RoleID == kisi.RoleGroupBasic, a.RoleID == kisi.RoleGroupManager
	}
	if a.CreatedByID != nil {
		row.CreatedBy = *a.CreatedByID
	}
	return row
}

// LacksAny reports whether one of the expected role assignments is not in a complete list.
func LacksAny(listed []kisi.RoleAssignment, expected map[int64]bool) bool {
	found := 0
	for i := range listed { // each is there once, or the list would not be complete
		if expected[listed[i].ID] {
			found++
		}
	}
	return found < len(expected)
}

// SeenUser is what a user of the session's organization shows of a person.
func SeenUser(s *session.Session, user *kisi.User) *plan.UserSeen {
	if !user.SCIMAccessEnabled {
		s.NoteDirectory()
	}
	return &plan.UserSeen{
		Enabled:        user.AccessEnabled,
		OffInDirectory: !user.SCIMAccessEnabled && s.Verdict().Identity.Directory,
		Address:        entitlement.Fold(v1alpha1.EmailAddress(user.Email)),
	}
}

// longestAddress is what the schema takes; a longer one is no Member's.
const longestAddress = 254

// read reads the role assignment of a row by its id. One of another assignee or group is an error.
func (e *execution) read(ctx context.Context, row v1alpha1.MemberGrant) (*kisi.RoleAssignment, error) {
	return e.kisi.RoleAssignment(ctx, int64(row.RoleAssignmentID), kisi.RoleAssignmentFilter{
		AssigneeType: kisi.TypeUser, AssigneeID: int64(row.UserID), AppliesToType: kisi.TypeGroup, AppliesToID: int64(row.KisiGroupID),
	})
}

// assignmentsOf reads everything that is assigned to the person itself, and not to a team of theirs; a list that may lack
// something is an error.
func (e *execution) assignmentsOf(ctx context.Context, userID v1alpha1.KisiID) ([]kisi.RoleAssignment, error) {
	filter := kisi.RoleAssignmentFilter{AssigneeType: kisi.TypeUser, AssigneeID: int64(userID)}
	listing, err := listed(func() (kisi.Listing[kisi.RoleAssignment], error) { return e.kisi.ListRoleAssignments(ctx, filter) })
	if err != nil {
		return nil, err
	}
	if !listing.Complete() {
		return nil, &failure.IncompleteListError{Doing: "reading the person's assignments", Why: listing.Incomplete}
	}
	expected := map[int64]bool{}
	for _, row := range e.Plan.Ledger.Grants {
		if row.UserID == userID && row.OrganizationID == e.Operation.Row.OrganizationID && plan.InKisi(row) && !plan.RowWindow(row).Ended(e.Now) {
			expected[int64(row.RoleAssignmentID)] = true
		}
	}
	if len(listing.Items) == 0 || LacksAny(listing.Items, expected) {
		if err := e.kisi.Confirm(ctx); err != nil {
			return nil, err
		}
	}
	return listing.Items, nil
}

// listed reads a list that somebody waits for, and once more where it fell short, since it may have moved while it was read,
// or where Kisi has answered with a 5xx. What was waited for in vain is not repeated.
func listed[T any](read func() (kisi.Listing[T], error)) (kisi.Listing[T], error) {
	listing, err := read()
	if err == nil && !listing.Complete() || kisi.IsUnavailable(err) && kisi.Answered(err) {
		return read()
	}
	return listing, err
}
