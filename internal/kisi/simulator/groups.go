package simulator

import (
	"slices"
	"time"
)

type groupJSON struct {
	ID                              int      `json:"id"`
	ResourceType                    string   `json:"resource_type"`
	Name                            string   `json:"name"`
	Description                     *string  `json:"description"`
	CreatedAt                       instant  `json:"created_at"`
	UpdatedAt                       instant  `json:"updated_at"`
	GeofenceRestrictionEnabled      bool     `json:"geofence_restriction_enabled"`
	GeofenceRestrictionRadius       float64  `json:"geofence_restriction_radius"`
	PrimaryDeviceRestrictionEnabled bool     `json:"primary_device_restriction_enabled"`
	ManagedDeviceRestrictionEnabled bool     `json:"managed_device_restriction_enabled"`
	ReaderRestrictionEnabled        bool     `json:"reader_restriction_enabled"`
	TimeRestrictionEnabled          bool     `json:"time_restriction_enabled"`
	TapToAccessRestrictionEnabled   bool     `json:"tap_to_access_restriction_enabled"`
	LoginEnabled                    bool     `json:"login_enabled"`
	UsersCount                      int      `json:"users_count"`
	LocksCount                      int      `json:"locks_count"`
	ElevatorStopsCount              int      `json:"elevator_stops_count"`
	PlaceID                         *int     `json:"place_id"`
	Place                           *refJSON `json:"place,omitempty"`
	TimeRestrictionTimeZone         *string  `json:"time_restriction_time_zone"`
	MembersCount                    int      `json:"members_count"`
}

// standardGeofenceRadius is in metres; Kisi shows a radius even where no
// geofence is in force.
const standardGeofenceRadius = 100

func (c *call) groupJSON(g group) groupJSON {
	r := g.Restrictions
	count := c.s.usersCount(g, c.now)
	out := groupJSON{
		ID: g.ID, ResourceType: kindGroup, Name: g.Name, Description: g.Description,
		CreatedAt: seconds(g.CreatedAt), UpdatedAt: seconds(g.UpdatedAt),
		GeofenceRestrictionEnabled: r.Geofence, GeofenceRestrictionRadius: r.GeofenceRadius,
		PrimaryDeviceRestrictionEnabled: r.PrimaryDevice, ManagedDeviceRestrictionEnabled: r.ManagedDevice,
		ReaderRestrictionEnabled: r.Reader, TimeRestrictionEnabled: r.Time, TapToAccessRestrictionEnabled: r.TapToAccess,
		LoginEnabled: g.LoginEnabled, UsersCount: count, MembersCount: count,
		LocksCount: len(c.s.groupLocksByGroup.live[g.ID]), PlaceID: nullable(g.PlaceID), TimeRestrictionTimeZone: g.TimeZone,
	}
	if p, ok := c.s.places.get(g.PlaceID); ok {
		ref := refPlace(p)
		out.Place = &ref
	}
	return out
}

// usersCount counts the people with a row of their own in a group.
func (s *Server) usersCount(g group, now time.Time) int {
	target := reference{kindGroup, g.ID}
	if s.switches.UsersCount == UsersCountWithExpired {
		return len(s.peopleOf[target])
	}
	return len(s.usersOfTargets([]reference{target}, false, false, now))
}

// usersOfGroup lists users with access to a group, ascending; how widely that
// is understood is the switch groupUsers.
func (s *Server) usersOfGroup(org organization, groupID int, width GroupUsers, now time.Time) []int {
	g, found := s.groups.get(groupID)
	if !found || g.OrganizationID != org.ID {
		return nil
	}
	targets := []reference{{kindGroup, groupID}}
	if width == GroupUsersWithTeamsAndRoles {
		targets = append(targets, reference{kindOrganization, org.ID})
		if g.PlaceID != 0 {
			targets = append(targets, reference{kindPlace, g.PlaceID})
		}
	}
	return s.usersOfTargets(targets, width != GroupUsersDirect, true, now)
}

