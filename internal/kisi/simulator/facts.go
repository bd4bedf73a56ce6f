package simulator

import (
	"slices"
	"time"
)

// propagationDelay is how late changes reach the doors under the switch
// propagation=Delayed30s.
const propagationDelay = 30 * time.Second

func (s *Server) propagation() time.Duration {
	if s.switches.Propagation == PropagationDelayed {
		return propagationDelay
	}
	return 0
}

// decideAt answers for a user and a lock at any instant: the past as it was,
// the future as it will be if nothing changes.
func (s *Server) decideAt(userID, lockID int, attempt Attempt, at time.Time) Decision {
	known := at.Add(-s.propagation()) // what the door knows
	var p person
	if u, ok := s.users.at(userID, known); ok {
		org, _ := s.organizations.at(u.OrganizationID, known)
		p = person{true, u.AccessEnabled, u.ScimAccessEnabled || !org.ScimEnabled}
	}
	l, ok := s.locks.at(lockID, known)
	if !ok {
		return decide(p, door{}, nil, attempt, at)
	}
	d := door{
		exists: true, configured: l.Configured, online: l.Online, lockedDown: l.LockedDownSince != nil,
		restrictions: restrictions{Geofence: l.Geofence, GeofenceRadius: l.GeofenceRadius, Reader: l.Reader, Time: l.Time},
	}
	latitude, longitude := l.Latitude, l.Longitude
	if pl, ok := s.places.at(l.PlaceID, known); ok {
		d.placeLockedDown = pl.LockedDownSince != nil
		if latitude == nil || longitude == nil {
			latitude, longitude = pl.Latitude, pl.Longitude
		}
	}
	if latitude != nil && longitude != nil {
		d.location = &Point{*latitude, *longitude}
	}
	return decide(p, d, s.rightsAt(userID, l, known), attempt, at)
}

// rightsAt gathers every way of a user to a lock as it stood at an instant.
func (s *Server) rightsAt(userID int, l lock, known time.Time) []right {
	var rights []right
	if org, ok := s.organizations.at(l.OrganizationID, known); ok && org.OwnerID == userID {
		rights = append(rights, right{through: builtinRoles[roleOrgOwner].Name, appsAllowed: true})
	}
	groups := s.groupsWithLockAt(l.ID, known)
	for _, id := range s.assignmentIDsEver(userID, known) {
		a, ok := s.assignments.at(id, known)
		if !ok {
			continue
		}
		r, ok := s.role(a.OrganizationID, a.RoleID)
		if !ok || !r.Permissions["locks_unlock"] {
			continue
		}
		w := s.rules().window(a.ValidFrom, a.ValidUntil)
		switch a.AppliesTo.Kind {
		case kindOrganization:
			if a.AppliesTo.ID == l.OrganizationID {
				rights = append(rights, right{through: r.Name, window: w, appsAllowed: true})
			}
		case kindPlace:
			if a.AppliesTo.ID == l.PlaceID {
				rights = append(rights, right{through: r.Name, window: w, appsAllowed: true})
			}
		case kindGroup:
			if g, ok := groups[a.AppliesTo.ID]; ok {
				rights = append(rights, right{g.Name, w, g.LoginEnabled, g.Restrictions})
			}
		}
	}
	return rights
}

func (s *Server) groupsWithLockAt(lockID int, known time.Time) map[int]group {
	groups := map[int]group{}
	for _, id := range s.groupLocksByLock.ever[lockID] {
		gl, ok := s.groupLocks.at(id, known)
		if !ok {
			continue
		}
		if g, ok := s.groups.at(gl.GroupID, known); ok {
			groups[g.ID] = g
		}
	}
	return groups
}

// assignmentIDsEver lists the rows that concerned a user at an instant,
// directly or through a team; whether they existed then is for the caller.
func (s *Server) assignmentIDsEver(userID int, known time.Time) []int {
	person := reference{kindUser, userID}
	ids := slices.Clone(s.assignmentsByAssignee.ever[person])
	for _, id := range s.membershipsByMember.ever[person] {
		if m, ok := s.memberships.at(id, known); ok {
			ids = append(ids, s.assignmentsByAssignee.ever[reference{kindTeam, m.TeamID}]...)
		}
	}
	return ids
}
