package simulator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDuplicateRows(t *testing.T) {
	const (
		unbounded = ""
		january   = `,"valid_until":"2027-01-31T00:00:00Z"`
		february  = `,"valid_until":"2027-02-28T00:00:00Z"`
	)
	tests := map[string][3]int{ // unbounded twice, the same window twice, another window
		"SameBoundsConflict": {409, 409, 200},
		"AlwaysNew":          {200, 200, 200},
		"AlwaysConflict":     {409, 409, 409},
		"Invalid":            {422, 422, 422},
	}
	for value, want := range tests {
		for i, pair := range [][2]string{{unbounded, unbounded}, {january, january}, {january, february}} {
			t.Run(fmt.Sprint(value, i), func(t *testing.T) {
				s := simulated(t, "duplicates="+value)
				user, group := userID(t, s, "pete@acme.example"), groupID(t, s, "Members")
				send(t, s, ownerKey, "POST", "/role_assignments", grantBody(user, group, pair[0])).want(200)
				send(t, s, ownerKey, "POST", "/role_assignments", grantBody(user, group, pair[1])).want(want[i])
				rows := 1
				if want[i] == 200 {
					rows = 2
				}
				own := send(t, s, ownerKey, "GET", fmt.Sprintf("/role_assignments?user_id=%d&group_id=%d", user, group), "").want(200).rows()
				if len(own) != rows {
					t.Errorf("%d rows, want %d", len(own), rows)
				}
			})
		}
	}
}

func TestWhetherAnotherRoleIsADuplicate(t *testing.T) {
	for value, want := range map[string]int{"WithRole": 200, "WithoutRole": 409} {
		s := simulated(t, "duplicateKey="+value)
		body := grantBody(userID(t, s, "mara@acme.example"), groupID(t, s, "Members"), "")
		send(t, s, ownerKey, "POST", "/role_assignments", strings.Replace(body, "group_basic", "group_manager", 1)).want(want)
	}
}

func TestPatchingAWindow(t *testing.T) {
	for value, want := range map[string]struct {
		status int
		until  string
	}{
		"Accepted": {204, "2027-02-28T00:00:00Z"}, "IgnoredWith204": {204, "2027-01-31T00:00:00Z"}, "Invalid": {422, "2027-01-31T00:00:00Z"},
	} {
		s := simulated(t, "windowUpdate="+value)
		body := grantBody(userID(t, s, "pete@acme.example"), groupID(t, s, "Members"), `,"valid_until":"2027-01-31T00:00:00Z"`)
		id := send(t, s, ownerKey, "POST", "/role_assignments", body).want(200).id()
		path := fmt.Sprintf("/role_assignments/%d", id)
		send(t, s, ownerKey, "PATCH", path, `{"role_assignment":{"valid_until":"2027-02-28T00:00:00Z"}}`).want(want.status)
		if got := send(t, s, ownerKey, "GET", path, "").want(200).object()["valid_until"]; got != want.until {
			t.Errorf("%s: valid_until %v, want %s", value, got, want.until)
		}
	}
}

func TestTheDeprecatedBodyMakesTheSameRow(t *testing.T) {
	s := simulated(t)
	user, group := userID(t, s, "pete@acme.example"), groupID(t, s, "Members")
	row := send(t, s, ownerKey, "POST", "/role_assignments",
		fmt.Sprintf(`{"role_assignment":{"user_id":%d,"group_id":%d,"role_id":"group_basic"}}`, user, group)).want(200).object()
	for field, want := range map[string]any{
		"assignee_type": "User", "assignee_id": float64(user), "applies_to_type": "Group", "applies_to_id": float64(group),
		"user_id": float64(user), "group_id": float64(group), "type": "group", "scope": "group", "valid_from": nil,
		"created_by_id": float64(userID(t, s, "olga@acme.example")), "assignee_team_id": nil, "guest_id": nil,
	} {
		if row[field] != want {
			t.Errorf("%s: %v, want %v", field, row[field], want)
		}
	}
	send(t, s, ownerKey, "POST", "/role_assignments", grantBody(user, group, "")).want(409)
}

