package desk

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the same times on every machine

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

// afternoon is when the objects of the page about kubectl kisi are looked at, here too.
var afternoon = time.Date(2026, 11, 27, 16, 5, 0, 0, time.UTC)

// house is a namespace in memory.
type house struct {
	mu       sync.Mutex
	set      *objects.Set
	late     error
	refuses  error // to approve
	approved []string
}

func (h *house) Indexed() *objects.Indexed {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.set.Index()
}

func (h *house) Late() (time.Time, error) { return afternoon.Add(-time.Minute), h.late }

func (h *house) Approve(_ context.Context, group string, until time.Time) error {
	if h.refuses == nil {
		h.approved = append(h.approved, group+" until "+until.Format(time.RFC3339))
	}
	return h.refuses
}

// cowork has the objects with which the commands are tested.
func cowork(t testing.TB) *house {
	t.Helper()
	set := &objects.Set{Namespace: "cowork", Unreadable: map[string]error{}}
	files, err := filepath.Glob("../command/testdata/cowork/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no objects: %v", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(content), "\n---\n") {
			var kind metav1.TypeMeta
			if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
				t.Fatal(err)
			}
			object := objects.New(kind.Kind)
			if err := yaml.UnmarshalStrict([]byte(document), object); err != nil || !set.Add(object) {
				t.Fatalf("%s: %v", file, err)
			}
		}
	}
	return &house{set: set}
}

// open opens a desk in London.
func open(t testing.TB, h *house) *Desk {
	t.Helper()
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return New(h, func() time.Time { return afternoon }, london)
}

var listening = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8500}

// visit is a request of a browser that was let in.
func (d *Desk) visit(method, target string, form url.Values) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1:8500"+target, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: "kisi-desk-8500", Value: d.secrets.session})
	return r
}

// answer is what comes back.
func (d *Desk) answer(r *http.Request) (status int, body string) {
	w := httptest.NewRecorder()
	d.Handler(listening).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func (d *Desk) page(t testing.TB, target string) string {
	t.Helper()
	status, body := d.answer(d.visit(http.MethodGet, target, nil))
	if status != http.StatusOK {
		t.Fatalf("%s: %d\n%s", target, status, body)
	}
	return body
}

var tags = regexp.MustCompile(`<[^>]*>`)

// words are those that a page shows.
func words(page string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(page, " ")), " ")
}

func TestPagesSayHowThingsStand(t *testing.T) {
	d := open(t, cowork(t))
	for _, test := range []struct {
		target   string
		says     []string
		saysNot  []string
		linksTo  []string
		mustFail bool
	}{
		{target: "/", says: []string{"Friday 27 November 2026, 16:05 GMT", "11:30-18:00 today", "Ana Diaz", "in until 18:00", "Gil Ott", "waits for Kisi", "booking b1 (12:00-17:30, 30 min before and after)"},
			saysNot: []string{"Bob Lind", "Eli Stone"}, linksTo: []string{"/people/ana@example.com", "/people/gil@example.com", "/doors/Studio", "?day=2026-11-26", "?day=2026-11-28"}},
		{target: "/?from=18:00", says: []string{"Nobody is expected from 18:00 on."}, saysNot: []string{"Gil Ott"}},
		{target: "/?day=2026-12-01", says: []string{"Arrivals on Tuesday 1 December 2026", "08:30-11:30", "in from 08:30 on Tue 1 Dec 2026"}, saysNot: []string{"Gil Ott"}},
		{target: "/?day=yesterday", says: []string{"Arrivals today"}},
		{target: "/trouble", says: []string{"Gil Ott", "waits for Kisi", "KisiConnection/branch", "put a valid one into Secret kisi-branch, key apiKey", "Cy Adler", "kubectl kisi reinstate cy -n cowork"}, saysNot: []string{"Bob Lind"}},
		{target: "/held", says: []string{"2 held of group members", "Dora Quinn", "Eli Stone", "AccessSubscription/eli-full-time", "Approve …"}, linksTo: []string{"/held/members"}},
		{target: "/held/members", says: []string{"These people lose the doors of Members at once:", "Dora Quinn", "always", "Revoke 2 of members", "15 min"}},
		{target: "/people/ana@example.com", says: []string{"Ana Diaz", "Studio", "in until 18:00: booking b1", "the doors of Members (branch)", "waits for Kisi", "kubectl kisi doctor -n cowork"}, linksTo: []string{"/doors/Studio", "/doors/members", "/doors/branch-members"}},
		{target: "/people/cy@acme.example", says: []string{"suspended in Kisi on purpose: ask the administrator"}},
		{target: "/people/ANA@example.com?day=2026-12-01", says: []string{"Tuesday 1 December 2026", "in from 08:30"}},
		{target: "/people/dora@acme.example", says: []string{"still in, though nothing gives it any more", "kubectl kisi approve members -n cowork"}},
		{target: "/people/nobody@example.com", says: []string{"nothing in namespace cowork names nobody@example.com"}, mustFail: true},
		{target: "/doors/Studio", says: []string{"Ana Diaz", "in until 18:00", "Gil Ott", "Later today"}, saysNot: []string{"Bob Lind"}},
		{target: "/doors/members", says: []string{"Bob Lind", "Dora Quinn", "foreign assignments in Kisi: 1"}},
		{target: "/doors/roof", says: []string{"there is no KisiGroup, door or group in Kisi called"}, mustFail: true},
		{target: "/search?q=di%20ana", says: []string{"1 found.", "Ana Diaz"}, saysNot: []string{"Bob Lind"}, linksTo: []string{"/people/ana@example.com"}},
		{target: "/search?q=studio", says: []string{"Studio"}, linksTo: []string{"/doors/Studio", "/doors/studio"}},
		{target: "/search?q=zzz", says: []string{"Nobody and no door has a name like that."}},
	} {
		status, body := d.answer(d.visit(http.MethodGet, test.target, nil))
		if (status != http.StatusOK) != test.mustFail {
			t.Errorf("%s: %d", test.target, status)
		}
		for _, says := range test.says {
			if !strings.Contains(words(body), says) {
				t.Errorf("%s does not say %q:\n%s", test.target, says, words(body))
			}
		}
		for _, says := range test.saysNot {
			if strings.Contains(words(body), says) {
				t.Errorf("%s says %q", test.target, says)
			}
		}
		for _, to := range test.linksTo {
			if !strings.Contains(body, `href="`+to+`"`) {
				t.Errorf("%s does not link to %s", test.target, to)
			}
		}
	}
}

