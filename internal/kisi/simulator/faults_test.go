package simulator

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func addFault(t *testing.T, s *Server, f Fault) int {
	t.Helper()
	id, err := s.AddFault(f)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAStatusFaultAnswersAndDoesNothing(t *testing.T) {
	s := simulated(t)
	addFault(t, s, Fault{Kind: FaultStatus, Status: 503, Method: "POST", Path: "/users", Count: 1})
	body := `{"user":{"email":"new@acme.example"}}`
	send(t, s, ownerKey, "POST", "/users", body).want(503)
	if _, made := s.User("acme", "new@acme.example"); made {
		t.Error("the user was made all the same")
	}
	send(t, s, ownerKey, "POST", "/users", body).want(200)
}

func TestAFaultByLotMeetsItsShareAndTheSameSeedDrawsTheSame(t *testing.T) {
	draw := func(seed uint64) (statuses []int) {
		s := simulated(t)
		addFault(t, s, Fault{Kind: FaultStatus, Status: 503, Chance: 0.25, Seed: seed})
		for range 200 {
			statuses = append(statuses, send(t, s, ownerKey, "GET", "/users?limit=1", "").status)
		}
		return statuses
	}
	share := func(statuses []int) (met int) {
		for _, status := range statuses {
			if status == 503 {
				met++
			}
		}
		return met
	}
	first := draw(1)
	if met := share(first); met < 30 || met > 70 {
		t.Errorf("%d of 200 met a fault of chance 0.25", met)
	}
	if !slices.Equal(first, draw(1)) {
		t.Error("the same seed drew other lots")
	}
	if slices.Equal(first, draw(2)) {
		t.Error("another seed drew the same lots")
	}
}

func TestAFaultInBurstsComesAndGoes(t *testing.T) {
	f := &Fault{Kind: FaultTooManyRequests, Every: Duration(20 * time.Second), For: Duration(2 * time.Second), added: time.Unix(1000, 0)}
	for after, want := range map[time.Duration]bool{
		0: true, 1999 * time.Millisecond: true, 2 * time.Second: false, 19 * time.Second: false, 20 * time.Second: true, 41 * time.Second: true, 42 * time.Second: false,
	} {
		if got := f.strikes(f.added.Add(after)); got != want {
			t.Errorf("after %s: %v", after, got)
		}
	}
	s := simulated(t)
	for _, wrong := range []Fault{{Every: Duration(time.Second)}, {For: Duration(time.Second)}, {Every: Duration(time.Second), For: Duration(time.Minute)}, {Chance: 1.1}, {Chance: -0.1}} {
		wrong.Kind = FaultTooManyRequests
		if _, err := s.AddFault(wrong); err == nil {
			t.Errorf("taken: %+v", wrong)
		}
	}
}

func TestADropBeforeDoesNothingAndADropAfterDoesIt(t *testing.T) {
	for kind, done := range map[FaultKind]bool{FaultDropBefore: false, FaultDropAfter: true} {
		t.Run(string(kind), func(t *testing.T) {
			s := simulated(t)
			addFault(t, s, Fault{Kind: kind, Method: "POST", Path: "/users", Count: 1})
			if r := send(t, s, ownerKey, "POST", "/users", `{"user":{"email":"new@acme.example"}}`); r.err == nil {
				t.Fatalf("there was an answer: %d", r.status)
			}
			if _, made := s.User("acme", "new@acme.example"); made != done {
				t.Errorf("made: %v, want %v", made, done)
			}
			logged := s.Requests(RequestFilter{Method: "POST"})
			if len(logged) != 1 || !logged[0].Dropped {
				t.Errorf("the log says %+v", logged)
			}
		})
	}
}

func TestListFaultsSpoilAPage(t *testing.T) {
	page := func(t *testing.T, f Fault) ([]string, string) {
		s := simulated(t)
		f.Count = 1
		addFault(t, s, f)
		send(t, s, ownerKey, "POST", "/users", `{"user":{"email":"not-a-listing@acme.example"}}`).want(200)
		r := send(t, s, ownerKey, "GET", "/users?limit=3", "").want(200)
		return names(r.rows()), r.header.Get("X-Collection-Range")
	}
	tests := map[FaultKind]struct {
		names []string
		total string
	}{
		FaultShortPage:   {[]string{"Olga", "Adam"}, "0-2/7"},
		FaultRepeatedRow: {[]string{"Olga", "Adam", "Olga"}, "0-2/7"},
		FaultMovingTotal: {[]string{"Olga", "Adam", "Mara"}, "0-2/8"},
		FaultEmptyPage:   {nil, "0-2/7"},
		FaultNoRange:     {[]string{"Olga", "Adam", "Mara"}, ""},
		FaultWrongRange:  {[]string{"Olga", "Adam", "Mara"}, "1-3/7"},
	}
	for kind, want := range tests {
		t.Run(string(kind), func(t *testing.T) {
			got, header := page(t, Fault{Kind: kind})
			if strings.Join(got, ",") != strings.Join(want.names, ",") || header != want.total {
				t.Errorf("got %v %s, want %v %s", got, header, want.names, want.total)
			}
		})
	}
}

func TestAListThatIgnoresItsFiltersShowsEverything(t *testing.T) {
	for _, path := range []string{"/role_assignments?applies_to_type=Group&applies_to_id=999", "/group_locks?group_id=999", "/users?query=nobody", "/groups?ids=999"} {
		t.Run(path, func(t *testing.T) {
			s := simulated(t)
			addFault(t, s, Fault{Kind: FaultIgnoredFilters})
			r := send(t, s, ownerKey, "GET", path+"&limit=1", "").want(200)
			if len(r.rows()) != 1 || !strings.HasPrefix(r.header.Get("X-Collection-Range"), "0-0/") {
				t.Errorf("%d rows, %s", len(r.rows()), r.header.Get("X-Collection-Range"))
			}
		})
	}
}

func TestAGarbageFaultIsNotJSON(t *testing.T) {
	s := simulated(t)
	addFault(t, s, Fault{Kind: FaultGarbage, Path: "/groups"})
	r := send(t, s, ownerKey, "GET", "/groups", "").want(200)
	if strings.HasSuffix(strings.TrimSpace(string(r.body)), "]") {
		t.Errorf("this could be read: %s", r.body)
	}
}

func TestFaultsChooseTheirRequests(t *testing.T) {
	s := simulated(t)
	addFault(t, s, Fault{Kind: FaultStatus, Status: 500, Path: "/role_*", Query: "*offset=2*", Organization: "acme", Skip: 1, Count: 1})
	send(t, s, ownerKey, "GET", "/role_assignments?offset=0", "").want(200)
	send(t, s, ownerKey, "GET", "/groups?offset=2", "").want(200)
	send(t, s, otherKey, "GET", "/role_assignments?offset=2", "").want(200)
	send(t, s, ownerKey, "GET", "/role_assignments?offset=2", "").want(200) // skipped
	send(t, s, ownerKey, "GET", "/role_assignments?offset=2", "").want(500)
	send(t, s, ownerKey, "GET", "/role_assignments?offset=2", "").want(200) // used up
}

func TestKeyFaults(t *testing.T) {
	s := simulated(t)
	id := addFault(t, s, Fault{Kind: FaultRevokedKey, Organization: "acme"})
	send(t, s, ownerKey, "GET", "/login", "").want(401)
	send(t, s, otherKey, "GET", "/login", "").want(200)
	s.RemoveFault(id)
	send(t, s, ownerKey, "GET", "/login", "").want(200)

	addFault(t, s, Fault{Kind: FaultDemotedOwner})
	send(t, s, ownerKey, "GET", "/login", "").want(200)
	send(t, s, ownerKey, "GET", "/users", "").want(403)
	send(t, s, ownerKey, "POST", "/groups", `{"group":{"name":"x"}}`).want(403)
	if err := s.SetSwitch("demotedOwnerKey", "Unauthorized401"); err != nil {
		t.Fatal(err)
	}
	send(t, s, ownerKey, "GET", "/login", "").want(401)
	s.ClearFaults()
	send(t, s, ownerKey, "GET", "/login", "").want(200)
}

func TestSomethingIsDeletedUnderARequest(t *testing.T) {
	s := simulated(t)
	group, mara := groupID(t, s, "Board"), userID(t, s, "mara@acme.example")
	addFault(t, s, Fault{Kind: FaultDeletedGroup, Group: "Board", Method: "POST", Count: 1})
	send(t, s, ownerKey, "POST", "/role_assignments", grantBody(mara, group, "")).want(404)

	addFault(t, s, Fault{Kind: FaultDeletedUser, User: "mara@acme.example", Method: "POST", Count: 1})
	send(t, s, ownerKey, "POST", "/role_assignments", grantBody(mara, groupID(t, s, "Members"), "")).want(404)
	if _, alive := s.User("acme", "mara@acme.example"); alive {
		t.Error("the user is still there")
	}
}

func TestABurstOf429(t *testing.T) {
	s := simulated(t, "retryAfter=Seconds")
	addFault(t, s, Fault{Kind: FaultTooManyRequests, Count: 2})
	for range 2 {
		r := send(t, s, ownerKey, "GET", "/users", "").want(429)
		if r.header.Get("Retry-After") != "1" || r.code() != "000429" {
			t.Errorf("Retry-After %q, body %s", r.header.Get("Retry-After"), r.body)
		}
	}
	send(t, s, ownerKey, "GET", "/users", "").want(200)
}

func TestErrorBodiesMayBeMissingOrForeign(t *testing.T) {
	for value, want := range map[string]string{"Generic": `{"code":"000404"`, "Empty": "", "HTML": "<html>"} {
		s := simulated(t, "errorBody="+value)
		r := send(t, s, ownerKey, "GET", "/users/1", "").want(404)
		if !strings.HasPrefix(string(r.body), want) || (want == "" && len(r.body) > 0) {
			t.Errorf("%s: %q", value, r.body)
		}
		send(t, s, ownerKey, "POST", "/users", `{"user":{}}`).want(422).object() // stays as it is
	}
}

func TestRetryAfterMayBeADate(t *testing.T) {
	s := simulated(t, "retryAfter=HTTPDate")
	addFault(t, s, Fault{Kind: FaultTooManyRequests})
	if got := send(t, s, ownerKey, "GET", "/users", "").want(429).header.Get("Retry-After"); got != "Tue, 01 Dec 2026 12:00:01 GMT" {
		t.Errorf("Retry-After: %s", got)
	}
}

func TestLatencyHoldsTheAnswer(t *testing.T) {
	s := simulated(t)
	addFault(t, s, Fault{Kind: FaultLatency, Latency: Duration(80 * time.Millisecond), Count: 1})
	start := time.Now()
	send(t, s, ownerKey, "GET", "/login", "").want(200)
	if took := time.Since(start); took < 80*time.Millisecond {
		t.Errorf("answered after %s", took)
	}
}

func TestABadFaultIsRefusedByName(t *testing.T) {
	s := simulated(t)
	for want, f := range map[string]Fault{
		`kind: "Statos"`: {Kind: "Statos"}, "status: 0": {Kind: FaultStatus}, "latency:": {Kind: FaultLatency},
		"user:": {Kind: FaultDeletedUser}, "group:": {Kind: FaultDeletedGroup}, "count": {Kind: FaultDropAfter, Count: -1},
	} {
		if _, err := s.AddFault(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want an error with %q", f, err, want)
		}
	}
}

func TestTheRateLimitCountsPerUserNotPerKey(t *testing.T) {
	now := time.Now()
	for _, algorithm := range []string{"TokenBucket", "FixedSecond"} {
		t.Run(algorithm, func(t *testing.T) {
			s := simulated(t, "rateLimit="+algorithm)
			act(t, s, Action{Action: ActionCreateKey, User: "olga@acme.example", Secret: "second-key"})
			s.pace = newPace(0)
			s.pace.now = func() time.Time { return now }
			for i := range 5 {
				send(t, s, []string{ownerKey, "second-key"}[i%2], "GET", "/login", "").want(200)
			}
			r := send(t, s, ownerKey, "GET", "/login", "").want(429)
			if r.header.Get("Retry-After") != "" {
				t.Error("Retry-After without being asked for")
			}
			send(t, s, adminKey, "GET", "/login", "").want(200) // another user
			now = now.Add(time.Second)
			for range 5 {
				send(t, s, ownerKey, "GET", "/login", "").want(200)
			}
			send(t, s, "second-key", "GET", "/login", "").want(429)
		})
	}
}

func TestEventSetsAreLimitedToOneASecond(t *testing.T) {
	now := time.Now()
	s := simulated(t)
	s.pace = newPace(0)
	s.pace.now = func() time.Time { return now }
	send(t, s, ownerKey, "POST", "/event_sets", `{"event_set":{}}`).want(200)
	send(t, s, ownerKey, "POST", "/event_sets", `{"event_set":{}}`).want(429)
	send(t, s, ownerKey, "GET", "/login", "").want(200)
	now = now.Add(time.Second)
	send(t, s, ownerKey, "POST", "/event_sets", `{"event_set":{}}`).want(200)
}

func TestTheRequestLogKeepsNoSecret(t *testing.T) {
	s := simulated(t)
	c := client()
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/integrations",
		strings.NewReader(`{"integration":{"type":"event_webhook","name":"n","url":"http://127.0.0.1:1","signature_key":"very-secret"}}`))
	request.Header.Set("Authorization", "KISI-LOGIN "+ownerKey)
	request.Header.Set("X-Kisi-Integration-Identifier", "my-adapter")
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	send(t, s, ownerKey, "GET", "/users?limit=1", "").want(200)
	send(t, s, otherKey, "DELETE", "/users/1", "").want(404)

	logged := s.Requests(RequestFilter{Method: "POST"})
	if len(logged) != 1 || logged[0].User != "olga@acme.example" || logged[0].IntegrationIdentifier != "my-adapter" || logged[0].Status != 200 {
		t.Errorf("got %+v", logged)
	}
	if strings.Contains(string(logged[0].Body), "very-secret") || !strings.Contains(string(logged[0].Body), `"name":"n"`) {
		t.Errorf("body %s", logged[0].Body)
	}
	for want, filter := range map[int]RequestFilter{
		3: {}, 2: {WritesOnly: true}, 1: {Path: "/users*", Method: "GET"}, 0: {Path: "/groups"},
	} {
		if got := s.CountRequests(filter); got != want {
			t.Errorf("%+v: %d, want %d", filter, got, want)
		}
	}
	if got := s.CountRequests(RequestFilter{Organization: "other", Status: 404, AfterID: logged[0].ID}); got != 1 {
		t.Errorf("filtered by organization, status and id: %d, want 1", got)
	}
	s.ResetRequests()
	if got := s.CountRequests(RequestFilter{}); got != 0 {
		t.Errorf("%d after a reset", got)
	}
}

