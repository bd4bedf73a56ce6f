package simulator

import (
	"slices"
)

// plant stores a checked organization. It happens at the present moment and in
// the owner's name, and leaves events like any other change.
func (s *Server) plant(o SeedOrganization) {
	now := s.clock.Now()
	org := s.addOrganization(now, organization{ID: o.ID, Name: o.Name, Domain: o.Domain, TimeZone: orDefault(o.TimeZone, "UTC")})
	expireAfter := 1209600 // Kisi's default: two weeks
	if o.DeviceLoginsExpireAfter != nil {
		expireAfter = *o.DeviceLoginsExpireAfter
	}
	if expireAfter >= 0 {
		org.DeviceLoginsExpireAfter = &expireAfter
	}
	org.ScimEnabled = o.scimEnabled()
	s.organizations.put(now, org.ID, org)

	for _, u := range o.Users {
		s.addUser(now, user{
			ID: u.ID, OrganizationID: org.ID, Email: u.Email, Name: u.Name, Notes: u.Notes, Metadata: u.Metadata,
			PasswordFlow: true, Confirmed: true, AccessEnabled: orTrue(u.AccessEnabled),
			ScimAccessEnabled: orTrue(u.ScimAccessEnabled), SendEmails: orTrue(u.SendEmails),
		})
	}
	owner, _ := s.userByEmail(org.ID, o.Owner)
	by := actor{user: owner}
	s.setOwner(now, by, org, owner.ID)

	guests := map[string]int{}
	for _, g := range o.Guests {
		guests[g.Name] = s.addGuest(now, guest{ID: g.ID, OrganizationID: org.ID, Name: g.Name, Email: g.Email, Phone: g.Phone}).ID
	}
	places := map[string]int{"": 0}
	for _, p := range o.Places {
		planted := s.addPlace(now, place{ID: p.ID, OrganizationID: org.ID, Name: p.Name, Address: orDefault(p.Address, p.Name),
			TimeZone: orDefault(p.TimeZone, org.TimeZone), Latitude: p.Latitude, Longitude: p.Longitude})
		places[p.Name] = planted.ID
		s.emitPlace(now, by, "place.create", planted)
	}
	locks := map[string]int{}
	for _, l := range o.Locks {
		r := l.Restrictions
		planted := s.addLock(now, lock{
			ID: l.ID, OrganizationID: org.ID, PlaceID: places[l.Place], Name: l.Name, Latitude: l.Latitude, Longitude: l.Longitude,
			Configured: orTrue(l.Configured), Online: orTrue(l.Online),
			Geofence: r.Geofence, Reader: r.Reader, Time: r.Time, GeofenceRadius: orRadius(r.GeofenceRadius),
		})
		locks[l.Name], locks[l.Place+"/"+l.Name] = planted.ID, planted.ID
	}
	groups := s.plantGroups(by, org, o, places, locks)
	teams := s.plantTeams(by, org, o)
	for i, r := range o.Roles {
		s.customRoles[org.ID][r.ID] = role{
			ID: r.ID, Name: r.Name, AppliesTo: r.AppliesTo, Custom: true, CustomID: i + 1, Rank: 2,
			Permissions: permissions(func(name string) bool { return slices.Contains(r.Permissions, name) }),
		}
	}
	for _, a := range o.RoleAssignments {
		s.plantAssignment(by, org, a, groups, places, teams, guests)
	}
	for _, k := range o.Keys {
		u, _ := s.userByEmail(org.ID, k.User)
		l := login{OrganizationID: org.ID, UserID: u.ID, Type: orDefault(k.Type, loginAPI), Expire: k.Expire, Secret: k.Secret}
		if k.Name != "" {
			l.Name = &k.Name
		}
		s.addLogin(now, l)
	}
}

func (o SeedOrganization) scimEnabled() bool {
	if o.ScimEnabled != nil {
		return *o.ScimEnabled
	}
	return slices.ContainsFunc(o.Users, func(u SeedUser) bool { return u.ScimAccessEnabled != nil })
}

func (s *Server) plantGroups(by actor, org organization, o SeedOrganization, places, locks map[string]int) map[string]int {
	now := s.clock.Now()
	groups := map[string]int{}
	for _, g := range o.Groups {
		planted := s.addGroup(now, group{
			ID: g.ID, OrganizationID: org.ID, PlaceID: places[g.Place], Name: g.Name, Description: g.Description,
			LoginEnabled: orTrue(g.LoginEnabled),
			Restrictions: g.Restrictions.forGroup(),
		})
		groups[g.Name] = planted.ID
		if g.Place != "" {
			groups[g.Place+"/"+g.Name] = planted.ID
		}
		s.emitGroup(now, by, "group.create", planted)
		for _, name := range g.Locks {
			s.emitGroupLock(now, by, "group_lock.create",
				s.addGroupLock(now, groupLock{OrganizationID: org.ID, GroupID: planted.ID, LockID: locks[name]}))
		}
	}
	return groups
}

func (s *Server) plantTeams(by actor, org organization, o SeedOrganization) map[string]int {
	now := s.clock.Now()
	teams := map[string]int{}
	for _, t := range o.Teams {
		planted := s.addTeam(now, team{ID: t.ID, OrganizationID: org.ID, Name: t.Name})
		teams[t.Name] = planted.ID
		for _, email := range t.Members {
			u, _ := s.userByEmail(org.ID, email)
			s.joinTeam(now, by, teamMembership{OrganizationID: org.ID, TeamID: planted.ID, Member: reference{kindUser, u.ID}})
		}
	}
	return teams
}

func (s *Server) plantAssignment(by actor, org organization, a SeedAssignment, groups, places, teams, guests map[string]int) {
	row := assignment{ID: a.ID, OrganizationID: org.ID, RoleID: a.Role, ValidFrom: a.ValidFrom, ValidUntil: a.ValidUntil}
	switch {
	case a.User != "":
		u, _ := s.userByEmail(org.ID, a.User)
		row.Assignee = reference{kindUser, u.ID}
	case a.Team != "":
		row.Assignee = reference{kindTeam, teams[a.Team]}
	default:
		row.Assignee = reference{kindGuest, guests[a.Guest]}
	}
	switch {
	case a.Group != "":
		row.AppliesTo, row.RoleID = reference{kindGroup, groups[a.Group]}, orDefault(a.Role, roleGroupBasic)
	case a.Place != "":
		row.AppliesTo = reference{kindPlace, places[a.Place]}
	default:
		row.AppliesTo = reference{kindOrganization, org.ID}
	}
	if u, found := s.userByEmail(org.ID, a.CreatedBy); found {
		by = actor{user: u}
	}
	s.grant(s.clock.Now(), by, row)
}

func (r SeedRestrictions) forGroup() restrictions {
	return restrictions{
		Geofence: r.Geofence, GeofenceRadius: orRadius(r.GeofenceRadius), Reader: r.Reader, PrimaryDevice: r.PrimaryDevice,
		ManagedDevice: r.ManagedDevice, TapToAccess: r.TapToAccess, Time: r.Time,
	}
}

func orDefault(text, standard string) string {
	if text == "" {
		return standard
	}
	return text
}

func orTrue(given *bool) bool { return given == nil || *given }

func orRadius(metres float64) float64 {
	if metres == 0 {
		return standardGeofenceRadius
	}
	return metres
}