func TestWhileSomebodyTypesOnlyMatchesAreSent(t *testing.T) {
	d := open(t, cowork(t))
	r := d.visit(http.MethodGet, "/search?q=ana", nil)
	r.Header.Set("HX-Request", "true")
	if status, body := d.answer(r); status != http.StatusOK || !strings.HasPrefix(body, `<div id="found" data-typed="ana">`) || !strings.Contains(body, "/people/ana@example.com") || strings.Contains(body, "<html") {
		t.Errorf("%d\n%s", status, body)
	}
}

// Whoever may not read people is told so, and which right is missing, on every page.
func TestAViewerWithoutRightsSeesWhichAreMissing(t *testing.T) {
	h := cowork(t)
	h.set.Members = nil
	h.set.Unreadable["Member"] = errors.New(`you may not list members.access.kisi-operator.dev in namespace cowork; ask for a Role with the verb "list" on members`)
	d := open(t, h)
	for _, target := range []string{"/", "/trouble", "/held", "/held/members", "/people/ana@example.com", "/doors/members", "/search?q=ana"} {
		_, body := d.answer(d.visit(http.MethodGet, target, nil))
		if !strings.Contains(words(body), "you may not list members.access.kisi-operator.dev in namespace cowork") {
			t.Errorf("%s does not say which right is missing:\n%s", target, words(body))
		}
		if strings.Contains(body, "<form method=\"post\"") {
			t.Errorf("%s offers to approve what it does not show", target)
		}
	}
	if body := words(d.page(t, "/doors/members")); !strings.Contains(body, "Group members: 5 in, 0 later, 0 pending, 2 held") {
		t.Errorf("a door does not say how many may enter:\n%s", body)
	}
	if status, _ := d.answer(d.visit(http.MethodPost, "/held/members", url.Values{"form": {d.secrets.form}, "for": {"15m0s"}})); status != http.StatusForbidden || len(h.approved) > 0 {
		t.Errorf("%d: what is not shown was approved: %v", status, h.approved)
	}
}

func TestAPageSaysSinceWhenItMayBeOutOfDate(t *testing.T) {
	h := cowork(t)
	h.late = errors.New("connection refused")
	if body := words(open(t, h).page(t, "/")); !strings.Contains(body, "What is shown may be out of date since 16:04 today: connection refused") {
		t.Error(body)
	}
}

