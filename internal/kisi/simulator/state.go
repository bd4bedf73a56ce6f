package simulator

import (
	"slices"
	"time"
)

// State is everything there is now, in the words of people.
type State struct {
	Clock         ClockState          `json:"clock"`
	Organizations []OrganizationState `json:"organizations"`
}

// OrganizationState is an organization with everything in it.
type OrganizationState struct {
	ID          int          `json:"id"`
	Name        string       `json:"name"`
	Domain      string       `json:"domain"`
	Owner       string       `json:"owner,omitempty"`
	Users       []UserState  `json:"users"`
	Places      []string     `json:"places"`
	Locks       []LockState  `json:"locks"`
	Groups      []GroupState `json:"groups"`
	Teams       []TeamState  `json:"teams"`
	Assignments []Assignment `json:"roleAssignments"`
	Logins      []LoginState `json:"logins"`
	// Webhooks are the organization's event webhooks.
	Webhooks []WebhookState `json:"webhooks"`
}

// UserState is a person with a Kisi user.
type UserState struct {
	ID                int            `json:"id"`
	Email             string         `json:"email"`
	Name              string         `json:"name"`
	AccessEnabled     bool           `json:"accessEnabled"`
	ScimAccessEnabled bool           `json:"scimAccessEnabled"`
	SendEmails        bool           `json:"sendEmails"`
	Notes             *string        `json:"notes,omitempty"`
	Metadata          map[string]any `json:"metadata,omitempty"`
	LastAccessedAt    *time.Time     `json:"lastAccessedAt,omitempty"`
}

// LockState is a door.
type LockState struct {
	ID         int    `json:"id"`
	Name       string `json:"name"`
	Place      string `json:"place"`
	LockedDown bool   `json:"lockedDown,omitempty"`
}

// GroupState is a set of doors, and how many people may open them.
type GroupState struct {
	ID          int      `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Place       string   `json:"place,omitempty"`
	Locks       []string `json:"locks"`
	Users       int      `json:"users"`
}

// TeamState is a set of people, by address.
type TeamState struct {
	ID      int      `json:"id"`
	Name    string   `json:"name"`
	Members []string `json:"members"`
}

// LoginState shows a key without its secret.
type LoginState struct {
	ID         int        `json:"id"`
	User       string     `json:"user"`
	Type       string     `json:"type"`
	Name       string     `json:"name,omitempty"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
}

// WebhookState shows an event webhook without its signature key.
type WebhookState struct {
	ID                 int      `json:"id"`
	Name               string   `json:"name"`
	URL                string   `json:"url"`
	Enabled            bool     `json:"enabled"`
	DisabledDueToError bool     `json:"disabledDueToError,omitempty"`
	EnabledEvents      []string `json:"enabledEvents"`
}

// State dumps everything there is now; no secret is in it.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.purgeExpired(s.clock.Now())
	state := State{Clock: s.clock.State(), Organizations: []OrganizationState{}}
	for _, o := range rowsOf(&s.organizations, s.organizationIDs) {
		state.Organizations = append(state.Organizations, s.organizationState(o))
	}
	return state
}

