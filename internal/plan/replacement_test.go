package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// todo describes operations with the bounds that they give and the rows that go for them.
func todo(p plan.Plan) (all []string) {
	for _, o := range p.Operations {
		window := plan.RowWindow(o.Row)
		text := fmt.Sprintf("%s #%d [%s, %s)", o.Kind, o.Row.RoleAssignmentID, minute(window.From), minute(window.Until))
		for _, old := range o.Instead {
			text += fmt.Sprintf(" for #%d", old.RoleAssignmentID)
		}
		all = append(all, text)
	}
	return all
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return fmt.Sprint(int(t.Sub(at(0)).Minutes()))
}

// changing makes a row that is being given other bounds.
func changing(row v1alpha1.MemberGrant, from, until int) v1alpha1.MemberGrant {
	row.ChangingTo = &v1alpha1.GrantWindow{}
	if from != never {
		row.ChangingTo.ValidFrom = when(from)
	}
	if until != never {
		row.ChangingTo.ValidUntil = when(until)
	}
	return row
}

// The time of every scene is minute 100. Kisi was seen to refuse a second row of a pair.
func TestHowAWindowIsReplacedWhereRowsMayNotOverlap(t *testing.T) {
	t.Parallel()
	wants := func(bounds ...int) (claims []claim) {
		for i := 0; i < len(bounds); i += 2 {
			claims = append(claims, claim{"Member/ana", "g1", span(bounds[i], bounds[i+1])})
		}
		return claims
	}
	ignored := func(s *scene) { s.ignored = true }
	grantOnly := func(s *scene) { s.mode = v1alpha1.ModeGrantOnly }
	both := func(s *scene) { ignored(s); grantOnly(s) }
	for _, c := range []struct {
		name    string
		rows    []v1alpha1.MemberGrant
		claims  []claim
		world   func(*scene)
		todo    []string
		states  []string // left out: as they were
		planned []string
	}{
		{name: "extended", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, 300), todo: []string{"Update #1 [90, 300)"}},
		{name: "shortened", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, 150), todo: []string{"Update #1 [90, 150)"}},
		{name: "moved away from now", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(150, 250), todo: []string{"Update #1 [150, 250)"}},
		{name: "moved here from later", rows: []v1alpha1.MemberGrant{row(1, 120, 200, scheduled)}, claims: wants(50, 150), todo: []string{"Update #1 [-, 150)"}},
		{name: "the end goes", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, never), todo: []string{"Update #1 [90, -)"}},
		{name: "an end comes", rows: []v1alpha1.MemberGrant{row(1, never, never, active)}, claims: wants(never, 200), todo: []string{"Update #1 [-, 200)"}},
		{name: "moved to another time is another window", rows: []v1alpha1.MemberGrant{row(1, 90, 120, active)}, claims: wants(130, 150), states: []string{"#1 Revoking"}, todo: []string{"Revoke #1 [90, 120)", "Grant #0 [130, 150)"}},
		{name: "one into two", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, 110, 130, 200), todo: []string{"Update #1 [90, 110)"}},
		{name: "two into one: those that are not open go first", rows: []v1alpha1.MemberGrant{row(1, 90, 110, active), row(2, 130, 200, scheduled)}, claims: wants(90, 200), states: []string{"#1 Active", "#2 Revoking"}, todo: []string{"Revoke #2 [130, 200)"}},
		{name: "two into one: the one that is open stays, wherever it stands", rows: []v1alpha1.MemberGrant{row(2, 130, 200, scheduled), row(1, 90, 110, active)}, claims: wants(90, 200), states: []string{"#2 Revoking", "#1 Active"}, todo: []string{"Revoke #2 [130, 200)"}},
		{name: "not before it is due", rows: []v1alpha1.MemberGrant{row(1, 150, 300, scheduled)}, claims: wants(170, 300), states: []string{"#1 Revoking"}, todo: []string{"Revoke #1 [150, 300)"}},

		{name: "extended where Kisi does not change rows", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, 300), world: ignored, todo: []string{"Replace #0 [-, 300) for #1"}},
		{name: "two into one where Kisi does not change rows", rows: []v1alpha1.MemberGrant{row(1, 90, 110, active), row(2, 130, 200, scheduled)}, claims: wants(90, 200), world: ignored, todo: []string{"Replace #0 [-, 200) for #1 for #2"}},
		{name: "one that has ended goes along where Kisi does not change rows", rows: []v1alpha1.MemberGrant{row(3, never, 95, ended), row(1, 90, 200, active)}, claims: wants(90, 300), world: ignored, todo: []string{"Replace #0 [-, 300) for #1 for #3"}},
		{name: "a row in doubt cannot be changed", rows: []v1alpha1.MemberGrant{row(1, 90, 200, revoking)}, claims: wants(90, 300), todo: []string{"Replace #0 [-, 300) for #1"}},

		{name: "two into one: one that may be gone, and else is the one that is open, is looked at first", rows: []v1alpha1.MemberGrant{row(1, 90, 110, revoking), row(2, 110, 200, scheduled)}, claims: wants(90, 200), todo: []string{"Resolve #1 [90, 110)"}},
		{name: "two into one: one that may be gone, and is not open, goes first", rows: []v1alpha1.MemberGrant{row(1, 120, 130, revoking), row(2, 130, 200, scheduled)}, claims: wants(120, 200), todo: []string{"Revoke #1 [120, 130)"}},

		{name: "a row in doubt is looked for first", rows: []v1alpha1.MemberGrant{row(0, 90, 200, pending)}, claims: wants(90, 300), todo: []string{"Resolve #0 [90, 200)"}},
		{name: "being changed: the answer first", rows: []v1alpha1.MemberGrant{changing(row(1, 90, 200, active), 90, 300)}, claims: wants(90, 300), todo: []string{"Resolve #1 [90, 200)"}},
		{name: "being changed, and the old one is wanted again", rows: []v1alpha1.MemberGrant{changing(row(1, 90, 200, active), 90, 300)}, claims: wants(90, 200), todo: []string{"Resolve #1 [90, 200)"}},
		{name: "being changed, and wanted otherwise", rows: []v1alpha1.MemberGrant{changing(row(1, 90, 200, active), 90, 300)}, claims: wants(90, 400), todo: []string{"Resolve #1 [90, 200)"}},
		{name: "being changed, and not wanted any more", rows: []v1alpha1.MemberGrant{changing(row(1, 90, 200, active), 90, 300)}, states: []string{"#1 Revoking"}, todo: []string{"Revoke #1 [90, 200)"}},
		{name: "being changed, and what it was has ended", rows: []v1alpha1.MemberGrant{changing(row(1, 50, 95, active), 50, 300)}, states: []string{"#1 Revoking"}, todo: []string{"Revoke #1 [50, 95)"}},
		{name: "being changed in a group that contradicts itself", rows: []v1alpha1.MemberGrant{changing(row(1, 90, 200, active), 90, 300)}, claims: wants(90, 400),
			world: func(s *scene) {
				s.targets["g1"] = plan.Target{State: plan.TargetFrozen, OrganizationID: organization, KisiGroupID: 1}
			}},

		{name: "GrantOnly extends", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, 300), world: grantOnly, todo: []string{"Update #1 [90, 300)"}},
		{name: "GrantOnly does not shorten", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, 150), world: grantOnly, planned: []string{"Change [90, 150)"}},
		{name: "GrantOnly lets in for what is new, and takes nothing back", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(150, 250), world: grantOnly, todo: []string{"Update #1 [90, 250)"}},
		{name: "GrantOnly says what it has not taken back", rows: []v1alpha1.MemberGrant{row(1, 90, 250, active)}, claims: wants(150, 250), world: grantOnly, planned: []string{"Change [150, 250)"}},
		{name: "GrantOnly replaces nothing", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, 300), world: both, states: []string{"#1 Active", "#0 Queued"}, planned: []string{"Revoke [90, 200)"}},
		{name: "GrantOnly deletes what has ended where a window waits for that", rows: []v1alpha1.MemberGrant{row(1, 50, 95, ended), row(0, 90, 200, v1alpha1.GrantQueued)}, claims: wants(90, 200), world: grantOnly, todo: []string{"Tidy #1 [50, 95)"}},
		{name: "GrantOnly deletes what has ended nowhere else", rows: []v1alpha1.MemberGrant{row(1, 10, 20, ended)}, world: grantOnly},
		{name: "GrantOnly does not shorten where Kisi does not change rows", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, 150), world: both, planned: []string{"Change [90, 150)"}},
		{name: "Observe says what would be changed", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active)}, claims: wants(90, 300), world: func(s *scene) { s.mode = v1alpha1.ModeObserve }, planned: []string{"Change [-, 300)"}},
		{name: "blocked by somebody else, with a part of it", rows: []v1alpha1.MemberGrant{row(1, 90, 200, active), row(0, never, 300, v1alpha1.GrantBlocked)}, claims: wants(90, 300)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := sceneWith(c.rows...)
			s.claims, s.learned = c.claims, true
			if c.world != nil {
				c.world(s)
			}
			want := c.states
			if want == nil {
				want = states(plan.Plan{Ledger: plan.Ledger{Grants: c.rows}})
			}
			p := s.plan()
			if got := states(p); !slices.Equal(got, want) {
				t.Errorf("rows %v, want %v", got, want)
			}
			if got := todo(p); !slices.Equal(got, c.todo) {
				t.Errorf("operations %v, want %v", got, c.todo)
			}
			var planned []string
			for _, o := range p.Planned {
				window := plan.Bounds(v1alpha1.GrantWindow{ValidFrom: o.ValidFrom, ValidUntil: o.ValidUntil})
				planned = append(planned, fmt.Sprintf("%s [%s, %s)", o.Action, minute(window.From), minute(window.Until)))
			}
			if !slices.Equal(planned, c.planned) {
				t.Errorf("planned %v, want %v", planned, c.planned)
			}
		})
	}
}

