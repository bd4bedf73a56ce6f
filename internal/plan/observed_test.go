package plan_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

const me = v1alpha1.KisiID(7)

var pair1 = plan.Pair{OrganizationID: organization, KisiGroupID: 1}

// seen is a plain assignment of the person in Kisi.
func seen(id v1alpha1.KisiID, window entitlement.Window) plan.ObservedRow {
	return plan.ObservedRow{ID: id, UserID: me, Window: window, Basic: true}
}

// inLedger is a row of the person's ledger that Member/ana gives.
func inLedger(id v1alpha1.KisiID, window entitlement.Window, state v1alpha1.GrantState) v1alpha1.MemberGrant {
	bounds := window.API()
	return v1alpha1.MemberGrant{
		Group: "g1", Connection: "hq", OrganizationID: organization, KisiGroupID: 1, UserID: me, RoleAssignmentID: id,
		ValidFrom: bounds.From, ValidUntil: bounds.Until, State: state, Sources: []string{"Member/ana"}, SourceCount: 1,
	}
}

// TestWhatKisiHolds is about one person who should be in one group, always.
func TestWhatKisiHolds(t *testing.T) {
	t.Parallel()
	always, hour := span(never, never), span(never, 160)
	manager, managerForAnHour, otherRole, claimed := seen(2, always), seen(2, hour), seen(2, always), seen(2, always)
	otherRole.Basic, claimed.Claimed = false, true
	promoted, promotedForAnHour := seen(1, always), seen(1, hour)
	for _, row := range []*plan.ObservedRow{&promoted, &promotedForAnHour, &manager, &managerForAnHour} {
		row.Basic, row.Manager = false, true
	}
	ours := seen(2, hour)
	ours.ByKeyOwner = true
	active := inLedger(1, always, v1alpha1.GrantActive)
	for _, test := range []struct {
		shows     string
		unwanted  bool
		unknown   bool
		ownership plan.Ownership
		frozen    bool
		mode      v1alpha1.Mode
		ledger    []v1alpha1.MemberGrant
		kisi      []plan.ObservedRow
		does      []plan.OperationKind
		states    []v1alpha1.GrantState
		finds     []plan.FindingKind
		planned   []v1alpha1.PlannedAction
	}{
		{shows: "what is not known changes nothing", unknown: true, ledger: []v1alpha1.MemberGrant{active}, states: []v1alpha1.GrantState{v1alpha1.GrantActive}},
		{shows: "a row that is there is at rest", ledger: []v1alpha1.MemberGrant{active}, kisi: []plan.ObservedRow{seen(1, always)}, states: []v1alpha1.GrantState{v1alpha1.GrantActive}},
		{
			shows: "a row that vanished is looked for, and nothing else is done before", ledger: []v1alpha1.MemberGrant{active},
			does: []plan.OperationKind{plan.Verify}, states: []v1alpha1.GrantState{v1alpha1.GrantActive},
		},
		{
			shows: "also one that nothing asks for", unwanted: true, ledger: []v1alpha1.MemberGrant{active},
			does: []plan.OperationKind{plan.Verify}, states: []v1alpha1.GrantState{v1alpha1.GrantActive},
		},
		{
			shows: "under GrantOnly too", mode: v1alpha1.ModeGrantOnly, ledger: []v1alpha1.MemberGrant{active},
			does: []plan.OperationKind{plan.Verify}, states: []v1alpha1.GrantState{v1alpha1.GrantActive},
		},
		{
			shows: "under Observe it is said, and the ledger stays", mode: v1alpha1.ModeObserve, ledger: []v1alpha1.MemberGrant{active},
			states: []v1alpha1.GrantState{v1alpha1.GrantActive}, planned: []v1alpha1.PlannedAction{v1alpha1.PlannedGrant},
		},
		{
			shows: "a changed window is replaced", ledger: []v1alpha1.MemberGrant{active}, kisi: []plan.ObservedRow{seen(1, hour)},
			does: []plan.OperationKind{plan.Grant}, states: []v1alpha1.GrantState{v1alpha1.GrantActive}, finds: []plan.FindingKind{plan.WindowChanged},
		},
		{
			shows: "somebody else's assignment that contains the window covers it", kisi: []plan.ObservedRow{seen(2, always)},
			states: []v1alpha1.GrantState{v1alpha1.GrantCovered},
		},
		{shows: "one that ends too soon does not", kisi: []plan.ObservedRow{seen(2, hour)}, does: []plan.OperationKind{plan.Grant}},
		{shows: "nor one of another role", kisi: []plan.ObservedRow{otherRole}, does: []plan.OperationKind{plan.Grant}},
		{
			shows: "a manager's row of the person covers it", kisi: []plan.ObservedRow{manager},
			states: []v1alpha1.GrantState{v1alpha1.GrantCovered},
		},
		{
			shows: "in an Exclusive group, too", ownership: plan.OwnsAll, kisi: []plan.ObservedRow{manager},
			states: []v1alpha1.GrantState{v1alpha1.GrantCovered},
		},
		{shows: "a manager's row that ends too soon does not", kisi: []plan.ObservedRow{managerForAnHour}, does: []plan.OperationKind{plan.Grant}},
		{
			shows: "what a manager's row covers stays so", ledger: []v1alpha1.MemberGrant{inLedger(0, always, v1alpha1.GrantCovered)}, kisi: []plan.ObservedRow{manager},
			states: []v1alpha1.GrantState{v1alpha1.GrantCovered},
		},
		{shows: "nor one of another ledger", kisi: []plan.ObservedRow{claimed}, does: []plan.OperationKind{plan.Grant}},
		{
			shows: "what was Covered is made at once when the cover goes", ledger: []v1alpha1.MemberGrant{inLedger(0, always, v1alpha1.GrantCovered)},
			does: []plan.OperationKind{plan.Grant},
		},
		{
			shows: "and stays Covered while nothing is known", unknown: true, ledger: []v1alpha1.MemberGrant{inLedger(0, always, v1alpha1.GrantCovered)},
			states: []v1alpha1.GrantState{v1alpha1.GrantCovered},
		},
		{
			shows: "what was Blocked is asked for at once when nothing is in the way", ledger: []v1alpha1.MemberGrant{inLedger(0, always, v1alpha1.GrantBlocked)},
			does: []plan.OperationKind{plan.Grant},
		},
		{
			shows: "an Exclusive group's assignment that serves is adopted", ownership: plan.OwnsAll, kisi: []plan.ObservedRow{seen(2, always)},
			states: []v1alpha1.GrantState{v1alpha1.GrantActive},
		},
		{
			shows: "one with other bounds stays until its successor is in", ownership: plan.OwnsAll, kisi: []plan.ObservedRow{seen(2, hour)},
			does: []plan.OperationKind{plan.Grant}, states: []v1alpha1.GrantState{v1alpha1.GrantActive},
		},
		{
			shows: "one that nothing asks for goes", unwanted: true, ownership: plan.OwnsAll, kisi: []plan.ObservedRow{seen(2, hour)},
			does: []plan.OperationKind{plan.Revoke}, states: []v1alpha1.GrantState{v1alpha1.GrantRevoking}, finds: []plan.FindingKind{plan.AssignmentAdded},
		},
		{
			shows: "but not under GrantOnly", unwanted: true, ownership: plan.OwnsAll, mode: v1alpha1.ModeGrantOnly, kisi: []plan.ObservedRow{seen(2, hour)},
			states: []v1alpha1.GrantState{v1alpha1.GrantActive}, finds: []plan.FindingKind{plan.AssignmentAdded}, planned: []v1alpha1.PlannedAction{v1alpha1.PlannedRevoke},
		},
		{
			shows: "nor under Observe, which takes nothing down", unwanted: true, ownership: plan.OwnsAll, mode: v1alpha1.ModeObserve, kisi: []plan.ObservedRow{seen(2, hour)},
			planned: []v1alpha1.PlannedAction{v1alpha1.PlannedRevoke},
		},
		{
			shows: "a row of ours that somebody made a manager's serves as it is", ledger: []v1alpha1.MemberGrant{active}, kisi: []plan.ObservedRow{promoted},
			states: []v1alpha1.GrantState{v1alpha1.GrantActive},
		},
		{
			shows: "and is not taken back when nothing asks for it any more, but looked at and let go", unwanted: true,
			ledger: []v1alpha1.MemberGrant{active}, kisi: []plan.ObservedRow{promoted},
			does: []plan.OperationKind{plan.Verify}, states: []v1alpha1.GrantState{v1alpha1.GrantActive},
		},
		{
			shows: "nor under Observe is that announced", mode: v1alpha1.ModeObserve, unwanted: true,
			ledger: []v1alpha1.MemberGrant{active}, kisi: []plan.ObservedRow{promoted}, states: []v1alpha1.GrantState{v1alpha1.GrantActive},
		},
		{
			shows: "with other bounds it is let go, too", ledger: []v1alpha1.MemberGrant{active}, kisi: []plan.ObservedRow{promotedForAnHour},
			does: []plan.OperationKind{plan.Verify, plan.Grant}, states: []v1alpha1.GrantState{v1alpha1.GrantActive}, finds: []plan.FindingKind{plan.WindowChanged},
		},
		{shows: "nor a manager's row", unwanted: true, ownership: plan.OwnsAll, kisi: []plan.ObservedRow{manager}},
		{shows: "nor one of another ledger, in any group", unwanted: true, ownership: plan.OwnsAll, kisi: []plan.ObservedRow{claimed}},
		{shows: "nor anything in a group that contradicts itself", unwanted: true, frozen: true, ownership: plan.OwnsAll, kisi: []plan.ObservedRow{seen(2, hour)}},
		{
			shows: "nor while a request of ours may have made it", ownership: plan.OwnsAll, kisi: []plan.ObservedRow{seen(2, always)},
			ledger: []v1alpha1.MemberGrant{inLedger(0, always, v1alpha1.GrantPending)}, does: []plan.OperationKind{plan.Resolve}, states: []v1alpha1.GrantState{v1alpha1.GrantPending},
		},
		{shows: "a claim leaves what others made", unwanted: true, ownership: plan.OwnsMadeWithKey, kisi: []plan.ObservedRow{seen(2, hour)}},
		{
			shows: "and takes what the key's owner made", unwanted: true, ownership: plan.OwnsMadeWithKey, kisi: []plan.ObservedRow{ours},
			does: []plan.OperationKind{plan.Revoke}, states: []v1alpha1.GrantState{v1alpha1.GrantRevoking},
		},
	} {
		t.Run(test.shows, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			if !test.unwanted {
				s.claims = []claim{{"Member/ana", "g1", always}}
			}
			if test.mode != "" {
				s.mode = test.mode
			}
			target := s.bound(1)
			target.Ownership = test.ownership
			if test.frozen {
				target.State = plan.TargetFrozen
			}
			s.targets = map[v1alpha1.ObjectName]plan.Target{"g1": target}
			s.ledger.Grants = test.ledger
			in := s.input()
			if !test.unknown {
				in.Observed = map[plan.Pair]plan.Observation{pair1: {UserID: me, Rows: test.kisi}}
			}
			p := plan.Make(in)
			var does []plan.OperationKind
			for _, o := range p.Operations {
				does = append(does, o.Kind)
			}
			var states []v1alpha1.GrantState
			for _, row := range p.Ledger.Grants {
				states = append(states, row.State)
			}
			var finds []plan.FindingKind
			for _, f := range p.Findings {
				finds = append(finds, f.Kind)
			}
			var planned []v1alpha1.PlannedAction
			for _, o := range p.Planned {
				planned = append(planned, o.Action)
			}
			if !slices.Equal(does, test.does) || !slices.Equal(states, test.states) || !slices.Equal(finds, test.finds) || !slices.Equal(planned, test.planned) {
				t.Errorf("does %v, ledger %v, finds %v, plans %v\nwant %v, %v, %v, %v", does, states, finds, planned, test.does, test.states, test.finds, test.planned)
			}
		})
	}
}

