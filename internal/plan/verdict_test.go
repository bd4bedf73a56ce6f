package plan_test

import (
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

func TestTheVerdictNamesWhatAPersonHasToKnowFirst(t *testing.T) {
	t.Parallel()
	always := []claim{{"Member/ana", "g1", span(never, 200)}}
	const blocked, covered = v1alpha1.GrantBlocked, v1alpha1.GrantCovered
	for _, c := range []struct {
		name   string
		rows   []v1alpha1.MemberGrant
		claims []claim
		world  func(*scene, *plan.Input)
		want   plan.Verdict // Message: a part of it
	}{
		{name: "nothing", want: plan.Verdict{Ready: true, Reason: v1alpha1.ReasonNoAccess}},
		{name: "on its way", claims: always, want: plan.Verdict{Reconciling: true, Reason: v1alpha1.ReasonGranting}},
		{name: "granted", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, claims: always, want: plan.Verdict{Ready: true, Reason: v1alpha1.ReasonGranted, Message: "g1"}},
		{name: "covered", rows: []v1alpha1.MemberGrant{row(0, never, 200, covered)}, claims: always, want: plan.Verdict{Ready: true, Reason: v1alpha1.ReasonGranted, Message: "g1"}},
		{name: "written ahead", rows: []v1alpha1.MemberGrant{row(1, 150, 200, scheduled)}, claims: []claim{{"Member/ana", "g1", span(150, 200)}}, want: plan.Verdict{Ready: true, Reason: v1alpha1.ReasonScheduled}},
		{name: "too far ahead", claims: []claim{{"Member/ana", "g1", span(300, 400)}}, want: plan.Verdict{Ready: true, Reason: v1alpha1.ReasonScheduled}},
		{name: "being taken back", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, want: plan.Verdict{Reconciling: true, Reason: v1alpha1.ReasonRevoking}},
		{name: "blocked", rows: []v1alpha1.MemberGrant{row(0, never, 200, blocked)}, claims: always, want: plan.Verdict{Reason: v1alpha1.ReasonBlockedByForeignAssignment, Message: "to g1;"}},
		{name: "held", rows: []v1alpha1.MemberGrant{row(1, never, 200, held)}, world: func(_ *scene, in *plan.Input) {
			c := in.Connections[organization]
			c.Unlimited = false
			in.Connections[organization] = c
		}, want: plan.Verdict{Reason: v1alpha1.ReasonRevocationsHeld, Message: v1alpha1.ApproveRevocationsUntilAnnotation}},
		{name: "removed in Kisi, without a row", claims: always, world: func(_ *scene, in *plan.Input) { in.Ledger.Accounts[0].Access = v1alpha1.AccountRemovedInKisi }, want: plan.Verdict{Ready: true, Reason: v1alpha1.ReasonWithheld, Message: "reinstate"}},
		{name: "not Active", world: func(_ *scene, in *plan.Input) { in.Entitlements.Inactive = true }, want: plan.Verdict{Ready: true, Reason: v1alpha1.ReasonNotActive}},
		{name: "a contradiction in its own spec", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, claims: always, world: func(_ *scene, in *plan.Input) {
			in.Entitlements.Problems = []entitlement.Problem{{Reason: v1alpha1.ReasonAmbiguousReference, Message: "two", Freezes: true}}
		}, want: plan.Verdict{Stalled: true, Reason: v1alpha1.ReasonAmbiguousReference, Message: "two"}},
		{name: "a group that is not bound", claims: always, world: func(_ *scene, in *plan.Input) {
			in.Targets["g1"] = plan.Target{State: plan.TargetFrozen, Reason: v1alpha1.ReasonConnectionNotFound, Message: "no connection"}
		}, want: plan.Verdict{Reason: v1alpha1.ReasonConnectionNotFound, Message: "no connection"}},
		{name: "a first window through a connection that is not Ready", claims: always, world: func(_ *scene, in *plan.Input) {
			c := in.Connections[organization]
			c.Ready = false
			in.Connections[organization] = c
		}, want: plan.Verdict{Reason: v1alpha1.ReasonConnectionNotReady, Message: `"hq"`}},
		{name: "a first window through a paused connection", claims: always, world: func(_ *scene, in *plan.Input) {
			c := in.Connections[organization]
			c.Ready, c.Mode = false, v1alpha1.ModePaused
			in.Connections[organization] = c
		}, want: plan.Verdict{Reason: v1alpha1.ReasonPaused}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := sceneWith(c.rows...)
			s.claims = c.claims
			in := s.input()
			if c.world != nil {
				c.world(s, &in)
			}
			got := plan.Judge(in, plan.Make(in))
			message := got.Message
			got.Message = c.want.Message
			if got != c.want || message == "" || !strings.Contains(message, c.want.Message) {
				t.Errorf("%+v %q", got, message)
			}
		})
	}
}
