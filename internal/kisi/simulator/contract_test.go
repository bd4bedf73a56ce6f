package simulator

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/kisi/openapi"
)

// undocumented are the routes that Kisi's document does not have in the
// transcription, and that the simulator infers.
var undocumented = map[string]bool{"GET /places/{id}": true, "GET /integrations/{id}": true}

// exchange is one request of the tour; {name} in path and body stands for ids
// that earlier answers gave.
type exchange struct {
	route, path, body string
	status            int
	keep              string // remember the answer's id under this name
	key               string // default the owner's
}

// tour visits every route, with success and with the refusals that have a
// shape of their own.
func tour() []exchange {
	user := `{"user":{"email":"new@acme.example","name":"New","send_emails":false,"confirm":true,"metadata":{"a":1},"notes":"n"}}`
	return []exchange{
		{route: "GET /login", path: "/login", status: 200},
		{route: "GET /user", path: "/user", status: 200},
		{route: "GET /organization", path: "/organization", status: 200},
		{route: "GET /organizations", path: "/organizations", status: 200},
		{route: "GET /organizations/{domain}/public", path: "/organizations/acme/public", status: 200},
		{route: "GET /organizations/{domain}/public", path: "/organizations/nobody/public", status: 404},
		{route: "GET /roles", path: "/roles", status: 200},
		{route: "GET /roles/{id}", path: "/roles/group_basic", status: 200},
		{route: "GET /roles/{id}", path: "/roles/nothing", status: 404},

		{route: "GET /users", path: "/users?limit=2&offset=1&sort=-name", status: 200},
		{route: "GET /users", path: "/users?group_id={members}&query=mara", status: 200},
		{route: "GET /users", path: "/users?email=nobody%40acme.example", status: 200},
		{route: "GET /users", path: "/users", status: 401, key: "wrong"},
		{route: "POST /users", path: "/users", body: user, status: 200, keep: "user"},
		{route: "POST /users", path: "/users", body: user, status: 409},
		{route: "POST /users", path: "/users", body: `{"user":{"email":"no address"}}`, status: 422},
		{route: "POST /users", path: "/users", body: user, status: 403, key: memberKey},
		{route: "GET /users/{id}", path: "/users/{user}", status: 200},
		{route: "GET /users/{id}", path: "/users/999999", status: 404},
		{route: "PATCH /users/{id}", path: "/users/{user}", body: `{"user":{"name":"Newer","notes":null}}`, status: 204},
		{route: "GET /members", path: "/members?limit=3", status: 200},
		{route: "POST /members", path: "/members", body: `{"member":{"email":"old@acme.example"}}`, status: 200, keep: "member"},
		{route: "GET /members/{id}", path: "/members/{member}", status: 200},

		{route: "GET /groups", path: "/groups?scope=place&sort=name", status: 200},
		{route: "GET /groups", path: "/groups?lock_id={entrance}", status: 200},
		{route: "POST /groups", path: "/groups", body: `{"group":{"name":"Made","description":"d","place_id":null,"login_enabled":false,"reader_restriction_enabled":true}}`, status: 200, keep: "group"},
		{route: "POST /groups", path: "/groups", body: `{"group":{"name":""}}`, status: 422},
		{route: "GET /groups/{id}", path: "/groups/{board}", status: 200},
		{route: "GET /groups/{id}", path: "/groups/{group}", status: 200},
		{route: "PATCH /groups/{id}", path: "/groups/{group}", body: `{"group":{"geofence_restriction_enabled":true}}`, status: 204},
		{route: "POST /group_locks", path: "/group_locks", body: `{"group_lock":{"group_id":{group},"lock_id":{entrance}}}`, status: 200, keep: "grouplock"},
		{route: "POST /group_locks", path: "/group_locks", body: `{"group_lock":{"group_id":{group},"lock_id":1}}`, status: 422},
		{route: "GET /group_locks", path: "/group_locks?group_id={group}", status: 200},
		{route: "GET /group_locks", path: "/group_locks?group_id=1", status: 404},
		{route: "GET /group_locks/{id}", path: "/group_locks/{grouplock}", status: 200},
		{route: "DELETE /group_locks/{id}", path: "/group_locks/{grouplock}", status: 204},

		{route: "GET /role_assignments", path: "/role_assignments?limit=250", status: 200},
		{route: "GET /role_assignments", path: "/role_assignments?applies_to_type=Group&applies_to_id={members}", status: 200},
		{route: "GET /role_assignments", path: "/role_assignments?user_id=me", status: 200},
		{route: "POST /role_assignments", path: "/role_assignments", status: 200, keep: "row",
			body: `{"role_assignment":{"assignee_type":"User","assignee_id":{user},"applies_to_type":"Group","applies_to_id":{group},"role_id":"group_basic","notify":false,"valid_from":"2026-12-02T00:00:00Z","valid_until":"2026-12-03T00:00:00Z"}}`},
		{route: "POST /role_assignments", path: "/role_assignments", status: 409,
			body: `{"role_assignment":{"assignee_type":"User","assignee_id":{user},"applies_to_type":"Group","applies_to_id":{group},"role_id":"group_basic","valid_from":"2026-12-02T00:00:00Z","valid_until":"2026-12-03T00:00:00Z"}}`},
		{route: "POST /role_assignments", path: "/role_assignments", status: 404,
			body: `{"role_assignment":{"assignee_type":"User","assignee_id":1,"applies_to_type":"Group","applies_to_id":{group},"role_id":"group_basic"}}`},
		{route: "POST /role_assignments", path: "/role_assignments", status: 422,
			body: `{"role_assignment":{"assignee_type":"User","assignee_id":{user},"applies_to_type":"Group","applies_to_id":{group},"role_id":"nothing"}}`},
		{route: "POST /role_assignments", path: "/role_assignments", status: 200,
			body: `{"role_assignment":{"assignee_type":"User","assignee_id":{user},"applies_to_type":"Organization","applies_to_id":{organization},"role_id":"readers","notify":true}}`},
		{route: "GET /role_assignments/{id}", path: "/role_assignments/{row}", status: 200},
		{route: "PATCH /role_assignments/{id}", path: "/role_assignments/{row}", body: `{"role_assignment":{"valid_until":"2026-12-04T00:00:00Z"}}`, status: 204},
		{route: "DELETE /role_assignments/{id}", path: "/role_assignments/{row}", status: 204},
		{route: "DELETE /role_assignments/{id}", path: "/role_assignments/{row}", status: 404},

		{route: "GET /places", path: "/places?query=down", status: 200},
		{route: "POST /places", path: "/places", body: `{"place":{"name":"Third","address":"3 Street","time_zone":"Europe/Bucharest"}}`, status: 200, keep: "place"},
		{route: "GET /places/{id}", path: "/places/{place}", status: 200},
		{route: "GET /locks", path: "/locks?configured=false", status: 200},
		{route: "GET /locks", path: "/locks", status: 200, key: memberKey},
		{route: "POST /locks", path: "/locks", body: `{"lock":{"name":"Back door","place_id":{place}}}`, status: 200, keep: "lock"},
		{route: "GET /locks/{id}", path: "/locks/{lock}", status: 200},
		{route: "PATCH /locks/{id}", path: "/locks/{lock}", body: `{"lock":{"name":"Side door"}}`, status: 204},
		{route: "POST /locks/{id}/unlock", path: "/locks/{entrance}/unlock", body: `{"context":{"location":{"latitude":46.77,"longitude":23.59}},"lock":{"proximity_proof":null}}`, status: 200},
		{route: "POST /locks/{id}/unlock", path: "/locks/{entrance}/unlock", status: 200, key: memberKey},
		{route: "POST /locks/{id}/unlock", path: "/locks/{lock}/unlock", status: 503},
		{route: "POST /locks/{id}/unlock", path: "/locks/{lock}/unlock", status: 403, key: memberKey},
		{route: "POST /locks/{id}/unlock", path: "/locks/1/unlock", status: 404},
		{route: "POST /locks/{id}/lock_down", path: "/locks/{lock}/lock_down", status: 204},
		{route: "GET /locks/{id}", path: "/locks/{lock}", status: 200},
		{route: "POST /locks/{id}/cancel_lockdown", path: "/locks/{lock}/cancel_lockdown", status: 204},
		{route: "DELETE /locks/{id}", path: "/locks/{lock}", status: 204},

		{route: "GET /teams", path: "/teams", status: 200},
		{route: "POST /teams", path: "/teams", body: `{"team":{"name":"Squad"}}`, status: 200, keep: "team"},
		{route: "GET /teams/{id}", path: "/teams/{team}", status: 200},
		{route: "PATCH /teams/{id}", path: "/teams/{team}", body: `{"team":{"name":"Squads"}}`, status: 204},
		{route: "POST /team_memberships", path: "/team_memberships", body: `{"team_membership":{"team_id":{team},"member_type":"User","member_id":{user}}}`, status: 200, keep: "membership"},
		{route: "POST /team_memberships", path: "/team_memberships", body: `{"team_membership":{"team_id":{team},"member_type":"User","member_id":{user}}}`, status: 422},
		{route: "GET /team_memberships", path: "/team_memberships?team_id={team}", status: 200},
		{route: "GET /team_memberships/{id}", path: "/team_memberships/{membership}", status: 200},
		{route: "DELETE /team_memberships/{id}", path: "/team_memberships/{membership}", status: 204},
		{route: "DELETE /teams/{id}", path: "/teams/{team}", status: 204},

		{route: "POST /logins", path: "/logins", body: `{"login":{"type":"device","email":"new@acme.example","device_brand":"b","expire":false}}`, status: 200, keep: "login"},
		{route: "POST /logins", path: "/logins", body: `{"login":{"type":"device","email":"nobody@acme.example"}}`, status: 404},
		{route: "POST /logins", path: "/logins", body: `{"login":{"type":"api","name":"mine"}}`, status: 200},
		{route: "GET /logins", path: "/logins?user_id=me", status: 200},
		{route: "DELETE /logins/{id}", path: "/logins/{login}", status: 204},

		{route: "POST /integrations", path: "/integrations", body: `{"integration":{"type":"event_webhook","name":"hook","url":"http://127.0.0.1:1/","enabled":true,"enabled_events":["user.create"],"signature_key":"k"}}`, status: 200, keep: "integration"},
		{route: "GET /integrations", path: "/integrations?enabled=true", status: 200},
		{route: "GET /integrations/{id}", path: "/integrations/{integration}", status: 200},
		{route: "PATCH /integrations/{id}", path: "/integrations/{integration}", body: `{"integration":{"enabled":false}}`, status: 204},
		{route: "DELETE /integrations/{id}", path: "/integrations/{integration}", status: 204},

		{route: "GET /events/types", path: "/events/types", status: 200},
		{route: "POST /event_sets", path: "/event_sets", body: `{"event_set":{"event_type":"role_assignment.create,lock.unlock,user.create"}}`, status: 200, keep: "set"},
		{route: "POST /event_sets", path: "/event_sets", body: `{"event_set":{"interval":"yesterday"}}`, status: 422},
		{route: "GET /event_sets/{id}", path: "/event_sets/{set}?limit=3", status: 200},
		{route: "GET /event_sets/{id}", path: "/event_sets/{set}?limit=3", status: 200},

		{route: "DELETE /groups/{id}", path: "/groups/{group}", status: 204},
		{route: "DELETE /users/{id}", path: "/users/{owner}", status: 422},
		{route: "DELETE /users/{id}", path: "/users/{user}", status: 204},
		{route: "GET /users", path: "/users", status: 200, key: otherKey},
		{route: "DELETE /login", path: "/login", status: 204, key: memberKey},
		{route: "GET /login", path: "/login", status: 401, key: memberKey},
	}
}

