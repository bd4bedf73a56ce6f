package kisi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// answerer answers every request in the same way.
type answerer struct {
	status int
	header http.Header
	body   []byte
}

func (a answerer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}, nil
}

// hookSecret is the secret of a request: it may stand in no error of that request, and the key in none at all.
const hookSecret = "hook-s3cr3t"

func fed(t *testing.T, a answerer) *Client {
	t.Helper()
	client, err := NewClient(Config{Endpoint: "http://kisi.test", Key: testKey(t), Transport: a})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// longestError is more than the largest error has that is made of an answer; see TestWhatIsKeptOfARefusalIsBounded.
const longestError = (2*maxTexts + maxTexts*(maxTexts+1)) * (maxMessageRunes + 10) * 4

// checkText fails unless a text that was made of an answer is bounded, on one line, and without secrets.
func checkText(t *testing.T, text string) {
	t.Helper()
	if len(text) > longestError {
		t.Fatalf("a text of %d bytes: %.200q", len(text), text)
	}
	if !utf8.ValidString(text) {
		t.Fatalf("not UTF-8: %q", text)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		t.Fatalf("byte %d cannot be printed in %q", i, text)
	}
	if strings.Contains(text, testSecret) {
		t.Fatalf("the text shows the key: %q", text)
	}
}

// checkError fails unless an error says only what it may, and is sorted in one way.
func checkError(t *testing.T, err error, method string, status int) {
	t.Helper()
	if err == nil {
		return
	}
	checkText(t, err.Error())
	checkText(t, Said(err, "ana@example.com", "Ana Pop"))
	if said := Said(err, "ana@example.com", "Ana Pop"); strings.Contains(strings.ToLower(said), "ana@example.com") {
		t.Fatalf("an address in %q", said)
	}
	if wait := RetryAfter(err); wait < 0 || wait > retryAfterMax {
		t.Fatalf("wait for %s", wait)
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("of another type: %T", err)
	}
	if sure := status >= 400 && status < 500 || status == 501 || status == 505 || method == http.MethodGet; OutcomeUnknown(err) == sure {
		t.Fatalf("%s answered with %d: unknown is %v", method, status, !sure)
	}
}

// checkID fails for a thing that was accepted without an id that can be one.
func checkID(t *testing.T, things ...identified) {
	t.Helper()
	for _, thing := range things {
		if n, is := thing.(numbered); is && (n.number() < 1 || n.number() > 1<<53-1) {
			t.Fatalf("accepted with the id %d", n.number())
		}
	}
}

// reads makes every call that decodes one thing.
var reads = []struct {
	method string
	call   func(*testing.T, *Client) (any, error)
}{
	{"GET", func(t *testing.T, c *Client) (any, error) { v, err := c.User(t.Context(), 7); return v, err }},
	{"GET", func(t *testing.T, c *Client) (any, error) { v, err := c.Group(t.Context(), 7); return v, err }},
	{"GET", func(t *testing.T, c *Client) (any, error) { v, err := c.GroupLock(t.Context(), 7); return v, err }},
	{"GET", func(t *testing.T, c *Client) (any, error) { v, err := c.Lock(t.Context(), 7); return v, err }},
	{"GET", func(t *testing.T, c *Client) (any, error) { v, err := c.Organization(t.Context()); return v, err }},
	{"GET", func(t *testing.T, c *Client) (any, error) { v, err := c.OnlyOrganization(t.Context()); return v, err }},
	{"GET", func(t *testing.T, c *Client) (any, error) { v, err := c.CurrentLogin(t.Context()); return v, err }},
	{"GET", func(t *testing.T, c *Client) (any, error) { v, err := c.Role(t.Context(), "r"); return v, err }},
	{"GET", func(t *testing.T, c *Client) (any, error) {
		v, err := c.RoleAssignment(t.Context(), 7, RoleAssignmentFilter{AssigneeType: TypeUser, AssigneeID: 3, RoleID: RoleGroupBasic})
		return v, err
	}},
	{"GET", func(t *testing.T, c *Client) (any, error) { v, err := c.EventSet(t.Context(), 7, "", 0); return v, err }},
	{"POST", func(t *testing.T, c *Client) (any, error) {
		v, err := c.CreateUser(t.Context(), UserCreate{Email: "ana@example.com"})
		return v, err
	}},
	{"POST", func(t *testing.T, c *Client) (any, error) {
		v, err := c.CreateGroup(t.Context(), GroupCreate{Name: "Lab"})
		return v, err
	}},
	{"POST", func(t *testing.T, c *Client) (any, error) {
		v, err := c.CreateRoleAssignment(t.Context(), RoleAssignmentCreate{AppliesToType: TypeGroup, AppliesToID: 4, AssigneeType: TypeUser, AssigneeID: 3, RoleID: RoleGroupBasic})
		return v, err
	}},
	{"POST", func(t *testing.T, c *Client) (any, error) {
		v, err := c.CreateLogin(t.Context(), LoginCreate{Email: "ana@example.com"})
		return v, err
	}},
	{"POST", func(t *testing.T, c *Client) (any, error) {
		v, err := c.CreateEventWebhook(t.Context(), EventWebhookCreate{Name: "hook", URL: "https://hooks.example.com", SignatureKey: NewSecret(hookSecret)})
		return v, err
	}},
	{"DELETE", func(t *testing.T, c *Client) (any, error) { return nil, c.DeleteRoleAssignment(t.Context(), 7) }},
}

// kindOfList is the read whose one thing is the only item of a list.
const kindOfList = 5

// Whatever one answer says: what is accepted has an id and is encoded and read again as it is, and an error is bounded, on one
// line, shows no secret, and says rightly whether the request may have been carried out.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"id":7,"email":"ana@example.com","name":"Ana \u001b[2J\u202e","metadata":{"uid":"u"},"created_at":"2026-01-02T03:04:05Z"}`,
		`{"id":7,"created_at":"` + testSecret + `"}`, `{"id":"` + hookSecret + `"}`, `{"id":9007199254740993}`, `[{"id":3}]`, `null`, `{"id":7`,
		`{"id":7,"role_id":"group_basic","assignee_type":"User","assignee_id":3,"valid_until":"9999-12-31T23:59:59-12:00"}`,
		`{"id":7,"status":"finished","events":[{"uuid":7,"object_id":-1}],"cursor":null}`, `{"id":7,"user_id":3,"secret":"x","url":"https://hooks.example.com"}`,
		`{"code":"afc516","error":"Wrong key ` + testSecret + `"}`, `{"errors":{"email":["ana@example.com is taken"],"` + testSecret + `":["x"]}}`, "\xff\xfe",
	} {
		for kind := range reads {
			f.Add(uint8(kind), uint16(200), []byte(body))
		}
		f.Add(uint8(10), uint16(422), []byte(body))
		f.Add(uint8(8), uint16(500), []byte(body))
	}
	f.Fuzz(func(t *testing.T, kind uint8, status uint16, body []byte) {
		if status < 200 || status > 599 {
			status = 200
		}
		read := reads[int(kind)%len(reads)]
		got, err := read.call(t, fed(t, answerer{status: int(status), header: http.Header{}, body: body}))
		checkError(t, err, read.method, int(status))
		if err != nil {
			if hook := strings.Contains(err.Error(), "create event webhook"); hook && strings.Contains(err.Error(), hookSecret) {
				t.Fatalf("the error shows the webhook's key: %v", err)
			}
			return
		}
		if status >= 300 {
			t.Fatalf("%d was taken for a success", status)
		}
		thing, is := got.(identified)
		if !is || kindOfList == int(kind)%len(reads) {
			return
		}
		checkID(t, thing)
		if !thing.hasID() {
			t.Fatalf("accepted without an id: %+v", got)
		}
		encoded, err := json.Marshal(got)
		if err != nil {
			t.Fatalf("what was accepted cannot be encoded: %v", err)
		}
		again, err := read.call(t, fed(t, answerer{status: 200, header: http.Header{}, body: encoded}))
		if _, secret := got.(*CreatedLogin); err != nil && !secret {
			t.Fatalf("what was accepted is not accepted again: %v\n%s", err, encoded)
		} else if second, _ := json.Marshal(again); !secret && !bytes.Equal(second, encoded) {
			t.Fatalf("another thing came back:\n%s\n%s", encoded, second)
		}
	})
}

