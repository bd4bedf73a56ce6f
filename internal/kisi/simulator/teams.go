package simulator

import (
	"slices"
	"time"
)

type teamJSON struct {
	ID           int     `json:"id"`
	ResourceType string  `json:"resource_type"`
	Name         string  `json:"name"`
	CreatedAt    instant `json:"created_at"`
	UpdatedAt    instant `json:"updated_at"`
}

func (s *Server) teamJSON(t team) teamJSON {
	return teamJSON{t.ID, kindTeam, t.Name, seconds(t.CreatedAt), seconds(t.UpdatedAt)}
}

func listTeams(c *call) answer {
	s := c.s
	list := &lister[team]{size: rowsPage, table: &s.teams, ids: s.teamsIn.live[c.org.ID],
		sortKey: map[string]func(team) string{"name": func(t team) string { return t.Name }},
		render:  func(t team) any { return s.teamJSON(t) }}
	if !c.mayAnywhere("teams_read") {
		if s.switches.ListsForbidden == ListsForbidden403 {
			return forbidden()
		}
		list.ids = s.teamIDsOf(reference{kindUser, c.user.ID})
	}
	if c.query.Get("scope") == "place" {
		list.ids = nil // teams belong to the organization
	}
	list.whereIDs(c)
	list.whereText(c, func(t team) []string { return []string{t.Name} })
	return list.answer(c)
}

// teamFor finds the team of the path for somebody who needs a permission.
func (c *call) teamFor(permission string) (team, *answer) {
	t, found := c.s.teams.get(c.id())
	if !found || t.OrganizationID != c.org.ID {
		a := notFound()
		return t, &a
	}
	if !c.mayAnywhere(permission) {
		a := forbidden()
		return t, &a
	}
	return t, nil
}

func getTeam(c *call) answer {
	t, refused := c.teamFor("teams_read")
	if refused != nil {
		return *refused
	}
	return ok(c.s.teamJSON(t))
}

func createTeam(c *call) answer {
	f, refused := c.root("team")
	if refused != nil {
		return *refused
	}
	if !c.may("teams_write", target{}) {
		return forbidden()
	}
	f.required("name")
	t := team{OrganizationID: c.org.ID, Name: f.text("name")}
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	t = c.s.addTeam(c.now, t)
	c.s.emitTeam(c.now, c.actor(), "team.create", t)
	return ok(c.s.teamJSON(t))
}

func updateTeam(c *call) answer {
	f, refused := c.root("team")
	if refused != nil {
		return *refused
	}
	t, refused := c.teamFor("teams_write")
	if refused != nil {
		return *refused
	}
	set(f, "name", &t.Name)
	if t.Name == "" {
		f.fail("name", "can't be blank")
	}
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	t.UpdatedAt = c.now
	c.s.teams.put(c.now, t.ID, t)
	c.s.emitTeam(c.now, c.actor(), "team.update", t)
	return noContent()
}

func deleteTeam(c *call) answer {
	t, refused := c.teamFor("teams_write")
	if refused != nil {
		return *refused
	}
	c.s.destroyTeam(c.now, c.actor(), t)
	return noContent()
}

// destroyTeam deletes a team with its rows and memberships; its people stay.
func (s *Server) destroyTeam(now time.Time, by actor, t team) {
	for _, a := range rowsOf(&s.assignments, slices.Clone(s.assignmentsByAssignee.live[reference{kindTeam, t.ID}])) {
		s.destroyAssignment(now, by, a)
	}
	for _, m := range rowsOf(&s.memberships, slices.Clone(s.membershipsByTeam.live[t.ID])) {
		s.destroyMembership(now, by, m)
	}
	s.removeTeam(now, t)
	s.emitTeam(now, by, "team.destroy", t)
}

func (s *Server) emitTeam(now time.Time, by actor, kind string, t team) {
	s.emit(event{kind: kind, actor: by, objectType: kindTeam, objectID: t.ID, objectName: t.Name,
		object: map[string]any{"id": t.ID, "name": t.Name}, organizationID: t.OrganizationID, at: now})
}

type membershipJSON struct {
	ID           int     `json:"id"`
	ResourceType string  `json:"resource_type"`
	CreatedAt    instant `json:"created_at"`
	UpdatedAt    instant `json:"updated_at"`
	TeamID       int     `json:"team_id"`
	Team         refJSON `json:"team"`
	MemberType   string  `json:"member_type"`
	MemberID     int     `json:"member_id"`
	Member       any     `json:"member"`
}

