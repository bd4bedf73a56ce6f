package kisi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// RoleAssignmentFilter narrows ListRoleAssignments. AssigneeType and AssigneeID go together, as do AppliesToType and
// AppliesToID.
type RoleAssignmentFilter struct {
	IDs           []int64
	RoleID        string
	AssigneeType  string
	AssigneeID    int64
	AppliesToType string
	AppliesToID   int64
	// WithTeams leaves the assignments of a user's teams in a list by user, where Kisi shows them.
	WithTeams bool
}

// strays says in which way a role assignment is not what the filter asks for; empty if it is.
func (f RoleAssignmentFilter) strays(a *RoleAssignment) string {
	return cmp.Or(
		other("role", a.RoleID, f.RoleID),
		other("assignee_type", a.AssigneeType, f.AssigneeType), other("assignee_id", a.AssigneeID, f.AssigneeID),
		other("applies_to_type", a.AppliesToType, f.AppliesToType), other("applies_to_id", a.AppliesToID, f.AppliesToID),
	)
}

// straysInList is strays for an item of a list: what a team holds is no stray in a list by user.
func (f RoleAssignmentFilter) straysInList(a *RoleAssignment) string {
	if f.byTeam(a) {
		f.AssigneeType, f.AssigneeID = "", 0
	}
	return f.strays(a)
}

// byTeam reports whether a list by user has brought along what a team holds.
func (f RoleAssignmentFilter) byTeam(a *RoleAssignment) bool {
	return f.AssigneeType == TypeUser && a.AssigneeType == TypeTeam
}

// ListRoleAssignments reads role assignments (GET /role_assignments). Whether a filter by user also shows what the
// user has through a team is not documented; unless the filter says WithTeams, the list holds what is the user's own.
// Total counts the others, too.
func (c *Client) ListRoleAssignments(ctx context.Context, filter RoleAssignmentFilter) (Listing[RoleAssignment], error) {
	query := newQuery().ids(filter.IDs).text("role_id", filter.RoleID).
		pair("assignee", filter.AssigneeType, filter.AssigneeID).
		pair("applies_to", filter.AppliesToType, filter.AppliesToID)
	listing, err := listAll(ctx, c, "list role assignments", "/role_assignments", query, 250, func(a *RoleAssignment) int64 { return a.ID }, filter.straysInList)
	if !filter.WithTeams {
		listing.Items = slices.DeleteFunc(listing.Items, func(a RoleAssignment) bool { return filter.byTeam(&a) })
	}
	return listing, err
}

// RoleAssignment reads one role assignment (GET /role_assignments/{id}). An answer that is not of the assignee, target or
// role named in of is an error.
func (c *Client) RoleAssignment(ctx context.Context, id int64, of RoleAssignmentFilter) (*RoleAssignment, error) {
	assignment := &RoleAssignment{}
	call := reading("read role assignment", "role_assignments", id)
	call.strays = func() string { return of.strays(assignment) }
	if _, err := c.call(ctx, call, assignment); err != nil {
		return nil, err
	}
	return assignment, nil
}

// CreateRoleAssignment gives a role (POST /role_assignments). A duplicate may be answered with a second row, a 409 or a
// 422: Kisi does not say.
func (c *Client) CreateRoleAssignment(ctx context.Context, create RoleAssignmentCreate) (*RoleAssignment, error) {
	assignment := &RoleAssignment{}
	call := request{op: "create role assignment", method: http.MethodPost, path: "/role_assignments"}
	if (create.ValidFrom != nil || create.ValidUntil != nil) && create.AppliesToType != TypeGroup {
		return nil, call.refused(fmt.Errorf("valid_from and valid_until are only for a %s, not for a %s", TypeGroup, create.AppliesToType))
	}
	from, errFrom := bound("valid_from", create.ValidFrom)
	until, errUntil := bound("valid_until", create.ValidUntil)
	if err := errors.Join(errFrom, errUntil); err != nil {
		return nil, call.refused(err)
	}
	call.body = rooted("role_assignment", struct {
		AppliesToType string `json:"applies_to_type"`
		AppliesToID   int64  `json:"applies_to_id"`
		AssigneeType  string `json:"assignee_type"`
		AssigneeID    int64  `json:"assignee_id"`
		RoleID        string `json:"role_id"`
		ValidFrom     string `json:"valid_from,omitempty"`
		ValidUntil    string `json:"valid_until,omitempty"`
		Notify        *bool  `json:"notify,omitempty"`
	}{create.AppliesToType, create.AppliesToID, create.AssigneeType, create.AssigneeID, create.RoleID, from, until, create.Notify})
	call.strays = func() string {
		return cmp.Or(
			otherMade("role", assignment.RoleID, create.RoleID),
			otherMade("assignee_type", assignment.AssigneeType, create.AssigneeType), otherMade("assignee_id", assignment.AssigneeID, create.AssigneeID),
			otherMade("applies_to_type", assignment.AppliesToType, create.AppliesToType), otherMade("applies_to_id", assignment.AppliesToID, create.AppliesToID),
		)
	}
	if _, err := c.call(ctx, call, assignment); err != nil {
		return nil, err
	}
	return assignment, nil
}

// UpdateRoleAssignment changes a role assignment (PATCH /role_assignments/{id}). Read the row back: see
// RoleAssignmentUpdate.
func (c *Client) UpdateRoleAssignment(ctx context.Context, id int64, update RoleAssignmentUpdate) error {
	call := changing("update role assignment", "role_assignments", id, nil)
	from, errFrom := changedBound("valid_from", update.ValidFrom)
	until, errUntil := changedBound("valid_until", update.ValidUntil)
	if err := errors.Join(errFrom, errUntil); err != nil {
		return call.refused(err)
	}
	call.body = rooted("role_assignment", struct {
		RoleID     *string `json:"role_id,omitempty"`
		Notify     *bool   `json:"notify,omitempty"`
		ValidFrom  any     `json:"valid_from,omitempty"`
		ValidUntil any     `json:"valid_until,omitempty"`
	}{update.RoleID, update.Notify, from, until})
	return c.write(ctx, call)
}

// changedBound is nil for a bound that stays, and a null that is sent for one that is taken away.
func changedBound(field string, t *time.Time) (any, error) {
	switch {
	case t == nil:
		return nil, nil
	case t.IsZero():
		return json.RawMessage("null"), nil
	}
	return bound(field, t)
}

// DeleteRoleAssignment takes a role away (DELETE /role_assignments/{id}). A 404 means that it is already gone.
func (c *Client) DeleteRoleAssignment(ctx context.Context, id int64) error {
	return c.write(ctx, deleting("delete role assignment", "role_assignments", id))
}

func bound(field string, t *time.Time) (string, error) {
	if t == nil {
		return "", nil
	}
	if t.Nanosecond() != 0 {
		return "", fmt.Errorf("%s %s is not a whole second: truncate it", field, t.Format(time.RFC3339Nano))
	}
	return t.UTC().Format(time.RFC3339), nil
}
