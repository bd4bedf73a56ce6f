package plan_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// TestMain asks for more random histories than the default, unless -rapid.checks says otherwise: `make properties` has
// many more, so that the rare ones are met by whoever looks for them.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "1000"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// obey runs a scene and fails the test with the rule that it breaks.
func obey(t interface{ Fatalf(string, ...any) }, run func()) {
	defer func() {
		if rule := recover(); rule != nil {
			text, isRule := rule.(broken)
			if !isRule {
				panic(rule)
			}
			t.Fatalf("%s", string(text))
		}
	}()
	run()
}

func pick[T any](rt *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(rt, label)
}

func drawWindow(rt *rapid.T) entitlement.Window {
	from := rapid.IntRange(60, 400).Draw(rt, "from")
	until := rapid.IntRange(from+1, 500).Draw(rt, "until")
	if rapid.IntRange(1, 100).Draw(rt, "open beginning") <= 20 {
		from = never
	}
	if rapid.IntRange(1, 100).Draw(rt, "open end") <= 20 {
		until = never
	}
	return span(from, until)
}

func drawClaim(rt *rapid.T) claim {
	return claim{pick(rt, "source", "Member/ana", "BookingGrant/b1", "BookingGrant/b2", "AccessSubscription/s1"),
		pick(rt, "group", v1alpha1.ObjectName("g1"), "g2", "g3"), drawWindow(rt)}
}

// edit changes one thing about what is wanted.
func (s *scene) edit(rt *rapid.T) {
	if len(s.claims) > 0 && rapid.Bool().Draw(rt, "change or remove") {
		i := rapid.IntRange(0, len(s.claims)-1).Draw(rt, "which")
		if rapid.Bool().Draw(rt, "remove") {
			s.claims = append(s.claims[:i:i], s.claims[i+1:]...)
			return
		}
		s.claims[i].window = drawWindow(rt)
		return
	}
	s.claims = append(s.claims, drawClaim(rt))
}

// disturb changes something about the world around.
func (s *scene) disturb(rt *rapid.T) {
	switch rapid.IntRange(0, 11).Draw(rt, "disturbance") {
	case 0, 1, 2:
		s.edit(rt)
	case 3:
		s.now = s.now.Add(time.Duration(rapid.IntRange(1, 3600).Draw(rt, "seconds")) * time.Second)
	case 4:
		source := pick(rt, "freeze", "Member/ana", "BookingGrant/b1", "AccessSubscription/s1")
		s.frozen[source] = !s.frozen[source]
	case 5:
		s.ready = !s.ready
	case 6:
		s.mode = pick(rt, "mode", v1alpha1.ModeEnforce, v1alpha1.ModeGrantOnly, v1alpha1.ModeObserve, v1alpha1.ModePaused)
	case 7:
		s.gone = !s.gone
	case 8:
		name := pick(rt, "target", v1alpha1.ObjectName("g1"), "g2", "g3")
		target := s.bound(1)
		if name == "g3" {
			target = s.bound(3)
		}
		target.State = pick(rt, "target state", plan.TargetMissing, plan.TargetFrozen, plan.TargetBound, plan.TargetBound)
		target.Coming = target.State == plan.TargetFrozen && rapid.Bool().Draw(rt, "coming")
		s.targets[name] = target
	case 10:
		s.meddle(rt)
	case 11: // a day later it is doubted that Kisi does not do something
		s.learned, s.ignored = false, false
	case 9:
		if look := s.plan().LookAgain; !look.IsZero() {
			s.now = look
		}
	}
}

// meddle lets somebody else make a row in Kisi, or take it away.
func (s *scene) meddle(rt *rapid.T) {
	const theirs = v1alpha1.KisiID(1)
	if _, exists := s.kisi[theirs]; exists {
		delete(s.kisi, theirs)
		return
	}
	s.kisi[theirs] = assignment{pair: pick(rt, "pair", v1alpha1.KisiID(1), 3), window: drawWindow(rt), foreign: true}
}

// recheck does what the controller does from time to time: what somebody else's row gave, or kept away, is asked for again.
func (s *scene) recheck() {
	s.ledger.Grants = slices.DeleteFunc(s.ledger.Grants, func(g v1alpha1.MemberGrant) bool {
		return g.State == v1alpha1.GrantCovered || g.State == v1alpha1.GrantBlocked
	})
}

