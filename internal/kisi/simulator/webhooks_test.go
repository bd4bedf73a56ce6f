package simulator

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	bodies [][]byte
	signs  []string
}

func receiving(t *testing.T, status int) *receiver {
	t.Helper()
	r := &receiver{status: status}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies, r.signs = append(r.bodies, body), append(r.signs, request.Header.Get("X-Signature"))
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) uuids(t *testing.T) []string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, body := range r.bodies {
		var e struct {
			UUID string `json:"uuid"`
		}
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e.UUID)
	}
	return out
}

func hook(t *testing.T, s *Server, r *receiver) int {
	t.Helper()
	return send(t, s, ownerKey, "POST", "/integrations", fmt.Sprintf(
		`{"integration":{"type":"event_webhook","name":"hook","url":%q,"enabled_events":["role_assignment.create","role_assignment.destroy"],"signature_key":"k"}}`, r.URL)).want(200).id()
}

func settle(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.WaitForWebhooks(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestWebhooksAreSigned(t *testing.T) {
	for value, encode := range map[string]func([]byte) string{
		"PrefixedHex":    func(b []byte) string { return "sha256=" + hex.EncodeToString(b) },
		"Hex":            hex.EncodeToString,
		"PrefixedBase64": func(b []byte) string { return "sha256=" + base64.StdEncoding.EncodeToString(b) },
		"Base64":         base64.StdEncoding.EncodeToString,
	} {
		s, r := simulated(t, "webhookSignature="+value), receiving(t, 200)
		hook(t, s, r)
		act(t, s, Action{Action: ActionRevoke, User: "mara@acme.example", Group: "Members"})
		act(t, s, Action{Action: ActionDeleteGroup, Group: "Yard"}) // no such event asked for
		settle(t, s)
		if len(r.bodies) != 1 {
			t.Fatalf("%s: %d calls, want 1", value, len(r.bodies))
		}
		mac := hmac.New(sha256.New, []byte("k"))
		mac.Write(r.bodies[0])
		if want := encode(mac.Sum(nil)); r.signs[0] != want {
			t.Errorf("%s: %s, want %s", value, r.signs[0], want)
		}
		if !contains(r.bodies[0], `"type":"role_assignment.destroy"`) || contains(r.bodies[0], `"object"`) {
			t.Errorf("body %s", r.bodies[0])
		}
	}
}

func TestWebhooksMayRepeatOrChangeOrder(t *testing.T) {
	story := func(s *Server) {
		act(t, s, Action{Action: ActionRevoke, User: "mara@acme.example", Group: "Members"})
		act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Group: "Members"})
	}
	order := func(delivery string) ([]string, *Server) {
		s, r := simulated(t, "webhookDelivery="+delivery, "eventObject=Present"), receiving(t, 200)
		hook(t, s, r)
		story(s)
		settle(t, s)
		return r.uuids(t), s
	}
	once, _ := order("Once")
	if len(once) != 2 {
		t.Errorf("once: %v", once)
	}
	twice, _ := order("Duplicated")
	if len(twice) != 4 || twice[0] != twice[1] || twice[2] != twice[3] {
		t.Errorf("duplicated: %v", twice)
	}
	reordered, s := order("Reordered")
	var types []string
	for _, d := range s.Deliveries() {
		types = append(types, d.Type)
	}
	if len(reordered) != 2 || !slices.Equal(types, []string{"role_assignment.create", "role_assignment.destroy"}) {
		t.Errorf("reordered: %v", types)
	}
}

func TestAFailingWebhookIsSwitchedOffAndCanComeBack(t *testing.T) {
	s, r := simulated(t, "webhookDisableAfter=Three"), receiving(t, 500)
	id := hook(t, s, r)
	toggle := func() {
		act(t, s, Action{Action: ActionRevoke, User: "mara@acme.example", Group: "Members"})
		act(t, s, Action{Action: ActionGrant, User: "mara@acme.example", Group: "Members"})
		settle(t, s)
	}
	toggle()
	toggle()
	path := fmt.Sprintf("/integrations/%d", id)
	state := send(t, s, ownerKey, "GET", path, "").want(200).object()
	if state["enabled"] != false || state["disabled_due_to_error"] != true || state["disabled_due_to_error_at"] == nil {
		t.Errorf("got %v", state)
	}
	calls := len(s.Deliveries())
	toggle()
	if got := len(s.Deliveries()); got != calls {
		t.Errorf("a disabled webhook was called: %d, then %d", calls, got)
	}
	changes, _ := s.History("acme", time.Time{}, time.Time{})
	for _, want := range []string{"integration.warn_due_to_error", "integration.disable_due_to_error"} {
		if !slices.ContainsFunc(changes, func(c Change) bool { return c.Type == want }) {
			t.Errorf("no event %s", want)
		}
	}
	r.mu.Lock()
	r.status = 200
	r.mu.Unlock()
	send(t, s, ownerKey, "PATCH", path, `{"integration":{"enabled":true}}`).want(204)
	toggle()
	if last := s.Deliveries()[len(s.Deliveries())-1]; last.Status != 200 {
		t.Errorf("after it was switched on: %+v", last)
	}
}

func TestAFailedWebhookCallMayBeTriedAgain(t *testing.T) {
	s, r := simulated(t, "webhookRetry=Twice"), receiving(t, 500)
	hook(t, s, r)
	act(t, s, Action{Action: ActionRevoke, User: "mara@acme.example", Group: "Members"})
	settle(t, s)
	if got := len(s.Deliveries()); got != 3 {
		t.Errorf("%d calls, want 3", got)
	}
}
