package entitlement

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Window is a half-open span of time [From, Until) in whole seconds, UTC.
// A zero From means since ever, a zero Until means without end.
type Window struct {
	From  time.Time
	Until time.Time
}

// NewWindow drops fractions of seconds; nil bounds are open.
func NewWindow(from, until *metav1.Time) Window {
	return Window{From: instant(from), Until: instant(until)}
}

func instant(t *metav1.Time) time.Time {
	if t == nil || t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// API returns the window as the API writes it; nil bounds are open.
func (w Window) API() v1alpha1.Window {
	return v1alpha1.Window{From: bound(w.From), Until: bound(w.Until)}
}

func bound(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t}
}

// Empty reports whether the window contains no instant.
func (w Window) Empty() bool {
	return !w.From.IsZero() && !w.Until.IsZero() && !w.From.Before(w.Until)
}

// Contains reports whether the instant lies in the window.
func (w Window) Contains(t time.Time) bool { return w.Opened(t) && !w.Ended(t) }

// Opened reports whether the window has opened by t.
func (w Window) Opened(t time.Time) bool { return w.From.IsZero() || !t.Before(w.From) }

// Ended reports whether the window has closed by t.
func (w Window) Ended(t time.Time) bool { return !w.Until.IsZero() && !t.Before(w.Until) }

// Covers reports whether the window contains all of the other from t on; what is past does not count.
func (w Window) Covers(other Window, t time.Time) bool {
	opensInTime := w.Opened(t) || (!other.From.IsZero() && !w.From.After(other.From))
	closesInTime := w.Until.IsZero() || (!other.Until.IsZero() && !w.Until.Before(other.Until))
	return opensInTime && closesInTime
}

// Equal reports whether the windows have the same bounds.
func (w Window) Equal(other Window) bool {
	return w.From.Equal(other.From) && w.Until.Equal(other.Until)
}

// Overlaps reports whether the windows share an instant.
func (w Window) Overlaps(other Window) bool {
	return endsAfter(w.Until, other.From) && endsAfter(other.Until, w.From)
}

// endsAfter compares an open-ended end with an open-ended beginning.
func endsAfter(until, from time.Time) bool {
	return until.IsZero() || from.IsZero() || until.After(from)
}

// Sourced is a window together with what gives it.
type Sourced struct {
	Window
	// Sources are sorted and unique, as Kind/name.
	Sources []string
}

// Union joins windows that overlap or touch, and their sources. Empty windows and those that have ended by now are
// dropped. The result is ordered and disjoint.
func Union(windows []Sourced, now time.Time) []Sourced {
	kept := make([]Sourced, 0, len(windows))
	for _, w := range windows {
		if !w.Empty() && !w.Ended(now) {
			kept = append(kept, w)
		}
	}
	slices.SortStableFunc(kept, func(a, b Sourced) int { return a.From.Compare(b.From) }) // a zero From sorts first
	var union []Sourced
	for _, w := range kept {
		last := len(union) - 1
		if last < 0 || (!union[last].Until.IsZero() && w.From.After(union[last].Until)) {
			union = append(union, Sourced{Window: w.Window, Sources: slices.Clone(w.Sources)})
			continue
		}
		joined := &union[last]
		joined.Sources = append(joined.Sources, w.Sources...)
		if joined.Until.IsZero() || w.Until.IsZero() {
			joined.Until = time.Time{}
		} else if w.Until.After(joined.Until) {
			joined.Until = w.Until
		}
	}
	for i := range union {
		slices.Sort(union[i].Sources)
		union[i].Sources = slices.Compact(union[i].Sources)
	}
	return union
}
