package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// row is a row of the ledger for g1, in Kisi unless id is 0.
func row(id v1alpha1.KisiID, from, until int, state v1alpha1.GrantState, sources ...string) v1alpha1.MemberGrant {
	g := v1alpha1.MemberGrant{
		Group: "g1", Connection: "hq", OrganizationID: organization, KisiGroupID: 1, UserID: 7, RoleAssignmentID: id,
		State: state, Sources: sources, SourceCount: int32(len(sources)),
	}
	if from != never {
		g.ValidFrom = when(from)
	}
	if until != never {
		g.ValidUntil = when(until)
	}
	return g
}

// sceneWith has the rows in its ledger, and those with an id in Kisi.
func sceneWith(rows ...v1alpha1.MemberGrant) *scene {
	s := newScene()
	s.ledger.Grants = rows
	for _, r := range rows {
		if plan.InKisi(r) {
			s.kisi[r.RoleAssignmentID] = assignment{pair: r.KisiGroupID, window: plan.RowWindow(r)}
		}
	}
	return s
}

func kinds(p plan.Plan) (all []string) {
	for _, o := range p.Operations {
		all = append(all, fmt.Sprintf("%s #%d", o.Kind, o.Row.RoleAssignmentID))
	}
	return all
}

func states(p plan.Plan) (all []string) {
	for _, g := range p.Ledger.Grants {
		all = append(all, fmt.Sprintf("#%d %s", g.RoleAssignmentID, g.State))
	}
	return all
}

const (
	active    = v1alpha1.GrantActive
	scheduled = v1alpha1.GrantScheduled
	pending   = v1alpha1.GrantPending
	queued    = v1alpha1.GrantQueued
	retained  = v1alpha1.GrantRetained
	revoking  = v1alpha1.GrantRevoking
	held      = v1alpha1.GrantHeld
	withheld  = v1alpha1.GrantWithheld
	ended     = v1alpha1.GrantEnded
)

