package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const twoOrganizations = `
organizations:
  - {name: Acme, domain: acme, owner: olga@acme.example, users: [{email: olga@acme.example}],
     keys: [{user: olga@acme.example, secret: olgas-key-0123456789}, {user: olga@acme.example, secret: olgas-other-key-0123456789}]}
  - {name: Globex, domain: globex, owner: hank@globex.example, users: [{email: hank@globex.example}],
     keys: [{user: hank@globex.example, secret: hanks-key-0123456789}]}
`

// world is a simulated Kisi, and a pool with quick timers.
type world struct {
	t        *testing.T
	kisi     *simulator.Server
	server   *httptest.Server
	url      string
	pool     *Pool
	verdicts atomic.Int32
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	var err error
	if w.kisi, err = simulator.New(simulator.Options{RequestsPerSecond: -1}); err != nil {
		t.Fatal(err)
	}
	if err := w.kisi.LoadSeed([]byte(twoOrganizations)); err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(w.kisi)
	w.url = w.server.URL
	w.pool = NewPool(t.Context(), Options{
		RetryMin: 3 * time.Second, RetryMax: time.Hour,
		OnVerdict: func(types.NamespacedName) { w.verdicts.Add(1) },
	})
	t.Cleanup(func() {
		w.pool.Shutdown(t.Context())
		w.server.Close()
		_ = w.kisi.Close()
	})
	return w
}

func (w *world) connect(name, key string) *Session {
	w.t.Helper()
	secret, err := kisi.NewAPIKey([]byte(key))
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.pool.Ensure(types.NamespacedName{Namespace: "n", Name: name}, Settings{Endpoint: w.url, Key: secret, RequestsPerSecond: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain until %s; requests: %+v", what, w.kisi.Requests(simulator.RequestFilter{}))
		}
	}
}

func (w *world) all(outcome Outcome, sessions ...*Session) {
	w.t.Helper()
	for i, s := range sessions {
		w.until(fmt.Sprintf("session %d has outcome %d", i, outcome), func() bool { return s.Verdict().Outcome == outcome })
	}
}

func (w *world) down(status int) {
	w.t.Helper()
	if _, err := w.kisi.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: status}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) requests() int { return w.kisi.CountRequests(simulator.RequestFilter{}) }

// use makes a call as a part of the operator that knows nothing of outages.
func (w *world) use(s *Session) error {
	client, _ := s.Client()
	_, err := client.ListUsers(kisi.WithClass(w.t.Context(), kisi.Class{Priority: kisi.Grant}), kisi.UserFilter{})
	return err
}

// useMuch makes different calls one after the other, and reports how many failed before one was refused for an outage.
func (w *world) useMuch(s *Session) (failed int) {
	client, _ := s.Client()
	ctx := kisi.WithClass(w.t.Context(), kisi.Class{Priority: kisi.Grant})
	for id := range int64(8) {
		if _, err := client.User(ctx, id+1); err != nil && !errors.Is(err, kisi.ErrOutage) {
			failed++
		}
	}
	return failed
}

func TestWhileKisiIsDownOneSessionOfAnOwnerAsksForAllAndAllGoOnByThemselves(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusInternalServerError} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			sessions := []*Session{w.connect("a", "olgas-key-0123456789"), w.connect("b", "olgas-key-0123456789"), w.connect("c", "olgas-other-key-0123456789")}
			w.all(Accepted, sessions...)
			w.down(status)
			w.kisi.ResetRequests()
			go w.useMuch(sessions[1])
			w.all(Unreachable, sessions...)
			probes := func() int { return w.kisi.CountRequests(simulator.RequestFilter{Path: "/login"}) }
			failed := w.requests() - probes()
			if failed < 4 || failed > 8 || probes() != 2 {
				t.Errorf("%d requests and %d probes until all know, want a few that failed and two probes", failed, probes())
			}
			for _, s := range sessions {
				_, queue := s.Client()
				for i := range 20 {
					queue.Submit(kisi.Task{Key: fmt.Sprint(s.Name(), i), Class: kisi.Class{Priority: kisi.Urgent}, Run: func(ctx context.Context) {
						client, _ := s.Client()
						_, _ = client.ListUsers(ctx, kisi.UserFilter{})
					}})
				}
			}
			w.until("more probes", func() bool { return probes() >= 4 })
			if now := w.requests() - probes(); now != failed {
				t.Errorf("%d requests were sent in the outage", now-failed)
			}
			asked := w.kisi.Requests(simulator.RequestFilter{Path: "/login"})
			first, third := asked[1].Time.Sub(asked[0].Time), asked[3].Time.Sub(asked[2].Time)
			if third < 2*first {
				t.Errorf("between probes %s passed and then %s: the intervals do not grow", first, third)
			}
			w.kisi.ClearFaults()
			w.all(Accepted, sessions...)
			w.until("what waited is done", func() bool { return w.kisi.CountRequests(simulator.RequestFilter{Path: "/users", Status: 200}) == 60 })
		})
	}
}

