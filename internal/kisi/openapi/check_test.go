package openapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func request(method, target string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Authorization", "KISI-LOGIN s3cret")
	r.Header.Set("Content-Type", "application/json")
	return r
}

const assignment = `{"id":9001,"resource_type":"RoleAssignment","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z",
 "role_id":"group_basic","notify":false,
 "applies_to_type":"Group","applies_to_id":4,"applies_to":{"id":4,"resource_type":"Group","name":"Members"},
 "assignee_type":"User","assignee_id":18,"assignee":{"id":18,"resource_type":"User","email":"a@example.com","name":"A"},
 "created_by_type":null,"created_by_id":null,
 "user_id":18,"user":{"id":18,"resource_type":"User","email":"a@example.com","name":"A"},
 "assignee_team_id":null,"guest_id":null,"issued_by_id":7,
 "type":"group","scope":"group","group_id":4,"group":{"id":4,"resource_type":"Group","name":"Members"},
 "valid_from":null,"valid_until":"2026-02-01T00:00:00Z"}`

func TestRequests(t *testing.T) {
	create := `{"role_assignment":{"applies_to_type":"Group","applies_to_id":4,"assignee_type":"User","assignee_id":18,"role_id":"group_basic"}}`
	tests := map[string]struct {
		method, target, body string
		refusedFor           string
	}{
		"a documented create passes":                {method: "POST", target: "/role_assignments", body: create},
		"a null where the type is an array passes":  {method: "POST", target: "/role_assignments", body: strings.Replace(create, `}}`, `,"valid_until":null}}`, 1)},
		"a misspelt optional field is refused":      {method: "POST", target: "/role_assignments", body: strings.Replace(create, `}}`, `,"validUntil":null}}`, 1), refusedFor: "validUntil"},
		"a missing required field is refused":       {method: "POST", target: "/role_assignments", body: strings.Replace(create, `"assignee_id":18,`, ``, 1), refusedFor: "assignee_id"},
		"an id as text is refused":                  {method: "POST", target: "/role_assignments", body: strings.Replace(create, `18`, `"18"`, 1), refusedFor: "assignee_id"},
		"a value outside an enum is refused":        {method: "POST", target: "/role_assignments", body: strings.Replace(create, `"User"`, `"Robot"`, 1), refusedFor: "assignee_type"},
		"a timestamp in another form is refused":    {method: "POST", target: "/role_assignments", body: strings.Replace(create, `}}`, `,"valid_until":"tomorrow"}}`, 1), refusedFor: "valid_until"},
		"an extra field beside the root is refused": {method: "POST", target: "/role_assignments", body: strings.Replace(create, `}}`, `},"dry_run":true}`, 1), refusedFor: "dry_run"},
		"free metadata passes":                      {method: "POST", target: "/users", body: `{"user":{"email":"a@example.com","metadata":{"anything":1}}}`},
		"a constant that differs is refused":        {method: "POST", target: "/integrations", body: `{"integration":{"type":"event_webhok","name":"n","url":"https://example.com"}}`, refusedFor: "type"},
		"a documented filter passes":                {method: "GET", target: "/users?email=a%40example.com&limit=100"},
		"an undocumented filter is refused":         {method: "GET", target: "/users?e_mail=a", refusedFor: "e_mail"},
		"a limit above the maximum is refused":      {method: "GET", target: "/users?limit=250", refusedFor: "limit"},
		"a missing required filter is refused":      {method: "GET", target: "/group_locks", refusedFor: "group_id"},
		"an undocumented path is refused":           {method: "GET", target: "/places/4", refusedFor: "not documented"},
		"an undocumented method is refused":         {method: "PUT", target: "/users/4", refusedFor: "not documented"},
		"a body that nobody documented is refused":  {method: "DELETE", target: "/users/4", body: `{}`, refusedFor: "body"},
		"an inferred call passes":                   {method: "DELETE", target: "/integrations/4"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var body []byte
			if test.body != "" {
				body = []byte(test.body)
			}
			checkVerdict(t, ValidateRequest(request(test.method, test.target), body), test.refusedFor)
		})
	}
}

func TestRequestWithoutKisiLoginIsRefusedWithoutQuotingTheHeader(t *testing.T) {
	r := request("GET", "/login")
	r.Header.Set("Authorization", "Bearer s3cret")
	err := ValidateRequest(r, nil)
	checkVerdict(t, err, "KISI-LOGIN <secret>")
	if strings.Contains(err.Error(), "s3cret") {
		t.Fatalf("the error quotes the secret: %v", err)
	}
}