// usersOfPlace lists users with a row in the place or in one of its groups.
func (s *Server) usersOfPlace(org organization, placeID int, now time.Time) []int {
	p, found := s.places.get(placeID)
	if !found || p.OrganizationID != org.ID {
		return nil
	}
	targets := []reference{{kindPlace, placeID}}
	for _, groupID := range s.groupsByPlace.live[placeID] {
		targets = append(targets, reference{kindGroup, groupID})
	}
	return s.usersOfTargets(targets, s.switches.GroupUsers != GroupUsersDirect, true, now)
}

func (s *Server) usersOfTargets(targets []reference, withTeams, withExpired bool, now time.Time) []int {
	people := map[int]bool{}
	for _, t := range targets {
		for _, id := range s.assignmentsByTarget.live[t] {
			a, _ := s.assignments.get(id)
			if !withExpired && s.rules().window(a.ValidFrom, a.ValidUntil).endedBy(now) {
				continue
			}
			switch {
			case a.Assignee.Kind == kindUser:
				people[a.Assignee.ID] = true
			case a.Assignee.Kind == kindTeam && withTeams:
				for _, m := range rowsOf(&s.memberships, s.membershipsByTeam.live[a.Assignee.ID]) {
					if m.Member.Kind == kindUser {
						people[m.Member.ID] = true
					}
				}
			}
		}
	}
	return sortedKeys(people)
}