func TestApprovalNeedsWhatWasShownAndAForm(t *testing.T) {
	digestOf := regexp.MustCompile(`name="shown" value="([0-9a-f]{64})"`)
	for _, test := range []struct {
		name     string
		change   func(h *house, form url.Values)
		status   int
		says     string
		approves []string
	}{
		{"as shown", func(*house, url.Values) {}, http.StatusSeeOther, "", []string{"members until 2026-11-27T16:20:00Z"}},
		{"for an hour", func(_ *house, form url.Values) { form.Set("for", "1h0m0s") }, http.StatusSeeOther, "", []string{"members until 2026-11-27T17:05:00Z"}},
		{"without the form", func(_ *house, form url.Values) { form.Del("form") }, http.StatusForbidden, "the form is not one of this desk", nil},
		{"for ever", func(_ *house, form url.Values) { form.Set("for", "8760h") }, http.StatusBadRequest, "choose how long", nil},
		{"one more is held", func(h *house, _ url.Values) {
			h.set.Members[0].Status.Grants[0].State = v1alpha1.GrantHeld
		}, http.StatusConflict, "what is held has changed since the page was opened", nil},
		{"nothing is held any more", func(h *house, _ url.Values) {
			for _, m := range h.set.Members {
				m.Status.Grants = nil
			}
		}, http.StatusNotFound, "nothing was approved", nil},
		{"no right", func(h *house, _ url.Values) { h.refuses = errors.New("kisigroups is forbidden") }, http.StatusBadGateway, "Nothing was approved: kisigroups is forbidden", nil},
	} {
		h := cowork(t)
		d := open(t, h)
		shown := digestOf.FindStringSubmatch(d.page(t, "/held/members"))
		if shown == nil {
			t.Fatal("the page does not say what it shows")
		}
		form := url.Values{"form": {d.secrets.form}, "shown": {shown[1]}, "for": {"15m0s"}}
		test.change(h, form)
		status, body := d.answer(d.visit(http.MethodPost, "/held/members", form))
		if status != test.status || !strings.Contains(words(body), test.says) || !slices.Equal(h.approved, test.approves) {
			t.Errorf("%s: %d, approved %v\n%s", test.name, status, h.approved, words(body))
		}
		if strings.Contains(body, "renewed from:body") {
			t.Errorf("%s: the answer would be replaced at once", test.name)
		}
	}
}

// Names of others neither become markup nor turn the page around, and the longest ones leave room.
func TestNamesOfOthersStayText(t *testing.T) {
	evil := `<img src=x onerror=alert(1)>"'><script>alert(1)</script>` + "\u202e\u2066\u0007" + strings.Repeat("W", 10_000)
	h := cowork(t)
	for _, m := range h.set.Members {
		m.Spec.FullName = v1alpha1.FullName(evil)
	}
	h.set.Groups[1].Spec.Managed.Doors[0].Name = v1alpha1.KisiName(evil)
	h.set.Groups[0].Spec.Existing.Name = v1alpha1.KisiName(evil)
	h.set.Connections[1].Status.Conditions[0].Message = evil
	d := open(t, h)
	for _, target := range []string{"/", "/trouble", "/held", "/held/members", "/people/ana@example.com", "/doors/members", doorLink(evil), "/search?q=" + url.QueryEscape(evil[:40]), "/doors/x%3Cscript%3Ealert(1)%3C/script%3E", "/people/%3Cscript%3E"} {
		_, body := d.answer(d.visit(http.MethodGet, target, nil))
		for _, bad := range []string{"<img", "<script>", "onerror=alert(1)>", "\u202e", "\u2066", "\u0007"} {
			if strings.Contains(body, bad) {
				t.Errorf("%.60s has %q", target, bad)
			}
		}
	}
}

var inline = regexp.MustCompile(`(?i)<script(?: defer)?>|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)

// What the policy of contents would stop is not there in the first place, and no page asks another host for anything.
func TestPagesNeedNothingInLineOrFromElsewhere(t *testing.T) {
	d := open(t, cowork(t))
	for _, target := range []string{"/", "/trouble", "/held", "/held/members", "/people/ana@example.com", "/doors/Studio", "/search?q=a", "/assets/desk.css", "/assets/desk.js"} {
		if found := inline.FindString(d.page(t, target)); found != "" {
			t.Errorf("%s has %q", target, found)
		}
	}
	if scripts := d.page(t, "/assets/scripts.js"); !strings.HasPrefix(scripts, "var htmx") || !strings.Contains(scripts, "hx-sse") || !strings.Contains(scripts, "keydown") {
		t.Error("a script is missing")
	}
}

// An open page is told of a change at once, and the stream of changes ends with the desk.
func TestAPageIsToldOfChanges(t *testing.T) {
	d := open(t, cowork(t))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	served := make(chan error, 1)
	go func() { served <- d.Serve(ctx, listener) }()

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/changes", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(&http.Cookie{Name: "kisi-desk-" + port(listener.Addr().String()), Value: d.secrets.session})
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	next := func() string {
		for lines.Scan() {
			if lines.Text() != "" && lines.Text() != "data:" {
				return lines.Text()
			}
		}
		return "the end"
	}
	if said := next(); said != "event: renewed" {
		t.Fatalf("first %q", said)
	}
	d.Changed()
	if said := next(); said != "event: renewed" {
		t.Fatalf("then %q", said)
	}
	end()
	if said := next(); said != "the end" {
		t.Errorf("at last %q", said)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(answer.Body); err != nil {
		t.Error(err)
	}
}