func TestListFiltersInBothForms(t *testing.T) {
	s := simulated(t)
	tina, group := userID(t, s, "tina@acme.example"), groupID(t, s, "Members")
	count := func(query string) int {
		return len(send(t, s, ownerKey, "GET", "/role_assignments?limit=250&"+query, "").want(200).rows())
	}
	for query, want := range map[string]int{
		"": 5, fmt.Sprintf("group_id=%d", group): 2, fmt.Sprintf("applies_to_type=Group&applies_to_id=%d", group): 2,
		"scope=team": 1, "scope=organization": 1, "role_id=place_access_manager": 1, "query=mara": 1,
		fmt.Sprintf("user_id=%d", tina): 0, fmt.Sprintf("assignee_type=User&assignee_id=%d", tina): 0, "user_id=me": 0,
		"group_id=1": 0, "assignee_type=Team&assignee_id=30001": 1, "place_id=502": 1,
	} {
		if got := count(query); got != want {
			t.Errorf("%q: %d rows, want %d", query, got, want)
		}
	}
	send(t, s, ownerKey, "GET", "/role_assignments?assignee_type=User", "").want(400)
	if err := s.SetSwitch("userFilter", "WithTeams"); err != nil {
		t.Fatal(err)
	}
	if got := count(fmt.Sprintf("user_id=%d", tina)); got != 1 {
		t.Errorf("with team rows: %d, want 1", got)
	}
}

func TestExpiredRowsAreKeptOrPurged(t *testing.T) {
	for value, want := range map[string]int{"Kept": 1, "Purged": 0} {
		s := simulated(t, "expiredRows="+value, "usersCount=WithExpired")
		user, group := userID(t, s, "pete@acme.example"), groupID(t, s, "Yard")
		send(t, s, ownerKey, "POST", "/role_assignments", grantBody(user, group, `,"valid_until":"2026-12-01T13:00:00Z"`)).want(200)
		_ = s.Clock().Advance(2 * time.Hour)
		rows := send(t, s, ownerKey, "GET", fmt.Sprintf("/role_assignments?group_id=%d", group), "").want(200).rows()
		if len(rows) != want {
			t.Errorf("%s: %d rows, want %d", value, len(rows), want)
		}
		if got := send(t, s, ownerKey, "GET", fmt.Sprintf("/groups/%d", group), "").want(200).object()["users_count"]; got != float64(want) {
			t.Errorf("%s: users_count %v, want %d", value, got, want)
		}
	}
}

func TestARowThatWasExtendedIsNotPurged(t *testing.T) {
	s := simulated(t, "expiredRows=Purged")
	id := send(t, s, ownerKey, "POST", "/role_assignments",
		grantBody(userID(t, s, "pete@acme.example"), groupID(t, s, "Yard"), `,"valid_until":"2026-12-01T13:00:00Z"`)).want(200).id()
	path := fmt.Sprintf("/role_assignments/%d", id)
	send(t, s, ownerKey, "PATCH", path, `{"role_assignment":{"valid_until":"2026-12-01T15:00:00Z"}}`).want(204)
	_ = s.Clock().Advance(2 * time.Hour)
	send(t, s, ownerKey, "PATCH", path, `{"role_assignment":{"valid_until":null}}`).want(204)
	_ = s.Clock().Advance(24 * time.Hour)
	send(t, s, ownerKey, "GET", path, "").want(200)
}

func TestUsersCountMayIgnoreTheExpired(t *testing.T) {
	s := simulated(t, "usersCount=WithoutExpired")
	group := groupID(t, s, "Yard")
	send(t, s, ownerKey, "POST", "/role_assignments", grantBody(userID(t, s, "pete@acme.example"), group, `,"valid_until":"2026-12-01T13:00:00Z"`)).want(200)
	path := fmt.Sprintf("/groups/%d", group)
	before := send(t, s, ownerKey, "GET", path, "").object()["users_count"]
	_ = s.Clock().Advance(2 * time.Hour)
	after := send(t, s, ownerKey, "GET", path, "").object()["users_count"]
	if before != 1.0 || after != 0.0 {
		t.Errorf("before %v after %v, want 1 and 0", before, after)
	}
}

