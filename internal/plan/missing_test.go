package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// The time of every scene is minute 100; windows are written 60 minutes ahead.
func TestWhatIsMissing(t *testing.T) {
	t.Parallel()
	wants := func(from, until int) []claim { return []claim{{"Member/ana", "g1", span(from, until)}} }
	frozen := func(reason string) func(*scene) {
		return func(s *scene) {
			s.targets["g1"] = plan.Target{State: plan.TargetFrozen, Connection: "hq", OrganizationID: organization, KisiGroupID: 1, Reason: reason}
		}
	}
	inMode := func(mode v1alpha1.Mode) func(*scene) { return func(s *scene) { s.mode = mode } }
	for _, c := range []struct {
		name    string
		rows    []v1alpha1.MemberGrant
		claims  []claim
		world   func(*scene)
		missing []string
	}{
		{name: "nothing is wanted"},
		{name: "an open window", claims: wants(90, 200), missing: []string{"01:30-03:20"}},
		{name: "one that opens soon", claims: wants(130, 200), missing: []string{"02:10-03:20"}},
		{name: "one that is due next", claims: wants(170, 200), missing: []string{"02:50-03:20"}},
		{name: "one that is due after that", claims: slices.Concat(wants(90, 200), wants(400, 500)), missing: []string{"01:30-03:20"}},
		{name: "since ever and for good", claims: wants(never, never), missing: []string{"-"}},
		{name: "in Kisi", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, claims: wants(90, 200)},
		{name: "scheduled in Kisi", rows: []v1alpha1.MemberGrant{row(1, 150, 200, scheduled)}, claims: wants(150, 200)},
		{name: "asked for, and not answered", rows: []v1alpha1.MemberGrant{row(0, never, 200, pending)}, claims: wants(90, 200), missing: []string{"01:30-03:20"}},
		{name: "covered", rows: []v1alpha1.MemberGrant{row(0, never, 200, v1alpha1.GrantCovered)}, claims: wants(90, 200)},
		{name: "blocked", rows: []v1alpha1.MemberGrant{row(0, never, 200, v1alpha1.GrantBlocked)}, claims: wants(90, 200), missing: []string{"01:30-03:20"}},
		{name: "the row in its place lets in until later", rows: []v1alpha1.MemberGrant{row(1, never, 150, active)}, claims: wants(90, 200), missing: []string{"02:30-03:20"}},
		{name: "the row in its place lets in for good", rows: []v1alpha1.MemberGrant{row(1, never, never, active)}, claims: wants(90, 200)},
		{name: "its connection is not Ready", claims: wants(90, 200), world: frozen(v1alpha1.ReasonConnectionNotReady), missing: []string{"01:30-03:20"}},
		{name: "in Kisi, and its connection is not Ready", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, claims: wants(90, 200), world: frozen(v1alpha1.ReasonConnectionNotReady)},
		{name: "there is no connection", claims: wants(90, 200), world: frozen(v1alpha1.ReasonConnectionNotFound)},
		{name: "there is no group", claims: wants(90, 200), world: func(s *scene) { delete(s.targets, "g1") }},
		{name: "an admin took the person out", claims: wants(90, 200), world: func(s *scene) { s.ledger.Accounts[0].Access = v1alpha1.AccountSuspendedInKisi }},
		{name: "the connection only looks", claims: wants(90, 200), world: inMode(v1alpha1.ModeObserve)},
		{name: "the connection is paused", claims: wants(90, 200), world: inMode(v1alpha1.ModePaused)},
		{name: "the connection only grants", claims: wants(90, 200), world: inMode(v1alpha1.ModeGrantOnly), missing: []string{"01:30-03:20"}},
		{name: "the Member is being deleted", claims: wants(90, 200), world: func(s *scene) { s.leaving = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := sceneWith(c.rows...)
			s.claims = c.claims
			if c.world != nil {
				c.world(s)
			}
			var missing []string
			for _, m := range s.plan().Missing {
				if m.Connection != "hq" {
					t.Errorf("of connection %q", m.Connection)
				}
				missing = append(missing, spell(m.Window))
			}
			if !slices.Equal(missing, c.missing) {
				t.Errorf("missing %v, want %v", missing, c.missing)
			}
		})
	}
}

func spell(w entitlement.Window) string {
	text := "-"
	if !w.From.IsZero() {
		text = w.From.Format("15:04") + text
	}
	if !w.Until.IsZero() {
		text = fmt.Sprintf("%s%s", text, w.Until.Format("15:04"))
	}
	return text
}
