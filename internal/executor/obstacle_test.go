package executor

import (
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

func TestObstacleOf(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	window := func(from, until time.Duration) entitlement.Window {
		return entitlement.Window{From: now.Add(from), Until: now.Add(until)}
	}
	wanted := window(time.Hour, 2*time.Hour)
	const resync = 6 * time.Hour
	for _, test := range []struct {
		shows             string
		theirs            entitlement.Window
		claimed, madeByUs bool
		want              obstacle
	}{
		{"a row of ours that ended is deleted first", window(-2*time.Hour, -time.Hour), true, true, obstacle{state: v1alpha1.GrantQueued}},
		{"somebody else's that ended explains nothing", window(-2*time.Hour, -time.Hour), false, false, obstacle{}},
		{"the row of an answer that was lost is ours after all", wanted, false, true, obstacle{state: v1alpha1.GrantActive}},
		{"an equal row of somebody else covers", wanted, false, false, obstacle{state: v1alpha1.GrantCovered, equal: true, again: wanted.Until}},
		{"a wider one covers", window(-time.Hour, 3*time.Hour), false, false, obstacle{state: v1alpha1.GrantCovered, again: now.Add(3 * time.Hour)}},
		{"an unbounded one covers, and is looked at again", entitlement.Window{}, false, false, obstacle{state: v1alpha1.GrantCovered, again: now.Add(resync)}},
		{"a narrower one blocks", window(time.Hour, 90*time.Minute), false, false, obstacle{state: v1alpha1.GrantBlocked, again: now.Add(90 * time.Minute)}},
		{"one with an equal end that opened before is another one", window(-time.Hour, 2*time.Hour), false, false, obstacle{state: v1alpha1.GrantCovered, again: wanted.Until}},
		{"a row of ours that overlaps can be replaced", window(0, 90*time.Minute), true, true, obstacle{ours: true}},
		{"a row of ours beside it is waited for", window(0, 30*time.Minute), true, true, obstacle{state: v1alpha1.GrantQueued, again: now.Add(30 * time.Minute)}},
	} {
		t.Run(test.shows, func(t *testing.T) {
			if got := obstacleOf(test.theirs, wanted, now, test.claimed, test.madeByUs, resync); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestAnOwnRowBesideDoesNotHideWhatCoversOrBlocks(t *testing.T) {
	order := []obstacle{{}, {state: v1alpha1.GrantQueued}, {state: v1alpha1.GrantBlocked}, {state: v1alpha1.GrantCovered}, {ours: true}, {state: v1alpha1.GrantCovered, equal: true}}
	for i := 1; i < len(order); i++ {
		if order[i].weight() <= order[i-1].weight() {
			t.Errorf("%+v does not go before %+v", order[i], order[i-1])
		}
	}
}
