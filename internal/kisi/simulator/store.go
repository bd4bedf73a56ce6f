package simulator

import (
	"slices"
	"strings"
	"time"
)

// store is everything that Kisi knows. All of it is guarded by Server.mu.
type store struct {
	organizations table[organization]
	users         table[user]
	guests        table[guest]
	places        table[place]
	locks         table[lock]
	groups        table[group]
	groupLocks    table[groupLock]
	assignments   table[assignment]
	teams         table[team]
	memberships   table[teamMembership]
	logins        table[login]
	integrations  table[integration]

	// Rows of an organization, by kind.
	organizationIDs []int
	usersIn         index[int]
	guestsIn        index[int]
	placesIn        index[int]
	locksIn         index[int]
	groupsIn        index[int]
	assignmentsIn   index[int]
	teamsIn         index[int]
	membershipsIn   index[int]
	integrationsIn  index[int]

	// Ways from one row to the others.
	usersByEmail          index[emailKey]
	userByMember          map[int]int
	locksByPlace          index[int]
	groupsByPlace         index[int]
	groupLocksByGroup     index[int]
	groupLocksByLock      index[int]
	assignmentsByAssignee index[reference]
	assignmentsByTarget   index[reference]
	peopleOf              map[reference]map[int]int // rows of each user, by target
	membershipsByTeam     index[int]
	membershipsByMember   index[reference]
	loginsByUser          index[int]
	loginBySecret         map[string]int
	nextMemberID          int

	customRoles map[int]map[string]role
	expiring    expiryQueue
}

type emailKey struct {
	organizationID int
	folded         string
}

func newStore() store {
	return store{
		organizations: newTable[organization](3289),
		users:         newTable[user](1801),
		guests:        newTable[guest](70001),
		places:        newTable[place](501),
		locks:         newTable[lock](6001),
		groups:        newTable[group](45001),
		groupLocks:    newTable[groupLock](80001),
		assignments:   newTable[assignment](900001),
		teams:         newTable[team](30001),
		memberships:   newTable[teamMembership](35001),
		logins:        newTable[login](20001),
		integrations:  newTable[integration](11001),

		usersIn: newIndex[int](), guestsIn: newIndex[int](), placesIn: newIndex[int](), locksIn: newIndex[int](),
		groupsIn: newIndex[int](), assignmentsIn: newIndex[int](), teamsIn: newIndex[int](),
		membershipsIn: newIndex[int](), integrationsIn: newIndex[int](),

		usersByEmail: newIndex[emailKey](), userByMember: map[int]int{},
		locksByPlace: newIndex[int](), groupsByPlace: newIndex[int](),
		groupLocksByGroup: newIndex[int](), groupLocksByLock: newIndex[int](),
		assignmentsByAssignee: newIndex[reference](), assignmentsByTarget: newIndex[reference](),
		membershipsByTeam: newIndex[int](), membershipsByMember: newIndex[reference](),
		peopleOf:     map[reference]map[int]int{},
		loginsByUser: newIndex[int](), loginBySecret: map[string]int{},
		nextMemberID: 700001,
		customRoles:  map[int]map[string]role{},
	}
}

func foldEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// rowsOf reads the rows behind ids.
func rowsOf[T any](t *table[T], ids []int) []T {
	rows := make([]T, 0, len(ids))
	for _, id := range ids {
		if row, ok := t.get(id); ok {
			rows = append(rows, row)
		}
	}
	return rows
}

// --- adding and removing, with the indexes kept ---

func (s *store) addOrganization(now time.Time, o organization) organization {
	o.ID = s.organizations.allocate(o.ID)
	o.CreatedAt, o.UpdatedAt = now, now
	s.organizations.put(now, o.ID, o)
	s.organizationIDs = append(s.organizationIDs, o.ID)
	s.customRoles[o.ID] = map[string]role{}
	return o
}

func (s *store) addUser(now time.Time, u user) user {
	u.ID = s.users.allocate(u.ID)
	u.MemberID = s.nextMemberID
	s.nextMemberID++
	u.CreatedAt, u.UpdatedAt = now, now
	if u.Metadata == nil {
		u.Metadata = map[string]any{}
	}
	s.users.put(now, u.ID, u)
	s.usersIn.add(u.OrganizationID, u.ID)
	s.usersByEmail.add(emailKey{u.OrganizationID, foldEmail(u.Email)}, u.ID)
	s.userByMember[u.MemberID] = u.ID
	return u
}

