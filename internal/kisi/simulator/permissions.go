package simulator

import "time"

// held is one role that a person holds somewhere.
type held struct {
	role role
	at   reference
}

// rolesOf lists the roles of a user that count now: direct, through teams, and
// the owner's, who needs no row for it.
func (s *Server) rolesOf(org organization, userID int, now time.Time) []held {
	var out []held
	if org.OwnerID == userID && userID != 0 {
		out = append(out, held{builtinRoles[roleOrgOwner], reference{kindOrganization, org.ID}})
	}
	for _, a := range s.assignmentsOfUser(userID, true) {
		if !s.rules().window(a.ValidFrom, a.ValidUntil).contains(now) {
			continue
		}
		if r, ok := s.role(org.ID, a.RoleID); ok {
			out = append(out, held{r, a.AppliesTo})
		}
	}
	return out
}

// target says where something lies, for permissions: in a group, in a place,
// or (zero) only in the organization.
type target struct{ placeID, groupID int }

func (h held) covers(t target) bool {
	switch h.at.Kind {
	case kindOrganization:
		return true
	case kindPlace:
		return h.at.ID == t.placeID
	case kindGroup:
		return h.at.ID == t.groupID
	}
	return false
}

// may says whether the caller has a permission at a target.
func (c *call) may(permission string, at target) bool {
	for _, h := range c.roles {
		if h.role.Permissions[permission] && h.covers(at) {
			return true
		}
	}
	return false
}

// mayAnywhere says whether the caller has a permission at all, be it only in
// one place or group.
func (c *call) mayAnywhere(permission string) bool {
	for _, h := range c.roles {
		if h.role.Permissions[permission] {
			return true
		}
	}
	return false
}

// rankAt is the highest role that the caller holds over a target: nobody may
// give or take a higher one.
func (c *call) rankAt(at target) int {
	rank := 0
	for _, h := range c.roles {
		if h.covers(at) {
			rank = max(rank, h.role.Rank)
		}
	}
	return rank
}

func (s *Server) isAdministrator(org organization, userID int, now time.Time) bool {
	for _, h := range s.rolesOf(org, userID, now) {
		if h.at.Kind == kindOrganization && h.role.Rank >= builtinRoles[roleOrgAdministrator].Rank {
			return true
		}
	}
	return false
}