// takeTour makes every request of the tour and hands each answer over. It
// checks the expected statuses only if strict: a switch may change them.
func takeTour(t *testing.T, s *Server, strict bool, check func(exchange, *http.Request, *httptest.ResponseRecorder)) {
	t.Helper()
	ids := map[string]int{
		"members": groupID(t, s, "Members"), "board": groupID(t, s, "Board"), "entrance": lockID(t, s, "Entrance"),
		"owner": userID(t, s, "olga@acme.example"), "organization": 3289,
	}
	fill := func(text string) string {
		for name, id := range ids {
			text = strings.ReplaceAll(text, "{"+name+"}", fmt.Sprint(id))
		}
		return text
	}
	for _, e := range tour() {
		method, _, _ := strings.Cut(e.route, " ")
		request := httptest.NewRequestWithContext(t.Context(), method, fill(e.path), strings.NewReader(fill(e.body)))
		key := e.key
		if key == "" {
			key = ownerKey
		}
		request.Header.Set("Authorization", "KISI-LOGIN "+key)
		request.Header.Set("Content-Type", "application/json")
		recorder := httptest.NewRecorder()
		s.ServeHTTP(recorder, request)
		if strict && recorder.Code != e.status {
			t.Errorf("%s: status %d, want %d: %s", e.route, recorder.Code, e.status, recorder.Body)
		}
		if e.keep != "" {
			answer := reply{t: t, status: recorder.Code, body: recorder.Body.Bytes()}
			if strict || recorder.Code == http.StatusOK {
				ids[e.keep] = answer.id()
			}
		}
		check(e, request, recorder)
	}
}

