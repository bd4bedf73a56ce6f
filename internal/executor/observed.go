package executor

import (
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// AssignmentWindow is when a role assignment opens, to the second.
func AssignmentWindow(a kisi.RoleAssignment) entitlement.Window {
	var w entitlement.Window
	if a.ValidFrom != nil {
		w.From = a.ValidFrom.UTC().Truncate(time.Second)
	}
	if a.ValidUntil != nil {
		w.Until = a.ValidUntil.UTC().Truncate(time.Second)
	}
	return w
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
