package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi/openapi"
)

const (
	ownerKey   = "owner-key"
	adminKey   = "admin-key"
	memberKey  = "member-key"
	managerKey = "place-manager-key"
	otherKey   = "other-organization-key"
)

// testSeed has two organizations, every kind of assignee and target, and
// people with few rights.
const testSeed = `
organizations:
  - name: Acme
    domain: acme
    owner: olga@acme.example
    users:
      - {email: olga@acme.example, name: Olga}
      - {email: adam@acme.example, name: Adam}
      - {email: mara@acme.example, name: Mara, notes: front desk}
      - {email: pete@acme.example, name: Pete}
      - {email: tina@acme.example, name: Tina}
      - {email: bot@acme.example, name: Managed, sendEmails: false}
    guests:
      - {name: Gus, email: gus@elsewhere.example}
    places:
      - {name: Downtown, timeZone: Europe/Bucharest, latitude: 46.77, longitude: 23.59}
      - {name: Uptown}
    locks:
      - {name: Entrance, place: Downtown}
      - {name: Boardroom, place: Downtown}
      - {name: Gate, place: Uptown}
      - {name: Unwired, place: Uptown, configured: false}
    groups:
      - {name: Members, locks: [Entrance]}
      - {name: Board, place: Downtown, locks: [Entrance, Boardroom]}
      - {name: Yard, place: Uptown, locks: [Gate, Unwired]}
    teams:
      - {name: Crew, members: [tina@acme.example]}
    roles:
      - {id: readers, name: Readers, appliesTo: Organization, permissions: [groups_read]}
    roleAssignments:
      - {user: adam@acme.example, role: organization_administrator}
      - {user: pete@acme.example, place: Uptown, role: place_access_manager}
      - {user: mara@acme.example, group: Members, createdBy: adam@acme.example}
      - {team: Crew, group: Board}
      - {guest: Gus, group: Members}
    keys:
      - {user: olga@acme.example, secret: owner-key}
      - {user: adam@acme.example, secret: admin-key}
      - {user: mara@acme.example, secret: member-key}
      - {user: pete@acme.example, secret: place-manager-key}
  - name: Other
    domain: other
    owner: otto@other.example
    users:
      - {email: otto@other.example, name: Otto}
      - {email: mara@acme.example, name: Mara elsewhere}
    groups:
      - {name: Members}
    keys:
      - {user: otto@other.example, secret: other-organization-key}
`

var epoch = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func at(offset time.Duration) time.Time { return epoch.Add(offset) }

// newFrozenClock stands still at exactly the given instant until it is set, advanced or resumed.
func newFrozenClock(at time.Time) *Clock {
	c := NewClock(at)
	c.frozen = true
	return c
}

// simulated starts a simulator on a frozen clock, without a rate limit.
func simulated(t *testing.T, switches ...string) *Server {
	t.Helper()
	clock := newFrozenClock(epoch)
	s, err := New(Options{Clock: clock, RequestsPerSecond: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, s2 := range switches {
		name, value, _ := strings.Cut(s2, "=")
		if err := s.SetSwitch(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.LoadSeed([]byte(testSeed)); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// reply is an answer as a client sees it.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
	err    error
}

func client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
}

// send asks the simulator over the network; a request that got no answer has
// an err and status 0.
func send(t *testing.T, s *Server, key, method, path, body string) reply {
	t.Helper()
	return sendWith(t, client(), s, key, method, path, body)
}

func sendWith(t *testing.T, c *http.Client, s *Server, key, method, path, body string) reply {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "KISI-LOGIN "+key)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.Do(request)
	if err != nil {
		return reply{t: t, err: err}
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return reply{t, response.StatusCode, response.Header, content, err}
}

func (r reply) want(status int) reply {
	r.t.Helper()
	if r.err != nil {
		r.t.Fatalf("no answer: %v", r.err)
	}
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

func (r reply) object() map[string]any {
	r.t.Helper()
	var out map[string]any
	if err := json.Unmarshal(r.body, &out); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	return out
}

func (r reply) rows() []map[string]any {
	r.t.Helper()
	var out []map[string]any
	if err := json.Unmarshal(r.body, &out); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	return out
}

func (r reply) id() int {
	r.t.Helper()
	id, _ := r.object()["id"].(float64)
	if id == 0 {
		r.t.Fatalf("no id in %s", r.body)
	}
	return int(id)
}

func (r reply) code() string {
	code, _ := r.object()["code"].(string)
	return code
}

func names(rows []map[string]any) []string {
	var out []string
	for _, row := range rows {
		out = append(out, fmt.Sprint(row["name"]))
	}
	return out
}

// checked is a client that fails the test on any traffic outside Kisi's
// document.
func checked(t *testing.T) *http.Client {
	t.Helper()
	return &http.Client{Transport: openapi.Checking(&http.Transport{DisableKeepAlives: true}, func(err error) {
		t.Helper()
		t.Errorf("outside Kisi's document: %v", err)
	})}
}

// userID, groupID and lockID look ids up by name in Acme.
func userID(t *testing.T, s *Server, email string) int {
	t.Helper()
	u, found := s.User("acme", email)
	if !found {
		t.Fatalf("no user %s", email)
	}
	return u.ID
}

func groupID(t *testing.T, s *Server, name string) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	o, _ := s.organizationByDomain("acme")
	g, err := s.groupNamed(o, name)
	if err != nil {
		t.Fatal(err)
	}
	return g.ID
}

func lockID(t *testing.T, s *Server, name string) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	o, _ := s.organizationByDomain("acme")
	l, err := s.lockNamed(o, name)
	if err != nil {
		t.Fatal(err)
	}
	return l.ID
}

// grantBody is the current form of a role assignment in a group.
func grantBody(userID, groupID int, extra string) string {
	return fmt.Sprintf(`{"role_assignment":{"assignee_type":"User","assignee_id":%d,"applies_to_type":"Group","applies_to_id":%d,"role_id":"group_basic","notify":false%s}}`,
		userID, groupID, extra)
}

// act does something in the dashboard of Acme.
func act(t *testing.T, s *Server, action Action) int {
	t.Helper()
	action.Organization = "acme"
	id, err := s.Act(action)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func opens(t *testing.T, s *Server, email, lockName string, instant time.Time) bool {
	t.Helper()
	d, err := s.TryUnlock("acme", email, lockName, Attempt{AtTheDoor: true}, instant)
	if err != nil {
		t.Fatal(err)
	}
	return d.Allowed
}

func contains(haystack []byte, needle string) bool { return bytes.Contains(haystack, []byte(needle)) }