func TestWildcards(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"/users", "/users", true}, {"/users", "/users/1", false}, {"/users*", "/users/1", true}, {"*", "", true},
		{"/*/1", "/users/1", true}, {"/*/1", "/users/12", false}, {"*offset=2*", "limit=1&offset=20", true},
		{"/a*a", "/a", false}, {"*a*b", "xaxb", true}, {"*a*b", "xbxa", false},
	} {
		if got := wildcard(test.pattern, test.text); got != test.want {
			t.Errorf("%q against %q: %v", test.pattern, test.text, got)
		}
	}
}

func TestADelayedRequestIsCarriedOutThoughItsClientIsGone(t *testing.T) {
	s := simulated(t)
	addFault(t, s, Fault{Kind: FaultDelayBefore, Method: "POST", Path: "/users", Latency: Duration(time.Second), Count: 1})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	ctx, giveUp := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer giveUp()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/users", strings.NewReader(`{"user":{"email":"new@acme.example"}}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "KISI-LOGIN "+ownerKey)
	request.Header.Set("Content-Type", "application/json")
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
		t.Fatal("there was an answer")
	}
	if _, made := s.User("acme", "new@acme.example"); made {
		t.Fatal("it was made at once")
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, made := s.User("acme", "new@acme.example"); made {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it was never made")
		}
	}
}

func TestARedirectLeadsToTheRequestItself(t *testing.T) {
	s := simulated(t)
	addFault(t, s, Fault{Kind: FaultRedirect, Count: 1})
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/users?limit=3", nil))
	if location := answer.Header().Get("Location"); answer.Code != http.StatusTemporaryRedirect || location != "/users?limit=3" {
		t.Errorf("%d, Location %q", answer.Code, location)
	}
}