func (s *Server) organizationState(o organization) OrganizationState {
	out := OrganizationState{ID: o.ID, Name: o.Name, Domain: o.Domain,
		Users: []UserState{}, Places: []string{}, Locks: []LockState{}, Groups: []GroupState{}, Teams: []TeamState{},
		Assignments: []Assignment{}, Logins: []LoginState{}, Webhooks: []WebhookState{}}
	if owner, found := s.users.get(o.OwnerID); found {
		out.Owner = owner.Email
	}
	for _, u := range rowsOf(&s.users, s.usersIn.live[o.ID]) {
		out.Users = append(out.Users, UserState{u.ID, u.Email, u.Name, u.AccessEnabled, u.ScimAccessEnabled, u.SendEmails, u.Notes, u.Metadata, u.LastAccessedAt})
		for _, l := range rowsOf(&s.logins, s.loginsByUser.live[u.ID]) {
			shown := LoginState{ID: l.ID, User: u.Email, Type: l.Type, LastUsedAt: l.LastUsedAt}
			if l.Name != nil {
				shown.Name = *l.Name
			}
			out.Logins = append(out.Logins, shown)
		}
	}
	for _, i := range rowsOf(&s.integrations, s.integrationsIn.live[o.ID]) {
		out.Webhooks = append(out.Webhooks, WebhookState{i.ID, i.Name, i.URL, i.Enabled, i.DisabledAt != nil, slices.Clone(i.EnabledEvents)})
	}
	for _, p := range rowsOf(&s.places, s.placesIn.live[o.ID]) {
		out.Places = append(out.Places, p.Name)
	}
	for _, l := range rowsOf(&s.locks, s.locksIn.live[o.ID]) {
		p, _ := s.places.get(l.PlaceID)
		out.Locks = append(out.Locks, LockState{l.ID, l.Name, p.Name, l.LockedDownSince != nil})
	}
	for _, g := range rowsOf(&s.groups, s.groupsIn.live[o.ID]) {
		out.Groups = append(out.Groups, s.groupState(g))
	}
	for _, t := range rowsOf(&s.teams, s.teamsIn.live[o.ID]) {
		shown := TeamState{ID: t.ID, Name: t.Name, Members: []string{}}
		for _, m := range rowsOf(&s.memberships, s.membershipsByTeam.live[t.ID]) {
			u, _ := s.users.get(m.Member.ID)
			shown.Members = append(shown.Members, u.Email)
		}
		out.Teams = append(out.Teams, shown)
	}
	for _, a := range rowsOf(&s.assignments, s.assignmentsIn.live[o.ID]) {
		out.Assignments = append(out.Assignments, s.assignmentInWords(a))
	}
	return out
}

func (s *Server) groupState(g group) GroupState {
	p, _ := s.places.get(g.PlaceID)
	out := GroupState{ID: g.ID, Name: g.Name, Place: p.Name, Locks: []string{}, Users: s.usersCount(g, s.clock.Now())}
	if g.Description != nil {
		out.Description = *g.Description
	}
	for _, gl := range rowsOf(&s.groupLocks, s.groupLocksByGroup.live[g.ID]) {
		l, _ := s.locks.get(gl.LockID)
		out.Locks = append(out.Locks, l.Name)
	}
	slices.Sort(out.Locks)
	return out
}

// Assignments lists the rows of a group that exist now, by id. A group that
// does not exist has none. With several organizations, groups of that name in
// all of them count; see AssignmentsIn.
func (s *Server) Assignments(groupName string) []Assignment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Assignment
	for _, o := range rowsOf(&s.organizations, s.organizationIDs) {
		out = append(out, s.rowsOfGroup(o, groupName)...)
	}
	return out
}

// AssignmentsIn is Assignments for one organization, named by its domain.
func (s *Server) AssignmentsIn(domain, groupName string) ([]Assignment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organizationNamed(domain)
	if err != nil {
		return nil, err
	}
	return s.rowsOfGroup(o, groupName), nil
}

func (s *Server) rowsOfGroup(o organization, groupName string) []Assignment {
	s.purgeExpired(s.clock.Now())
	var out []Assignment
	g, err := s.groupNamed(o, groupName)
	if err != nil {
		return nil
	}
	for _, a := range rowsOf(&s.assignments, s.assignmentsByTarget.live[reference{kindGroup, g.ID}]) {
		out = append(out, s.assignmentInWords(a))
	}
	return out
}

// User shows a person by address, and whether there is one. An empty domain
// means the only organization.
func (s *Server) User(domain, email string) (UserState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organizationNamed(domain)
	if err != nil {
		return UserState{}, false
	}
	u, found := s.userByEmail(o.ID, email)
	return UserState{u.ID, u.Email, u.Name, u.AccessEnabled, u.ScimAccessEnabled, u.SendEmails, u.Notes, u.Metadata, u.LastAccessedAt}, found
}
