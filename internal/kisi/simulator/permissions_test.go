package simulator

import (
	"fmt"
	"testing"
)

func TestWhatAKeyMayDoFollowsItsPersonsRoles(t *testing.T) {
	s := simulated(t)
	members, yard := groupID(t, s, "Members"), groupID(t, s, "Yard")
	mara, tina := userID(t, s, "mara@acme.example"), userID(t, s, "tina@acme.example")
	placeRole := func(place int, role string) string {
		return fmt.Sprintf(`{"role_assignment":{"assignee_type":"User","assignee_id":%d,"applies_to_type":"Place","applies_to_id":%d,"role_id":%q}}`, tina, place, role)
	}
	organizationRole := func(role string) string {
		return fmt.Sprintf(`{"role_assignment":{"assignee_type":"User","assignee_id":%d,"applies_to_type":"Organization","applies_to_id":3289,"role_id":%q}}`, tina, role)
	}
	if rows := s.Assignments("Members"); rows[0].ID != 900003 {
		t.Fatalf("the seed has changed: %+v", rows)
	}
	for name, test := range map[string]struct {
		key, method, path, body string
		status                  int
	}{
		"no key":                                   {"", "GET", "/users", "", 401},
		"wrong key":                                {"nonsense", "GET", "/users", "", 401},
		"a member may not list users":              {memberKey, "GET", "/users", "", 403},
		"but may see herself":                      {memberKey, "GET", "/users?user_id=me", "", 200},
		"and her own rows":                         {memberKey, "GET", "/role_assignments?user_id=me", "", 200},
		"not the rows of others":                   {memberKey, "GET", fmt.Sprintf("/role_assignments?user_id=%d", tina), "", 403},
		"a member may not make a group":            {memberKey, "POST", "/groups", `{"group":{"name":"x"}}`, 403},
		"a member may not grant":                   {memberKey, "POST", "/role_assignments", grantBody(tina, members, ""), 403},
		"a member may not log others in":           {memberKey, "POST", "/logins", `{"login":{"type":"device","email":"tina@acme.example"}}`, 403},
		"a member may not delete users":            {memberKey, "DELETE", fmt.Sprintf("/users/%d", tina), "", 403},
		"a place manager grants in the place":      {managerKey, "POST", "/role_assignments", grantBody(tina, yard, ""), 200},
		"not in the organization's groups":         {managerKey, "POST", "/role_assignments", grantBody(tina, members, ""), 403},
		"nor anything above his own rank":          {managerKey, "POST", "/role_assignments", placeRole(502, "place_administrator"), 403},
		"his own rank he may give":                 {managerKey, "POST", "/role_assignments", placeRole(502, "place_access_manager"), 200},
		"but not in another place":                 {managerKey, "POST", "/role_assignments", placeRole(501, "place_access_manager"), 403},
		"a place manager may not make users":       {managerKey, "POST", "/users", `{"user":{"email":"x@acme.example"}}`, 403},
		"an administrator makes administrators":    {adminKey, "POST", "/role_assignments", organizationRole("organization_administrator"), 200},
		"but not owners":                           {adminKey, "POST", "/role_assignments", organizationRole("organization_owner"), 403},
		"and cannot suspend the owner":             {adminKey, "PATCH", fmt.Sprintf("/users/%d", userID(t, s, "olga@acme.example")), `{"user":{"access_enabled":false}}`, 403},
		"another organization's user is not there": {otherKey, "GET", fmt.Sprintf("/users/%d", mara), "", 404},
		"nor its groups":                           {otherKey, "DELETE", fmt.Sprintf("/groups/%d", members), "", 404},
		"nor can it be granted anything":           {otherKey, "POST", "/role_assignments", grantBody(mara, members, ""), 404},
		"nor can its rows be read":                 {otherKey, "GET", "/role_assignments/900003", "", 404},
		"or changed":                               {otherKey, "PATCH", "/role_assignments/900003", `{"role_assignment":{"valid_until":null}}`, 404},
		"or deleted":                               {otherKey, "DELETE", "/role_assignments/900003", "", 404},
		"or its group locks deleted":               {otherKey, "DELETE", "/group_locks/80001", "", 404},
		"or its logins":                            {otherKey, "DELETE", "/logins/20001", "", 404},
		"or its teams":                             {otherKey, "DELETE", "/teams/30001", "", 404},
		"or its memberships":                       {otherKey, "DELETE", "/team_memberships/35001", "", 404},
		"nor its doors":                            {otherKey, "POST", fmt.Sprintf("/locks/%d/unlock", lockID(t, s, "Entrance")), "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			send(t, s, test.key, test.method, test.path, test.body).want(test.status)
		})
	}
	if rows := send(t, s, managerKey, "GET", "/groups", "").want(200).rows(); len(rows) != 1 || rows[0]["name"] != "Yard" {
		t.Errorf("a place manager sees %v", names(rows))
	}
	if rows := send(t, s, memberKey, "GET", "/locks", "").want(200).rows(); len(rows) != 1 || rows[0]["name"] != "Entrance" {
		t.Errorf("a member sees the locks %v", names(rows))
	}
}