// Whatever a list says: it is taken for whole only if its header says so, holds no item twice and none without an id, and why
// it is not is bounded and shows no secret.
func FuzzList(f *testing.F) {
	for _, seed := range []struct{ header, body string }{
		{"0-249/2", `[{"id":1},{"id":2}]`}, {"*/0", `[]`}, {"0-249/0", `[]`}, {"", `[{"id":1}]`}, {"0-249/1", `[{"id":9007199254740992}]`},
		{"0-249/2", `[{"id":1},{"id":1}]`}, {"0-0/99", `[{"id":1}]`}, {testSecret, `[]`}, {"0-249/1", `[{"id":1,"created_at":"` + testSecret + `"}]`},
		{"0-249/1", `[{"id":1,"place_id":"\u202e` + testSecret + `"}]`}, {"999999999-999999999/999999999", `[]`}, {"0-249/1", `{"id":1}`}, {"\x1b[2J", `null`},
		{"0-249/1", `[{"id":1,"assignee_type":"\u001b[2J` + strings.Repeat("x", 2000) + `","assignee_id":3}]`},
	} {
		for kind := range uint8(3) {
			f.Add(kind, seed.header, []byte(seed.body))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, header string, body []byte) {
		client := fed(t, answerer{status: 200, header: http.Header{"X-Collection-Range": {header}}, body: body})
		switch kind % 3 {
		case 0:
			listing, err := client.ListUsers(t.Context(), UserFilter{})
			checkListing(t, listing, err, header, func(u *User) int64 { return u.ID })
		case 1:
			listing, err := client.ListRoleAssignments(t.Context(), RoleAssignmentFilter{AssigneeType: TypeUser, AssigneeID: 3, WithTeams: true})
			checkListing(t, listing, err, header, func(a *RoleAssignment) int64 { return a.ID })
			for _, a := range listing.Items {
				if a.AssigneeType == TypeUser && a.AssigneeID != 3 {
					t.Fatalf("another's assignment: %+v", a)
				}
			}
		case 2:
			listing, err := client.ListGroups(t.Context(), GroupFilter{IDs: []int64{1, 2}})
			checkListing(t, listing, err, header, func(g *Group) int64 { return g.ID })
			for _, g := range listing.Items {
				if g.ID != 1 && g.ID != 2 {
					t.Fatalf("a group that was not asked for: %d", g.ID)
				}
			}
		}
	})
}

