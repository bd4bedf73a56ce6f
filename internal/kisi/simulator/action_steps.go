package simulator

import (
	"errors"
	"fmt"
	"slices"
)

func (a *acting) user() (user, error) {
	u, found := a.s.userByEmail(a.org.ID, a.User)
	if !found {
		return u, fmt.Errorf("user: %s has no user %q", a.org.Name, a.User)
	}
	return u, nil
}

func (a *acting) team() (team, bool) {
	for _, t := range rowsOf(&a.s.teams, a.s.teamsIn.live[a.org.ID]) {
		if t.Name == a.Team {
			return t, true
		}
	}
	return team{}, false
}

func (a *acting) place() (place, error) {
	for _, p := range rowsOf(&a.s.places, a.s.placesIn.live[a.org.ID]) {
		if p.Name == a.Place {
			return p, nil
		}
	}
	return place{}, fmt.Errorf("place: %s has no place called %q", a.org.Name, a.Place)
}

func (a *acting) livingLock() (lock, error) {
	l, err := a.s.lockNamed(a.org, a.Lock)
	if err != nil {
		return l, err
	}
	if _, alive := a.s.locks.get(l.ID); !alive {
		return l, fmt.Errorf("lock: %q has been deleted", a.Lock)
	}
	return l, nil
}

func (a *acting) grantAccess() (int, error) {
	row := assignment{OrganizationID: a.org.ID, RoleID: a.Role, ValidFrom: a.ValidFrom, ValidUntil: a.ValidUntil,
		AppliesTo: reference{kindOrganization, a.org.ID}}
	if a.Group != "" {
		g, err := a.s.groupNamed(a.org, a.Group)
		if err != nil {
			return 0, err
		}
		row.AppliesTo, row.RoleID = reference{kindGroup, g.ID}, orDefault(a.Role, roleGroupBasic)
	} else if a.Place != "" {
		p, err := a.place()
		if err != nil {
			return 0, err
		}
		row.AppliesTo = reference{kindPlace, p.ID}
	}
	if a.Team != "" {
		t, found := a.team()
		if !found {
			return 0, fmt.Errorf("team: %s has no team called %q", a.org.Name, a.Team)
		}
		row.Assignee = reference{kindTeam, t.ID}
	} else {
		u, err := a.user()
		if err != nil {
			return 0, err
		}
		row.Assignee = reference{kindUser, u.ID}
	}
	if r, known := a.s.role(a.org.ID, row.RoleID); !known || r.AppliesTo != row.AppliesTo.Kind || r.ID == roleOrgOwner {
		return 0, fmt.Errorf("role: %q cannot be given for %s", row.RoleID, row.AppliesTo.Kind)
	}
	if a.ValidFrom != nil && a.ValidUntil != nil && !a.ValidFrom.Before(*a.ValidUntil) {
		return 0, errors.New("validUntil: is not after validFrom")
	}
	return a.s.grant(a.now, a.by, row).ID, nil
}

func (a *acting) assignment() (assignment, error) {
	row, found := a.s.assignments.get(a.AssignmentID)
	if !found || row.OrganizationID != a.org.ID {
		return row, fmt.Errorf("assignmentID: %s has no role assignment %d", a.org.Name, a.AssignmentID)
	}
	return row, nil
}

func (a *acting) revoke() (int, error) {
	if a.AssignmentID != 0 {
		row, err := a.assignment()
		if err != nil {
			return 0, err
		}
		a.s.destroyAssignment(a.now, a.by, row)
		return row.ID, nil
	}
	u, err := a.user()
	if err != nil {
		return 0, err
	}
	if a.Group == "" && a.Role != "" {
		return a.demote(u)
	}
	g, err := a.s.groupNamed(a.org, a.Group)
	if err != nil {
		return 0, err
	}
	ids := intersect(a.s.assignmentsByAssignee.live[reference{kindUser, u.ID}], a.s.assignmentsByTarget.live[reference{kindGroup, g.ID}])
	if len(ids) == 0 {
		return 0, fmt.Errorf("user: %s has no row in %s", u.Email, g.Name)
	}
	for _, row := range rowsOf(&a.s.assignments, ids) {
		a.s.destroyAssignment(a.now, a.by, row)
	}
	return ids[0], nil
}

// demote takes a role in the organization, or in places, from a user.
func (a *acting) demote(u user) (int, error) {
	demoted := 0
	for _, row := range rowsOf(&a.s.assignments, slices.Clone(a.s.assignmentsByAssignee.live[reference{kindUser, u.ID}])) {
		if row.AppliesTo.Kind != kindGroup && row.RoleID == a.s.storedRoleID(a.Role) {
			a.s.destroyAssignment(a.now, a.by, row)
			demoted = row.ID
		}
	}
	if demoted == 0 {
		return 0, fmt.Errorf("role: %s is no %s", u.Email, a.Role)
	}
	return demoted, nil
}

func (a *acting) setWindow() (int, error) {
	row, err := a.assignment()
	if err != nil {
		return 0, err
	}
	if a.ValidFrom != nil && a.ValidUntil != nil && !a.ValidFrom.Before(*a.ValidUntil) {
		return 0, errors.New("validUntil: is not after validFrom")
	}
	row.ValidFrom, row.ValidUntil = a.ValidFrom, a.ValidUntil
	a.s.changeAssignment(a.now, row)
	a.s.emitAssignment(a.now, a.by, "role_assignment.update", row)
	return row.ID, nil
}
