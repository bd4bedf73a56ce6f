package simulator

import (
	"slices"
	"strings"
	"time"
)

// assignmentJSON covers the three published shapes: fields of the other kinds
// are left out, fields of the own kind are always there.
type assignmentJSON struct {
	ID             int     `json:"id"`
	ResourceType   string  `json:"resource_type"`
	CreatedAt      instant `json:"created_at"`
	UpdatedAt      instant `json:"updated_at"`
	RoleID         string  `json:"role_id"`
	Notify         bool    `json:"notify"`
	AppliesToType  string  `json:"applies_to_type"`
	AppliesToID    int     `json:"applies_to_id"`
	AppliesTo      any     `json:"applies_to"`
	AssigneeType   string  `json:"assignee_type"`
	AssigneeID     int     `json:"assignee_id"`
	Assignee       any     `json:"assignee"`
	CreatedByType  *string `json:"created_by_type"`
	CreatedByID    *int    `json:"created_by_id"`
	UserID         *int    `json:"user_id"`
	User           any     `json:"user,omitempty"`
	AssigneeTeamID *int    `json:"assignee_team_id"`
	AssigneeTeam   any     `json:"assignee_team,omitempty"`
	GuestID        *int    `json:"guest_id"`
	Guest          any     `json:"guest,omitempty"`
	IssuedByID     *int    `json:"issued_by_id"`
	Type           string  `json:"type"`
	Scope          string  `json:"scope"`

	OrganizationID *int `json:"organization_id,omitempty"`
	Organization   any  `json:"organization,omitempty"`
	PlaceID        *int `json:"place_id,omitempty"`
	Place          any  `json:"place,omitempty"`

	*groupPart
}

type groupPart struct {
	GroupID    int      `json:"group_id"`
	Group      refJSON  `json:"group"`
	ValidFrom  *instant `json:"valid_from"`
	ValidUntil *instant `json:"valid_until"`
}

func (s *Server) assignmentJSON(a assignment) assignmentJSON {
	out := assignmentJSON{
		ID: a.ID, ResourceType: "RoleAssignment", CreatedAt: seconds(a.CreatedAt), UpdatedAt: seconds(a.UpdatedAt),
		RoleID: s.shownRoleID(a.RoleID), Notify: a.Notify,
		AppliesToType: a.AppliesTo.Kind, AppliesToID: a.AppliesTo.ID, AssigneeType: a.Assignee.Kind, AssigneeID: a.Assignee.ID,
		CreatedByID: nullable(a.CreatedByID), IssuedByID: nullable(a.CreatedByID),
		Type: strings.ToLower(a.AppliesTo.Kind), Scope: strings.ToLower(a.AppliesTo.Kind),
	}
	if a.CreatedByID != 0 {
		userKind := kindUser
		out.CreatedByType = &userKind
	}
	switch id := a.Assignee.ID; a.Assignee.Kind {
	case kindUser:
		u, _ := s.users.everKnown(id)
		out.UserID, out.User, out.Assignee = &id, refUser(u), refUser(u)
	case kindTeam:
		t, _ := s.teams.everKnown(id)
		out.AssigneeTeamID, out.AssigneeTeam, out.Assignee = &id, refTeam(t), refTeam(t)
	case kindGuest:
		g, _ := s.guests.everKnown(id)
		out.GuestID, out.Guest, out.Assignee = &id, refGuest(g), refGuest(g)
	}
	switch id := a.AppliesTo.ID; a.AppliesTo.Kind {
	case kindOrganization:
		o, _ := s.organizations.get(id)
		out.OrganizationID, out.Organization, out.AppliesTo = &id, refOrganization(o), refOrganization(o)
	case kindPlace:
		p, _ := s.places.everKnown(id)
		out.PlaceID, out.Place, out.AppliesTo = &id, refPlace(p), refPlace(p)
	case kindGroup:
		g, _ := s.groups.everKnown(id)
		out.AppliesTo = refGroup(g)
		out.groupPart = &groupPart{id, refGroup(g), instantOf(a.ValidFrom), instantOf(a.ValidUntil)}
	}
	return out
}

// assignmentTarget says where a role assignment lies, for permissions.
func (s *Server) assignmentTarget(a assignment) target {
	switch a.AppliesTo.Kind {
	case kindPlace:
		return target{placeID: a.AppliesTo.ID}
	case kindGroup:
		g, _ := s.groups.everKnown(a.AppliesTo.ID)
		return groupTarget(g)
	}
	return target{}
}

func (c *call) organizationAssignment(id int) (assignment, bool) {
	a, found := c.s.assignments.get(id)
	if !found || a.OrganizationID != c.org.ID {
		return a, false
	}
	own := a.Assignee == reference{kindUser, c.user.ID}
	return a, !c.hides(own || c.may("role_assignments_read", c.s.assignmentTarget(a)))
}

func getAssignment(c *call) answer {
	a, found := c.organizationAssignment(c.id())
	if !found {
		return notFound()
	}
	if a.Assignee != (reference{kindUser, c.user.ID}) && !c.may("role_assignments_read", c.s.assignmentTarget(a)) {
		return forbidden()
	}
	return ok(c.s.assignmentJSON(a))
}