// A repair mails nobody, whatever the connection says about new access.
func TestPuttingAChangedWindowRightIsARepair(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.claims = []claim{{"Member/ana", "g1", span(never, never)}}
	s.ledger.Grants = []v1alpha1.MemberGrant{inLedger(1, span(never, never), v1alpha1.GrantActive)}
	in := s.input()
	in.Observed = map[plan.Pair]plan.Observation{pair1: {UserID: me, Rows: []plan.ObservedRow{seen(1, span(never, 50))}}} // over by now
	p := plan.Make(in)
	if len(p.Operations) == 0 || p.Operations[0].Kind != plan.Grant || !p.Operations[0].Repairs {
		t.Errorf("%+v, want a Grant that repairs", p.Operations)
	}
}

// watched is a scene whose Kisi is known to the plan, up to the last look.
type watched struct {
	*scene
	ownership plan.Ownership
	mirror    map[v1alpha1.KisiID]assignment
	theirs    v1alpha1.KisiID // the latest id of a row that somebody else made
}

func (w *watched) look() { w.mirror = maps.Clone(w.kisi) }

func (w *watched) plan() plan.Plan {
	in := w.input()
	in.Observed = map[plan.Pair]plan.Observation{}
	for name, target := range in.Targets {
		target.Ownership = w.ownership
		in.Targets[name] = target
		observation := plan.Observation{UserID: me}
		for _, id := range slices.Sorted(maps.Keys(w.mirror)) {
			if a := w.mirror[id]; a.pair == target.KisiGroupID {
				row := seen(id, a.window)
				row.Basic, row.Manager = !a.manager, a.manager
				observation.Rows = append(observation.Rows, row)
			}
		}
		in.Observed[plan.Pair{OrganizationID: organization, KisiGroupID: target.KisiGroupID}] = observation
	}
	return plan.Make(in)
}