// The time of every scene is minute 100; windows are written 60 minutes ahead.
func TestWhatBecomesOfARow(t *testing.T) {
	t.Parallel()
	wants := func(from, until int) []claim { return []claim{{"Member/ana", "g1", span(from, until)}} }
	for _, c := range []struct {
		name   string
		rows   []v1alpha1.MemberGrant
		claims []claim
		world  func(*scene)
		states []string
		todo   []string
	}{
		{name: "a new window", claims: wants(90, 200), todo: []string{"Grant #0"}},
		{name: "a window too far ahead", claims: wants(161, 200)},
		{name: "a window just within reach", claims: wants(160, 200), todo: []string{"Grant #0"}},
		{name: "written when it was open already", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, claims: wants(90, 200), states: []string{"#1 Active"}},
		{name: "since ever, and written before it opened", rows: []v1alpha1.MemberGrant{row(1, 95, 200, scheduled)}, claims: wants(never, 200), states: []string{"#1 Active"}},
		{name: "a start that is still to come is no start that is past", rows: []v1alpha1.MemberGrant{row(1, 110, 200, scheduled)}, claims: wants(never, 200), states: []string{"#1 Scheduled"}, todo: []string{"Grant #0"}},
		{name: "nobody wants it", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, states: []string{"#1 Revoking"}, todo: []string{"Revoke #1"}},
		{name: "replaced: the new one first", rows: []v1alpha1.MemberGrant{row(1, never, never, active)}, claims: wants(never, 200), states: []string{"#1 Active"}, todo: []string{"Grant #0"}},
		{name: "the successor is further away than is written ahead", rows: []v1alpha1.MemberGrant{row(1, never, never, active)}, claims: wants(300, 400), states: []string{"#1 Revoking"}, todo: []string{"Revoke #1"}},
		{name: "the successor's answer is not known", rows: []v1alpha1.MemberGrant{row(1, never, never, active), row(0, never, 200, pending)}, claims: wants(never, 200), states: []string{"#1 Active", "#0 Pending"}, todo: []string{"Resolve #0"}},
		{name: "the successor is there", rows: []v1alpha1.MemberGrant{row(1, never, never, active), row(2, never, 200, active)}, claims: wants(never, 200), states: []string{"#1 Revoking", "#2 Active"}, todo: []string{"Revoke #1"}},
		{name: "the row in Kisi goes before the one in doubt", rows: []v1alpha1.MemberGrant{row(0, never, 200, pending), row(2, never, 200, active)}, claims: wants(never, 200), states: []string{"#0 Pending", "#2 Active"}, todo: []string{"Resolve #0"}},
		{name: "in doubt and not wanted any more", rows: []v1alpha1.MemberGrant{row(0, never, 200, pending)}, states: []string{"#0 Pending"}, todo: []string{"Resolve #0"}},
		{name: "queued, and nothing in its way", rows: []v1alpha1.MemberGrant{row(0, never, 200, queued)}, claims: wants(never, 200), states: []string{"#0 Queued"}, todo: []string{"Grant #0"}},
		{name: "queued behind a row that is not wanted", rows: []v1alpha1.MemberGrant{row(1, never, 300, active), row(0, never, 200, queued)}, claims: wants(never, 200), states: []string{"#1 Active", "#0 Queued"}, todo: []string{"Update #1"}},
		{name: "queued behind a row that has ended", rows: []v1alpha1.MemberGrant{row(1, never, 99, ended), row(0, never, 200, queued)}, claims: wants(never, 200), states: []string{"#1 Ended", "#0 Queued"}, todo: []string{"Tidy #1"}},
		{name: "queued before a row that opens later", rows: []v1alpha1.MemberGrant{row(1, 150, 200, scheduled), row(0, never, 120, queued)}, claims: slices.Concat(wants(never, 120), wants(150, 200)), states: []string{"#1 Revoking", "#0 Queued"}, todo: []string{"Revoke #1"}},
		{name: "being taken back for one before it, whether it is still in Kisi or not", rows: []v1alpha1.MemberGrant{row(1, 150, 200, revoking), row(0, never, 120, queued)}, claims: slices.Concat(wants(never, 120), wants(150, 200)), states: []string{"#1 Revoking", "#0 Queued"}, todo: []string{"Revoke #1"}},
		{name: "queued behind a row that is wanted and open", rows: []v1alpha1.MemberGrant{row(1, never, 120, active), row(0, 150, 200, queued)}, claims: slices.Concat(wants(never, 120), wants(150, 200)), states: []string{"#1 Active", "#0 Queued"}},
		{name: "queued and not wanted any more", rows: []v1alpha1.MemberGrant{row(0, never, 200, queued)}},
		{name: "covered", rows: []v1alpha1.MemberGrant{row(0, never, 200, v1alpha1.GrantCovered)}, claims: wants(never, 200), states: []string{"#0 Covered"}},
		{name: "covered and not wanted any more", rows: []v1alpha1.MemberGrant{row(0, never, 200, v1alpha1.GrantCovered)}},
		{name: "the successor is covered by somebody else's row", rows: []v1alpha1.MemberGrant{row(1, never, never, active), row(0, never, 200, v1alpha1.GrantCovered)}, claims: wants(never, 200), states: []string{"#1 Revoking", "#0 Covered"}, todo: []string{"Revoke #1"}},
		{name: "blocked", rows: []v1alpha1.MemberGrant{row(0, never, 200, v1alpha1.GrantBlocked)}, claims: wants(never, 200), states: []string{"#0 Blocked"}},
		{name: "ended a while ago", rows: []v1alpha1.MemberGrant{row(1, never, 41, active)}, states: []string{"#1 Ended"}},
		{name: "ended an hour ago", rows: []v1alpha1.MemberGrant{row(1, never, 40, active)}, states: []string{"#1 Ended"}, todo: []string{"Tidy #1"}},
		{name: "its connection was let go", rows: []v1alpha1.MemberGrant{row(1, never, 200, active, "Member/ana"), row(0, 150, 200, pending), row(0, 300, 400, queued)}, world: func(s *scene) { s.gone = true }, states: []string{"#1 Retained", "#0 Retained"}},
		{name: "its connection is back", rows: []v1alpha1.MemberGrant{row(1, never, 200, retained, "Member/ana")}, claims: wants(never, 200), states: []string{"#1 Active"}},
		{name: "its connection is back, and nobody wants it", rows: []v1alpha1.MemberGrant{row(1, never, 200, retained, "Member/ana")}, states: []string{"#1 Revoking"}, todo: []string{"Revoke #1"}},
		{name: "in doubt since before its connection went", rows: []v1alpha1.MemberGrant{row(0, never, 200, retained)}, claims: wants(never, 200), states: []string{"#0 Pending"}, todo: []string{"Resolve #0"}},
		{name: "was to be taken back, and is wanted again", rows: []v1alpha1.MemberGrant{row(1, never, 200, revoking)}, claims: wants(never, 200), states: []string{"#1 Revoking"}, todo: []string{"Resolve #1"}},
		{name: "was to be taken back before its connection went, and is wanted again", rows: []v1alpha1.MemberGrant{row(1, never, 200, retained)}, claims: wants(never, 200), states: []string{"#1 Revoking"}, todo: []string{"Resolve #1"}},
		{name: "held", rows: []v1alpha1.MemberGrant{row(1, never, 200, held)}, world: func(s *scene) { s.limited = true }, states: []string{"#1 Held"}},
		{name: "held and wanted again", rows: []v1alpha1.MemberGrant{row(1, never, 200, held)}, claims: wants(never, 200), states: []string{"#1 Active"}},
		{name: "removed in Kisi", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, claims: slices.Concat(wants(never, 200), wants(250, 300)),
			world: func(s *scene) {
				s.ledger.Accounts[0].Access = v1alpha1.AccountRemovedInKisi
				s.now = at(190)
			}, states: []string{"#1 Withheld", "#0 Withheld"}},
		{name: "let in again", rows: []v1alpha1.MemberGrant{row(1, never, 200, withheld)}, claims: wants(never, 200), states: []string{"#1 Active"}},
		{name: "withheld without a row in Kisi, and let in again", rows: []v1alpha1.MemberGrant{row(0, never, 200, withheld)}, claims: wants(never, 200), todo: []string{"Grant #0"}},
		{name: "its group is gone", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, claims: wants(never, 200), world: func(s *scene) { delete(s.targets, "g1") }, states: []string{"#1 Revoking"}, todo: []string{"Revoke #1"}},
		{name: "its group is gone, and another name stands for it", rows: []v1alpha1.MemberGrant{row(1, never, 200, active)}, claims: []claim{{"Member/ana", "g2", span(never, 200)}}, world: func(s *scene) { delete(s.targets, "g1") }, states: []string{"#1 Active"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := sceneWith(c.rows...)
			s.claims = c.claims
			if c.world != nil {
				c.world(s)
			}
			p := s.plan()
			if !slices.Equal(states(p), c.states) || !slices.Equal(kinds(p), c.todo) {
				t.Errorf("rows %v, operations %v", states(p), kinds(p))
			}
		})
	}
}

func TestWhereNothingMayBeChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		world   func(*scene)
		planned []string
		reason  string
	}{
		{name: "Paused", world: func(s *scene) { s.mode, s.ready = v1alpha1.ModePaused, false }, reason: v1alpha1.ReasonPaused},
		{name: "Paused, as seen by the group", world: func(s *scene) {
			s.mode, s.ready = v1alpha1.ModePaused, false
			target := s.bound(1)
			target.State, target.Reason = plan.TargetFrozen, v1alpha1.ReasonPaused
			s.targets["g1"] = target
		}, reason: v1alpha1.ReasonPaused},
		{name: "Observe", world: func(s *scene) { s.mode = v1alpha1.ModeObserve }, planned: []string{"Revoke [-, 25 01:55)", "Grant [25 02:00, 25 02:30)"}, reason: v1alpha1.ReasonObserving},
		{name: "not Ready", world: func(s *scene) { s.ready = false }, reason: v1alpha1.ReasonConnectionNotReady},
		{name: "a group that contradicts itself", world: func(s *scene) {
			target := s.bound(1)
			target.State, target.Reason = plan.TargetFrozen, v1alpha1.ReasonGroupAlreadyBound
			s.targets["g1"] = target
		}, reason: v1alpha1.ReasonGroupAlreadyBound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// The row does not overlap what is wanted, so elsewhere it would be revoked at once.
			s := sceneWith(row(1, never, 115, active, "PlaceMapping/p"), row(0, 300, 400, pending, "Member/ana"))
			s.claims = []claim{{"BookingGrant/b", "g1", span(120, 150)}}
			c.world(s)
			before := rows(s.ledger)
			in := s.input()
			p := plan.Make(in)
			var planned []string
			for _, o := range p.Planned {
				planned = append(planned, fmt.Sprintf("%s %s", o.Action, describe(o)))
			}
			if len(p.Operations) > 0 || rows(p.Ledger) != before {
				t.Errorf("operations %v, rows %s", kinds(p), rows(p.Ledger))
			}
			if !slices.Equal(planned, c.planned) {
				t.Errorf("planned %q", planned)
			}
			if v := plan.Judge(in, p); v.Reason != c.reason || v.Ready {
				t.Errorf("%+v", v)
			}
		})
	}
}