// mayAssign applies the rule that nobody may give or take a right higher than
// their own, and that ownership is not assigned but transferred.
func (c *call) mayAssign(r role, at target) bool {
	return c.may("role_assignments_write", at) && r.ID != roleOrgOwner && r.Rank <= c.rankAt(at)
}

func updateAssignment(c *call) answer {
	s := c.s
	f, refused := c.root("role_assignment")
	if refused != nil {
		return *refused
	}
	a, found := c.organizationAssignment(c.id())
	if !found {
		return notFound()
	}
	at := s.assignmentTarget(a)
	before, _ := s.role(c.org.ID, a.RoleID)
	if !c.mayAssign(before, at) {
		return forbidden()
	}
	if f.has("role_id") {
		r, known := s.role(c.org.ID, s.storedRoleID(f.text("role_id")))
		switch {
		case !known || r.AppliesTo != a.AppliesTo.Kind:
			f.fail("role_id", "is invalid")
		case !c.mayAssign(r, at):
			return forbidden()
		default:
			a.RoleID = r.ID
		}
	}
	var notify bool
	read(f, "notify", &notify)
	c.changeWindow(f, &a)
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	s.changeAssignment(c.now, a)
	s.emitAssignment(c.now, c.actor(), "role_assignment.update", a)
	s.mailAssignment(c.now, a, notify)
	return noContent()
}

func (c *call) changeWindow(f *fields, a *assignment) {
	if !f.has("valid_from") && !f.has("valid_until") {
		return
	}
	switch c.s.switches.WindowUpdate {
	case WindowUpdateIgnoredWith204:
		return
	case WindowUpdateInvalid:
		for _, name := range []string{"valid_from", "valid_until"} {
			if f.has(name) {
				f.fail(name, "can't be changed")
			}
		}
		return
	}
	from, until := a.ValidFrom, a.ValidUntil
	keep := c.s.switches.SubSeconds == SubSecondsKept
	if f.has("valid_from") {
		from = f.instant("valid_from", keep)
	}
	if f.has("valid_until") {
		until = f.instant("valid_until", keep)
	}
	c.checkWindow(f, a.AppliesTo, from, until)
	a.ValidFrom, a.ValidUntil = from, until
}

func (c *call) checkWindow(f *fields, appliesTo reference, from, until *time.Time) {
	if appliesTo.Kind != kindGroup {
		if from != nil {
			f.fail("valid_from", "is only possible for groups")
		}
		if until != nil {
			f.fail("valid_until", "is only possible for groups")
		}
		return
	}
	if from != nil && until != nil && !from.Before(*until) {
		f.fail("valid_until", "must be after valid_from")
	}
	if until != nil && !until.After(c.now) && c.s.switches.PastValidUntil == PastValidUntilInvalid {
		f.fail("valid_until", "must be in the future")
	}
}

func deleteAssignment(c *call) answer {
	s := c.s
	a, found := c.organizationAssignment(c.id())
	if !found {
		return notFound()
	}
	r, _ := s.role(c.org.ID, a.RoleID)
	if !c.mayAssign(r, s.assignmentTarget(a)) {
		return forbidden()
	}
	s.destroyAssignment(c.now, c.actor(), a)
	return noContent()
}

func (s *Server) destroyAssignment(now time.Time, by actor, a assignment) {
	s.removeAssignment(now, a)
	s.emitAssignment(now, by, "role_assignment.destroy", a)
}

func (s *Server) emitAssignment(now time.Time, by actor, kind string, a assignment) {
	s.emit(event{kind: kind, actor: by, objectType: "RoleAssignment", objectID: a.ID, objectName: s.assigneeName(a),
		object: map[string]any{
			"id": a.ID, "role_id": s.shownRoleID(a.RoleID), "assignee_type": a.Assignee.Kind, "assignee_id": a.Assignee.ID,
			"applies_to_type": a.AppliesTo.Kind, "applies_to_id": a.AppliesTo.ID,
		},
		placeID: s.assignmentTarget(a).placeID, organizationID: a.OrganizationID, at: now})
}

// mailAssignment sends the mail that notify asks for.
func (s *Server) mailAssignment(now time.Time, a assignment, notify bool) {
	if !notify || a.Assignee.Kind != kindUser {
		return
	}
	u, _ := s.users.get(a.Assignee.ID)
	if u.SendEmails || s.switches.ManagedNotify == ManagedNotifyMails {
		s.mail(now, u, "You have been given access: "+s.targetName(a.AppliesTo))
	}
}

func (s *Server) targetName(t reference) string {
	switch t.Kind {
	case kindGroup:
		g, _ := s.groups.everKnown(t.ID)
		return g.Name
	case kindPlace:
		p, _ := s.places.everKnown(t.ID)
		return p.Name
	}
	o, _ := s.organizations.everKnown(t.ID)
	return o.Name
}

// sameInstant compares bounds; nil is unbounded.
func sameInstant(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// duplicates lists the rows that a new one would repeat.
func (s *Server) duplicates(a assignment) []assignment {
	ids := intersect(s.assignmentsByAssignee.live[a.Assignee], s.assignmentsByTarget.live[a.AppliesTo])
	rows := rowsOf(&s.assignments, ids)
	return slices.DeleteFunc(rows, func(b assignment) bool {
		return s.switches.DuplicateKey == DuplicateKeyWithRole && a.RoleID != b.RoleID
	})
}