func TestBadWindows(t *testing.T) {
	for _, test := range []struct {
		set, window string
		status      int
	}{
		{"pastValidUntil=Accepted", `,"valid_until":"2026-11-01T00:00:00Z"`, 200},
		{"pastValidUntil=Invalid", `,"valid_until":"2026-11-01T00:00:00Z"`, 422},
		{"pastValidUntil=Accepted", `,"valid_until":"tomorrow"`, 422},
		{"pastValidUntil=Accepted", `,"valid_from":"2027-01-01T00:00:00Z","valid_until":"2026-12-31T00:00:00Z"`, 422},
	} {
		s := simulated(t, test.set)
		send(t, s, ownerKey, "POST", "/role_assignments", grantBody(userID(t, s, "pete@acme.example"), groupID(t, s, "Yard"), test.window)).want(test.status)
	}
	s := simulated(t)
	send(t, s, ownerKey, "POST", "/role_assignments", fmt.Sprintf(
		`{"role_assignment":{"assignee_type":"User","assignee_id":%d,"applies_to_type":"Place","applies_to_id":501,"role_id":"place_administrator","valid_until":"2027-01-01T00:00:00Z"}}`,
		userID(t, s, "pete@acme.example"))).want(422)
}

func TestFractionsOfASecond(t *testing.T) {
	for value, want := range map[string]string{"Truncated": "2027-01-01T00:00:00Z", "Kept": "2027-01-01T00:00:00.75Z"} {
		s := simulated(t, "subSeconds="+value)
		row := send(t, s, ownerKey, "POST", "/role_assignments", grantBody(userID(t, s, "pete@acme.example"), groupID(t, s, "Yard"), `,"valid_until":"2027-01-01T00:00:00.75Z"`)).want(200).object()
		if row["valid_until"] != want {
			t.Errorf("%s: %v, want %s", value, row["valid_until"], want)
		}
	}
}

func TestMailsFollowNotifyAndTheKindOfUser(t *testing.T) {
	mailsTo := func(s *Server, email string) int {
		n := 0
		for _, m := range s.Mails() {
			if m.To == email {
				n++
			}
		}
		return n
	}
	notify := func(t *testing.T, s *Server, email string) {
		body := strings.Replace(grantBody(userID(t, s, email), groupID(t, s, "Yard"), ""), `"notify":false`, `"notify":true`, 1)
		send(t, s, ownerKey, "POST", "/role_assignments", body).want(200)
	}
	s := simulated(t)
	notify(t, s, "pete@acme.example")
	notify(t, s, "bot@acme.example")
	if mailsTo(s, "pete@acme.example") != 1 || mailsTo(s, "bot@acme.example") != 0 {
		t.Errorf("mails: %+v", s.Mails())
	}
	s = simulated(t, "managedNotify=Mails")
	notify(t, s, "bot@acme.example")
	if mailsTo(s, "bot@acme.example") != 1 {
		t.Error("no mail to a managed user under managedNotify=Mails")
	}
	s = simulated(t, "notifyDefault=True")
	body := strings.Replace(grantBody(userID(t, s, "pete@acme.example"), groupID(t, s, "Yard"), ""), `,"notify":false`, "", 1)
	send(t, s, ownerKey, "POST", "/role_assignments", body).want(200)
	if mailsTo(s, "pete@acme.example") != 1 {
		t.Error("no mail by default under notifyDefault=True")
	}
	send(t, s, ownerKey, "POST", "/users", `{"user":{"email":"loud@acme.example"}}`).want(200)
	send(t, s, ownerKey, "POST", "/users", `{"user":{"email":"quiet@acme.example","send_emails":false}}`).want(200)
	if mailsTo(s, "loud@acme.example") != 1 || mailsTo(s, "quiet@acme.example") != 0 {
		t.Errorf("welcome mails: %+v", s.Mails())
	}
}