// step carries out the first operation of the plan. It reports whether there was one.
func (w *watched) step() bool {
	w.purge()
	p := w.plan()
	w.ledger = copyOf(p.Ledger)
	if len(p.Operations) == 0 {
		return false
	}
	o := p.Operations[0]
	id := o.Row.RoleAssignmentID
	if a, exists := w.kisi[id]; exists && a.foreign && (w.ownership == plan.OwnsLedger || a.manager) {
		w.broken("%s of #%d, which is not ours", o.Kind, id)
	}
	switch o.Kind {
	case plan.Grant:
		w.mustBeWanted(o.Row)
		id, _ := w.create(o.Row)
		o.Row.RoleAssignmentID, o.Row.State = id, v1alpha1.GrantActive
		w.ledger.Put(o.Row)
		w.mirror[id] = w.kisi[id]
	case plan.Verify:
		if a, exists := w.kisi[id]; exists {
			w.mirror[id] = a
			break
		}
		delete(w.mirror, id)
		w.ledger.Remove(o.Row)
	case plan.Resolve:
		if a, exists := w.kisi[id]; exists {
			w.mirror[id], o.Row.State = a, v1alpha1.GrantActive
			w.ledger.Put(o.Row)
			break
		}
		delete(w.mirror, id)
		w.ledger.Remove(o.Row)
	case plan.Revoke, plan.Tidy:
		delete(w.kisi, id)
		delete(w.mirror, id)
		w.ledger.Remove(o.Row)
	default:
		w.broken("%s where rows may overlap", o.Kind)
	}
	return true
}