// What takes something away is as urgent as a revocation; what goes on letting the person in for a while can wait; and
// one who is locked out in between waits for nobody.
func TestHowUrgentAChangeOfAWindowIs(t *testing.T) {
	t.Parallel()
	const days = 24 * 60
	for _, c := range []struct {
		name           string
		old, wanted    [2]int
		ignored, urges bool
		want           plan.Urgency
	}{
		{name: "a contract that is extended", old: [2]int{never, 10 * days}, wanted: [2]int{never, 20 * days}, want: plan.Change},
		{name: "a contract that is extended when it ends", old: [2]int{never, 110}, wanted: [2]int{never, 20 * days}, want: plan.New},
		{name: "a contract that is shortened", old: [2]int{never, 20 * days}, wanted: [2]int{never, 10 * days}, want: plan.Revocation},
		{name: "a booking that is extended", old: [2]int{95, 200}, wanted: [2]int{95, 300}, want: plan.Urgent},
		{name: "a contract that is replaced", old: [2]int{never, 10 * days}, wanted: [2]int{never, 20 * days}, ignored: true, want: plan.Urgent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := sceneWith(row(1, c.old[0], c.old[1], active))
			s.claims = []claim{{"Member/ana", "g1", span(c.wanted[0], c.wanted[1])}}
			s.learned, s.ignored = true, c.ignored
			p := s.plan()
			if len(p.Operations) != 1 || p.Operations[0].Urgency != c.want {
				t.Errorf("%v with urgency %v, want %v", todo(p), p.Operations[0].Urgency, c.want)
			}
		})
	}
}

