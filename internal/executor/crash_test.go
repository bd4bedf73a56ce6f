package executor_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// scenario is what changes for Ana, after what came before has come to rest.
type scenario struct {
	kinds  []plan.OperationKind // some of the operations that it comes to, in one Kisi or another
	before func(*world)
	change func(*world)
	after  func(*world) // what must hold beside mustBeRight
	sees   bool         // it is about what is seen in Kisi
}

// course is how a scenario goes.
type course struct {
	kisi  map[string]string // switches
	wrong map[int]trouble   // by effect
	// blind: what Kisi holds is not known until all else is done, as before the first complete read.
	blind bool
	// undone: while nobody acts after a death, what the scenario changes is changed back.
	undone bool
}

func window(fromHours, untilHours int) entitlement.Window {
	day := time.Now().Truncate(time.Second).UTC().Add(24 * time.Hour)
	return entitlement.Window{From: day.Add(time.Duration(fromHours) * time.Hour), Until: day.Add(time.Duration(untilHours) * time.Hour)}
}

func (w *world) want(wants ...want) { w.wants = wants }

func (w *world) admin(action simulator.Action) {
	w.t.Helper()
	action.Organization, action.As = "acme", "adam@acme.example"
	if _, err := w.kisi.Act(action); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) user() simulator.UserState {
	user, _ := w.kisi.User("acme", address)
	return user
}

var (
	always   = want{"members", entitlement.Window{}}
	morning  = want{"members", window(9, 12)}
	longer   = want{"members", window(9, 14)}
	evening  = want{"members", window(18, 20)}
	inTheLab = want{"lab", window(9, 12)}
)

var scenarios = map[string]scenario{
	"a new person": {
		kinds:  []plan.OperationKind{plan.Grant},
		change: func(w *world) { w.want(morning) },
	},
	"a person whom Kisi has": {
		before: func(w *world) { w.admin(simulator.Action{Action: simulator.ActionCreateUser, Email: address}) },
		change: func(w *world) { w.want(always) },
	},
	"one more window": {
		before: func(w *world) { w.want(morning) },
		change: func(w *world) { w.want(morning, evening) },
	},
	"a longer window": {
		kinds:  []plan.OperationKind{plan.Update, plan.Replace},
		before: func(w *world) { w.want(morning) },
		change: func(w *world) { w.want(longer) },
	},
	"a shorter one": {
		before: func(w *world) { w.want(longer) },
		change: func(w *world) { w.want(morning) },
	},
	"another group": {
		kinds:  []plan.OperationKind{plan.Revoke},
		before: func(w *world) { w.want(morning) },
		change: func(w *world) { w.want(inTheLab) },
	},
	"nothing any more": {
		before: func(w *world) { w.want(morning, inTheLab) },
		change: func(w *world) { w.want() },
	},
	"an assignment that an admin took away": {
		kinds:  []plan.OperationKind{plan.Verify},
		sees:   true,
		before: func(w *world) { w.want(always) },
		change: func(w *world) {
			w.admin(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: w.rows(41)[0].ID})
		},
	},
	"a name": {
		kinds:  []plan.OperationKind{plan.Rename},
		before: func(w *world) { w.name = "Ana"; w.want(always) },
		change: func(w *world) { w.name = "Ana Petrović" },
		after: func(w *world) {
			if name := w.user().Name; name != "Ana Petrović" {
				w.t.Errorf("in Kisi the name is %q", name)
			}
		},
	},
	"a user of whom nothing is wanted, suspended": {
		kinds:  []plan.OperationKind{plan.SuspendUser},
		before: func(w *world) { w.rules.OnUnused = v1alpha1.UnusedUsersSuspend; w.want(always) },
		change: func(w *world) { w.want() },
		after: func(w *world) {
			if w.user().AccessEnabled {
				w.t.Error("the user is not suspended")
			}
		},
	},
	"a user who is wanted again": {
		kinds: []plan.OperationKind{plan.EnableUser},
		before: func(w *world) {
			w.rules.OnUnused = v1alpha1.UnusedUsersSuspend
			w.want(always)
			w.settle()
			w.want()
		},
		change: func(w *world) { w.want(always) },
		after: func(w *world) {
			if !w.user().AccessEnabled {
				w.t.Error("the user is suspended")
			}
		},
	},
	"a user of whom nothing is wanted, deleted": {
		kinds:  []plan.OperationKind{plan.DeleteUser},
		before: func(w *world) { w.rules.OnUnused = v1alpha1.UnusedUsersDelete; w.want(always) },
		change: func(w *world) { w.want() },
		after: func(w *world) {
			if user, exists := w.kisi.User("acme", address); exists {
				w.t.Errorf("the user %d is still there", user.ID)
			}
		},
	},
	"a user for everybody": {
		kinds:  []plan.OperationKind{plan.CreateUser},
		before: func(w *world) { w.rules.Always = true; w.active = false },
		change: func(w *world) { w.active = true },
		after: func(w *world) {
			if _, exists := w.kisi.User("acme", address); !exists {
				w.t.Error("there is no user")
			}
		},
	},
}

