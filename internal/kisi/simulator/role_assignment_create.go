package simulator

import "time"

// createAssignment accepts the current body (applies_to_*, assignee_*) and the
// deprecated one (user_id with group_id, place_id or organization_id), which
// Kisi's guides still use.
func createAssignment(c *call) answer {
	s := c.s
	f, refused := c.root("role_assignment")
	if refused != nil {
		return *refused
	}
	a := assignment{OrganizationID: c.org.ID, CreatedByID: c.user.ID}
	a.Assignee = f.assignee()
	a.AppliesTo = f.appliesTo()
	f.required("role_id")
	a.RoleID = s.storedRoleID(f.text("role_id"))
	a.Notify = s.switches.NotifyDefault == NotifyDefaultTrue
	set(f, "notify", &a.Notify)
	keep := s.switches.SubSeconds == SubSecondsKept
	a.ValidFrom, a.ValidUntil = f.instant("valid_from", keep), f.instant("valid_until", keep)
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	if !c.ownsTarget(a.AppliesTo) || !c.ownsAssignee(a.Assignee) {
		if !c.mayAnywhere("role_assignments_write") {
			return forbidden()
		}
		return notFound()
	}
	r, known := s.role(c.org.ID, a.RoleID)
	if !known || r.AppliesTo != a.AppliesTo.Kind {
		return invalid("role_id", "is invalid")
	}
	if !c.mayAssign(r, s.assignmentTarget(a)) {
		return forbidden()
	}
	c.checkWindow(f, a.AppliesTo, a.ValidFrom, a.ValidUntil)
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	if refused := s.refuseDuplicate(a); refused != nil {
		return *refused
	}
	return ok(s.assignmentJSON(s.grant(c.now, c.actor(), a)))
}

// grant stores a role assignment, tells the audit trail and sends the mail.
func (s *Server) grant(now time.Time, by actor, a assignment) assignment {
	a.CreatedByID = by.user.ID
	a = s.addAssignment(now, a)
	s.emitAssignment(now, by, "role_assignment.create", a)
	s.mailAssignment(now, a, a.Notify)
	return a
}

// assignee reads either form; the current one wins.
func (f *fields) assignee() reference {
	if f.has("assignee_type") || f.has("assignee_id") || !f.has("user_id") {
		f.required("assignee_type", "assignee_id")
		return f.reference("assignee", kindUser, kindTeam, kindGuest)
	}
	f.required("user_id")
	return reference{kindUser, f.number("user_id")}
}

func (f *fields) appliesTo() reference {
	if !f.has("applies_to_type") && !f.has("applies_to_id") {
		for _, alias := range []struct{ name, kind string }{
			{"group_id", kindGroup}, {"place_id", kindPlace}, {"organization_id", kindOrganization},
		} {
			if f.has(alias.name) && !f.isNull(alias.name) {
				return reference{alias.kind, f.number(alias.name)}
			}
		}
	}
	f.required("applies_to_type", "applies_to_id")
	return f.reference("applies_to", kindOrganization, kindPlace, kindGroup)
}

func (f *fields) reference(name string, kinds ...string) reference {
	r := reference{f.text(name + "_type"), f.number(name + "_id")}
	for _, kind := range kinds {
		if r.Kind == kind {
			return r
		}
	}
	if r.Kind != "" {
		f.fail(name+"_type", "is not included in the list")
	}
	return r
}

func (c *call) ownsTarget(t reference) bool {
	switch t.Kind {
	case kindOrganization:
		return t.ID == c.org.ID
	case kindPlace:
		p, found := c.s.places.get(t.ID)
		return found && p.OrganizationID == c.org.ID
	}
	_, found := c.organizationGroup(t.ID)
	return found
}

func (c *call) ownsAssignee(a reference) bool {
	switch a.Kind {
	case kindTeam:
		t, found := c.s.teams.get(a.ID)
		return found && t.OrganizationID == c.org.ID
	case kindGuest:
		g, found := c.s.guests.get(a.ID)
		return found && g.OrganizationID == c.org.ID
	}
	_, found := c.organizationUser(a.ID)
	return found
}

// refuseDuplicate applies the switches duplicates and duplicateKey. An expired
// row counts for as long as Kisi keeps it.
func (s *Server) refuseDuplicate(a assignment) *answer {
	if s.switches.Duplicates == DuplicatesAlwaysNew {
		return nil
	}
	for _, other := range s.duplicates(a) {
		sameBounds := sameInstant(a.ValidFrom, other.ValidFrom) && sameInstant(a.ValidUntil, other.ValidUntil)
		var refused answer
		switch {
		case s.switches.Duplicates == DuplicatesInvalid:
			refused = invalid("assignee", "has already been taken")
		case s.switches.Duplicates == DuplicatesAlwaysConflict || sameBounds:
			refused = conflict("The role assignment already exists.")
		default:
			continue
		}
		return &refused
	}
	return nil
}
