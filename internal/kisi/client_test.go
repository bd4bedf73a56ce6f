package kisi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const testSecret = "s3cr3t-of-the-owner"

func testKey(t *testing.T) APIKey {
	t.Helper()
	key, err := NewAPIKey([]byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// clientOf returns a client of a server that answers with the handler.
func clientOf(t *testing.T, handler http.HandlerFunc, adjust ...func(*Config)) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return clientAt(t, server.URL, adjust...)
}

func clientAt(t *testing.T, endpoint string, adjust ...func(*Config)) *Client {
	t.Helper()
	transport := newTransport()
	t.Cleanup(transport.CloseIdleConnections)
	config := Config{Endpoint: endpoint, Key: testKey(t), Transport: transport}
	for _, change := range adjust {
		change(&config)
	}
	client, err := NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestAPIKeys(t *testing.T) {
	for name, test := range map[string]struct{ raw, refusedFor string }{
		"a trailing newline is dropped": {raw: testSecret + "\r\n"},
		"empty":                         {raw: "", refusedFor: "empty"},
		"blank":                         {raw: " \n", refusedFor: "empty"},
		"with the header's own word":    {raw: "KISI-LOGIN " + testSecret, refusedFor: "whitespace inside, at byte 11"},
		"two lines":                     {raw: testSecret + "\n" + testSecret, refusedFor: "whitespace inside"},
		"a NUL":                         {raw: testSecret + "\x00x", refusedFor: "control character"},
		"outside ASCII":                 {raw: testSecret + "é", refusedFor: "outside ASCII"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := NewAPIKey([]byte(test.raw))
			if test.refusedFor == "" {
				if err != nil || key.Reveal() != testSecret {
					t.Fatalf("not accepted as it is: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.refusedFor) || strings.Contains(err.Error(), testSecret) {
				t.Fatalf("error %q, want it to name %q and not the key", err, test.refusedFor)
			}
		})
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	key := testKey(t)
	type holder struct {
		Key    APIKey
		hidden APIKey
		Login  *CreatedLogin
	}
	held := holder{Key: key, hidden: key, Login: &CreatedLogin{Secret: NewSecret(testSecret)}}
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&printed, verb+" "+verb+" "+verb+"\n", key, &key, held)
	}
	fmt.Fprintln(&printed, key.String(), key.GoString(), key.MarshalLog())
	slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "key", key, "holder", held)
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("x", "key", key, "holder", held)
	encoded, err := json.Marshal(map[string]any{"holder": held, "key": key, "pointer": &key})
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(encoded)
	text, err := key.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(text)
	for _, leak := range []string{testSecret, fmt.Sprintf("%x", testSecret), fmt.Sprintf("%d", []byte(testSecret))} {
		if strings.Contains(printed.String(), leak) {
			t.Fatalf("%q was printed:\n%s", leak, printed.String())
		}
	}
	if strings.Count(printed.String(), redacted) < 20 {
		t.Fatalf("printed:\n%s", printed.String())
	}
}

func TestFingerprintsCompareSecrets(t *testing.T) {
	a, b := NewSecret("a"), NewSecret("b")
	if a.Fingerprint() == b.Fingerprint() || a.Fingerprint() != NewSecret("a").Fingerprint() || !a.Equal(NewSecret("a")) || a.Equal(b) {
		t.Fatal("fingerprints do not compare as the secrets do")
	}
}

func TestTheKeyTravelsInTheAuthorizationHeaderOnly(t *testing.T) {
	var seen *http.Request
	var body []byte
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		reply(200, `{"id":1,"email":"a@example.com"}`)(w, r)
	}, func(c *Config) {
		c.Endpoint += "/base/"
		c.UserAgent, c.IntegrationIdentifier, c.IntegrationContact = "kisi-operator/1", "kisi-operator", "ops@example.com"
	})
	if _, err := client.CreateUser(context.Background(), UserCreate{Email: "a@example.com"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Authorization": "KISI-LOGIN " + testSecret, "Accept": "application/json", "Content-Type": "application/json",
		"User-Agent": "kisi-operator/1", "X-Kisi-Integration-Identifier": "kisi-operator", "X-Kisi-Integration-Contact": "ops@example.com",
	} {
		if got := seen.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if seen.URL.Path != "/base/users" || string(body) != `{"user":{"email":"a@example.com"}}` {
		t.Errorf("%s %s", seen.URL.Path, body)
	}
	seen.Header.Del("Authorization")
	if rest := fmt.Sprint(seen.URL, seen.Header, string(body)); strings.Contains(rest, testSecret) {
		t.Errorf("the key is also in %s", rest)
	}
}

func TestARedirectIsAnErrorAndTheKeyDoesNotFollowIt(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	_, err := client.CurrentLogin(context.Background())
	if err == nil || !strings.Contains(err.Error(), "307") || elsewhere != 0 {
		t.Fatalf("error %v; %d requests followed the redirect", err, elsewhere)
	}
}

func TestEndpoints(t *testing.T) {
	for endpoint, good := range map[string]bool{
		"https://api.kisi.io": true, "http://127.0.0.1:8080/": true, "": true,
		"api.kisi.io": false, "ftp://api.kisi.io": false, "https://": false, "https://api.kisi.io?x=1": false, "https://user:pw@api.kisi.io": false, "https://user:pw@a b": false, "https://a b": false,
	} {
		_, err := NewClient(Config{Endpoint: endpoint, Key: testKey(t)})
		if (err == nil) != good {
			t.Errorf("%q: %v", endpoint, err)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error quotes credentials: %v", err)
		}
	}
	if _, err := NewClient(Config{}); err == nil {
		t.Error("a client without a key was made")
	}
	if _, err := NewClient(Config{Key: testKey(t), IntegrationContact: "a\r\nX-Other: b"}); err == nil {
		t.Error("a header with a line break was accepted")
	}
}

func TestUnknownFieldsAreIgnoredAndMissingOnesTolerated(t *testing.T) {
	client := clientOf(t, reply(200, `{"id":7,"brand_new":{"a":[1]},"notes":null,"last_accessed_at":null}`))
	user, err := client.User(context.Background(), 7)
	if err != nil || user.ID != 7 {
		t.Fatalf("%+v, %v", user, err)
	}
}

func TestAnAnswerWithoutAnIDIsNotTakenForOne(t *testing.T) {
	for _, body := range []string{`null`, `{}`, ``, `[]`, `<html>`, `{"id":"7"}`, `{"id":7`} {
		client := clientOf(t, reply(200, body))
		if user, err := client.User(context.Background(), 7); err == nil {
			t.Errorf("%q was read as %+v", body, user)
		}
		if _, err := client.CreateUser(context.Background(), UserCreate{Email: "a@example.com"}); !OutcomeUnknown(err) {
			t.Errorf("after a create answered with %q the outcome is taken for known: %v", body, err)
		}
	}
}

func TestTheAnswerIsBounded(t *testing.T) {
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":1,"name":"`)
		chunk := strings.Repeat("x", 1<<20)
		for range 17 {
			_, _ = io.WriteString(w, chunk)
		}
		_, _ = io.WriteString(w, `"}`)
	})
	if _, err := client.User(context.Background(), 1); err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Fatalf("error %v", err)
	}
}