func describe(o v1alpha1.PlannedOperation) string {
	w := plan.RowWindow(v1alpha1.MemberGrant{ValidFrom: o.ValidFrom, ValidUntil: o.ValidUntil})
	return fmt.Sprintf("[%s, %s)", clock(w.From), clock(w.Until))
}

func TestAPauseIsNoNewsToThoseWhoHaveWhatTheyShould(t *testing.T) {
	t.Parallel()
	s := sceneWith(row(1, never, 200, active, "Member/ana"))
	s.claims = []claim{{"Member/ana", "g1", span(never, 200)}}
	s.mode, s.ready = v1alpha1.ModePaused, false
	in := s.input()
	if v := plan.Judge(in, plan.Make(in)); v.Reason != v1alpha1.ReasonGranted || !v.Ready {
		t.Errorf("%+v", v)
	}
}

func TestGrantOnlyGrantsAndSaysWhatItDoesNotRevoke(t *testing.T) {
	t.Parallel()
	s := sceneWith(row(1, never, never, active, "PlaceMapping/p"))
	s.claims = []claim{{"BookingGrant/b", "g1", span(120, 150)}}
	s.mode = v1alpha1.ModeGrantOnly
	s.settle()
	p := s.plan()
	if s.creates != 1 || s.deletes != 0 || len(p.Planned) != 1 || p.Planned[0].Action != v1alpha1.PlannedRevoke {
		t.Errorf("%d creates, %d deletes, planned %v", s.creates, s.deletes, p.Planned)
	}
	if got := states(p); !slices.Equal(got, []string{"#1 Active", "#9001 Scheduled"}) {
		t.Errorf("rows %v", got)
	}
}

// many lists sources s00, s01, …
func many(n int) (sources []string) {
	for i := range n {
		sources = append(sources, fmt.Sprintf("BookingGrant/s%02d", i))
	}
	return sources
}

func TestASourceThatIsNotListedFreezesTheRowToo(t *testing.T) {
	t.Parallel()
	s := newScene()
	for _, source := range many(25) {
		s.claims = append(s.claims, claim{source, "g1", span(never, 200)})
	}
	s.settle()
	if g := s.ledger.Grants[0]; len(g.Sources) != 20 || g.SourceCount != 25 {
		t.Fatalf("%v", rows(s.ledger))
	}
	// All but the last go, and that one contradicts itself.
	s.frozen["BookingGrant/s24"] = true
	s.settle()
	s.claims = s.claims[24:]
	s.settle()
	if s.deletes > 0 || len(s.kisi) != 1 {
		t.Errorf("%d deletes: %s", s.deletes, rows(s.ledger))
	}
	// It goes too: then nothing holds the row.
	s.claims, s.frozen = nil, map[string]bool{}
	s.settle()
	if len(s.kisi) != 0 {
		t.Errorf("the row stays: %s", rows(s.ledger))
	}
}

func TestAFrozenSourceIsRememberedWhileOthersGiveTheSameWindow(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.claims = []claim{{"PlaceMapping/p", "g1", span(never, 200)}, {"BookingGrant/b", "g1", span(never, 200)}}
	s.settle()
	s.frozen["PlaceMapping/p"] = true
	s.settle()
	s.claims = s.claims[:1] // the booking goes
	s.settle()
	if len(s.kisi) != 1 {
		t.Error("what a contradicting source gave was revoked")
	}
}

