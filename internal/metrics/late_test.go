package metrics

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

// told is what a test remembers of a window: the naive oracle looks at every one of them.
type told struct {
	Missing
	since time.Time
}

// However what is missing changes, and whenever somebody looks, the count is that of a look at everything.
func TestTheCountOfLateWindowsIsThatOfALookAtEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		start := time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC)
		now := start
		var late Late
		members := map[types.NamespacedName][]told{}
		connections := []types.NamespacedName{{Namespace: "gym", Name: "a"}, {Namespace: "gym", Name: "b"}}
		bound := func(label string) time.Time {
			if rapid.Bool().Draw(rt, label+" open") {
				return time.Time{}
			}
			return start.Add(time.Duration(rapid.IntRange(0, 120).Draw(rt, label)) * time.Second)
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 15).Draw(rt, "passes")) * time.Second)
			if rapid.Bool().Draw(rt, "looks") {
				for _, connection := range connections {
					want := 0
					for _, windows := range members {
						for _, w := range windows {
							at := later(w.From, w.since).Add(LateAfter)
							if w.Connection == connection && !at.After(now) && (w.Until.IsZero() || w.Until.After(now)) {
								want++
							}
						}
					}
					if got := late.Count(connection, now); got != want {
						rt.Fatalf("%d late windows of %s at %s, want %d", got, connection, now.Sub(start), want)
					}
				}
				continue
			}
			name := types.NamespacedName{Namespace: "gym", Name: fmt.Sprint(rapid.IntRange(1, 4).Draw(rt, "member"))}
			var windows []Missing
			var next []told
			known := members[name]
			for _, w := range known {
				if rapid.Bool().Draw(rt, "stays") {
					windows, next = append(windows, w.Missing), append(next, w)
				}
			}
			for i := range rapid.IntRange(0, 3).Draw(rt, "new") {
				w := Missing{
					Connection: rapid.SampledFrom(connections).Draw(rt, "connection"), Group: fmt.Sprintf("%s-%d", now, i+10*len(known)),
					From: bound("from"), Until: bound("until"),
				}
				windows, next = append(windows, w), append(next, told{w, now})
			}
			late.Set(name, windows, now)
			members[name] = next
		}
	})
}

func TestWindowsThatNobodyMissesAnyMoreAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC)
	connection := types.NamespacedName{Namespace: "gym", Name: "a"}
	var late Late
	for round := range 1000 {
		for _, windows := range [][]Missing{{{Connection: connection, Group: fmt.Sprint(round), From: now.Add(time.Hour)}}, nil} {
			late.Set(types.NamespacedName{Namespace: "gym", Name: fmt.Sprint(round)}, windows, now)
		}
	}
	if len(late.agenda) > 1 || len(late.missing) > 0 || len(late.counts) > 0 {
		t.Errorf("%d in the agenda, %d Members and %d counts are remembered", len(late.agenda), len(late.missing), len(late.counts))
	}
}
