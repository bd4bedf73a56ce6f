package simulator

import (
	"errors"
	"fmt"
	"net/mail"
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

func (a *acting) freeEmail() error {
	if address, err := mail.ParseAddress(a.Email); err != nil || address.Address != a.Email {
		return fmt.Errorf("email: %q is not an e-mail address", a.Email)
	}
	if _, taken := a.s.userByEmail(a.org.ID, a.Email); taken {
		return fmt.Errorf("email: %q is already another user's", a.Email)
	}
	return nil
}

func (a *acting) createUser() (int, error) {
	if err := a.freeEmail(); err != nil {
		return 0, err
	}
	u := a.s.addUser(a.now, user{OrganizationID: a.org.ID, Email: a.Email, Name: a.Name,
		PasswordFlow: true, AccessEnabled: true, ScimAccessEnabled: true, SendEmails: true})
	a.s.emitUser(a.now, a.by, "user.create", u)
	return u.ID, nil
}

func (a *acting) deleteUser() (int, error) {
	u, err := a.user()
	if err != nil {
		return 0, err
	}
	a.s.destroyUser(a.now, a.by, u)
	return u.ID, nil
}

func changeUserAction(change func(*user)) func(*acting) (int, error) {
	return func(a *acting) (int, error) {
		u, err := a.user()
		if err != nil {
			return 0, err
		}
		change(&u)
		a.s.changeUser(a.now, u)
		a.s.emitUser(a.now, a.by, "user.update", u)
		return u.ID, nil
	}
}

// directoryAction is what the directory does, which an organization has from its first act on.
func directoryAction(change func(*user)) func(*acting) (int, error) {
	act := changeUserAction(change)
	return func(a *acting) (int, error) {
		id, err := act(a)
		if err == nil && !a.org.ScimEnabled {
			a.org.ScimEnabled, a.org.UpdatedAt = true, a.now
			a.s.organizations.put(a.now, a.org.ID, a.org)
			a.s.emit(event{kind: "organization.update", actor: a.by, objectType: kindOrganization, objectID: a.org.ID, objectName: a.org.Name,
				organizationID: a.org.ID, at: a.now})
		}
		return id, err
	}
}

func (a *acting) changeEmail() (int, error) {
	if err := a.freeEmail(); err != nil {
		return 0, err
	}
	return changeUserAction(func(u *user) { u.Email = a.Email })(a)
}

func (a *acting) deleteGroup() (int, error) {
	g, err := a.s.groupNamed(a.org, a.Group)
	if err != nil {
		return 0, err
	}
	a.s.destroyGroup(a.now, a.by, g)
	return g.ID, nil
}

func (a *acting) changeGroup() (int, error) {
	g, err := a.s.groupNamed(a.org, a.Group)
	if err != nil {
		return 0, err
	}
	g.Name = orDefault(a.Name, g.Name)
	if r := a.Restrictions; r != nil {
		g.Restrictions = r.forGroup()
	}
	if a.LoginEnabled != nil {
		g.LoginEnabled = *a.LoginEnabled
	}
	a.s.changeGroup(a.now, a.by, g)
	return g.ID, nil
}

func (a *acting) addLock() (int, error) {
	g, err := a.s.groupNamed(a.org, a.Group)
	if err != nil {
		return 0, err
	}
	l, err := a.livingLock()
	if err != nil {
		return 0, err
	}
	if g.PlaceID != 0 && g.PlaceID != l.PlaceID {
		return 0, fmt.Errorf("lock: %q is not at the group's place", l.Name)
	}
	gl := a.s.addGroupLock(a.now, groupLock{OrganizationID: a.org.ID, GroupID: g.ID, LockID: l.ID})
	a.s.emitGroupLock(a.now, a.by, "group_lock.create", gl)
	return gl.ID, nil
}

func (a *acting) removeLock() (int, error) {
	g, err := a.s.groupNamed(a.org, a.Group)
	if err != nil {
		return 0, err
	}
	l, err := a.livingLock()
	if err != nil {
		return 0, err
	}
	ids := intersect(a.s.groupLocksByGroup.live[g.ID], a.s.groupLocksByLock.live[l.ID])
	if len(ids) == 0 {
		return 0, fmt.Errorf("lock: %q is not in %q", l.Name, g.Name)
	}
	for _, gl := range rowsOf(&a.s.groupLocks, ids) {
		a.s.destroyGroupLock(a.now, a.by, gl)
	}
	return ids[0], nil
}

func lockAction(do func(*acting, lock)) func(*acting) (int, error) {
	return func(a *acting) (int, error) {
		l, err := a.livingLock()
		if err != nil {
			return 0, err
		}
		do(a, l)
		return l.ID, nil
	}
}

func (a *acting) changeLock() (int, error) {
	l, err := a.livingLock()
	if err != nil {
		return 0, err
	}
	l.Name, l.UpdatedAt = orDefault(a.Name, l.Name), a.now
	a.s.locks.put(a.now, l.ID, l)
	a.s.emitLock(a.now, a.by, "lock.update", l, nil)
	return l.ID, nil
}

func (a *acting) setOnline(l lock, online bool) {
	l.Online, l.UpdatedAt = online, a.now
	a.s.locks.put(a.now, l.ID, l)
	a.s.emitLock(a.now, a.by, "lock.update", l, nil)
}

func (a *acting) lockdown(down bool) (int, error) {
	if a.Place == "" {
		return lockAction(func(a *acting, l lock) { a.s.setLockdown(a.now, a.by, l, down) })(a)
	}
	p, err := a.place()
	if err != nil {
		return 0, err
	}
	a.s.setPlaceLockdown(a.now, a.by, p, down)
	return p.ID, nil
}

func (a *acting) deletePlace() (int, error) {
	p, err := a.place()
	if err != nil {
		return 0, err
	}
	a.s.destroyPlace(a.now, a.by, p)
	return p.ID, nil
}

// changePlace tells nobody: no event about a changed place is documented.
func (a *acting) changePlace() (int, error) {
	p, err := a.place()
	if err != nil {
		return 0, err
	}
	p.Name, p.UpdatedAt = orDefault(a.Name, p.Name), a.now
	a.s.places.put(a.now, p.ID, p)
	return p.ID, nil
}

func (a *acting) addToTeam() (int, error) {
	u, err := a.user()
	if err != nil {
		return 0, err
	}
	t, found := a.team()
	switch {
	case a.Team == "":
		return 0, errors.New("team: is required")
	case !found:
		t = a.s.addTeam(a.now, team{OrganizationID: a.org.ID, Name: a.Team})
		a.s.emitTeam(a.now, a.by, "team.create", t)
	case slices.Contains(a.s.teamIDsOf(reference{kindUser, u.ID}), t.ID):
		return 0, fmt.Errorf("user: %s is already in %q", u.Email, t.Name)
	}
	return a.s.joinTeam(a.now, a.by, teamMembership{OrganizationID: a.org.ID, TeamID: t.ID, Member: reference{kindUser, u.ID}}).ID, nil
}

func (a *acting) removeFromTeam() (int, error) {
	u, err := a.user()
	if err != nil {
		return 0, err
	}
	t, _ := a.team()
	for _, m := range rowsOf(&a.s.memberships, slices.Clone(a.s.membershipsByMember.live[reference{kindUser, u.ID}])) {
		if m.TeamID == t.ID {
			a.s.destroyMembership(a.now, a.by, m)
			return m.ID, nil
		}
	}
	return 0, fmt.Errorf("user: %s is not in a team called %q", u.Email, a.Team)
}

func (a *acting) createKey() (int, error) {
	u, err := a.user()
	if err != nil {
		return 0, err
	}
	if _, taken := a.s.loginBySecret[a.Secret]; taken || a.Secret == "" {
		return 0, errors.New("secret: is required and must not be another key's")
	}
	l := a.s.addLogin(a.now, login{OrganizationID: a.org.ID, UserID: u.ID, Type: loginAPI, Secret: a.Secret})
	a.s.emitLogin(a.now, a.by, "login.create", l)
	return l.ID, nil
}

func (a *acting) revokeKeys() (int, error) {
	u, err := a.user()
	if err != nil {
		return 0, err
	}
	for _, l := range rowsOf(&a.s.logins, slices.Clone(a.s.loginsByUser.live[u.ID])) {
		if l.Type == loginAPI {
			a.s.destroyLogin(a.now, a.by, l)
		}
	}
	return u.ID, nil
}

func (a *acting) setOwner() (int, error) {
	u, err := a.user()
	if err != nil {
		return 0, err
	}
	a.s.setOwner(a.now, a.by, a.org, u.ID)
	return u.ID, nil
}

func (a *acting) demoteOwner() (int, error) {
	before := a.org.OwnerID
	if before == a.by.user.ID {
		return 0, errors.New("as: the owner cannot be demoted by the owner")
	}
	a.s.setOwner(a.now, a.by, a.org, a.by.user.ID)
	for _, row := range rowsOf(&a.s.assignments, slices.Clone(a.s.assignmentsByAssignee.live[reference{kindUser, before}])) {
		if row.AppliesTo.Kind != kindGroup {
			a.s.destroyAssignment(a.now, a.by, row)
		}
	}
	return before, nil
}
