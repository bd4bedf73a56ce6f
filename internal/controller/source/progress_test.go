package source

import (
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

func TestWhatASourceSaysOfItself(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	open := offer{open: true, groups: []v1alpha1.ObjectName{"members"}}
	excluded := offer{open: true, excluded: true, groups: open.groups}
	paused := &plan.Target{State: plan.TargetFrozen, Reason: v1alpha1.ReasonPaused}
	unready := &plan.Target{State: plan.TargetFrozen, Reason: v1alpha1.ReasonConnectionNotReady}
	everybody := v1alpha1.PeopleCounts{Total: 2, Granted: 2}
	for _, test := range []struct {
		shows    string
		offer    offer
		progress progress
		ready    bool
		reason   string
	}{
		{"a pause holds nothing back from those who are in", open, progress{people: everybody, hindrance: paused}, true, v1alpha1.ReasonGranted},
		{"nor where the others are withheld", open, progress{people: v1alpha1.PeopleCounts{Total: 2, Granted: 1, Withheld: 1}, hindrance: paused}, true, v1alpha1.ReasonWithheld},
		{"nor where nobody is due yet", open, progress{people: v1alpha1.PeopleCounts{Total: 2}, hindrance: paused, due: now.Add(time.Hour)}, true, v1alpha1.ReasonScheduled},
		{"nor where there is nobody", open, progress{hindrance: paused}, true, v1alpha1.ReasonNoPeople},
		{"a pause keeps somebody out", open, progress{people: v1alpha1.PeopleCounts{Total: 2, Granted: 1}, hindrance: paused}, false, v1alpha1.ReasonPaused},
		{"a connection that is not Ready is said of everybody", open, progress{people: everybody, hindrance: unready}, false, v1alpha1.ReasonConnectionNotReady},
		{"nobody is let in by a non-member", excluded, progress{people: v1alpha1.PeopleCounts{Total: 2, Excluded: 2}}, true, v1alpha1.ReasonOrganizerNotMember},
		{"those whom a non-member's booking let in are on their way out", excluded, progress{people: v1alpha1.PeopleCounts{Total: 2, Excluded: 2}, revoking: 1}, false, v1alpha1.ReasonRevoking},
		{"or stay under the revocation limit", excluded, progress{people: v1alpha1.PeopleCounts{Total: 2, Excluded: 2}, revoking: 1, held: 1}, false, v1alpha1.ReasonRevocationsHeld},
	} {
		t.Run(test.shows, func(t *testing.T) {
			got := test.progress.judge(test.offer, v1alpha1.ReasonGranted, now)
			if got.Ready != test.ready || got.Reason != test.reason {
				t.Errorf("%+v", got)
			}
		})
	}
}