// changeUser stores a changed user; only an administrator in the dashboard can
// change the address, but the index must follow.
func (s *store) changeUser(now time.Time, u user) {
	before, _ := s.users.get(u.ID)
	if foldEmail(before.Email) != foldEmail(u.Email) {
		s.usersByEmail.remove(emailKey{u.OrganizationID, foldEmail(before.Email)}, u.ID)
		s.usersByEmail.add(emailKey{u.OrganizationID, foldEmail(u.Email)}, u.ID)
	}
	u.UpdatedAt = now
	s.users.put(now, u.ID, u)
}

func (s *store) removeUser(now time.Time, u user) {
	s.users.remove(now, u.ID)
	s.usersIn.remove(u.OrganizationID, u.ID)
	s.usersByEmail.remove(emailKey{u.OrganizationID, foldEmail(u.Email)}, u.ID)
	delete(s.userByMember, u.MemberID)
}

func (s *store) addGuest(now time.Time, g guest) guest {
	g.ID = s.guests.allocate(g.ID)
	g.CreatedAt, g.UpdatedAt = now, now
	s.guests.put(now, g.ID, g)
	s.guestsIn.add(g.OrganizationID, g.ID)
	return g
}

func (s *store) addPlace(now time.Time, p place) place {
	p.ID = s.places.allocate(p.ID)
	p.CreatedAt, p.UpdatedAt = now, now
	s.places.put(now, p.ID, p)
	s.placesIn.add(p.OrganizationID, p.ID)
	return p
}

func (s *store) removePlace(now time.Time, p place) {
	s.places.remove(now, p.ID)
	s.placesIn.remove(p.OrganizationID, p.ID)
}

func (s *store) addLock(now time.Time, l lock) lock {
	l.ID = s.locks.allocate(l.ID)
	l.CreatedAt, l.UpdatedAt = now, now
	s.locks.put(now, l.ID, l)
	s.locksIn.add(l.OrganizationID, l.ID)
	s.locksByPlace.add(l.PlaceID, l.ID)
	return l
}

func (s *store) removeLock(now time.Time, l lock) {
	s.locks.remove(now, l.ID)
	s.locksIn.remove(l.OrganizationID, l.ID)
	s.locksByPlace.remove(l.PlaceID, l.ID)
}

func (s *store) addGroup(now time.Time, g group) group {
	g.ID = s.groups.allocate(g.ID)
	g.CreatedAt, g.UpdatedAt = now, now
	s.groups.put(now, g.ID, g)
	s.groupsIn.add(g.OrganizationID, g.ID)
	s.groupsByPlace.add(g.PlaceID, g.ID)
	return g
}

func (s *store) removeGroup(now time.Time, g group) {
	s.groups.remove(now, g.ID)
	s.groupsIn.remove(g.OrganizationID, g.ID)
	s.groupsByPlace.remove(g.PlaceID, g.ID)
}

func (s *store) addGroupLock(now time.Time, gl groupLock) groupLock {
	gl.ID = s.groupLocks.allocate(gl.ID)
	gl.CreatedAt, gl.UpdatedAt = now, now
	s.groupLocks.put(now, gl.ID, gl)
	s.groupLocksByGroup.add(gl.GroupID, gl.ID)
	s.groupLocksByLock.add(gl.LockID, gl.ID)
	return gl
}

func (s *store) removeGroupLock(now time.Time, gl groupLock) {
	s.groupLocks.remove(now, gl.ID)
	s.groupLocksByGroup.remove(gl.GroupID, gl.ID)
	s.groupLocksByLock.remove(gl.LockID, gl.ID)
}

func (s *store) addAssignment(now time.Time, a assignment) assignment {
	a.ID = s.assignments.allocate(a.ID)
	a.CreatedAt, a.UpdatedAt = now, now
	s.assignments.put(now, a.ID, a)
	s.assignmentsIn.add(a.OrganizationID, a.ID)
	s.assignmentsByAssignee.add(a.Assignee, a.ID)
	s.assignmentsByTarget.add(a.AppliesTo, a.ID)
	s.countPerson(a, 1)
	s.expiring.watch(a)
	return a
}

func (s *store) changeAssignment(now time.Time, a assignment) {
	a.UpdatedAt = now
	s.assignments.put(now, a.ID, a)
	s.expiring.watch(a)
}