func TestBothErrorShapes(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		is     func(error) bool
		want   string
	}{
		"code and text":         {401, `{"code":"afc516","error":"Wrong key."}`, IsUnauthorized, "read user (GET /users/7): Kisi answered 401 Unauthorized [afc516]: Wrong key."},
		"forbidden":             {403, `{"code":"fcd8ef","error":"Access denied."}`, IsForbidden, "Access denied."},
		"not found":             {404, `{"code":"000404","error":"gone"}`, IsNotFound, "[000404]"},
		"conflict":              {409, `{"code":"000409","error":"there"}`, IsConflict, "there"},
		"fields":                {422, `{"errors":{"name":["is too long","is odd"],"email":["can't be blank"]}}`, IsInvalid, ": email can't be blank: name is too long, is odd"},
		"too many":              {429, ``, IsRateLimited, "429"},
		"a page of a proxy":     {502, `<html>bad gateway</html>`, IsUnavailable, "502 Bad Gateway"},
		"a text for the fields": {422, `{"errors":"nope"}`, IsInvalid, "nope"},
		"odd types":             {400, `{"code":17,"error":["a",{"b":"c"}]}`, func(error) bool { return true }, "[17]: a, c"},
		"an echo of the key":    {400, `{"code":"x","error":"bad header KISI-LOGIN ` + testSecret + `"}`, func(error) bool { return true }, redacted},
		"a forged line":         {400, `{"code":"x","error":"a\nlevel=error msg=b"}`, func(error) bool { return true }, "a level=error"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := clientOf(t, reply(test.status, test.body))
			_, err := client.User(context.Background(), 7)
			if !test.is(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), testSecret) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}

func TestAnErrorShowsNoAddressOfTheQuery(t *testing.T) {
	client := clientOf(t, reply(500, ``))
	_, err := client.ListUsers(context.Background(), UserFilter{Email: "someone@example.com"})
	if err == nil || strings.Contains(err.Error(), "someone") {
		t.Fatalf("error %v", err)
	}
}