func TestAConnectionThatStartsInAnOutageAddsNoProbesOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.down(http.StatusBadGateway)
	var sessions []*Session
	for i := range 10 {
		key := []string{"olgas-key-0123456789", "hanks-key-0123456789"}[i%2]
		sessions = append(sessions, w.connect(fmt.Sprint(i), key))
	}
	w.all(Unreachable, sessions...)
	w.until("a few probes", func() bool { return w.requests() >= 3 })
	if n := w.kisi.CountRequests(simulator.RequestFilter{Path: "/login"}); n > 4 {
		t.Errorf("%d probes of one endpoint", n)
	}
	w.kisi.ClearFaults()
	w.all(Accepted, sessions...)
}

func TestABadAnswerCostsNoProbeAndNoVerdict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.connect("a", "olgas-key-0123456789"), w.connect("b", "olgas-other-key-0123456789")
	w.all(Accepted, a, b)
	w.kisi.ResetRequests()
	if _, err := w.kisi.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Count: 1}); err != nil {
		t.Fatal(err)
	}
	_ = w.use(a)
	if err := w.use(b); err != nil {
		t.Fatal(err)
	}
	if n := w.kisi.CountRequests(simulator.RequestFilter{Path: "/login"}); n != 0 {
		t.Errorf("%d probes", n)
	}
	w.all(Accepted, a, b)
}

// A rate limit that lets nothing pass is told once it has lasted for a few seconds.
func TestA429ForEverIsToldAsAnOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.connect("a", "olgas-key-0123456789"), w.connect("b", "olgas-other-key-0123456789")
	w.all(Accepted, a, b)
	w.down(http.StatusTooManyRequests)
	begun := time.Now()
	go func() {
		for a.Verdict().Outcome == Accepted {
			w.useMuch(a)
		}
	}()
	w.all(Unreachable, a, b)
	if took := time.Since(begun); took < 10*time.Second {
		t.Errorf("a burst of %s passes for an outage", took)
	}
	w.kisi.ClearFaults()
	w.all(Accepted, a, b)
}

// Several bad answers in a row cost one probe. A bad answer to the first probe is no verdict either.
func TestASuspicionCostsProbesAndNoVerdict(t *testing.T) {
	t.Parallel()
	for _, bad := range []int{6, 9} {
		w := newWorld(t)
		a, b := w.connect("a", "olgas-key-0123456789"), w.connect("b", "olgas-other-key-0123456789")
		w.all(Accepted, a, b)
		w.kisi.ResetRequests()
		before := w.verdicts.Load()
		if _, err := w.kisi.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Path: "/users/*", Count: bad}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.kisi.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Path: "/login", Count: 1}); err != nil {
			t.Fatal(err)
		}
		w.useMuch(a)
		w.until("the others go on", func() bool { return w.use(b) == nil })
		w.until("a probe was answered", func() bool {
			return w.kisi.CountRequests(simulator.RequestFilter{Path: "/login", Status: http.StatusOK}) >= 1
		})
		w.until("it was learned", func() bool { return w.verdicts.Load() > before })
		for _, s := range []*Session{a, b} {
			if s.Verdict().Outcome != Accepted {
				t.Errorf("%s: %+v", s.Name(), s.Verdict())
			}
		}
	}
}

// A probe that Kisi always answers badly is its own trouble too: what was known of the key stands, and the others go on. But
// what is not found is not concluded to be gone.
func TestAProbeThatAlwaysFailsTakesNobodysVerdictAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.connect("a", "olgas-key-0123456789"), w.connect("b", "olgas-other-key-0123456789")
	w.all(Accepted, a, b)
	if _, err := w.kisi.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Path: "/organization*"}); err != nil {
		t.Fatal(err)
	}
	w.kisi.ResetRequests()
	a.Probe()
	w.until("a second probe", func() bool { return w.kisi.CountRequests(simulator.RequestFilter{Path: "/organization"}) >= 2 })
	if err := w.use(b); err != nil {
		t.Error(err)
	}
	client, _ := a.Client()
	if err := client.Confirm(t.Context()); !errors.Is(err, kisi.ErrHidden) {
		t.Errorf("what was not found is gone: %v", err)
	}
	w.all(Accepted, a, b)
}

func TestWhereThereIsNoConnectionTheFirstRequestRaisesSuspicion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect("a", "olgas-key-0123456789")
	w.all(Accepted, a)
	w.server.Close()
	_ = w.use(a)
	w.all(Unreachable, a)
}

// What only one key meets, such as an answer that makes no sense, is no outage for the others.
func TestAnAnswerThatMakesNoSenseConcernsItsSessionOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect("a", "olgas-key-0123456789")
	w.all(Accepted, a)
	if _, err := w.kisi.AddFault(simulator.Fault{Kind: simulator.FaultGarbage, Path: "/login", Organization: "globex"}); err != nil {
		t.Fatal(err)
	}
	b := w.connect("b", "hanks-key-0123456789")
	w.all(Unreachable, b)
	c := w.connect("c", "olgas-other-key-0123456789")
	w.all(Accepted, a, c)
	w.kisi.ClearFaults()
	w.all(Accepted, b)
}

func TestTheProberMayLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.connect("a", "olgas-key-0123456789"), w.connect("b", "olgas-key-0123456789")
	w.all(Accepted, a, b)
	w.down(http.StatusInternalServerError)
	go w.useMuch(a)
	w.all(Unreachable, a, b)
	w.pool.Close(a.Name())
	w.kisi.ClearFaults()
	w.all(Accepted, b)
}
