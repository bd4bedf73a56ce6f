package simulator

import (
	"maps"
	"slices"
	"strings"
)

const (
	roleGroupBasic         = "group_basic"
	roleGroupManager       = "group_manager"
	roleObserver           = "organization_observer"
	roleUserManager        = "user_manager"
	roleOrgAccessManager   = "organization_access_manager"
	roleOrgAdministrator   = "organization_administrator"
	roleOrgOwner           = "organization_owner"
	rolePlaceAccessManager = "place_access_manager"
	rolePlaceAdministrator = "place_administrator"
)

// role is what a role assignment gives. Rank orders roles for the rule that
// nobody may give or take a right higher than their own.
type role struct {
	ID, AppliesTo, Name string
	Description         string
	Rank                int
	Custom              bool
	CustomID            int
	Permissions         map[string]bool
	// opaqueID is the id shown under the switch roleIDs=Opaque: ids above
	// group level are not in any published Kisi source.
	opaqueID string
}

func permissions(allowed func(name string) bool) map[string]bool {
	set := make(map[string]bool, len(permissionNames))
	for _, name := range permissionNames {
		set[name] = allowed(name)
	}
	return set
}

func oneOf(names string) func(string) bool {
	list := strings.Fields(names)
	return func(name string) bool { return slices.Contains(list, name) }
}

func everything(string) bool { return true }

// builtinRoles follow the matrix of Kisi's documentation page on roles.
var builtinRoles = func() map[string]role {
	reads := func(name string) bool {
		return strings.HasSuffix(name, "_read") && name != "integrations_read" && name != "logins_read"
	}
	placeWide := func(name string) bool {
		switch name {
		case "users_write", "integrations_read", "integrations_write", "logins_read", "logins_write",
			"custom_roles_write", "csv_user_import_write", "teams_write", "team_memberships_write":
			return false
		}
		return true
	}
	accessManager := oneOf(`users_read users_write csv_user_import_read csv_user_import_write role_assignments_read
		role_assignments_write group_links_read group_links_write invites_write groups_read group_locks_read
		locks_read places_read floors_read elevators_read teams_read teams_write team_memberships_read
		team_memberships_write events_read shares_read shares_write guests_read guests_write schedules_read
		cards_read cards_write card_assignments_read card_assignments_write custom_roles_read`)
	list := []role{
		{ID: roleGroupBasic, AppliesTo: kindGroup, Name: "Access", Rank: 1, Description: "May unlock the doors of the group.",
			Permissions: permissions(oneOf("locks_unlock elevator_stops_permit"))},
		{ID: roleGroupManager, AppliesTo: kindGroup, Name: "Group manager", Rank: 2, Description: "May unlock the doors of the group and share it.",
			Permissions: permissions(oneOf(`locks_unlock elevator_stops_permit groups_read group_locks_read locks_read
				users_read role_assignments_read role_assignments_write group_links_read group_links_write shares_read shares_write`))},
		{ID: rolePlaceAccessManager, AppliesTo: kindPlace, Name: "Place access manager", Rank: 3, opaqueID: "5f0c21",
			Permissions: permissions(oneOf(`users_read role_assignments_read role_assignments_write group_links_read
				group_links_write groups_read group_locks_read locks_read places_read floors_read elevators_read
				teams_read team_memberships_read events_read schedules_read`))},
		{ID: rolePlaceAdministrator, AppliesTo: kindPlace, Name: "Place administrator", Rank: 4, opaqueID: "5f0c22", Permissions: permissions(placeWide)},
		{ID: roleObserver, AppliesTo: kindOrganization, Name: "Observer", Rank: 2, opaqueID: "5f0c11", Permissions: permissions(reads)},
		{ID: roleUserManager, AppliesTo: kindOrganization, Name: "User manager", Rank: 3, opaqueID: "5f0c12",
			Permissions: permissions(oneOf(`users_read users_write csv_user_import_read csv_user_import_write
				role_assignments_read role_assignments_write groups_read group_locks_read locks_read places_read
				teams_read team_memberships_read invites_write`))},
		{ID: roleOrgAccessManager, AppliesTo: kindOrganization, Name: "Organization access manager", Rank: 5, opaqueID: "5f0c13", Permissions: permissions(accessManager)},
		{ID: roleOrgAdministrator, AppliesTo: kindOrganization, Name: "Organization administrator", Rank: 6, opaqueID: "5f0c14", Permissions: permissions(everything)},
		{ID: roleOrgOwner, AppliesTo: kindOrganization, Name: "Organization owner", Rank: 7, opaqueID: "5f0c15", Permissions: permissions(everything)},
	}
	byID := make(map[string]role, len(list))
	for _, r := range list {
		byID[r.ID] = r
	}
	return byID
}()

// role finds a built-in role, or one of the organization's own.
func (s *Server) role(organizationID int, id string) (role, bool) {
	if r, ok := builtinRoles[id]; ok {
		return r, true
	}
	r, ok := s.customRoles[organizationID][id]
	return r, ok
}

func (s *Server) roles(organizationID int) []role {
	all := slices.Collect(maps.Values(builtinRoles))
	all = append(all, slices.Collect(maps.Values(s.customRoles[organizationID]))...)
	slices.SortFunc(all, func(a, b role) int {
		if a.Rank != b.Rank {
			return a.Rank - b.Rank
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// shownRoleID and storedRoleID translate at the border between the API, where
// the switch roleIDs may hide the names, and the store, where it never does.
func (s *Server) shownRoleID(id string) string {
	if r, ok := builtinRoles[id]; ok && r.opaqueID != "" && s.switches.RoleIDs == RoleIDsOpaque {
		return r.opaqueID
	}
	return id
}

func (s *Server) storedRoleID(id string) string {
	if s.switches.RoleIDs != RoleIDsOpaque {
		return id
	}
	for _, r := range builtinRoles {
		if r.opaqueID == id && id != "" {
			return r.ID
		}
		if r.ID == id && r.opaqueID != "" {
			return "" // under Opaque the likely id names nothing
		}
	}
	return id
}

type roleJSON struct {
	ID           string          `json:"id"`
	ResourceType string          `json:"resource_type"`
	AppliesTo    string          `json:"applies_to"`
	Name         string          `json:"name"`
	Description  *string         `json:"description"`
	Custom       bool            `json:"custom"`
	Permissions  map[string]bool `json:"permissions"`
	CustomRoleID *int            `json:"custom_role_id"`
}

func (s *Server) roleJSON(r role) roleJSON {
	out := roleJSON{
		ID: s.shownRoleID(r.ID), ResourceType: "Role", AppliesTo: r.AppliesTo, Name: r.Name,
		Custom: r.Custom, Permissions: r.Permissions,
	}
	if r.Description != "" {
		out.Description = &r.Description
	}
	if r.Custom {
		out.CustomRoleID = &r.CustomID
	}
	return out
}

func listRoles(c *call) answer {
	out := []roleJSON{}
	for _, r := range c.s.roles(c.org.ID) {
		out = append(out, c.s.roleJSON(r))
	}
	return ok(out)
}

func getRole(c *call) answer {
	r, found := c.s.role(c.org.ID, c.s.storedRoleID(c.request.PathValue("id")))
	if !found {
		return notFound()
	}
	return ok(c.s.roleJSON(r))
}