func TestAlreadyExists(t *testing.T) {
	for body, want := range map[string]bool{
		`{"errors":{"email":["has been taken"]}}`:      true,
		`{"errors":{"user.email":["has been taken"]}}`: true,
		`{"errors":{"name":["is too long"]}}`:          false,
	} {
		_, err := clientOf(t, reply(422, body)).CreateUser(context.Background(), UserCreate{Email: "a@example.com"})
		if IsDuplicate(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
	_, err := clientOf(t, reply(409, `{"code":"000409","error":"exists"}`)).CreateUser(context.Background(), UserCreate{Email: "a@example.com"})
	if !IsDuplicate(err) || IsDuplicate(errors.New("other")) || IsDuplicate(nil) {
		t.Errorf("409: %v", err)
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	for name, test := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"seconds":               {http.Header{"Retry-After": {"17"}}, 17 * time.Second},
		"a date, by Kisi's own": {http.Header{"Retry-After": {"Mon, 01 Jan 2001 00:00:30 GMT"}, "Date": {"Mon, 01 Jan 2001 00:00:00 GMT"}}, 30 * time.Second},
		"a date in the past":    {http.Header{"Retry-After": {"Mon, 01 Jan 2001 00:00:00 GMT"}, "Date": {"Mon, 01 Jan 2001 00:00:30 GMT"}}, 0},
		"negative":              {http.Header{"Retry-After": {"-5"}}, 0},
		"nonsense":              {http.Header{"Retry-After": {"soon"}}, 0},
		"none":                  {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
				for key, values := range test.header {
					w.Header()[key] = values
				}
				w.WriteHeader(http.StatusTooManyRequests)
			})
			_, err := client.User(context.Background(), 1)
			var failure *Error
			if !errors.As(err, &failure) || failure.RetryAfter != test.want {
				t.Fatalf("%v, want %s", err, test.want)
			}
		})
	}
}

func TestDeprecationStatsAndServerTimeAreSurfaced(t *testing.T) {
	var stats []RequestStats
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Deprecation", "Sat, 01 Aug 2026 00:00:00 GMT")
		w.Header().Set("Sunset", "Sun, 01 Nov 2026 00:00:00 GMT")
		w.Header().Set("Date", "Mon, 01 Jan 2001 00:00:00 GMT")
		reply(200, `{"id":3,"status":"finished","cursor":null}`)(w, r)
	}, func(c *Config) {
		c.Connection = "default/gym"
		c.OnRequest = func(s RequestStats) { s.Duration = 0; stats = append(stats, s) }
	})
	if _, known := client.ServerTime(); known {
		t.Error("the server's time is known before it answered")
	}
	set, err := client.EventSet(WithClass(context.Background(), Class{Priority: Probe}), 3, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if at, known := client.ServerTime(); !known || !at.Equal(want) || !set.ServerTime.Equal(want) {
		t.Errorf("server time %s, %s", at, set.ServerTime)
	}
	if len(stats) != 1 || stats[0] != (RequestStats{Op: "read event set", Method: "GET", Route: "/event_sets/{id}", Status: 200, Class: Class{Probe, "default/gym"}, Deprecated: true}) {
		t.Errorf("stats %+v", stats)
	}
}

func TestTheKeyInUseAndItsOwnerAreNotDeleted(t *testing.T) {
	destroying := 0
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			destroying++
			w.WriteHeader(http.StatusNoContent)
			return
		}
		reply(200, `{"id":5,"type":"api","user_id":9}`)(w, r)
	})
	ctx, off := context.Background(), false
	refused := func(who string, client *Client, login, user int64) {
		t.Helper()
		for what, err := range map[string]error{
			"login": client.DeleteLogin(ctx, login), "user": client.DeleteUser(ctx, user),
			"access": client.UpdateUser(ctx, user, UserUpdate{AccessEnabled: &off}),
		} {
			if !errors.Is(err, ErrProtected) || destroying != 0 || OutcomeUnknown(err) {
				t.Errorf("%s: %s: %v; %d requests were sent", who, what, err, destroying)
			}
		}
	}
	refused("before it is known whose key it is anything may be the key's", client, 6, 10)
	if _, err := client.CurrentLogin(ctx); err != nil {
		t.Fatal(err)
	}
	refused("the key in use", client, 5, 9)
	queue := NewQueue(QueueOptions{RequestsPerSecond: 1000})
	defer queue.Close()
	moved := client.OnQueue(queue)
	refused("under another queue", moved, 5, 9)
	if err := errors.Join(moved.DeleteLogin(ctx, 6), moved.UpdateUser(ctx, 10, UserUpdate{AccessEnabled: &off})); err != nil || destroying != 2 {
		t.Fatalf("others: %v, %d requests", err, destroying)
	}
}