func (s *Server) membershipJSON(m teamMembership) membershipJSON {
	t, _ := s.teams.everKnown(m.TeamID)
	out := membershipJSON{m.ID, "TeamMembership", seconds(m.CreatedAt), seconds(m.UpdatedAt), t.ID, refTeam(t), m.Member.Kind, m.Member.ID, nil}
	if m.Member.Kind == kindGuest {
		g, _ := s.guests.everKnown(m.Member.ID)
		out.Member = refGuest(g)
	} else {
		u, _ := s.users.everKnown(m.Member.ID)
		out.Member = refUser(u)
	}
	return out
}

func listMemberships(c *call) answer {
	s, q := c.s, c.query
	list := &lister[teamMembership]{size: rowsPage, table: &s.memberships, ids: s.membershipsIn.live[c.org.ID],
		render: func(m teamMembership) any { return s.membershipJSON(m) }}
	if q.Has("member_type") != q.Has("member_id") {
		return badRequest("member_type and member_id must be used together")
	}
	if !c.mayAnywhere("team_memberships_read") {
		if s.switches.ListsForbidden == ListsForbidden403 {
			return forbidden()
		}
		list.ids = intersect(list.ids, s.membershipsByMember.live[reference{kindUser, c.user.ID}])
	}
	if id := q.Get("team_id"); id != "" {
		list.ids = intersect(list.ids, s.membershipsByTeam.live[atoi(id)])
	}
	if q.Has("member_type") {
		list.ids = intersect(list.ids, s.membershipsByMember.live[reference{q.Get("member_type"), atoi(q.Get("member_id"))}])
	}
	list.whereIDs(c)
	return list.answer(c)
}

func (c *call) membershipFor(permission string) (teamMembership, *answer) {
	m, found := c.s.memberships.get(c.id())
	if !found || m.OrganizationID != c.org.ID {
		a := notFound()
		return m, &a
	}
	if !c.mayAnywhere(permission) {
		a := forbidden()
		return m, &a
	}
	return m, nil
}

func getMembership(c *call) answer {
	m, refused := c.membershipFor("team_memberships_read")
	if refused != nil {
		return *refused
	}
	return ok(c.s.membershipJSON(m))
}

func createMembership(c *call) answer {
	s := c.s
	f, refused := c.root("team_membership")
	if refused != nil {
		return *refused
	}
	if !c.may("team_memberships_write", target{}) {
		return forbidden()
	}
	f.required("team_id", "member_id", "member_type")
	m := teamMembership{OrganizationID: c.org.ID, TeamID: f.number("team_id")}
	m.Member = f.reference("member", kindUser, kindGuest)
	if f.refusal() == nil {
		if t, found := s.teams.get(m.TeamID); !found || t.OrganizationID != c.org.ID {
			f.fail("team", "must exist")
		}
		if !c.ownsAssignee(m.Member) {
			f.fail("member", "must exist")
		}
		if len(intersect(s.membershipsByTeam.live[m.TeamID], s.membershipsByMember.live[m.Member])) > 0 {
			f.fail("member", "has already been taken")
		}
	}
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	return ok(s.membershipJSON(s.joinTeam(c.now, c.actor(), m)))
}

func (s *Server) joinTeam(now time.Time, by actor, m teamMembership) teamMembership {
	m = s.addMembership(now, m)
	s.emitMembership(now, by, "team_membership.create", m)
	return m
}

func deleteMembership(c *call) answer {
	m, refused := c.membershipFor("team_memberships_write")
	if refused != nil {
		return *refused
	}
	c.s.destroyMembership(c.now, c.actor(), m)
	return noContent()
}

func (s *Server) destroyMembership(now time.Time, by actor, m teamMembership) {
	s.removeMembership(now, m)
	s.emitMembership(now, by, "team_membership.destroy", m)
}

func (s *Server) emitMembership(now time.Time, by actor, kind string, m teamMembership) {
	t, _ := s.teams.everKnown(m.TeamID)
	s.emit(event{kind: kind, actor: by, objectType: "TeamMembership", objectID: m.ID, objectName: t.Name,
		object:         map[string]any{"id": m.ID, "team_id": m.TeamID, "member_type": m.Member.Kind, "member_id": m.Member.ID},
		organizationID: m.OrganizationID, at: now})
}
