package feed

import (
	"fmt"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// While as much happens as one key owner can do, five changes a second, following it takes a fiftieth of the requests that
// Kisi allows where pages are large, less than a tenth where they are small, and nothing is missed. When it has calmed down,
// a poll asks for the whole overlap again each time.
func TestFollowingAFloodOfChangesIsCheap(t *testing.T) {
	const perSecond, lasts = 5, 30 * time.Minute
	for _, test := range []struct {
		switches map[string]string
		share    float64
	}{
		{nil, 0.02},
		{map[string]string{"eventSetPage": "UpTo50"}, 0.08},
		{map[string]string{"eventSetPage": "UpTo50", "limitAboveMax": "Error"}, 0.08},
		{map[string]string{"eventSetPage": "UpTo50", "limitAboveMax": "Invalid"}, 0.08},
	} {
		t.Run(fmt.Sprint(test.switches), func(t *testing.T) {
			k := follow(t, t.Cleanup, test.switches)
			begun, read := k.Clock().Now(), 0
			asked := func() int { return len(k.Requests(simulator.RequestFilter{Path: "/event_sets*"})) }
			for k.Clock().Now().Before(begun.Add(lasts)) {
				wait := max(54*time.Second, time.Duration(read)*restPerEvent)
				for second := time.Duration(0); second < wait; second += 2 * time.Second {
					for range perSecond {
						k.act(t, simulator.Action{Action: simulator.ActionRevoke, AssignmentID: k.act(t, simulator.Action{Action: simulator.ActionGrant, User: "kim@example.com", Group: "Staff"})})
					}
					if err := k.Clock().Advance(2 * time.Second); err != nil {
						t.Fatal(err)
					}
				}
				k.act(t, simulator.Action{Action: simulator.ActionGrant, User: "jo@example.com", Group: "Staff"})
				k.feed.noteTime(k.Clock().Now()) // as the answers to other requests tell
				read = k.feed.poll()
				if known, _ := k.mirror.Rows(k.groups()[1]); fmt.Sprint(known) != fmt.Sprint(k.rows(t, k.groups()[1])) {
					t.Fatal("the mirror has missed something")
				}
				k.act(t, simulator.Action{Action: simulator.ActionRevoke, AssignmentID: k.Assignments("Staff")[0].ID})
			}
			allowed := test.share * simulator.KisiRequestsPerSecond * k.Clock().Now().Sub(begun).Seconds()
			if asked := asked(); float64(asked) > allowed {
				t.Errorf("%d requests for events, want at most %.0f", asked, allowed)
			}
			for _, result := range k.results {
				if result != Followed {
					t.Fatalf("polls: %v", k.results)
				}
			}
			for range 3 {
				if err := k.Clock().Advance(overlap); err != nil {
					t.Fatal(err)
				}
				k.feed.noteTime(k.Clock().Now())
				k.feed.poll()
			}
			if k.feed.busy {
				t.Error("asks for little of the overlap though nothing happens")
			}
		})
	}
}