func TestAWindowInsideAFrozenRowNeedsNoRowOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.claims = []claim{{"PlaceMapping/p", "g1", span(never, 300)}, {"BookingGrant/b", "g1", span(120, 150)}}
	s.settle()
	s.creates = 0
	s.frozen["PlaceMapping/p"] = true
	s.settle()
	if s.creates != 0 || len(s.kisi) != 1 {
		t.Errorf("%d creates", s.creates)
	}
	s.claims[1].window = span(120, 400) // now it reaches beyond
	s.settle()
	if s.creates != 1 || len(s.kisi) != 2 {
		t.Errorf("%d creates", s.creates)
	}
}

// A row in doubt may be gone, so a window inside it is not there for sure.
func TestARowInDoubtIsNoReplacementEvenWhereNothingMayBeChanged(t *testing.T) {
	t.Parallel()
	elsewhere := row(1, never, never, revoking)
	elsewhere.Group = "g2"
	s := sceneWith(elsewhere, row(2, never, 150, active, "Member/ana"))
	target := s.bound(1)
	target.State = plan.TargetFrozen
	s.targets["g2"] = target
	s.claims = []claim{{"Member/ana", "g1", span(never, 160)}}
	if got := kinds(s.plan()); !slices.Equal(got, []string{"Grant #0"}) {
		t.Error(got)
	}
}

func TestAnotherAddressIsAnotherUser(t *testing.T) {
	t.Parallel()
	s := sceneWith(row(1, never, 200, active, "Member/ana"))
	s.claims = []claim{{"Member/ana", "g1", span(never, 200)}}
	s.ledger.Accounts[0].Email = "ana@old.example"
	in := s.input()
	in.Address = "ana@new.example"
	p := plan.Make(in)
	if !slices.Equal(kinds(p), []string{"Grant #0"}) || p.Operations[0].Row.UserID != 0 || !p.Operations[0].NewAccess {
		t.Fatalf("first %+v", p.Operations)
	}
	// The new user is let in; only then the old one goes.
	in.Ledger = copyOf(p.Ledger)
	in.Ledger.Accounts[0].Email, in.Ledger.Accounts[0].UserID = "Ana@New.example", 8
	fresh := row(2, never, 200, active, "Member/ana")
	fresh.UserID = 8
	in.Ledger.Put(fresh)
	p = plan.Make(in)
	if !slices.Equal(kinds(p), []string{"Revoke #1"}) {
		t.Errorf("then %v of %s", kinds(p), rows(p.Ledger))
	}
}

// The delete of a row may have been carried out without an answer. That must not be forgotten while its connection is away.
func TestADoubtOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	s := sceneWith(row(1, never, 200, active, "Member/ana"))
	s.step(answerLost) // the row is gone from Kisi, and the ledger does not know
	s.claims = []claim{{"Member/ana", "g1", span(never, 200)}}
	for _, gone := range []bool{false, true, false} {
		s.gone = gone
		s.ledger = copyOf(s.plan().Ledger)
	}
	obey(t, func() { s.settle(); s.mustBeAsWanted() })
}

func TestWhatALeavingMemberTakesBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		window entitlement.Window
		todo   []string
		stays  bool
	}{
		{name: "what nobody wants", window: span(500, 600), todo: []string{"Revoke #1"}},
		{name: "what is wanted again only later", window: span(161, 200), todo: []string{"Revoke #1"}},
		{name: "not what others want", window: span(never, 300), stays: true},
		{name: "not what lets in until others' row is there", window: span(120, 200), stays: true},
	} {
		for _, learned := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, rows may overlap: %t", c.name, !learned), func(t *testing.T) {
				t.Parallel()
				s := sceneWith(row(1, never, 300, active, "Member/ana"))
				s.claims = []claim{{"BookingGrant/b", "g1", c.window}}
				s.leaving, s.learned = true, learned
				p := s.plan()
				if !slices.Equal(kinds(p), c.todo) || p.Wanted(s.ledger.Grants[0]) != c.stays {
					t.Errorf("%v, wanted %t", kinds(p), p.Wanted(s.ledger.Grants[0]))
				}
			})
		}
	}
}

