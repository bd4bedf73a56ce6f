package entitlement_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

var allGroups = []string{"g1", "g2", "g3", "lost"}

// anyoneAnyTime draws a world, a time, and somebody of that world whom For may be asked about.
func anyoneAnyTime(rt *rapid.T) (w *world, now time.Time, m *v1alpha1.Member) {
	d := draw{rt}
	w = d.world()
	now = at(rapid.IntRange(0, 240).Draw(rt, "now"))
	return w, now, anyone(d, w)
}

// anyone picks somebody whom For may be asked about: one who stands, an implicit Member, or one that is leaving.
func anyone(d draw, w *world) *v1alpha1.Member {
	var askable []*v1alpha1.Member
	for _, m := range w.members {
		if all, _ := w.Members(entitlement.Fold(m.Spec.Email)); gone(m) || entitlement.Primary(all) == m {
			askable = append(askable, m)
		}
	}
	for _, email := range emails {
		if (oracle{w, at(0)}).stands(email) == nil {
			askable = append(askable, implicitMember(string(email)))
		}
	}
	return pick(d, "person", askable)
}

func forPerson(t interface{ Fatalf(string, ...any) }, w *world, m *v1alpha1.Member, now time.Time) entitlement.Entitlements {
	e, err := entitlement.For(w, m, now)
	if err != nil {
		t.Fatalf("For: %v", err)
	}
	return e
}

func windowAt(e entitlement.Entitlements, group string, t time.Time) *entitlement.Sourced {
	for _, g := range e.Groups {
		for i, w := range g.Windows {
			if string(g.Group) == group && w.Contains(t) {
				return &g.Windows[i]
			}
		}
	}
	return nil
}

func TestEntitlementsAreWhatTheRulesSayMinuteByMinute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, now, m := anyoneAnyTime(rt)
		o := oracle{w, now}
		got := forPerson(rt, w, m, now)
		for _, group := range allGroups {
			given := map[*entitlement.Sourced]map[string]bool{}
			for minute := range horizon {
				// The last second of the minute, too: windows end on whole minutes, so nothing may change in between.
				for _, instant := range []time.Time{at(minute), at(minute).Add(59 * time.Second)} {
					if instant.Before(now) {
						continue
					}
					sources := o.gives(m, group, instant)
					window := windowAt(got, group, instant)
					if (window != nil) != (len(sources) > 0) {
						rt.Fatalf("%s in %s at %s: window %v, but the rules name %v", m.Spec.Email, group, instant, window, sources)
					}
					if window == nil {
						continue
					}
					if given[window] == nil {
						given[window] = map[string]bool{}
					}
					for _, s := range sources {
						given[window][s] = true
					}
				}
			}
			for window, sources := range given {
				if named := slices.Sorted(maps.Keys(sources)); !slices.Equal(window.Sources, named) {
					rt.Fatalf("%v in %s, but the rules name %v", window, group, named)
				}
			}
		}
		if frozen := slices.Sorted(maps.Keys(got.Frozen)); !slices.Equal(frozen, o.frozen(m)) {
			rt.Fatalf("frozen: %v, the rules say %v", frozen, o.frozen(m))
		}
	})
}

func TestWindowsAreOrderedApartAndNotOver(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		w := d.world()
		now := at(rapid.IntRange(0, 240).Draw(rt, "now"))
		e := forPerson(rt, w, anyone(d, w), now)
		for i, g := range e.Groups {
			if i > 0 && e.Groups[i-1].Group >= g.Group || len(g.Windows) == 0 {
				rt.Fatalf("groups out of order or empty: %v", e.Groups)
			}
			for j, window := range g.Windows {
				if window.Empty() || window.Ended(now) || len(window.Sources) == 0 || !slices.IsSorted(window.Sources) {
					rt.Fatalf("%v at %s", window, now)
				}
				if j > 0 && (g.Windows[j-1].Until.IsZero() || !g.Windows[j-1].Until.Before(window.From)) {
					rt.Fatalf("%v touches %v", g.Windows[j-1], window)
				}
			}
		}
	})
}

// Looking again at Next, or when a window ends, is soon enough: until then only windows pass.
func TestNothingChangesBeforeNextButByWindowsPassing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		w := d.world()
		start := rapid.IntRange(0, 240).Draw(rt, "now")
		m := anyone(d, w)
		before := forPerson(rt, w, m, at(start))
		for minute := start + 1; minute < horizon; minute++ {
			later := at(minute)
			if !before.Next.IsZero() && !later.Before(before.Next) {
				return
			}
			after := forPerson(rt, w, m, later)
			if !slices.Equal(slices.Sorted(maps.Keys(before.Frozen)), slices.Sorted(maps.Keys(after.Frozen))) {
				rt.Fatalf("at %s frozen %v, at %s frozen %v, next %s", at(start), before.Frozen, later, after.Frozen, before.Next)
			}
			if before.Inactive != after.Inactive || before.Named != after.Named {
				rt.Fatalf("inactive or named changed by time alone")
			}
			if !equalFrom(before, after, later) {
				rt.Fatalf("from %s %v, from %s %v; next %s", at(start), before.Groups, later, after.Groups, before.Next)
			}
		}
	})
}

// equalFrom reports whether both say the same of everything from the instant on; since when a window is open is past.
func equalFrom(before, after entitlement.Entitlements, from time.Time) bool {
	var left []entitlement.Entitlement
	for _, e := range before.Groups {
		windows := filter(e.Windows, func(w entitlement.Sourced) bool { return !w.Ended(from) })
		if len(windows) > 0 {
			left = append(left, entitlement.Entitlement{Group: e.Group, Windows: windows})
		}
	}
	return slices.EqualFunc(left, after.Groups, func(x, y entitlement.Entitlement) bool {
		return x.Group == y.Group && slices.EqualFunc(x.Windows, y.Windows, func(v, w entitlement.Sourced) bool {
			opened := v.From.Equal(w.From) || v.Opened(from) && w.Opened(from)
			return opened && v.Until.Equal(w.Until) && slices.Equal(v.Sources, w.Sources)
		})
	})
}

func TestTheOrderOfObjectsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, now, m := anyoneAnyTime(rt)
		before := forPerson(rt, w, m, now)
		slices.Reverse(w.members)
		slices.Reverse(w.bookings)
		slices.Reverse(w.subscriptions)
		slices.Reverse(w.places)
		slices.Reverse(w.plans)
		after := forPerson(rt, w, m, now)
		if !equalEntitlements(before, after) {
			rt.Fatalf("before %+v, reversed %+v", before, after)
		}
	})
}

func equalEntitlements(a, b entitlement.Entitlements) bool {
	return a.Inactive == b.Inactive && a.Named == b.Named && a.Next.Equal(b.Next) &&
		maps.Equal(a.Frozen, b.Frozen) && slices.Equal(a.Problems, b.Problems) &&
		slices.EqualFunc(a.Groups, b.Groups, func(x, y entitlement.Entitlement) bool {
			return x.Group == y.Group && slices.EqualFunc(x.Windows, y.Windows, func(v, w entitlement.Sourced) bool {
				return v.Window == w.Window && slices.Equal(v.Sources, w.Sources)
			})
		})
}
