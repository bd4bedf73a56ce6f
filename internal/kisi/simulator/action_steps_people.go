package simulator

import (
	"errors"
	"fmt"
	"net/mail"
	"slices"
)

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