func TestHowUrgentAnOperationIs(t *testing.T) {
	t.Parallel()
	day := 24 * 60
	for _, c := range []struct {
		name    string
		rows    []v1alpha1.MemberGrant
		window  [2]int
		learned bool
		want    plan.Urgency
	}{
		{name: "a booking that is open", window: [2]int{50, 200}, want: plan.Urgent},
		{name: "a booking about to open", window: [2]int{115, 200}, want: plan.Urgent},
		{name: "a booking that opens in a while", window: [2]int{116, 200}, want: plan.New},
		{name: "a subscription that began long ago", window: [2]int{never, never}, want: plan.New},
		{name: "a subscription that begins right now", window: [2]int{100, never}, want: plan.Urgent},
		{name: "a subscription that ends in a month", window: [2]int{never, 100 + 30*day}, want: plan.New},
		{name: "a change meanwhile", rows: []v1alpha1.MemberGrant{row(1, never, never, active)}, window: [2]int{never, 100 + 30*day}, want: plan.Change},
		{name: "a change of what is about to end", rows: []v1alpha1.MemberGrant{row(1, never, 110, active)}, window: [2]int{never, 100 + 30*day}, want: plan.New},
		{name: "a queued one whose turn has come", rows: []v1alpha1.MemberGrant{row(0, never, 100+30*day, queued)}, window: [2]int{never, 100 + 30*day}, want: plan.Urgent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := sceneWith(c.rows...)
			s.claims = []claim{{"Member/ana", "g1", span(c.window[0], c.window[1])}}
			p := s.plan()
			if len(p.Operations) != 1 || p.Operations[0].Kind != plan.Grant || p.Operations[0].Urgency != c.want {
				t.Errorf("%+v", p.Operations)
			}
		})
	}
}

func TestAFullLedgerMakesRoomBeforeItGrants(t *testing.T) {
	t.Parallel()
	s := newScene()
	for i := range 1000 {
		s.ledger.Grants = append(s.ledger.Grants, row(v1alpha1.KisiID(i+1), never, 1000+i, active))
	}
	s.claims = []claim{{"Member/ana", "g1", span(never, 500)}}
	for _, o := range s.plan().Operations {
		if o.Kind == plan.Grant {
			t.Fatal("an intent that the schema refuses")
		}
	}
	if s.plan().Operations[0].Kind != plan.Revoke {
		t.Error("nothing makes room")
	}
}

func TestAGrantOfANewWindowLooksAgainWhenItBecomesUrgent(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.claims = []claim{{"BookingGrant/b", "g1", span(150, 200)}}
	if look := s.plan().LookAgain; !look.Equal(at(150).Add(-15 * time.Minute)) {
		t.Error(look)
	}
}

// What has ended is deleted an hour later, except where something that goes would wait for it.
func TestARowThatHasEndedHoldsNothingUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*plan.Input)
		due    bool
	}{
		"nothing goes":         {func(*plan.Input) {}, false},
		"the Member goes":      {func(in *plan.Input) { in.Leaving = true }, true},
		"the group goes":       {func(in *plan.Input) { in.Targets["g1"] = plan.Target{} }, true},
		"the group is unknown": {func(in *plan.Input) { delete(in.Targets, "g1") }, true},
		"the connection goes":  {func(in *plan.Input) { setConnection(in, func(c *plan.Connection) { c.Going = true }) }, true},
		"it goes in Observe": {func(in *plan.Input) {
			in.Leaving = true
			setConnection(in, func(c *plan.Connection) { c.Mode = v1alpha1.ModeObserve })
		}, false},
		"it goes, not Ready": {func(in *plan.Input) {
			in.Leaving = true
			setConnection(in, func(c *plan.Connection) { c.Ready = false })
		}, false},
		"it goes in GrantOnly": {func(in *plan.Input) {
			in.Leaving = true
			setConnection(in, func(c *plan.Connection) { c.Mode = v1alpha1.ModeGrantOnly })
		}, false},
		"its connection is let": {func(in *plan.Input) { in.Leaving, in.Connections = true, nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			s.ledger.Grants = []v1alpha1.MemberGrant{row(1, never, 95, active)}
			in := s.input()
			test.change(&in)
			operations := plan.Make(in).Operations
			if due := len(operations) == 1 && operations[0].Kind == plan.Tidy; due != test.due || len(operations) > 1 {
				t.Errorf("operations %v", operations)
			}
		})
	}
}

func setConnection(in *plan.Input, change func(*plan.Connection)) {
	connection := in.Connections[organization]
	change(&connection)
	in.Connections[organization] = connection
}