func checkListing[T any](t *testing.T, listing Listing[T], err error, header string, id func(*T) int64) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	checkText(t, listing.Incomplete)
	seen := map[int64]bool{}
	for i := range listing.Items {
		n := id(&listing.Items[i])
		if !IsID(n) || seen[n] {
			t.Fatalf("the id %d, again: %v", n, seen[n])
		}
		seen[n] = true
	}
	if !listing.Complete() {
		return
	}
	parts := collectionRange.FindStringSubmatch(header)
	if parts == nil || parts[3] != fmt.Sprint(len(listing.Items)) && strings.TrimLeft(parts[3], "0") != fmt.Sprint(len(listing.Items)) && len(listing.Items) > 0 {
		t.Fatalf("%q proves %d items to be all", header, len(listing.Items))
	}
	if listing.Total != len(listing.Items) {
		t.Fatalf("%d of %d items are complete", len(listing.Items), listing.Total)
	}
}

// However long Kisi asks to wait, and whatever its clock says, the wait is none or bounded.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range [][2]string{
		{"30", ""}, {" 7 ", ""}, {"-1", ""}, {"99999999999999999999", ""}, {"1.5", ""}, {"Mon, 02 Mar 2026 10:00:05 GMT", "Mon, 02 Mar 2026 10:00:00 GMT"},
		{"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"}, {"soon", "never"}, {"0x10", "1"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, wait, date string) {
		client := fed(t, answerer{status: 429, header: http.Header{"Retry-After": {wait}, "Date": {date}}})
		_, err := client.User(t.Context(), 1)
		checkError(t, err, "GET", 429)
		if !IsRateLimited(err) {
			t.Fatal(err)
		}
		if at, known := client.ServerTime(); known && (at.Year() < 0 || at.Year() > 9999) {
			t.Fatalf("Kisi's clock shows %s", at)
		}
	})
}