func validate(e exchange, request *http.Request, recorder *httptest.ResponseRecorder) error {
	if undocumented[e.route] {
		return nil
	}
	return openapi.ValidateResponse(request, recorder.Code, recorder.Header(), recorder.Body.Bytes())
}

func TestEveryRouteAnswersAsKisisDocumentSays(t *testing.T) {
	s := simulated(t)
	visited := map[string]bool{}
	takeTour(t, s, true, func(e exchange, request *http.Request, recorder *httptest.ResponseRecorder) {
		visited[e.route] = true
		if err := validate(e, request, recorder); err != nil {
			t.Errorf("%v\n%s", err, recorder.Body)
		}
	})
	for _, r := range apiRoutes {
		if name := r.method + " " + r.pattern; !visited[name] {
			t.Errorf("the tour does not visit %s", name)
		}
	}
}

// Some answers are outside the document on purpose: what a proxy sends, and
// the refusals of listings that the document does not foresee.
var outsideTheDocument = map[string]string{"errorBody=Empty": "", "errorBody=HTML": ""}

func TestEverySwitchKeepsAnswersWithinKisisDocument(t *testing.T) {
	for _, info := range DefaultSwitches().Describe() {
		for _, value := range info.Values[1:] {
			name := info.Name + "=" + value
			t.Run(name, func(t *testing.T) {
				_, outside := outsideTheDocument[name]
				s := simulated(t, name)
				takeTour(t, s, false, func(e exchange, request *http.Request, recorder *httptest.ResponseRecorder) {
					if outside && recorder.Code >= 400 {
						return
					}
					if err := validate(e, request, recorder); err != nil {
						t.Errorf("%v\n%s", err, recorder.Body)
					}
				})
			})
		}
	}
}

