package entitlement_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

func second(n int) time.Time { return at(0).Add(time.Duration(n) * time.Second) }

// tightWindow draws windows so close together that they often touch, overlap or are empty.
func tightWindow(rt *rapid.T, source string) entitlement.Sourced {
	w := entitlement.Sourced{Sources: []string{source}}
	if rapid.IntRange(0, 9).Draw(rt, "open beginning") > 0 {
		w.From = second(rapid.IntRange(1, 12).Draw(rt, "from"))
	}
	if rapid.IntRange(0, 9).Draw(rt, "open end") > 0 {
		w.Until = second(rapid.IntRange(1, 12).Draw(rt, "until"))
	}
	return w
}

func TestUnionHoldsExactlyTheInstantsOfItsWindows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var windows []entitlement.Sourced
		for i := range rapid.IntRange(0, 5).Draw(rt, "windows") {
			windows = append(windows, tightWindow(rt, string(rune('a'+i))))
		}
		now := second(rapid.IntRange(0, 13).Draw(rt, "now"))
		union := entitlement.Union(windows, now)
		for i := -1; i < 14; i++ {
			instant, sources := second(i), []string{}
			for _, w := range windows {
				if w.Contains(instant) && !w.Ended(now) {
					sources = append(sources, w.Sources...)
				}
			}
			at := slices.IndexFunc(union, func(w entitlement.Sourced) bool { return w.Contains(instant) })
			if (at >= 0) != (len(sources) > 0) {
				rt.Fatalf("at %d: %v of %v", i, union, windows)
			}
			for _, s := range sources {
				if !slices.Contains(union[at].Sources, s) {
					rt.Fatalf("%v lacks %s", union[at], s)
				}
			}
		}
		for i := 1; i < len(union); i++ {
			if union[i-1].Until.IsZero() || !union[i-1].Until.Before(union[i].From) {
				rt.Fatalf("%v and %v touch", union[i-1], union[i])
			}
		}
	})
}

func TestOverlapsAndCoversAreWhatTheInstantsSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := tightWindow(rt, "a").Window, tightWindow(rt, "b").Window
		if a.Empty() || b.Empty() {
			rt.Skip("an empty window overlaps nothing and is covered by everything")
		}
		now := rapid.IntRange(0, 13).Draw(rt, "now")
		overlaps, covers := false, true
		for i := -1; i < 14; i++ {
			overlaps = overlaps || a.Contains(second(i)) && b.Contains(second(i))
			covers = covers && (i < now || !b.Contains(second(i)) || a.Contains(second(i)))
		}
		if a.Overlaps(b) != overlaps || b.Overlaps(a) != overlaps {
			rt.Fatalf("%v and %v overlap: %t", a, b, overlaps)
		}
		if !b.Ended(second(now)) && a.Covers(b, second(now)) != covers {
			rt.Fatalf("%v covers %v from %d: %t", a, b, now, covers)
		}
	})
}

func TestWindowsAreHalfOpenInWholeSeconds(t *testing.T) {
	t.Parallel()
	w := entitlement.NewWindow(when(second(10).Add(900*time.Millisecond)), when(second(20).Add(999*time.Millisecond)))
	for instant, open := range map[time.Time]bool{
		second(10).Add(-time.Nanosecond): false,
		second(10):                       true,
		second(20).Add(-time.Nanosecond): true,
		second(20):                       false,
	} {
		if w.Contains(instant) != open {
			t.Errorf("%s: open %t", instant, !open)
		}
	}
}