func sortedKeys(set map[int]bool) []int {
	ids := make([]int, 0, len(set))
	for id := range set {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func groupTarget(g group) target { return target{placeID: g.PlaceID, groupID: g.ID} }

func listGroups(c *call) answer {
	s := c.s
	list := &lister[group]{size: rowsPage, table: &s.groups, ids: s.groupsIn.live[c.org.ID],
		sortKey: map[string]func(group) string{"name": func(g group) string { return g.Name }},
		render:  func(g group) any { return c.groupJSON(g) }}
	if refused := scopeList(c, list, "groups_read", groupTarget); refused != nil {
		return *refused
	}
	if id := c.query.Get("place_id"); id != "" {
		list.ids = intersect(list.ids, s.groupsByPlace.live[atoi(id)])
	}
	if id := c.query.Get("lock_id"); id != "" {
		groups := map[int]bool{}
		for _, gl := range rowsOf(&s.groupLocks, s.groupLocksByLock.live[atoi(id)]) {
			groups[gl.GroupID] = true
		}
		list.ids = intersect(list.ids, sortedKeys(groups))
	}
	if c.query.Get("elevator_stop_id") != "" {
		list.ids = nil // the simulator has no elevators
	}
	switch c.query.Get("scope") {
	case "organization":
		list.ids = intersect(list.ids, s.groupsByPlace.live[0])
	case "place":
		list.where(func(g group) bool { return g.PlaceID != 0 })
	}
	list.whereIDs(c)
	list.whereText(c, func(g group) []string { return []string{g.Name} })
	return list.answer(c)
}

// scopeList narrows a listing to what the caller may read. Without the
// permission anywhere it is refused, or empty: the switch listsForbidden.
func scopeList[T any](c *call, list *lister[T], permission string, where func(T) target) *answer {
	if c.may(permission, target{}) {
		return nil
	}
	if !c.mayAnywhere(permission) {
		if c.s.switches.ListsForbidden == ListsForbidden403 {
			a := forbidden()
			return &a
		}
		list.ids = nil
		return nil
	}
	list.where(func(row T) bool { return c.may(permission, where(row)) })
	return nil
}

// hides says whether a thing that the caller may not read is answered as if it
// were not there: the switch readsForbidden.
func (c *call) hides(readable bool) bool {
	return !readable && c.s.switches.ReadsForbidden == ReadsForbiddenNotFound
}

func (c *call) organizationGroup(id int) (group, bool) {
	g, found := c.s.groups.get(id)
	return g, found && g.OrganizationID == c.org.ID && !c.hides(c.may("groups_read", groupTarget(g)))
}

func getGroup(c *call) answer {
	g, found := c.organizationGroup(c.id())
	if !found {
		return notFound()
	}
	if !c.may("groups_read", groupTarget(g)) {
		return forbidden()
	}
	return ok(c.groupJSON(g))
}

func createGroup(c *call) answer {
	f, refused := c.root("group")
	if refused != nil {
		return *refused
	}
	g := group{OrganizationID: c.org.ID, LoginEnabled: true, Restrictions: restrictions{GeofenceRadius: standardGeofenceRadius}}
	f.required("name")
	changeGroup(f, &g)
	g.PlaceID = f.number("place_id")
	if g.PlaceID != 0 {
		if p, found := c.s.places.get(g.PlaceID); !found || p.OrganizationID != c.org.ID {
			f.fail("place", "must exist")
		}
	}
	if !c.may("groups_write", target{placeID: g.PlaceID}) {
		return forbidden()
	}
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	g = c.s.addGroup(c.now, g)
	c.s.emitGroup(c.now, c.actor(), "group.create", g)
	return ok(c.groupJSON(g))
}

func changeGroup(f *fields, g *group) {
	set(f, "name", &g.Name)
	if f.has("name") && g.Name == "" {
		f.fail("name", "can't be blank")
	}
	setNullable(f, "description", &g.Description)
	setNullable(f, "time_restriction_time_zone", &g.TimeZone)
	set(f, "login_enabled", &g.LoginEnabled)
	set(f, "geofence_restriction_enabled", &g.Restrictions.Geofence)
	set(f, "geofence_restriction_radius", &g.Restrictions.GeofenceRadius)
	set(f, "primary_device_restriction_enabled", &g.Restrictions.PrimaryDevice)
	set(f, "managed_device_restriction_enabled", &g.Restrictions.ManagedDevice)
	set(f, "reader_restriction_enabled", &g.Restrictions.Reader)
	set(f, "time_restriction_enabled", &g.Restrictions.Time)
	set(f, "tap_to_access_restriction_enabled", &g.Restrictions.TapToAccess)
}

func updateGroup(c *call) answer {
	f, refused := c.root("group")
	if refused != nil {
		return *refused
	}
	g, found := c.organizationGroup(c.id())
	if !found {
		return notFound()
	}
	if !c.may("groups_write", groupTarget(g)) {
		return forbidden()
	}
	changeGroup(f, &g)
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	c.s.changeGroup(c.now, c.actor(), g)
	return noContent()
}

func (s *Server) changeGroup(now time.Time, by actor, g group) {
	g.UpdatedAt = now
	s.groups.put(now, g.ID, g)
	s.emitGroup(now, by, "group.update", g)
}

func deleteGroup(c *call) answer {
	g, found := c.organizationGroup(c.id())
	if !found {
		return notFound()
	}
	if !c.may("groups_write", groupTarget(g)) {
		return forbidden()
	}
	c.s.destroyGroup(c.now, c.actor(), g)
	return noContent()
}

// destroyGroup deletes a group with its locks and everybody's rows in it.
func (s *Server) destroyGroup(now time.Time, by actor, g group) {
	for _, a := range rowsOf(&s.assignments, slices.Clone(s.assignmentsByTarget.live[reference{kindGroup, g.ID}])) {
		s.destroyAssignment(now, by, a)
	}
	for _, gl := range rowsOf(&s.groupLocks, slices.Clone(s.groupLocksByGroup.live[g.ID])) {
		s.destroyGroupLock(now, by, gl)
	}
	s.removeGroup(now, g)
	s.emitGroup(now, by, "group.destroy", g)
}

func (s *Server) emitGroup(now time.Time, by actor, kind string, g group) {
	s.emit(event{kind: kind, actor: by, objectType: kindGroup, objectID: g.ID, objectName: g.Name,
		object: map[string]any{"id": g.ID, "name": g.Name}, placeID: g.PlaceID, organizationID: g.OrganizationID, at: now})
}