func TestRequestsThatCannotBeMeantAreNotSent(t *testing.T) {
	sent := 0
	client := clientOf(t, func(http.ResponseWriter, *http.Request) { sent++ })
	ctx := context.Background()
	fraction := time.Date(2026, 1, 1, 0, 0, 0, 1, time.UTC)
	whole := fraction.Truncate(time.Second)
	listed := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"no id":               client.DeleteRoleAssignment(ctx, 0),
		"a negative id":       client.DeleteUser(ctx, -1),
		"no role":             listed(client.Role(ctx, "")),
		"an empty set of ids": listed(client.ListUsers(ctx, UserFilter{IDs: []int64{}})),
		"half a pair":         listed(client.ListRoleAssignments(ctx, RoleAssignmentFilter{AssigneeType: TypeUser})),
		"the other half":      listed(client.ListRoleAssignments(ctx, RoleAssignmentFilter{AppliesToID: 3})),
		"half a second":       listed(client.CreateRoleAssignment(ctx, RoleAssignmentCreate{AppliesToType: TypeGroup, ValidUntil: &fraction})),
		"bounds on a place":   listed(client.CreateRoleAssignment(ctx, RoleAssignmentCreate{AppliesToType: "Place", ValidUntil: &whole})),
		"half an interval":    listed(client.CreateEventSet(ctx, EventSetCreate{From: whole})),
		"metadata of no form": listed(client.CreateUser(ctx, UserCreate{Email: "a@example.com", Metadata: map[string]any{"x": func() {}}})),
	} {
		if err == nil || OutcomeUnknown(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sent != 0 {
		t.Errorf("%d requests were sent", sent)
	}
}

func TestBoundsAreSentInUTC(t *testing.T) {
	var body string
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		body = string(data)
		reply(200, `{"id":1}`)(w, r)
	})
	until := time.Date(2026, 7, 1, 12, 0, 0, 0, time.FixedZone("CEST", 7200))
	notify := false
	_, err := client.CreateRoleAssignment(context.Background(), RoleAssignmentCreate{
		AppliesToType: TypeGroup, AppliesToID: 4, AssigneeType: TypeUser, AssigneeID: 18, RoleID: RoleGroupBasic, ValidUntil: &until, Notify: &notify,
	})
	want := `{"role_assignment":{"applies_to_type":"Group","applies_to_id":4,"assignee_type":"User","assignee_id":18,"role_id":"group_basic","valid_until":"2026-07-01T10:00:00Z","notify":false}}`
	if err != nil || body != want {
		t.Fatalf("sent %s, %v", body, err)
	}
}

func TestABoundThatIsTakenAwayIsSentAsNull(t *testing.T) {
	var body string
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		body = string(data)
		w.WriteHeader(http.StatusNoContent)
	})
	notify := false
	until := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		update RoleAssignmentUpdate
		want   string
	}{
		{RoleAssignmentUpdate{Notify: &notify, ValidUntil: &until}, `{"role_assignment":{"notify":false,"valid_until":"2026-07-01T12:00:00Z"}}`},
		{RoleAssignmentUpdate{Notify: &notify, ValidFrom: &time.Time{}, ValidUntil: &time.Time{}}, `{"role_assignment":{"notify":false,"valid_from":null,"valid_until":null}}`},
		{RoleAssignmentUpdate{Notify: &notify}, `{"role_assignment":{"notify":false}}`},
	} {
		if err := client.UpdateRoleAssignment(context.Background(), 7, test.update); err != nil || body != test.want {
			t.Errorf("sent %s, %v, want %s", body, err, test.want)
		}
	}
}

