package simulator

import (
	"strings"
)

func listAssignments(c *call) answer {
	s := c.s
	list := &lister[assignment]{size: rowsPage, table: &s.assignments, ids: s.assignmentsIn.live[c.org.ID],
		sortKey: map[string]func(assignment) string{"user.name": s.assigneeName},
		render:  func(a assignment) any { return s.assignmentJSON(a) }}
	if refused := c.filterAssignments(list); refused != nil {
		return *refused
	}
	if !c.asksForSelf() {
		if refused := scopeList(c, list, "role_assignments_read", s.assignmentTarget); refused != nil {
			return *refused
		}
	}
	list.whereIDs(c)
	list.whereText(c, func(a assignment) []string {
		u, found := s.users.get(a.Assignee.ID)
		if a.Assignee.Kind != kindUser || !found {
			return nil
		}
		return []string{u.Email, u.Name}
	})
	return list.answer(c)
}

// asksForSelf: everybody may see their own rows.
func (c *call) asksForSelf() bool {
	if id := c.query.Get("user_id"); id != "" {
		return c.userIDFrom(id) == c.user.ID
	}
	return c.query.Get("assignee_type") == kindUser && atoi(c.query.Get("assignee_id")) == c.user.ID
}

// filterAssignments applies the current filters and their deprecated aliases;
// each that names one row of another kind goes through an index.
func (c *call) filterAssignments(list *lister[assignment]) *answer {
	s, q := c.s, c.query
	for _, pair := range []string{"assignee", "applies_to"} {
		if q.Has(pair+"_type") != q.Has(pair+"_id") {
			a := badRequest(pair + "_type and " + pair + "_id must be used together")
			return &a
		}
	}
	withTeams := s.switches.UserFilter == UserFilterWithTeams
	narrowed := false
	narrow := func(owned bool, ids []int) {
		switch {
		case !owned:
			list.ids = nil // another organization's rows do not exist here
		case narrowed:
			list.ids = intersect(list.ids, ids)
		default:
			list.ids, narrowed = ids, true // as it is: no scan however large
		}
	}
	assignedTo := func(a reference) {
		ids := s.assignmentsByAssignee.live[a]
		if a.Kind == kindUser {
			ids = s.assignmentIDsOfUser(a.ID, withTeams)
		}
		narrow(c.ownsAssignee(a), ids)
	}
	appliesTo := func(t reference) { narrow(c.ownsTarget(t), s.assignmentsByTarget.live[t]) }
	if q.Has("assignee_type") {
		assignedTo(reference{q.Get("assignee_type"), atoi(q.Get("assignee_id"))})
	}
	if id := q.Get("user_id"); id != "" {
		assignedTo(reference{kindUser, c.userIDFrom(id)})
	}
	if q.Has("applies_to_type") {
		appliesTo(reference{q.Get("applies_to_type"), atoi(q.Get("applies_to_id"))})
	}
	if id := q.Get("group_id"); id != "" {
		appliesTo(reference{kindGroup, atoi(id)})
	}
	if id := q.Get("place_id"); id != "" {
		appliesTo(reference{kindPlace, atoi(id)})
	}
	if scope := q.Get("scope"); scope == "team" {
		list.where(func(a assignment) bool { return a.Assignee.Kind == kindTeam })
	} else if scope != "" {
		list.where(func(a assignment) bool { return strings.EqualFold(a.AppliesTo.Kind, scope) })
	}
	if roleID := q.Get("role_id"); roleID != "" {
		stored := s.storedRoleID(roleID)
		list.where(func(a assignment) bool { return a.RoleID == stored })
	}
	return nil
}

func (s *Server) assigneeName(a assignment) string {
	switch a.Assignee.Kind {
	case kindUser:
		u, _ := s.users.get(a.Assignee.ID)
		return u.Name
	case kindTeam:
		t, _ := s.teams.get(a.Assignee.ID)
		return t.Name
	}
	g, _ := s.guests.get(a.Assignee.ID)
	return g.Name
}
