package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func admin(t *testing.T, s *Server, method, path, body string) reply {
	t.Helper()
	return send(t, s, "", method, "/_simulator"+path, body)
}

func TestTheAdminAPI(t *testing.T) {
	s := simulated(t)
	index := admin(t, s, "GET", "/", "").want(200).object()
	if len(index) != len(adminTable)+1 {
		t.Errorf("the index lists %d calls, want %d", len(index), len(adminTable)+1)
	}

	admin(t, s, "PATCH", "/switches", `{"duplicates":"AlwaysNew","windowUpdate":"Invalid"}`).want(204)
	admin(t, s, "PATCH", "/switches", `{"duplicates":"AlwaysConflict","windowUpdate":"Never"}`).want(400)
	if got := s.Switches(); got.Duplicates != DuplicatesAlwaysNew || got.WindowUpdate != WindowUpdateInvalid {
		t.Errorf("half of a wrong change was made: %+v", got)
	}
	admin(t, s, "DELETE", "/switches", "").want(204)
	if s.Switches() != DefaultSwitches() {
		t.Error("the switches were not reset")
	}

	fault := admin(t, s, "POST", "/faults", `{"kind":"Status","status":500,"latency":"1ms"}`).want(200).id()
	send(t, s, ownerKey, "GET", "/login", "").want(500)
	admin(t, s, "DELETE", fmt.Sprintf("/faults/%d", fault), "").want(204)
	send(t, s, ownerKey, "GET", "/login", "").want(200)
	if r := admin(t, s, "POST", "/faults", `{"kind":"Status","status":500,"cuont":1}`).want(400); !contains(r.body, "cuont") {
		t.Errorf("a misspelt field: %s", r.body)
	}

	admin(t, s, "PATCH", "/clock", `{"advance":"1h"}`).want(200)
	if !s.Clock().Now().Equal(at(time.Hour)) {
		t.Errorf("the clock is at %s", s.Clock().Now())
	}
	admin(t, s, "PATCH", "/clock", `{"set":"2020-01-01T00:00:00Z"}`).want(400)

	if got := admin(t, s, "GET", "/requests?path=/login&count=true", "").want(200).object()["count"]; got != 2.0 {
		t.Errorf("count %v", got)
	}
	if r := admin(t, s, "GET", "/requests?pth=/login", "").want(400); !contains(r.body, "pth") {
		t.Errorf("a misspelt parameter: %s", r.body)
	}
	admin(t, s, "DELETE", "/requests", "").want(204)

	r := admin(t, s, "GET", "/try-unlock?organization=acme&user=mara@acme.example&lock=Entrance", "").want(200).object()
	if r["allowed"] != true {
		t.Errorf("try-unlock: %v", r)
	}
	if s.CountRequests(RequestFilter{}) != 0 {
		t.Error("the admin API is in the request log")
	}
	admin(t, s, "POST", "/actions", `{"action":"SuspendUser","organization":"acme","user":"mara@acme.example"}`).want(200)
	r = admin(t, s, "GET", "/try-unlock?organization=acme&user=mara@acme.example&lock=Entrance", "").want(200).object()
	if r["code"] != "fcd8ff" {
		t.Errorf("suspended: %v", r)
	}
	for path, want := range map[string]string{
		"/access?organization=acme&user=mara@acme.example&lock=Entrance&from=2026-12-01T12:00:00Z&to=2026-12-01T14:00:00Z": `"until": "2026-12-01T13:00:00Z"`,
		"/access/snapshot?organization=acme&at=2026-12-01T12:30:00Z":                                                       "mara@acme.example",
		"/history?organization=acme&from=2026-12-01T12:30:00Z":                                                             "user.update",
		"/assignments?organization=acme&group=Members":                                                                     `"createdBy": "adam@acme.example"`,
		"/state": `"domain": "other"`, "/mails": "[]", "/deliveries": "[]", "/faults": "[]", "/switches": "question", "/clock": "frozen",
	} {
		if got := admin(t, s, "GET", path, "").want(200); !contains(got.body, want) {
			t.Errorf("%s: no %s in %s", path, want, got.body)
		}
	}
	if r := admin(t, s, "GET", "/state", ""); contains(r.body, ownerKey) {
		t.Error("the state shows a key's secret")
	}
	admin(t, s, "GET", "/try-unlock?user=x&lock=Entrance", "").want(400) // two organizations, none named
	admin(t, s, "GET", "/nothing", "").want(404)
}