func TestResponses(t *testing.T) {
	withRange := func(value string) http.Header {
		return http.Header{"Content-Type": {"application/json"}, "X-Collection-Range": {value}}
	}
	tests := map[string]struct {
		method, target string
		status         int
		header         http.Header
		body           string
		refusedFor     string
	}{
		"a documented row passes":               {"GET", "/role_assignments/1", 200, nil, assignment, ""},
		"an extra field in a row is refused":    {"GET", "/role_assignments/1", 200, nil, strings.Replace(assignment, `"id":9001`, `"id":9001,"colour":"red"`, 1), "oneOf"},
		"a row without a field is refused":      {"GET", "/role_assignments/1", 200, nil, strings.Replace(assignment, `"notify":false,`, ``, 1), "notify"},
		"a reference with an extra field fails": {"GET", "/role_assignments/1", 200, nil, strings.Replace(assignment, `"name":"Members"`, `"name":"Members","x":1`, 1), "oneOf"},
		"a list passes":                         {"GET", "/role_assignments", 200, withRange("0-9/1"), "[" + assignment + "]", ""},
		"an empty list with a star passes":      {"GET", "/role_assignments", 200, withRange("*/0"), "[]", ""},
		"a range in another form is refused":    {"GET", "/role_assignments", 200, withRange("0..9/1"), "[]", "Range"},
		"an object for a list is refused":       {"GET", "/role_assignments", 200, withRange("0-9/1"), "{}", "array"},
		"a 201 is refused":                      {"POST", "/role_assignments", 201, nil, assignment, "status"},
		"a 204 passes":                          {"DELETE", "/role_assignments/1", 204, nil, "", ""},
		"a 204 with a body is refused":          {"DELETE", "/role_assignments/1", 204, nil, "{}", "body"},
		"a 429 passes":                          {"GET", "/users", 429, nil, `{"code":"000429","error":"slow down"}`, ""},
		"an error without its code is refused":  {"GET", "/users", 401, nil, `{"error":"no"}`, "code"},
		"field errors pass":                     {"POST", "/users", 422, nil, `{"errors":{"email":["taken"]}}`, ""},
		"field errors as text are refused":      {"POST", "/users", 422, nil, `{"errors":{"email":"taken"}}`, "email"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			header := test.header
			if header == nil {
				header = http.Header{"Content-Type": {"application/json"}}
			}
			checkVerdict(t, ValidateResponse(request(test.method, test.target), test.status, header, []byte(test.body)), test.refusedFor)
		})
	}
}

// Closed schemas are what the drift checks rest on, so each one is shown to refuse an extra field where it is the schema
// of the whole body.
func TestEveryRequestBodyRefusesAnExtraField(t *testing.T) {
	document, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.RequestBody == nil || path == "/members" { // deprecated, and transcribed without its fields
				continue
			}
			checked++
			target := strings.NewReplacer("{id}", "1", "{domain}", "d").Replace(path)
			err := ValidateRequest(request(method, target), []byte(`{"no_such_root":{}}`))
			if err == nil || !strings.Contains(err.Error(), "no_such_root") {
				t.Errorf("%s %s accepts an undocumented field: %v", method, path, err)
			}
		}
	}
	if checked < 10 {
		t.Fatalf("only %d request bodies were found", checked)
	}
}

func TestEveryDeviationIsNeeded(t *testing.T) {
	for _, deviation := range Deviations() {
		var raw object
		if err := json.Unmarshal(published, &raw); err != nil {
			t.Fatal(err)
		}
		if !deviation.apply(raw) {
			t.Errorf("%q is in the document now", deviation.What)
		}
		if deviation.Why == "" {
			t.Errorf("%q has no reason", deviation.What)
		}
	}
}

func TestCheckingReportsViolationsAndPassesTheTrafficOn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":1}`))
	}))
	defer server.Close()
	var reports []string
	client := http.Client{Transport: Checking(http.DefaultTransport, func(err error) { reports = append(reports, err.Error()) })}
	r, err := http.NewRequest(http.MethodPost, server.URL+"/group_locks", strings.NewReader(`{"group_lock":{"group_id":1,"lock":2}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "KISI-LOGIN s3cret")
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ ID int }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.ID != 1 {
		t.Fatalf("the answer did not arrive whole: %v, %v", answer, err)
	}
	if len(reports) != 2 || !strings.Contains(reports[0], "request POST /group_locks") || !strings.Contains(reports[1], "response 200 to POST /group_locks") {
		t.Fatalf("reports: %q", reports)
	}
}

func checkVerdict(t *testing.T, err error, refusedFor string) {
	t.Helper()
	switch {
	case refusedFor == "" && err != nil:
		t.Fatalf("refused: %v", err)
	case refusedFor != "" && err == nil:
		t.Fatal("accepted")
	case refusedFor != "" && !strings.Contains(err.Error(), refusedFor):
		t.Fatalf("refused, but not for %q: %v", refusedFor, err)
	}
}