// limit has the revocation limit count now and then, and hold what it likes.
func (s *scene) limit(rt *rapid.T) {
	s.limited = rapid.Bool().Draw(rt, "limited")
	s.decide = func(p plan.Plan, wrong mishap) bool {
		for _, row := range p.Counted {
			if wrong != crashBefore {
				s.ledger.Decide(row, rapid.Bool().Draw(rt, "allowed"))
			}
		}
		return len(p.Counted) > 0
	}
}

// heal takes every obstacle away.
func (s *scene) heal() {
	s.ready, s.gone, s.mode, s.limited = true, false, v1alpha1.ModeEnforce, false
	clear(s.frozen)
	s.targets["g1"], s.targets["g2"], s.targets["g3"] = s.bound(1), s.bound(1), s.bound(3)
}

func TestWhateverHappensItEndsWithExactlyWhatIsWanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newScene()
		s.behave(rt)
		s.limit(rt)
		obey(rt, func() {
			for range rapid.IntRange(1, 25).Draw(rt, "length") {
				s.disturb(rt)
				for range rapid.IntRange(0, 3).Draw(rt, "steps") {
					s.step(mishap(rapid.IntRange(0, int(mishaps)-1).Draw(rt, "mishap")))
				}
			}
			s.heal()
			s.recheck()
			s.settle()
			s.mustBeAsWanted()
			// Then time passes, and nothing but time.
			for range rapid.IntRange(0, 6).Draw(rt, "looks") {
				look := s.plan().LookAgain
				if look.IsZero() {
					break
				}
				s.now = look
				s.recheck()
				s.settle()
				s.mustBeAsWanted()
			}
		})
	})
}

// A change costs at most one create and one delete, however Kisi treats second rows. A refused create is not counted: it
// teaches what Kisi does, once.
func TestOneChangeCostsAtMostOneCreateAndOneDelete(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newScene()
		s.behave(rt)
		obey(rt, func() {
			s.claims = []claim{{"Member/ana", "g1", drawWindow(rt)}}
			s.settle()
			s.creates, s.deletes, s.changes = 0, 0, 0
			s.claims[0].window = drawWindow(rt)
			if rapid.Bool().Draw(rt, "taken away") {
				s.claims = nil
			}
			s.settle()
			s.mustBeAsWanted()
			if s.creates > 1 || s.deletes > 1 || s.changes > 1 || s.changes > 0 && s.creates+s.deletes > 0 {
				s.broken("%d creates, %d deletes, %d changes", s.creates, s.deletes, s.changes)
			}
		})
	})
}

// A source that comes or goes inside what others give changes nothing in Kisi.
func TestLosingOneOfTwoSourcesAsksKisiForNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newScene()
		s.behave(rt)
		obey(rt, func() {
			whole := drawWindow(rt)
			s.claims = []claim{{"AccessSubscription/s1", "g1", whole}, {"BookingGrant/b1", pick(rt, "name", v1alpha1.ObjectName("g1"), "g2"), whole}}
			s.settle()
			s.creates, s.deletes = 0, 0
			s.claims = s.claims[rapid.IntRange(0, 1).Draw(rt, "kept"):][:1]
			s.settle()
			s.mustBeAsWanted()
			if s.creates+s.deletes > 0 {
				s.broken("%d creates, %d deletes", s.creates, s.deletes)
			}
		})
	})
}

// essence is all of a plan but the time to look again.
func essence(p plan.Plan) plan.Plan {
	p.LookAgain = time.Time{}
	return p
}

func TestNothingChangesBeforeLookAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newScene()
		s.behave(rt)
		s.limit(rt)
		obey(rt, func() {
			for range rapid.IntRange(1, 12).Draw(rt, "length") {
				s.disturb(rt)
				for range rapid.IntRange(0, 2).Draw(rt, "steps") {
					s.step(mishap(rapid.IntRange(0, int(mishaps)-1).Draw(rt, "mishap")))
				}
			}
			before := s.plan()
			s.ledger = copyOf(before.Ledger)
			before = s.plan()
			limit := before.LookAgain
			if limit.IsZero() {
				limit = s.now.Add(365 * 24 * time.Hour)
			}
			s.now = s.now.Add(time.Duration(rapid.Int64Range(0, int64(limit.Sub(s.now))-1).Draw(rt, "later")))
			if after := s.plan(); !reflect.DeepEqual(essence(before), essence(after)) {
				s.broken("before LookAgain at %s the plan\n%+v\nbecame\n%+v", limit, before, after)
			}
			s.now = limit.Add(-1)
			if after := s.plan(); !reflect.DeepEqual(essence(before), essence(after)) {
				s.broken("just before LookAgain at %s the plan\n%+v\nbecame\n%+v", limit, before, after)
			}
		})
	})
}