func TestForbiddenListingsMayComeBackEmpty(t *testing.T) {
	s := simulated(t, "listsForbidden=Filtered")
	for path, want := range map[string]int{"/users": 1, "/groups": 0, "/role_assignments": 0, "/teams": 0, "/integrations": 0} {
		if got := len(send(t, s, memberKey, "GET", path, "").want(200).rows()); got != want {
			t.Errorf("%s: %d rows, want %d", path, got, want)
		}
	}
}

func TestWhatMayNotBeReadMaySeemNotToBeThere(t *testing.T) {
	for value, status := range map[string]int{"Forbidden403": 403, "NotFound404": 404} {
		s := simulated(t, "readsForbidden="+value)
		row := s.Assignments("Members")[0].ID
		for _, path := range []string{
			fmt.Sprintf("/groups/%d", groupID(t, s, "Members")), fmt.Sprintf("/users/%d", userID(t, s, "adam@acme.example")),
		} {
			send(t, s, memberKey, "GET", path, "").want(status)
			send(t, s, memberKey, "DELETE", path, "").want(status)
			send(t, s, adminKey, "GET", path, "").want(200)
		}
		act(t, s, Action{Action: ActionDemoteOwner})
		send(t, s, ownerKey, "GET", fmt.Sprintf("/role_assignments/%d", row), "").want(status)
		send(t, s, ownerKey, "DELETE", fmt.Sprintf("/role_assignments/%d", row), "").want(status)
		send(t, s, ownerKey, "POST", "/event_sets", `{"event_set": {}}`).want(403)
		send(t, s, adminKey, "DELETE", fmt.Sprintf("/role_assignments/%d", row), "").want(204)
	}
}

func TestADemotedOwnersKey(t *testing.T) {
	for value, status := range map[string]int{"Forbidden403": 200, "Unauthorized401": 401} {
		s := simulated(t, "demotedOwnerKey="+value)
		act(t, s, Action{Action: ActionDemoteOwner})
		send(t, s, ownerKey, "GET", "/login", "").want(status)
		if status == 200 {
			send(t, s, ownerKey, "GET", "/groups", "").want(403)
		}
		if got := s.State().Organizations[0].Owner; got != "adam@acme.example" {
			t.Errorf("the owner is %s", got)
		}
	}
}

func TestRevokedKeys(t *testing.T) {
	s := simulated(t)
	act(t, s, Action{Action: ActionRevokeKeys, User: "olga@acme.example"})
	send(t, s, ownerKey, "GET", "/login", "").want(401)
	send(t, s, adminKey, "GET", "/login", "").want(200)
}

func TestAFilterNeverReachesIntoAnotherOrganization(t *testing.T) {
	s := simulated(t)
	members, mara := groupID(t, s, "Members"), userID(t, s, "mara@acme.example")
	for _, path := range []string{
		fmt.Sprintf("/role_assignments?group_id=%d", members), fmt.Sprintf("/role_assignments?user_id=%d", mara), "/role_assignments?ids=900003",
		fmt.Sprintf("/role_assignments?group_id=%d&user_id=%d", members, mara), fmt.Sprintf("/users?group_id=%d", members),
		fmt.Sprintf("/users?user_id=%d", mara), "/groups?place_id=501", "/groups?lock_id=6001", "/locks?place_id=501",
		"/team_memberships?team_id=30001", fmt.Sprintf("/logins?user_id=%d", mara),
	} {
		if rows := send(t, s, otherKey, "GET", path, "").want(200).rows(); len(rows) != 0 {
			t.Errorf("%s: %v", path, rows)
		}
	}
}