// The intent of the new row is in the ledger before the old ones go. A process that dies between the two leaves both, and
// the next one lets the person in with the urgency of one who is locked out.
func TestACrashBetweenDeletingAndMakingIsRepairedUrgently(t *testing.T) {
	t.Parallel()
	s := sceneWith(row(1, never, 20000, active, "Member/ana"))
	s.claims = []claim{{"Member/ana", "g1", span(never, 30000)}}
	s.learned, s.ignored, s.refuses, s.updates = true, true, refusesSecondRow, updatesNothing
	var did []string
	obey(t, func() {
		s.step(crashBetween)
		if len(s.kisi) != 0 || !strings.Contains(rows(s.ledger), "Pending") {
			t.Fatalf("Kisi %v, ledger %s", s.kisi, rows(s.ledger))
		}
		for {
			o, busy := s.step(nothing)
			if !busy {
				break
			}
			did = append(did, fmt.Sprintf("%s %d", o.Kind, o.Urgency))
		}
		s.mustBeAsWanted()
	})
	if want := []string{fmt.Sprintf("Resolve %d", plan.Urgent), fmt.Sprintf("Replace %d", plan.Urgent)}; !slices.Equal(did, want) {
		t.Errorf("did %v, want %v", did, want)
	}
}

// Where Kisi takes one row only and changes none, a longer window cannot come beside somebody else's row. The shorter one
// stays meanwhile, and the longer one is asked for when the other row is gone.
func TestNobodyIsLockedOutForAWindowThatSomebodyElsesRowBlocks(t *testing.T) {
	t.Parallel()
	s := sceneWith(row(1, 90, 200, active))
	s.claims, s.learned, s.ignored = []claim{{"Member/ana", "g1", span(90, 300)}}, true, true
	s.ledger.Grants[0].UserID = 7
	foreign := plan.ObservedRow{ID: 2, UserID: 7, Window: span(250, 400), Basic: true}
	ours := plan.ObservedRow{ID: 1, UserID: 7, Window: span(90, 200), Basic: true, ByKeyOwner: true}
	look := func(seen ...plan.ObservedRow) plan.Plan {
		in := s.input()
		in.Observed = map[plan.Pair]plan.Observation{{OrganizationID: organization, KisiGroupID: 1}: {UserID: 7, Rows: seen}}
		p := plan.Make(in)
		s.ledger = copyOf(p.Ledger)
		return p
	}
	for range 2 { // it stays so
		p := look(ours, foreign)
		if got := states(p); !slices.Equal(got, []string{"#1 Active", "#0 Blocked"}) || len(p.Operations) > 0 {
			t.Fatalf("beside it: rows %v, operations %v", got, todo(p))
		}
	}
	if p := look(ours); !slices.Equal(todo(p), []string{"Replace #0 [-, 300) for #1"}) {
		t.Errorf("without it: rows %v, operations %v", states(p), todo(p))
	}
}

// Until the change of a row is read back, either of its bounds is ours, and neither is what somebody else has done.
func TestBoundsThatWereAskedForAreNoDrift(t *testing.T) {
	t.Parallel()
	for _, has := range []int{200, 300} {
		s := sceneWith(changing(row(1, 90, 200, active), 90, 300))
		s.claims = []claim{{"Member/ana", "g1", span(90, 300)}}
		s.ledger.Grants[0].UserID = 7
		in := s.input()
		in.Observed = map[plan.Pair]plan.Observation{{OrganizationID: organization, KisiGroupID: 1}: {UserID: 7, Rows: []plan.ObservedRow{
			{ID: 1, UserID: 7, Window: span(90, has), Basic: true, ByKeyOwner: true},
		}}}
		if p := plan.Make(in); len(p.Findings) > 0 || !slices.Equal(kinds(p), []string{"Resolve #1"}) {
			t.Errorf("until %d: findings %v, operations %v", has, p.Findings, todo(p))
		}
	}
}