func TestWhatIsKeptOfARefusalIsBounded(t *testing.T) {
	long := strings.Repeat("é", 10_000)
	fields, many := map[string]any{}, []string{}
	for i := range 100 {
		many = append(many, fmt.Sprint(i, long[:400]))
		fields[fmt.Sprint(i, long[:400])] = many[:min(len(many), 50)]
	}
	for name, answer := range map[string]any{
		"many fields":    map[string]any{"code": many, "error": many, "errors": fields},
		"a list":         map[string]any{"errors": many},
		"nested":         map[string]any{"errors": map[string]any{"email": fields}},
		"one long text":  map[string]any{"error": long},
		"a wrong answer": map[string]any{"id": 1, "created_at": long},
	} {
		body, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		status := http.StatusUnprocessableEntity
		if name == "a wrong answer" {
			status = http.StatusOK
		}
		_, err = clientOf(t, reply(status, string(body))).User(t.Context(), 1)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		const longest = (2*maxTexts + maxTexts*(maxTexts+1)) * (maxMessageRunes + 10) * 2 // of two bytes each
		if n := len(err.Error()); n > longest {
			t.Errorf("%s: the error has %d bytes, want at most %d", name, n, longest)
		}
	}
}

func TestAClosedClientSendsNothingButWhatATaskHasBegunToWrite(t *testing.T) {
	var client *Client
	var sent []string
	client = clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Method)
		client.Close()
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		reply(200, `{"id":1}`)(w, r)
	}, func(c *Config) {
		c.Queue = NewQueue(QueueOptions{RequestsPerSecond: 1000})
		t.Cleanup(c.Queue.Close)
	})
	done := make(chan []error)
	task := func(ctx context.Context) {
		_, read := client.User(ctx, 1)
		_, write := client.CreateGroup(ctx, GroupCreate{Name: "a"})
		done <- []error{client.DeleteRoleAssignment(ctx, 3), read, write}
	}
	client.config.Queue.Submit(Task{Key: "begun", Run: func(ctx context.Context) {
		if err := client.DeleteRoleAssignment(ctx, 2); err != nil {
			t.Error(err)
		}
		task(ctx)
	}})
	begun := <-done
	client.config.Queue.Submit(Task{Key: "later", Run: task})
	later := <-done
	if begun[0] != nil || !errors.Is(begun[1], ErrClientClosed) || begun[2] != nil {
		t.Errorf("in the task that had begun: %v", begun)
	}
	for _, err := range later {
		if !errors.Is(err, ErrClientClosed) || OutcomeUnknown(err) || IsUnavailable(err) {
			t.Errorf("in one that had not: %v", err)
		}
	}
	if _, err := client.OnQueue(client.config.Queue).Organization(context.Background()); !errors.Is(err, ErrClientClosed) {
		t.Errorf("under another queue: %v", err)
	}
	if got := strings.Join(sent, " "); got != "DELETE POST DELETE" {
		t.Errorf("sent %s", got)
	}
}

// By such an id nothing can be read, changed or deleted, and no status can hold it.
func TestAnAnswerWithoutAnIDIsNoAnswer(t *testing.T) {
	for _, body := range []string{`{}`, `{"id":0,"user_id":1}`, `{"id":-7,"user_id":1}`, `{"id":9007199254740992,"user_id":1}`} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		ctx := context.Background()
		for name, call := range map[string]func() error{
			"create user":            func() error { _, err := client.CreateUser(ctx, UserCreate{}); return err },
			"create group":           func() error { _, err := client.CreateGroup(ctx, GroupCreate{}); return err },
			"create group lock":      func() error { _, err := client.CreateGroupLock(ctx, 1, 2); return err },
			"create role assignment": func() error { _, err := client.CreateRoleAssignment(ctx, RoleAssignmentCreate{}); return err },
			"create event webhook":   func() error { _, err := client.CreateEventWebhook(ctx, EventWebhookCreate{}); return err },
			"create event set":       func() error { _, err := client.CreateEventSet(ctx, EventSetCreate{}); return err },
			"read current login":     func() error { _, err := client.CurrentLogin(ctx); return err },
			"read organization":      func() error { _, err := client.Organization(ctx); return err },
		} {
			if err := call(); err == nil || !strings.Contains(err.Error(), "has no id") {
				t.Errorf("%s, answered %s: %v", name, body, err)
			}
		}
	}
}

func TestTheConnectionsOfABurstAreUsedAgain(t *testing.T) {
	var opened atomic.Int64
	arrived := make(chan struct{}, mostInFlight)
	answer := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-answer
		_, _ = io.WriteString(w, `{"id": 7}`)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := clientAt(t, server.URL)
	for range 3 {
		var burst sync.WaitGroup
		for range mostInFlight {
			burst.Go(func() {
				if _, err := client.User(t.Context(), 7); err != nil {
					t.Error(err)
				}
			})
		}
		for range mostInFlight {
			<-arrived
		}
		for range mostInFlight {
			answer <- struct{}{}
		}
		burst.Wait()
	}
	if got := opened.Load(); got > mostInFlight {
		t.Errorf("%d connections for bursts of %d requests", got, mostInFlight)
	}
}