func (w *watched) settle() {
	for range 100 {
		if !w.step() {
			if again := w.plan(); !reflect.DeepEqual(copyOf(again.Ledger), copyOf(w.ledger)) {
				w.broken("at rest the ledger is rewritten to %s", rows(again.Ledger))
			}
			return
		}
	}
	w.broken("does not come to rest: %v", w.plan().Operations)
}

// meddleWithRow lets somebody take a row away, or change its window.
func (w *watched) meddleWithRow(rt *rapid.T) {
	ids := slices.Sorted(maps.Keys(w.kisi))
	if len(ids) == 0 {
		return
	}
	id := ids[rapid.IntRange(0, len(ids)-1).Draw(rt, "row")]
	if rapid.Bool().Draw(rt, "taken away") {
		delete(w.kisi, id)
		return
	}
	a := w.kisi[id]
	a.window = drawWindow(rt)
	w.kisi[id] = a
}

// mustHold checks, minute by minute, that people get in exactly when they should, as far as it is ours to say.
func (w *watched) mustHold() {
	for _, pair := range []v1alpha1.KisiID{1, 3} {
		for minute, due := range w.due(pair) {
			t := at(minute)
			if t.Before(w.now) {
				continue
			}
			open := w.coveredAt(pair, t, 0)
			if due && !open {
				w.broken("pair %d at %s: due, and nobody gets in", pair, clock(t))
			}
			// A row that somebody made for exactly what is wanted serves, though it is too early to write one.
			ours := w.oursAt(pair, t, 0) || w.ownership == plan.OwnsAll && w.memberAt(pair, t)
			if ours && !w.wantedAt(pair, t) {
				w.broken("pair %d at %s: not wanted, and a row of ours gives it", pair, clock(t))
			}
		}
	}
}