// Whatever stands in the place of an event is read, without a number that is no id.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"uuid":"a","type":"user.update","object_type":"User","object_id":5,"actor_id":-1,"organization_id":3289,"object":{"group_id":9007199254740992}}`))
	f.Add([]byte(`[[{"type":null}]]`))
	f.Add([]byte(`{"created_at":"9999-12-31T23:59:59-12:00","success":"no"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var event Event
		if err := event.UnmarshalJSON(body); err != nil {
			t.Fatal(err)
		}
		for _, id := range []int64{event.ObjectID, event.Object.AssigneeID, event.Object.AppliesToID, event.Object.GroupID} {
			if id != 0 && !IsID(id) {
				t.Fatalf("the id %d of %+v", id, event)
			}
		}
		if event.ActorID != nil && !IsID(*event.ActorID) {
			t.Fatalf("the actor %d", *event.ActorID)
		}
		encoded, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		var again Event
		if err := json.Unmarshal(encoded, &again); err != nil {
			t.Fatal(err)
		}
		if second, _ := json.Marshal(again); !bytes.Equal(second, encoded) {
			t.Fatalf("another event came back:\n%s\n%s", encoded, second)
		}
	})
}

// Whatever a Secret holds: a key that is taken can stand in a header as it is, and why one is not taken shows nothing of it.
func FuzzAPIKey(f *testing.F) {
	for _, raw := range []string{testSecret, testSecret + "\r\n", "a b", "\x00", "é", "", " \n", "KISI-LOGIN " + testSecret, testSecret + "\nX-Other: 1", strings.Repeat("k", longestKey+1)} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		key, err := NewAPIKey(raw)
		if err != nil {
			plain, _ := NewAPIKey([]byte("another-key"))
			for _, word := range bytes.Fields(raw) {
				if len(word) > 12 && strings.Contains(err.Error(), string(word)) {
					t.Fatalf("%q is shown by %v", word, err)
				}
			}
			if checkText(t, err.Error()); !key.IsZero() || plain.IsZero() {
				t.Fatal("a key that is refused is made")
			}
			return
		}
		if value := key.Reveal(); value != strings.TrimSpace(string(raw)) || len(value) > longestKey || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("a key of %d bytes was taken: %.100q", len(value), value)
		}
		for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q %x", key, key, key, key, key, key), encodedText(key)} {
			if len(key.Reveal()) > 12 && strings.Contains(shown, key.Reveal()) {
				t.Fatalf("shown as %s", shown)
			}
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://kisi.test", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "KISI-LOGIN "+key.Reveal())
		var wire bytes.Buffer
		if err := request.Write(&wire); err != nil || strings.Count(wire.String(), "\r\n") != 5 {
			t.Fatalf("%v\n%s", err, wire.String())
		}
	})
}

func encodedText(value any) string {
	encoded, _ := json.Marshal(map[string]any{"key": value, "at": time.Time{}})
	return string(encoded)
}

// Whatever a text is: what is printable of it is within the bound, and the whole of it where nothing was in the way.
func FuzzPrintable(f *testing.F) {
	for _, text := range []string{"Ana", "", "\x1b[2J", "\u202e", "\xff\xfe", strings.Repeat("é", 600), "a\u00a0b\u2028", "👩‍👧"} {
		f.Add(text, uint16(100))
		f.Add(text, uint16(3))
	}
	f.Fuzz(func(t *testing.T, text string, most uint16) {
		bound := int(most) + len(ellipsis)
		got := Printable(text, bound)
		checkText(t, strings.ReplaceAll(got, testSecret, ""))
		if len(got) > bound {
			t.Fatalf("%d of %d bytes: %q", len(got), bound, got)
		}
		plain := utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
		if plain && len(text) <= bound && got != text {
			t.Fatalf("%q became %q", text, got)
		}
		if Printable(got, bound) != got {
			t.Fatalf("%q is changed again", got)
		}
	})
}
