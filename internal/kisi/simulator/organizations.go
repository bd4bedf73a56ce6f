package simulator

import (
	"slices"
	"time"
)

type organizationJSON struct {
	ID                           int     `json:"id"`
	ResourceType                 string  `json:"resource_type"`
	Name                         string  `json:"name"`
	Domain                       string  `json:"domain"`
	Logo                         *string `json:"logo"`
	Address                      *string `json:"address"`
	Description                  *string `json:"description"`
	DeviceLoginsExpireAfter      *int    `json:"device_logins_expire_after"`
	PlacesCount                  int     `json:"places_count"`
	ScimEnabled                  bool    `json:"scim_enabled"`
	SSOFlowEnabled               bool    `json:"sso_flow_enabled"`
	SSOExpirationOverrideEnabled bool    `json:"sso_expiration_override_enabled"`
	SSOExpirationOverride        *int    `json:"sso_expiration_override"`
	Metadata                     *string `json:"metadata"`
	TimeZone                     string  `json:"time_zone"`
	WebAuthenticationAPIEnabled  bool    `json:"web_authentication_api_enabled"`
	ApplePassEnabled             bool    `json:"apple_pass_enabled"`
	CreatedAt                    instant `json:"created_at"`
	UpdatedAt                    instant `json:"updated_at"`
	UserID                       *int    `json:"user_id"`
	TransferToID                 *int    `json:"transfer_to_id"`
	Image                        *string `json:"image"`
	Color                        *string `json:"color"`
}

func (s *Server) organizationJSON(o organization) organizationJSON {
	return organizationJSON{
		ID: o.ID, ResourceType: kindOrganization, Name: o.Name, Domain: o.Domain, TimeZone: o.TimeZone,
		DeviceLoginsExpireAfter: o.DeviceLoginsExpireAfter, ScimEnabled: o.ScimEnabled,
		PlacesCount: len(s.placesIn.live[o.ID]), UserID: nullable(o.OwnerID),
		CreatedAt: seconds(o.CreatedAt), UpdatedAt: seconds(o.UpdatedAt),
	}
}

func getOrganization(c *call) answer { return ok(c.s.organizationJSON(c.org)) }

func listOrganizations(c *call) answer { return ok([]organizationJSON{c.s.organizationJSON(c.org)}) }

func getPublicOrganization(c *call) answer {
	for _, o := range rowsOf(&c.s.organizations, c.s.organizationIDs) {
		if o.Domain == c.request.PathValue("domain") {
			out := c.s.organizationJSON(o)
			out.UserID = nil // not for everybody
			return ok(out)
		}
	}
	return notFound()
}

// setOwner hands an organization over; 0 leaves it without an owner.
func (s *Server) setOwner(now time.Time, by actor, o organization, userID int) {
	o.OwnerID, o.UpdatedAt = userID, now
	s.organizations.put(now, o.ID, o)
	s.syncOwnerRow(now, o)
	s.emit(event{kind: "organization.update", actor: by, objectType: kindOrganization, objectID: o.ID, objectName: o.Name,
		organizationID: o.ID, at: now})
}

// syncOwnerRow makes the owner appear in /role_assignments or not, as the
// switch ownerAssignment says. No event tells of it: it is not a change in the
// organization but another way of showing it.
func (s *Server) syncOwnerRow(now time.Time, o organization) {
	wanted := s.switches.OwnerAssignment == OwnerAssignmentPresent && o.OwnerID != 0
	owner := reference{kindUser, o.OwnerID}
	for _, a := range rowsOf(&s.assignments, slices.Clone(s.assignmentsByTarget.live[reference{kindOrganization, o.ID}])) {
		switch {
		case a.RoleID != roleOrgOwner:
		case wanted && a.Assignee == owner:
			wanted = false // it is there
		default:
			s.removeAssignment(now, a)
		}
	}
	if wanted {
		s.addAssignment(now, assignment{OrganizationID: o.ID, RoleID: roleOrgOwner, Assignee: owner, AppliesTo: reference{kindOrganization, o.ID}})
	}
}

// applySwitches replaces all switches. Those that shape stored rows take
// effect at once.
func (s *Server) applySwitches(to Switches) {
	s.switches = to
	now := s.clock.Now()
	for _, o := range rowsOf(&s.organizations, s.organizationIDs) {
		s.syncOwnerRow(now, o)
	}
}