func TestACallAsSomebodyInTheDashboard(t *testing.T) {
	s := simulated(t)
	group := groupID(t, s, "Members")
	body := grantBody(userID(t, s, "tina@acme.example"), group, "")
	row := admin(t, s, "POST", "/as/acme/adam@acme.example/role_assignments", body).want(200).object()
	if row["created_by_id"] != float64(userID(t, s, "adam@acme.example")) {
		t.Errorf("created by %v", row["created_by_id"])
	}
	admin(t, s, "DELETE", fmt.Sprintf("/as/acme/mara@acme.example/groups/%d", group), "").want(403) // with that person's rights
	admin(t, s, "DELETE", "/as/acme/nobody@acme.example/groups/1", "").want(400)
	if s.CountRequests(RequestFilter{}) != 0 {
		t.Error("the dashboard is in the request log")
	}
	status, _, err := s.CallAs("acme", "adam@acme.example", http.MethodDelete, fmt.Sprintf("/groups/%d", group), nil)
	if err != nil || status != http.StatusNoContent {
		t.Errorf("CallAs: %d %v", status, err)
	}
}

func TestActionsNeedSomebodyElse(t *testing.T) {
	s := simulated(t)
	if _, err := s.Act(Action{Organization: "other", Action: ActionDeleteGroup, Group: "Members"}); err == nil || !strings.Contains(err.Error(), "as: Other has no administrator") {
		t.Errorf("got %v", err)
	}
	for want, action := range map[string]Action{
		`action: "Fly"`: {Action: "Fly"}, `user: Acme has no user "x"`: {Action: ActionSuspendUser, User: "x"},
		`group: Acme has no group`: {Action: ActionDeleteGroup, Group: "x"}, `lock: Acme has no lock`: {Action: ActionDeleteLock, Lock: "x"},
		`email: "adam@acme.example" is already`: {Action: ActionChangeEmail, User: "mara@acme.example", Email: "adam@acme.example"},
		`assignmentID: Acme has no`:             {Action: ActionSetWindow, AssignmentID: 1}, `secret: is required`: {Action: ActionCreateKey, User: "mara@acme.example"},
	} {
		action.Organization = "acme"
		if _, err := s.Act(action); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", action, err, want)
		}
	}
}

func TestActionsRenameWhatIsKnownByName(t *testing.T) {
	s := simulated(t)
	off := false
	for _, action := range []Action{
		{Action: ActionChangeLock, Lock: "Entrance", Name: "Main Door"},
		{Action: ActionChangePlace, Place: "Downtown", Name: "Old Town"},
		{Action: ActionChangeGroup, Group: "Members", Name: "Everybody", LoginEnabled: &off},
	} {
		action.Organization = "acme"
		if _, err := s.Act(action); err != nil {
			t.Fatalf("%+v: %v", action, err)
		}
	}
	if d := s.CanOpen("mara@acme.example", "Old Town/Main Door", at(0)); !d.Allowed || d.Through[0] != "Everybody" {
		t.Errorf("by the new names: %+v", d)
	}
	if d, err := s.TryUnlock("acme", "mara@acme.example", "Main Door", Attempt{ProximityProof: true}, at(0)); err != nil || d.Code != "f01337" {
		t.Errorf("by an app: %+v, %v", d, err)
	}
	if d := s.CanOpen("mara@acme.example", "Entrance", at(0)); d.Allowed {
		t.Errorf("by the old name: %+v", d)
	}
}

func TestCanOpenFindsTheOrganizationByItself(t *testing.T) {
	s := simulated(t)
	if d := s.CanOpen("mara@acme.example", "Entrance", at(0)); !d.Allowed || d.Through[0] != "Members" {
		t.Errorf("got %+v", d)
	}
	if d := s.CanOpen("mara@acme.example", "Downtown/Boardroom", at(0)); d.Allowed || d.Code != "fcd8ef" {
		t.Errorf("got %+v", d)
	}
	if d := s.CanOpen("mara@acme.example", "Cellar", at(0)); d.Allowed || !strings.Contains(d.Reason, "Cellar") {
		t.Errorf("got %+v", d)
	}
}