// play has the scenario happen, and returns the effects that there were, with what may go wrong at each.
func (s scenario) play(t reporter, c course) (effects [][]trouble, kinds map[plan.OperationKind]bool) {
	t.Helper()
	w := newWorld(t, c.kisi)
	defer func() {
		w.close()
		if t.Failed() {
			t.Logf("%+v; %q", c, w.what)
		}
	}()
	if s.before != nil {
		s.before(w)
	}
	w.settle()
	w.blind = c.blind && !s.sees
	wants, name, active, undone := w.wants, w.name, w.active, false
	if c.undone {
		w.onDeath = func() { w.wants, w.name, w.active, undone = wants, name, active, true }
	}
	s.change(w)
	w.effects, w.wrong, w.kinds = nil, c.wrong, map[plan.OperationKind]bool{}
	w.settle()
	effects = w.effects
	w.blind = false // everything has been read
	w.deliver(true)
	w.settle()
	if slices.Contains(w.found, plan.WindowChanged) && !w.meddled {
		w.t.Fatalf("somebody is said to have changed a window; %s", w.describe())
	}
	w.mustBeRight()
	if s.after != nil && !undone {
		s.after(w)
	}
	return effects, w.kinds
}

// kisis are the ways in which Kisi may treat second assignments and changed windows, each with each.
func kisis() (all []map[string]string) {
	for _, duplicates := range []string{"SameBoundsConflict", "AlwaysConflict", "AlwaysNew", "Invalid"} {
		for _, update := range []string{"Accepted", "IgnoredWith204", "Invalid"} {
			all = append(all, map[string]string{"duplicates": duplicates, "windowUpdate": update})
		}
	}
	return all
}

// Wherever a process dies, and whichever request or answer is lost, the next one brings Kisi to what was wanted, with
// nothing lost, nothing doubled, and nothing in Kisi that no ledger has.
func TestWhateverGoesWrongWhereverTheEndIsTheSame(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, seen := scenarios[name], map[plan.OperationKind]bool{}
			for i, switches := range kisis() {
				effects, kinds := s.play(t, course{kisi: switches})
				maps.Copy(seen, kinds)
				for at, possible := range effects {
					for j, wrong := range possible {
						s.play(t, course{kisi: switches, wrong: map[int]trouble{at: wrong}, blind: (i+at)%2 == 0, undone: (i+j)%3 == 0})
					}
				}
			}
			for _, kind := range s.kinds {
				if !seen[kind] {
					t.Errorf("it never came to %s, only to %v", kind, slices.Collect(maps.Keys(seen)))
				}
			}
		})
	}
}

// What goes wrong need not go wrong once.
func TestWhateverGoesWrongHoweverOftenTheEndIsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := scenarios[rapid.SampledFrom(slices.Sorted(maps.Keys(scenarios))).Draw(rt, "scenario")]
		s.play(rt, course{
			kisi:  rapid.SampledFrom(kisis()).Draw(rt, "Kisi"),
			wrong: rapid.MapOfN(rapid.IntRange(0, 19), rapid.SampledFrom(troubles), 1, 6).Draw(rt, "wrong"),
			blind: rapid.Bool().Draw(rt, "blind"), undone: rapid.Bool().Draw(rt, "undone"),
		})
	})
}