// The contract tests are worth something only if a wrong field fails them:
// each published field that a listing carries is misspelt in turn.
func TestAMisspeltFieldFailsTheContract(t *testing.T) {
	s := simulated(t)
	fields := 0
	takeTour(t, s, true, func(e exchange, request *http.Request, recorder *httptest.ResponseRecorder) {
		if recorder.Code != 200 || undocumented[e.route] || e.route == "GET /events/types" {
			return
		}
		body := recorder.Body.Bytes()
		for _, field := range []string{`"resource_type"`, `"created_at"`, `"applies_to_id"`, `"valid_until"`, `"users_count"`, `"scim_access_enabled"`, `"secret"`, `"message"`, `"status"`} {
			if !bytes.Contains(body, []byte(field)) {
				continue
			}
			misspelt := bytes.Replace(body, []byte(field), []byte(field[:len(field)-1]+`x"`), 1)
			if err := openapi.ValidateResponse(request, recorder.Code, recorder.Header(), misspelt); err == nil {
				// Objects that Kisi's document leaves open only require some fields.
				if strings.HasPrefix(e.route, "POST /event_sets") || strings.HasPrefix(e.route, "GET /event_sets") {
					continue
				}
				t.Errorf("%s: %s misspelt went unnoticed", e.route, field)
			}
			fields++
		}
	})
	if fields < 60 {
		t.Errorf("only %d fields were tried", fields)
	}
}

// Over the network, with the transport that adapter authors can use too: what
// net/http adds or leaves out is inside the document as well.
func TestTheNetworkAddsNothingToTheContract(t *testing.T) {
	s := simulated(t)
	c := checked(t)
	pete, yard := userID(t, s, "pete@acme.example"), groupID(t, s, "Yard")
	row := sendWith(t, c, s, ownerKey, "POST", "/role_assignments", grantBody(pete, yard, `,"valid_until":"2027-01-01T00:00:00Z"`)).want(200).id()
	sendWith(t, c, s, ownerKey, "GET", fmt.Sprintf("/role_assignments?group_id=%d&limit=250", yard), "").want(200)
	sendWith(t, c, s, ownerKey, "DELETE", fmt.Sprintf("/role_assignments/%d", row), "").want(204)
	sendWith(t, c, s, ownerKey, "DELETE", fmt.Sprintf("/role_assignments/%d", row), "").want(404)
	sendWith(t, c, s, memberKey, "POST", fmt.Sprintf("/locks/%d/unlock", lockID(t, s, "Boardroom")), "").want(403)
	sendWith(t, c, s, ownerKey, "GET", "/teams?query=nobody", "").want(200)
}
