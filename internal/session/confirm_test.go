package session

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

func (w *world) act(action simulator.Action) {
	w.t.Helper()
	if _, err := w.kisi.Act(action); err != nil {
		w.t.Fatal(err)
	}
}

// staffed adds an administrator to Acme, so that its owner can be demoted.
func (w *world) staffed(switches ...[2]string) {
	w.t.Helper()
	for _, s := range switches {
		if err := w.kisi.SetSwitch(s[0], s[1]); err != nil {
			w.t.Fatal(err)
		}
	}
	acme := simulator.Action{Organization: "acme", As: "olga@acme.example"}
	create, grant := acme, acme
	create.Action, create.Email = simulator.ActionCreateUser, "adam@acme.example"
	w.act(create)
	grant.Action, grant.User, grant.Role = simulator.ActionGrant, "adam@acme.example", "organization_administrator"
	w.act(grant)
}

var (
	demotion  = simulator.Action{Organization: "acme", Action: simulator.ActionDemoteOwner, As: "adam@acme.example"}
	promotion = simulator.Action{Organization: "acme", Action: simulator.ActionSetOwner, As: "adam@acme.example", User: "olga@acme.example"}
)

func TestWhatAKeyIsNotShownIsGoneOnlyIfItMaySeeEverything(t *testing.T) {
	w := newWorld(t)
	w.staffed([2]string{"readsForbidden", "NotFound404"})
	s := w.connect("a", "olgas-key-0123456789")
	w.all(Accepted, s)
	client, _ := s.Client()
	adam, _ := w.kisi.User("acme", "adam@acme.example")
	if _, err := client.User(t.Context(), 999_999); !kisi.IsNotFound(err) {
		t.Errorf("a user who is not there: %v", err)
	}
	w.act(demotion)
	for what, err := range map[string]error{
		"a read": func() error { _, err := client.User(t.Context(), int64(adam.ID)); return err }(), "a deletion": client.DeleteUser(t.Context(), int64(adam.ID)),
	} {
		if !errors.Is(err, kisi.ErrHidden) || kisi.IsNotFound(err) || kisi.OutcomeUnknown(err) {
			t.Errorf("%s of what may not be seen: %v", what, err)
		}
	}
	w.all(Insufficient, s)
}

// What waits for a probe does not wait for ever because Kisi always fails one request of it. A key that may not see
// everything is noticed all the same.
func TestARequestOfTheProbeThatAlwaysFailsIsAskedForInAnotherWay(t *testing.T) {
	for _, path := range []string{"/login", "/organization"} {
		w := newWorld(t)
		w.staffed([2]string{"readsForbidden", "NotFound404"})
		s := w.connect("a", "olgas-key-0123456789")
		w.all(Accepted, s)
		if _, err := w.kisi.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Path: path}); err != nil {
			t.Fatal(err)
		}
		client, _ := s.Client()
		if _, err := client.User(t.Context(), 999_999); !kisi.IsNotFound(err) {
			t.Errorf("without %s: a user who is not there: %v", path, err)
		}
		w.kisi.ResetRequests()
		s.Probe()
		w.until("a probe", func() bool { return w.kisi.CountRequests(simulator.RequestFilter{Path: path}) > 0 })
		w.act(demotion)
		if err := client.Confirm(t.Context()); !errors.Is(err, kisi.ErrHidden) {
			t.Errorf("without %s: a key that may not see everything: %v", path, err)
		}
		w.all(Insufficient, s)
	}
}

func TestManyWhoMissSomethingShareOneProbe(t *testing.T) {
	w := newWorld(t)
	s := w.connect("a", "olgas-key-0123456789")
	w.all(Accepted, s)
	client, _ := s.Client()
	w.kisi.ResetRequests()
	const many = 40
	var asking sync.WaitGroup
	for range many {
		asking.Go(func() {
			if err := client.Confirm(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	if probes := w.kisi.CountRequests(simulator.RequestFilter{Path: "/login"}); probes < 1 || probes > many/4 {
		t.Errorf("%d probes for %d who ask at once", probes, many)
	}
}

// A healthy connection asks for events in every interval of the poll, which are two requests.
func TestAKeyThatIsRefusedCostsNoMoreThanAHealthyOneAndIsTakenUpAgainWithinAPoll(t *testing.T) {
	const poll = 900 * time.Millisecond
	for name, test := range map[string]struct {
		switches   [][2]string
		down, back simulator.Action
	}{
		"hidden roles":     {nil, demotion, promotion},
		"filtered lists":   {[][2]string{{"listsForbidden", "Filtered"}}, demotion, promotion},
		"refused with 401": {[][2]string{{"demotedOwnerKey", "Unauthorized401"}}, demotion, promotion},
		"another role": {[][2]string{{"listsForbidden", "Filtered"}}, demotion,
			simulator.Action{Organization: "acme", Action: simulator.ActionGrant, As: "adam@acme.example", User: "olga@acme.example", Role: "organization_administrator"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.staffed(test.switches...)
			s := w.connect("a", "olgas-key-0123456789")
			w.all(Accepted, s)
			s.mu.Lock()
			s.settings.ChangePollInterval = poll
			s.mu.Unlock()
			w.act(test.down)
			s.Probe()
			w.until("the key is refused", func() bool { return s.Verdict().Outcome != Accepted })
			w.kisi.ResetRequests()
			begin := time.Now()
			time.Sleep(6 * poll) // what does not happen can only be waited for
			const whole = 3      // requests of the one probe that RetryMin allows in this time
			if sent, healthy := w.requests(), 2*int(time.Since(begin)/poll)+1; sent > healthy+whole {
				t.Errorf("%d requests in %s, a healthy key costs %d", sent, time.Since(begin), healthy)
			}
			w.act(test.back)
			begin = time.Now()
			w.all(Accepted, s)
			if took := time.Since(begin); took > 2*poll {
				t.Errorf("taken up again after %s, want two polls at most", took)
			}
		})
	}
}

func TestRefusalsOfAGoodKeyAskForProbesLessAndLessOften(t *testing.T) {
	w := newWorld(t)
	s := w.connect("a", "olgas-key-0123456789")
	w.all(Accepted, s)
	minute := s.pool.options.RetryMin
	refused := &kisi.Error{Status: http.StatusForbidden}
	var asked []int
	for at := time.Duration(0); at < 20*minute; at += minute / 2 {
		if s.firstRefusal() {
			asked = append(asked, int(at/(minute/2)))
		}
		s.mu.Lock()
		s.refused = s.refused.Add(-minute / 2) // half a minute passes
		s.mu.Unlock()
	}
	if got := fmt.Sprint(asked); got != "[0 2 6 14 30]" {
		t.Errorf("probes after half-minutes %s", got)
	}
	s.Report(refused) // within the interval: nothing
	if w.kisi.CountRequests(simulator.RequestFilter{Path: "/login"}) != 1 {
		t.Error("a refusal asked for a probe too soon")
	}
}
