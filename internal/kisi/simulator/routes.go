package simulator

import "net/http"

// route is one call of Kisi's API.
type route struct {
	method, pattern string
	handle          func(*call) answer
	public          bool // needs no key
}

// apiRoutes is the whole of Kisi's API that the simulator speaks. Calls that
// are published but not listed here answer like unknown ones.
var apiRoutes = []route{
	{method: "GET", pattern: "/users", handle: listUsers},
	{method: "POST", pattern: "/users", handle: createUser},
	{method: "GET", pattern: "/users/{id}", handle: getUser},
	{method: "PATCH", pattern: "/users/{id}", handle: updateUser},
	{method: "DELETE", pattern: "/users/{id}", handle: deleteUser},
	{method: "GET", pattern: "/user", handle: getCurrentUser},
	{method: "GET", pattern: "/members", handle: listMembers},
	{method: "POST", pattern: "/members", handle: createMember},
	{method: "GET", pattern: "/members/{id}", handle: getMember},

	{method: "GET", pattern: "/groups", handle: listGroups},
	{method: "POST", pattern: "/groups", handle: createGroup},
	{method: "GET", pattern: "/groups/{id}", handle: getGroup},
	{method: "PATCH", pattern: "/groups/{id}", handle: updateGroup},
	{method: "DELETE", pattern: "/groups/{id}", handle: deleteGroup},
	{method: "GET", pattern: "/group_locks", handle: listGroupLocks},
	{method: "POST", pattern: "/group_locks", handle: createGroupLock},
	{method: "GET", pattern: "/group_locks/{id}", handle: getGroupLock},
	{method: "DELETE", pattern: "/group_locks/{id}", handle: deleteGroupLock},

	{method: "GET", pattern: "/role_assignments", handle: listAssignments},
	{method: "POST", pattern: "/role_assignments", handle: createAssignment},
	{method: "GET", pattern: "/role_assignments/{id}", handle: getAssignment},
	{method: "PATCH", pattern: "/role_assignments/{id}", handle: updateAssignment},
	{method: "DELETE", pattern: "/role_assignments/{id}", handle: deleteAssignment},
	{method: "GET", pattern: "/roles", handle: listRoles},
	{method: "GET", pattern: "/roles/{id}", handle: getRole},

	{method: "GET", pattern: "/places", handle: listPlaces},
	{method: "POST", pattern: "/places", handle: createPlace},
	{method: "GET", pattern: "/places/{id}", handle: getPlace},
	{method: "GET", pattern: "/locks", handle: listLocks},
	{method: "POST", pattern: "/locks", handle: createLock},
	{method: "GET", pattern: "/locks/{id}", handle: getLock},
	{method: "PATCH", pattern: "/locks/{id}", handle: updateLock},
	{method: "DELETE", pattern: "/locks/{id}", handle: deleteLock},
	{method: "POST", pattern: "/locks/{id}/unlock", handle: unlock},
	{method: "POST", pattern: "/locks/{id}/lock_down", handle: lockDown},
	{method: "POST", pattern: "/locks/{id}/cancel_lockdown", handle: cancelLockdown},

	{method: "GET", pattern: "/teams", handle: listTeams},
	{method: "POST", pattern: "/teams", handle: createTeam},
	{method: "GET", pattern: "/teams/{id}", handle: getTeam},
	{method: "PATCH", pattern: "/teams/{id}", handle: updateTeam},
	{method: "DELETE", pattern: "/teams/{id}", handle: deleteTeam},
	{method: "GET", pattern: "/team_memberships", handle: listMemberships},
	{method: "POST", pattern: "/team_memberships", handle: createMembership},
	{method: "GET", pattern: "/team_memberships/{id}", handle: getMembership},
	{method: "DELETE", pattern: "/team_memberships/{id}", handle: deleteMembership},

	{method: "GET", pattern: "/login", handle: getCurrentLogin},
	{method: "DELETE", pattern: "/login", handle: deleteCurrentLogin},
	{method: "GET", pattern: "/logins", handle: listLogins},
	{method: "POST", pattern: "/logins", handle: createLogin},
	{method: "DELETE", pattern: "/logins/{id}", handle: deleteLogin},
	{method: "GET", pattern: "/organization", handle: getOrganization},
	{method: "GET", pattern: "/organizations", handle: listOrganizations},
	{method: "GET", pattern: "/organizations/{domain}/public", handle: getPublicOrganization, public: true},

	{method: "GET", pattern: "/events/types", handle: listEventTypes},
	{method: "POST", pattern: "/event_sets", handle: createEventSet},
	{method: "GET", pattern: "/event_sets/{id}", handle: getEventSet},
	{method: "GET", pattern: "/integrations", handle: listIntegrations},
	{method: "POST", pattern: "/integrations", handle: createIntegration},
	{method: "GET", pattern: "/integrations/{id}", handle: getIntegration},
	{method: "PATCH", pattern: "/integrations/{id}", handle: updateIntegration},
	{method: "DELETE", pattern: "/integrations/{id}", handle: deleteIntegration},
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range apiRoutes {
		mux.HandleFunc(r.method+" "+r.pattern, s.endpoint(r))
	}
	mux.HandleFunc("/", s.endpoint(route{handle: unknownRoute, public: true}))
	return mux
}