// memberAt reports whether a row lets the person in that does not make them a manager.
func (w *watched) memberAt(pair v1alpha1.KisiID, t time.Time) bool {
	for _, a := range w.kisi {
		if a.pair == pair && !a.manager && a.window.Contains(t) {
			return true
		}
	}
	return false
}

func TestWhateverSomebodyChangesInKisiItIsPutRight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := &watched{scene: newScene(), ownership: pick(rt, "ownership", plan.OwnsLedger, plan.OwnsAll), mirror: map[v1alpha1.KisiID]assignment{}}
		w.purges = rapid.Bool().Draw(rt, "purges ended rows")
		obey(rt, func() {
			for range rapid.IntRange(1, 12).Draw(rt, "length") {
				switch rapid.IntRange(0, 5).Draw(rt, "what") {
				case 0, 1:
					w.edit(rt)
				case 2:
					w.theirs++ // Kisi never gives an id twice
					w.kisi[w.theirs] = assignment{pair: pick(rt, "pair", v1alpha1.KisiID(1), 3), window: drawWindow(rt), foreign: true, manager: rapid.Bool().Draw(rt, "manager")}
				case 3:
					w.meddleWithRow(rt)
				case 4:
					w.now = w.now.Add(time.Duration(rapid.IntRange(1, 3600).Draw(rt, "seconds")) * time.Second)
				case 5:
					w.look()
				}
				for range rapid.IntRange(0, 3).Draw(rt, "steps") {
					w.step()
				}
			}
			w.purge()
			w.look()
			theirs := foreignRows(w.kisi)
			w.settle()
			if w.ownership == plan.OwnsLedger && !reflect.DeepEqual(theirs, foreignRows(w.kisi)) {
				w.broken("what is not ours was touched: %v became %v", theirs, foreignRows(w.kisi))
			}
			w.mustHold()
			for range rapid.IntRange(0, 4).Draw(rt, "looks") { // then nothing but time passes
				next := w.plan().LookAgain
				if next.IsZero() {
					break
				}
				w.now = next
				w.settle()
				w.mustHold()
			}
		})
	})
}

func foreignRows(kisi map[v1alpha1.KisiID]assignment) map[v1alpha1.KisiID]assignment {
	theirs := map[v1alpha1.KisiID]assignment{}
	for id, a := range kisi {
		if a.foreign {
			theirs[id] = a
		}
	}
	return theirs
}