func TestOpaqueRoleIDsAreLearntFromGETRoles(t *testing.T) {
	s := simulated(t, "roleIDs=Opaque", "ownerAssignment=Absent")
	var opaque string
	for _, r := range send(t, s, ownerKey, "GET", "/roles", "").want(200).rows() {
		if r["name"] == "Organization administrator" {
			opaque = fmt.Sprint(r["id"])
		}
	}
	if opaque == "" || opaque == "organization_administrator" {
		t.Fatalf("the id is %q", opaque)
	}
	body := `{"role_assignment":{"assignee_type":"User","assignee_id":%d,"applies_to_type":"Organization","applies_to_id":3289,"role_id":%q}}`
	pete := userID(t, s, "pete@acme.example")
	send(t, s, ownerKey, "POST", "/role_assignments", fmt.Sprintf(body, pete, "organization_administrator")).want(422)
	row := send(t, s, ownerKey, "POST", "/role_assignments", fmt.Sprintf(body, pete, opaque)).want(200).object()
	if row["role_id"] != opaque {
		t.Errorf("role_id %v", row["role_id"])
	}
}

func TestWhetherTheOwnerHasARow(t *testing.T) {
	s := simulated(t)
	for _, step := range []struct {
		value string
		rows  int
	}{{"Absent", 0}, {"Present", 1}, {"Present", 1}, {"Absent", 0}, {"Present", 1}} {
		if err := s.SetSwitch("ownerAssignment", step.value); err != nil {
			t.Fatal(err)
		}
		rows := send(t, s, ownerKey, "GET", "/role_assignments?user_id=me", "").want(200).rows()
		if len(rows) != step.rows {
			t.Errorf("%s: %d rows, want %d", step.value, len(rows), step.rows)
		}
	}
	act(t, s, Action{Action: ActionSetOwner, User: "tina@acme.example"})
	rows := send(t, s, adminKey, "GET", "/role_assignments?role_id=organization_owner", "").want(200).rows()
	if len(rows) != 1 || rows[0]["user_id"] != float64(userID(t, s, "tina@acme.example")) {
		t.Errorf("after the organization was handed over: %v", rows)
	}
}

func TestALockTwiceInAGroup(t *testing.T) {
	for value, want := range map[string]int{"Invalid": 422, "New": 200} {
		s := simulated(t, "duplicateGroupLock="+value)
		send(t, s, ownerKey, "POST", "/group_locks", fmt.Sprintf(`{"group_lock":{"group_id":%d,"lock_id":%d}}`,
			groupID(t, s, "Members"), lockID(t, s, "Entrance"))).want(want)
	}
	s := simulated(t)
	send(t, s, ownerKey, "POST", "/group_locks", fmt.Sprintf(`{"group_lock":{"group_id":%d,"lock_id":%d}}`,
		groupID(t, s, "Board"), lockID(t, s, "Gate"))).want(422) // another place
}

func TestDeletingTakesEverythingAlong(t *testing.T) {
	s := simulated(t)
	mara, group := userID(t, s, "mara@acme.example"), groupID(t, s, "Members")
	send(t, s, ownerKey, "DELETE", fmt.Sprintf("/users/%d", mara), "").want(204)
	send(t, s, memberKey, "GET", "/login", "").want(401)
	for _, a := range s.Assignments("Members") {
		if a.User == "mara@acme.example" {
			t.Error("the row of a deleted user is still there")
		}
	}
	send(t, s, ownerKey, "DELETE", fmt.Sprintf("/groups/%d", group), "").want(204)
	if rows := send(t, s, ownerKey, "GET", fmt.Sprintf("/role_assignments?group_id=%d", group), "").want(200).rows(); len(rows) != 0 {
		t.Errorf("rows of a deleted group: %v", rows)
	}
	send(t, s, ownerKey, "GET", fmt.Sprintf("/group_locks?group_id=%d", group), "").want(404)
	act(t, s, Action{Action: ActionDeletePlace, Place: "Uptown"})
	if got := names(send(t, s, ownerKey, "GET", "/locks", "").want(200).rows()); !slices.Equal(got, []string{"Entrance", "Boardroom"}) {
		t.Errorf("locks after their place went: %v", got)
	}
	for _, a := range s.State().Organizations[0].Assignments {
		if a.AppliesTo == "Place" || a.Name == "Yard" {
			t.Errorf("left behind: %+v", a)
		}
	}
}