func (s *store) removeAssignment(now time.Time, a assignment) {
	s.assignments.remove(now, a.ID)
	s.assignmentsIn.remove(a.OrganizationID, a.ID)
	s.assignmentsByAssignee.remove(a.Assignee, a.ID)
	s.assignmentsByTarget.remove(a.AppliesTo, a.ID)
	s.countPerson(a, -1)
}

// countPerson keeps the number of rows that each user has in a target, so that
// a group's users_count costs nothing however large the group is.
func (s *store) countPerson(a assignment, by int) {
	if a.Assignee.Kind != kindUser {
		return
	}
	people := s.peopleOf[a.AppliesTo]
	if people == nil {
		people = map[int]int{}
		s.peopleOf[a.AppliesTo] = people
	}
	if people[a.Assignee.ID] += by; people[a.Assignee.ID] == 0 {
		delete(people, a.Assignee.ID)
	}
}

func (s *store) addTeam(now time.Time, t team) team {
	t.ID = s.teams.allocate(t.ID)
	t.CreatedAt, t.UpdatedAt = now, now
	s.teams.put(now, t.ID, t)
	s.teamsIn.add(t.OrganizationID, t.ID)
	return t
}

func (s *store) removeTeam(now time.Time, t team) {
	s.teams.remove(now, t.ID)
	s.teamsIn.remove(t.OrganizationID, t.ID)
}

func (s *store) addMembership(now time.Time, m teamMembership) teamMembership {
	m.ID = s.memberships.allocate(m.ID)
	m.CreatedAt, m.UpdatedAt = now, now
	s.memberships.put(now, m.ID, m)
	s.membershipsIn.add(m.OrganizationID, m.ID)
	s.membershipsByTeam.add(m.TeamID, m.ID)
	s.membershipsByMember.add(m.Member, m.ID)
	return m
}

func (s *store) removeMembership(now time.Time, m teamMembership) {
	s.memberships.remove(now, m.ID)
	s.membershipsIn.remove(m.OrganizationID, m.ID)
	s.membershipsByTeam.remove(m.TeamID, m.ID)
	s.membershipsByMember.remove(m.Member, m.ID)
}

func (s *store) addLogin(now time.Time, l login) login {
	l.ID = s.logins.allocate(l.ID)
	l.CreatedAt, l.UpdatedAt = now, now
	s.logins.put(now, l.ID, l)
	s.loginsByUser.add(l.UserID, l.ID)
	s.loginBySecret[l.Secret] = l.ID
	return l
}

func (s *store) removeLogin(now time.Time, l login) {
	s.logins.remove(now, l.ID)
	s.loginsByUser.remove(l.UserID, l.ID)
	delete(s.loginBySecret, l.Secret)
}

func (s *store) addIntegration(now time.Time, i integration) integration {
	i.ID = s.integrations.allocate(i.ID)
	i.CreatedAt, i.UpdatedAt = now, now
	s.integrations.put(now, i.ID, i)
	s.integrationsIn.add(i.OrganizationID, i.ID)
	return i
}

// --- questions that several resources ask ---

// userByEmail finds a living user of an organization by address. Case counts
// only where the switch emailCase says so.
func (s *Server) userByEmail(organizationID int, email string) (user, bool) {
	for _, u := range rowsOf(&s.users, s.usersByEmail.live[emailKey{organizationID, foldEmail(email)}]) {
		if s.switches.EmailCase != EmailCaseDistinct || u.Email == strings.TrimSpace(email) {
			return u, true
		}
	}
	return user{}, false
}

func (s *store) teamIDsOf(member reference) []int {
	var ids []int
	for _, m := range rowsOf(&s.memberships, s.membershipsByMember.live[member]) {
		ids = insertSorted(ids, m.TeamID)
	}
	return ids
}

// assignmentIDsOfUser lists rows of a user, ascending, with those of the
// user's teams if wanted.
func (s *store) assignmentIDsOfUser(userID int, withTeams bool) []int {
	person := reference{kindUser, userID}
	ids := s.assignmentsByAssignee.live[person]
	if !withTeams {
		return ids
	}
	teams := s.teamIDsOf(person)
	if len(teams) == 0 {
		return ids
	}
	ids = slices.Clone(ids)
	for _, teamID := range teams {
		ids = append(ids, s.assignmentsByAssignee.live[reference{kindTeam, teamID}]...)
	}
	slices.Sort(ids)
	return ids
}

func (s *store) assignmentsOfUser(userID int, withTeams bool) []assignment {
	return rowsOf(&s.assignments, s.assignmentIDsOfUser(userID, withTeams))
}
