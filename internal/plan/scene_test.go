package plan_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

const (
	organization = v1alpha1.KisiID(3289)
	grantAhead   = 60 // minutes
	horizon      = 700
)

func at(minute int) time.Time {
	return time.Date(2026, 10, 25, 0, minute, 0, 0, time.UTC)
}

func when(minute int) *metav1.Time { return &metav1.Time{Time: at(minute)} }

// never stands for a bound that is open.
const never = -1

func span(from, until int) entitlement.Window {
	var w entitlement.Window
	if from != never {
		w.From = at(from)
	}
	if until != never {
		w.Until = at(until)
	}
	return w
}

// claim is a window that one source gives in one group.
type claim struct {
	source string
	group  v1alpha1.ObjectName
	window entitlement.Window
}

// refusal is how the Kisi of a scene treats a second row of a person in a group.
type refusal int

const (
	refusesNothing refusal = iota
	refusesSameBounds
	refusesOverlaps
	refusesSecondRow
)

// update is how the Kisi of a scene treats a change of a row's window.
type update int

const (
	updates update = iota
	updatesNothing
	refusesUpdates
)

// behave draws how the Kisi of the scene behaves, each behaviour with each other one.
func (s *scene) behave(rt *rapid.T) {
	s.refuses = pick(rt, "second rows", refusesNothing, refusesSameBounds, refusesOverlaps, refusesSecondRow)
	s.updates = pick(rt, "PATCH", updates, updatesNothing, refusesUpdates)
	s.purges = rapid.Bool().Draw(rt, "purges ended rows")
}

// assignment is a row in Kisi.
type assignment struct {
	pair    v1alpha1.KisiID
	window  entitlement.Window
	foreign bool
	manager bool // it makes the person a manager of the group
}

// scene is a person, what gives them access, the ledger as Kubernetes has it, and Kisi.
type scene struct {
	now     time.Time
	claims  []claim
	frozen  map[string]bool
	targets map[v1alpha1.ObjectName]plan.Target
	ready   bool
	gone    bool
	mode    v1alpha1.Mode
	learned bool // that rows may not overlap
	queued  bool // that one was Queued when the latest plan was made, which says the same; a plan may drop it
	ignored bool // that windows are not changed in place
	leaving bool
	// limited says that the revocation limit counts; decide is asked what it allows. naming is what sources name that give
	// nothing, by their own word; every claim names its group, too.
	limited bool
	decide  func(p plan.Plan, wrong mishap) (decided bool)
	naming  []claim
	ledger  plan.Ledger
	// elsewhere are ledgers of other Members, which may claim rows too.
	elsewhere func() []plan.Ledger

	refuses refusal
	updates update
	purges  bool // rows that have ended are deleted by Kisi
	kisi    map[v1alpha1.KisiID]assignment
	nextID  v1alpha1.KisiID
	creates int
	deletes int
	changes int
}

// newScene has g1 and g2 for one Kisi group and g3 for another.
func newScene() *scene {
	s := &scene{now: at(100), frozen: map[string]bool{}, ready: true, mode: v1alpha1.ModeEnforce, kisi: map[v1alpha1.KisiID]assignment{}, nextID: 9000}
	s.targets = map[v1alpha1.ObjectName]plan.Target{"g1": s.bound(1), "g2": s.bound(1), "g3": s.bound(3)}
	s.ledger.Accounts = []v1alpha1.MemberAccount{{Connection: "hq", OrganizationID: organization, UserID: 7, Access: v1alpha1.AccountEnabled}}
	return s
}

func (s *scene) bound(id v1alpha1.KisiID) plan.Target {
	return plan.Target{State: plan.TargetBound, Connection: "hq", OrganizationID: organization, KisiGroupID: id}
}

// entitlements does what entitlement.For does with the claims, at the scene's time.
func (s *scene) entitlements() entitlement.Entitlements {
	e := entitlement.Entitlements{Frozen: map[string]entitlement.Problem{}, Naming: entitlement.Naming{}}
	for _, c := range slices.Concat(s.claims, s.naming) {
		if e.Naming[c.group] == nil {
			e.Naming[c.group] = map[string]bool{}
		}
		e.Naming[c.group][c.source] = true
	}
	byGroup := map[v1alpha1.ObjectName][]entitlement.Sourced{}
	for _, c := range s.claims {
		if s.frozen[c.source] {
			continue
		}
		byGroup[c.group] = append(byGroup[c.group], entitlement.Sourced{Window: c.window, Sources: []string{c.source}})
		if c.window.Until.After(s.now) {
			e.Next = entitlement.Sooner(e.Next, c.window.Until)
		}
	}
	for source, frozen := range s.frozen {
		if frozen {
			e.Frozen[source] = entitlement.Problem{Reason: v1alpha1.ReasonAmbiguousReference, Freezes: true}
		}
	}
	for _, group := range slices.Sorted(maps.Keys(byGroup)) {
		if union := entitlement.Union(byGroup[group], s.now); len(union) > 0 {
			e.Groups = append(e.Groups, entitlement.Entitlement{Group: group, Windows: union})
		}
	}
	return e
}

func (s *scene) input() plan.Input {
	in := plan.Input{Now: s.now, Entitlements: s.entitlements(), Targets: maps.Clone(s.targets), Ledger: copyOf(s.ledger), Leaving: s.leaving}
	if !s.gone {
		in.Connections = map[v1alpha1.KisiID]plan.Connection{organization: {
			Name: "hq", Ready: s.ready, Mode: s.mode, GrantAhead: grantAhead * time.Minute, OverlapRejected: s.learned, WindowUpdateIgnored: s.ignored, Unlimited: !s.limited,
		}}
	}
	return in
}

// copyOf goes through the API's own copy, so that nothing is shared between two plans.
func copyOf(l plan.Ledger) plan.Ledger {
	return plan.LedgerOf(&v1alpha1.Member{Status: v1alpha1.MemberStatus{Accounts: l.Accounts, Grants: l.Grants}})
}

func (s *scene) plan() plan.Plan { return plan.Make(s.input()) }

// mishap is what goes wrong while an operation is carried out.
type mishap int

const (
	nothing        mishap = iota
	crashBefore           // after the intent, before the request
	crashBetween          // after the first of two requests, or else before the request
	crashAfter            // after the request, before the result
	answerLost            // the request was carried out, and the process knows only that it does not know
	requestRefused        // Kisi answered with an error that says that nothing was done
	mishaps
)

// step makes the plan, writes its ledger, and carries out its first operation. It reports whether there was one.
func (s *scene) step(wrong mishap) (plan.Operation, bool) {
	s.purge()
	s.queued = slices.ContainsFunc(s.ledger.Grants, func(row v1alpha1.MemberGrant) bool { return row.State == v1alpha1.GrantQueued })
	p := s.plan()
	s.ledger = copyOf(p.Ledger)
	if s.decide != nil && s.decide(p, wrong) {
		return plan.Operation{}, true
	}
	if len(p.Operations) == 0 {
		return plan.Operation{}, false
	}
	o := p.Operations[0]
	s.mustBeAllowed(o)
	switch o.Kind {
	case plan.Grant:
		s.grant(o.Row, wrong)
	case plan.Update:
		s.update(o.Row, wrong)
	case plan.Replace:
		s.replace(o, wrong)
	case plan.Resolve:
		s.resolve(o.Row, wrong)
	case plan.Revoke, plan.Tidy:
		s.remove(o, wrong)
	}
	return o, true
}

// purge deletes what has ended, where Kisi does that.
func (s *scene) purge() {
	maps.DeleteFunc(s.kisi, func(_ v1alpha1.KisiID, a assignment) bool { return s.purges && a.window.Ended(s.now) })
}

func (s *scene) grant(row v1alpha1.MemberGrant, wrong mishap) {
	s.mustBeWanted(row)
	s.ledger.Put(row)
	if wrong == crashBefore || wrong == crashBetween {
		return
	}
	s.ask(row, wrong, nil)
}

// ask makes a row whose intent is written. Rows that have gone in the same step leave the ledger with the answer.
func (s *scene) ask(row v1alpha1.MemberGrant, wrong mishap, gone []v1alpha1.MemberGrant) {
	asked := s.plan()
	defer func() { asked.LetGoReplaced(&s.ledger) }() // with the answer, if there is one
	id, obstacle := s.create(row)
	if wrong != crashAfter && wrong != answerLost {
		for _, old := range gone {
			s.ledger.Remove(old)
		}
	}
	switch {
	case wrong == requestRefused && obstacle == "" && len(gone) > 0:
		delete(s.kisi, id)
		s.creates--
		row.State = v1alpha1.GrantQueued
		s.ledger.Put(row)
	case wrong == requestRefused && obstacle == "":
		delete(s.kisi, id)
		s.creates--
		s.ledger.Remove(row)
	case wrong == crashAfter || wrong == answerLost:
	case obstacle == "":
		row.RoleAssignmentID, row.State = id, v1alpha1.GrantActive
		s.ledger.Put(row)
	case obstacle == v1alpha1.GrantRevoking: // rows of ours overlap: learned, and tried again
		s.learned = true
		s.ledger.Remove(row)
	default:
		row.State = obstacle
		s.ledger.Put(row)
	}
}

// create is POST /role_assignments. The obstacle is the state in which the window is, if Kisi refuses.
func (s *scene) create(row v1alpha1.MemberGrant) (v1alpha1.KisiID, v1alpha1.GrantState) {
	window := plan.RowWindow(row)
	s.mustNotHaveEnded(row)
	var obstacle v1alpha1.GrantState
	for _, id := range slices.Sorted(maps.Keys(s.kisi)) {
		other := s.kisi[id]
		overlaps := !other.window.Ended(s.now) && other.window.Overlaps(window)
		refused := s.refuses == refusesSecondRow || s.refuses == refusesOverlaps && overlaps || s.refuses == refusesSameBounds && other.window == window
		switch {
		case other.pair != row.KisiGroupID || !refused:
		case other.foreign && other.window.Covers(window, s.now):
			return 0, v1alpha1.GrantCovered
		case other.foreign:
			return 0, v1alpha1.GrantBlocked
		case overlaps:
			obstacle = v1alpha1.GrantRevoking
		case obstacle == "":
			obstacle = v1alpha1.GrantQueued
		}
	}
	if obstacle != "" {
		return 0, obstacle
	}
	s.creates++
	s.nextID++
	s.kisi[s.nextID] = assignment{pair: row.KisiGroupID, window: window}
	return s.nextID, ""
}

// update is PATCH /role_assignments/{id} and the reading back.
func (s *scene) update(row v1alpha1.MemberGrant, wrong mishap) {
	s.mustNotHaveEnded(row)
	s.mustNotWiden(row)
	s.ledger.Changing(row)
	if wrong == crashBefore || wrong == crashBetween {
		return
	}
	a, exists := s.kisi[row.RoleAssignmentID]
	before := a
	switch {
	case wrong == requestRefused || !exists || s.updates == refusesUpdates:
	case s.updates == updates:
		s.changes++
		s.mustNotLapseBy(row)
		a.window = plan.RowWindow(row)
		s.kisi[row.RoleAssignmentID] = a
	}
	switch {
	case wrong == crashAfter || wrong == answerLost:
	case !exists:
		s.ledger.Remove(row)
	case wrong == requestRefused:
		s.ledger.Changed(row, before.window)
	default:
		s.ignored = a.window == before.window
		s.ledger.Changed(row, a.window)
	}
}

// replace is a DELETE and a POST.
func (s *scene) replace(o plan.Operation, wrong mishap) {
	s.mustBeWanted(o.Row)
	going := !slices.ContainsFunc(o.Instead, func(row v1alpha1.MemberGrant) bool { // all were about to be taken back before
		i := s.ledger.Find(row)
		return i < 0 || s.ledger.Grants[i].State != v1alpha1.GrantRevoking
	})
	if !s.learned && !s.queued && !going || !s.ignored && s.mustBeUpdatable(o) {
		s.broken("%d row(s) are deleted before the next is made where that need not be", len(o.Instead))
	}
	s.ledger.Put(o.Row)
	for _, old := range o.Instead {
		s.ledger.Leaving(old)
	}
	if wrong == crashBefore {
		return
	}
	var gone []v1alpha1.MemberGrant
	for _, old := range o.Instead {
		if _, exists := s.kisi[old.RoleAssignmentID]; exists {
			s.deletes++
		}
		delete(s.kisi, old.RoleAssignmentID)
		gone = append(gone, old)
	}
	if wrong == crashBetween {
		return
	}
	s.ask(o.Row, wrong, gone)
}

// mustBeUpdatable reports whether one of the rows that go could have been changed instead.
func (s *scene) mustBeUpdatable(o plan.Operation) bool {
	return slices.ContainsFunc(o.Instead, func(row v1alpha1.MemberGrant) bool {
		inDoubt := row.State == v1alpha1.GrantRevoking || row.State == v1alpha1.GrantRetained && row.SourceCount == 0 || row.ChangingTo != nil
		return !inDoubt && !plan.RowWindow(row).Ended(s.now)
	})
}

// resolve looks for a row of ours with the very bounds of the intent that no ledger has.
func (s *scene) resolve(row v1alpha1.MemberGrant, wrong mishap) {
	if wrong == requestRefused {
		return // the read failed
	}
	asked := s.plan()
	defer func() { asked.LetGoReplaced(&s.ledger) }()
	if plan.InKisi(row) {
		if a, exists := s.kisi[row.RoleAssignmentID]; exists {
			s.ledger.Changed(row, a.window)
			return
		}
		s.ledger.Remove(row)
		return
	}
	for _, id := range slices.Sorted(maps.Keys(s.kisi)) {
		a := s.kisi[id]
		if a.pair == row.KisiGroupID && a.window == plan.RowWindow(row) && !a.foreign && !s.claimed(id) {
			row.RoleAssignmentID, row.State = id, v1alpha1.GrantActive
			s.ledger.Put(row)
			return
		}
	}
	if s.learned && s.ledger.MadeRoomFor(row) {
		row.State = v1alpha1.GrantQueued
		s.ledger.Put(row)
		return
	}
	s.ledger.Remove(row)
}

// claimed reports whether any ledger has the row.
func (s *scene) claimed(id v1alpha1.KisiID) bool {
	ledgers := []plan.Ledger{s.ledger}
	if s.elsewhere != nil {
		ledgers = append(ledgers, s.elsewhere()...)
	}
	return slices.ContainsFunc(ledgers, func(l plan.Ledger) bool {
		return slices.ContainsFunc(l.Grants, func(g v1alpha1.MemberGrant) bool { return g.RoleAssignmentID == id })
	})
}

func (s *scene) remove(o plan.Operation, wrong mishap) {
	if wrong == crashBefore || wrong == crashBetween || wrong == requestRefused {
		return
	}
	s.mustNotLapse(o)
	if _, exists := s.kisi[o.Row.RoleAssignmentID]; exists {
		s.deletes++
	}
	delete(s.kisi, o.Row.RoleAssignmentID)
	if wrong == nothing {
		s.ledger.Remove(o.Row)
	}
}

// broken is what a scene panics with when a rule is broken; the test that runs it reports it.
type broken string

func (s *scene) broken(format string, args ...any) {
	panic(broken(fmt.Sprintf(format, args...) + fmt.Sprintf("\nnow %s, mode %s\nclaims %v\nfrozen %v\nledger %s\nKisi %v", s.now.Format("15:04:05"), s.mode, s.claims, s.frozen, rows(s.ledger), s.kisi)))
}

func rows(l plan.Ledger) (text string) {
	for _, r := range l.Grants {
		w := plan.RowWindow(r)
		text += fmt.Sprintf("\n  %s/%d #%d %s [%s, %s) %v+%d", r.Group, r.KisiGroupID, r.RoleAssignmentID, r.State, clock(w.From), clock(w.Until), r.Sources, r.SourceCount)
	}
	return text
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("02 15:04")
}

// mustBeAllowed checks that nothing is done where nothing may be.
func (s *scene) mustBeAllowed(o plan.Operation) {
	takes := o.Kind == plan.Revoke || o.Kind == plan.Tidy || o.Kind == plan.Replace || o.Kind == plan.Update && s.narrows(o.Row)
	switch {
	case !s.ready || s.gone || s.mode == v1alpha1.ModePaused || s.mode == v1alpha1.ModeObserve:
		s.broken("%s though no request may be sent", o.Kind)
	case takes && s.mode == v1alpha1.ModeGrantOnly && (o.Kind != plan.Tidy || !plan.RowWindow(o.Row).Ended(s.now)):
		s.broken("%s in GrantOnly", o.Kind)
	case takes && s.targets[o.Row.Group].State == plan.TargetFrozen:
		s.broken("%s in a group that contradicts itself", o.Kind)
	}
	taken := []v1alpha1.MemberGrant{o.Row}
	if o.Kind == plan.Replace {
		taken = o.Instead // the row itself is what they go for
	}
	for _, row := range taken {
		i := s.ledger.Find(row)
		if !takes || i < 0 || s.targets[s.ledger.Grants[i].Group].State == plan.TargetMissing {
			continue // a row of a group that is gone may be taken to another name of the same Kisi group
		}
		for _, source := range s.ledger.Grants[i].Sources {
			if s.frozen[source] {
				s.broken("%s of #%d, which %s gave", o.Kind, row.RoleAssignmentID, source)
			}
		}
	}
}

// wantedAt says whether a bound group of the pair is wanted at the instant.
func (s *scene) wantedAt(pair v1alpha1.KisiID, t time.Time) bool {
	for _, c := range s.claims {
		target := s.targets[c.group]
		if target.State == plan.TargetBound && target.KisiGroupID == pair && !s.frozen[c.source] && c.window.Contains(t) {
			return true
		}
	}
	return false
}

// due says of every minute whether it is wanted, and the stretch of wanted minutes around it begins soon enough to be in
// Kisi.
func (s *scene) due(pair v1alpha1.KisiID) [horizon]bool {
	var due [horizon]bool
	reached := s.now.Add(grantAhead * time.Minute)
	for minute := range horizon {
		begins := minute == 0 || !s.wantedAt(pair, at(minute-1))
		due[minute] = s.wantedAt(pair, at(minute)) && (begins && !at(minute).After(reached) || !begins && due[minute-1])
	}
	return due
}

func (s *scene) oursAt(pair v1alpha1.KisiID, t time.Time, except v1alpha1.KisiID) bool {
	for id, a := range s.kisi {
		if id != except && a.pair == pair && !a.foreign && a.window.Contains(t) {
			return true
		}
	}
	return false
}

// mustBeWanted checks that access is not made wider than what is wanted.
func (s *scene) mustBeWanted(row v1alpha1.MemberGrant) {
	for minute := range horizon {
		if !at(minute).Before(s.now) && plan.RowWindow(row).Contains(at(minute)) && !s.wantedAt(row.KisiGroupID, at(minute)) {
			s.broken("granting [%s, %s) gives more than is wanted", clock(plan.RowWindow(row).From), clock(plan.RowWindow(row).Until))
		}
	}
}

// mustNotHaveEnded checks that no window is asked for that has ended: Kisi may refuse it.
func (s *scene) mustNotHaveEnded(row v1alpha1.MemberGrant) {
	if window := plan.RowWindow(row); window.Ended(s.now) {
		s.broken("asking for [%s, %s), which has ended", clock(window.From), clock(window.Until))
	}
}

// narrows reports whether the row in Kisi gives something that it would not with the other bounds.
func (s *scene) narrows(row v1alpha1.MemberGrant) bool {
	a, exists := s.kisi[row.RoleAssignmentID]
	for minute := range horizon {
		if t := at(minute); exists && !t.Before(s.now) && a.window.Contains(t) && !plan.RowWindow(row).Contains(t) {
			return true
		}
	}
	return false
}

// mustNotWiden checks that other bounds give nothing but what the row gave already or what is wanted, and nothing that is
// not between the two, should Kisi take only one of them.
func (s *scene) mustNotWiden(row v1alpha1.MemberGrant) {
	a, exists := s.kisi[row.RoleAssignmentID]
	if !exists {
		return
	}
	bounds := plan.RowWindow(row)
	for _, window := range []entitlement.Window{bounds, {From: a.window.From, Until: bounds.Until}, {From: bounds.From, Until: a.window.Until}} {
		for minute := range horizon {
			t := at(minute)
			if !t.Before(s.now) && window.Contains(t) && !a.window.Contains(t) && !s.wantedAt(row.KisiGroupID, t) {
				s.broken("changing #%d to [%s, %s) gives more than before and than is wanted", row.RoleAssignmentID, clock(window.From), clock(window.Until))
			}
		}
	}
}

// mustNotLapseBy checks that other bounds take nothing away that is to be in Kisi.
func (s *scene) mustNotLapseBy(row v1alpha1.MemberGrant) {
	before := s.kisi[row.RoleAssignmentID]
	for minute, due := range s.due(before.pair) {
		t := at(minute)
		if due && t.Equal(s.now) && before.window.Contains(t) && !plan.RowWindow(row).Contains(t) && !s.coveredAt(before.pair, t, row.RoleAssignmentID) {
			s.broken("changing #%d lets access lapse at %s", row.RoleAssignmentID, clock(t))
		}
	}
}

// mustNotLapse checks that taking a row away leaves everything that is to be in Kisi there, where rows may overlap.
func (s *scene) mustNotLapse(o plan.Operation) {
	removed, exists := s.kisi[o.Row.RoleAssignmentID]
	refusing := s.learned || s.refuses == refusesSecondRow || s.refuses == refusesOverlaps
	if !exists || refusing && (s.updates != updates || s.inState(removed.pair, s.now, v1alpha1.GrantBlocked)) {
		return
	}
	for minute, due := range s.due(removed.pair) {
		t := at(minute)
		// That somebody else's row has gone since is not known here.
		if refusing && !t.Equal(s.now) {
			continue // rows that are not open go before the one that is open is changed to give what they give
		}
		believed := s.inState(removed.pair, t, v1alpha1.GrantCovered)
		if due && !t.Before(s.now) && removed.window.Contains(t) && !believed && !s.coveredAt(removed.pair, t, o.Row.RoleAssignmentID) {
			s.broken("%s of #%d lets access lapse at %s", o.Kind, o.Row.RoleAssignmentID, clock(t))
		}
	}
}

func (s *scene) coveredAt(pair v1alpha1.KisiID, t time.Time, except v1alpha1.KisiID) bool {
	for id, a := range s.kisi {
		if id != except && a.pair == pair && a.window.Contains(t) {
			return true
		}
	}
	return false
}

// settle carries on until there is nothing to do, and checks that this is true rest.
func (s *scene) settle() {
	for range 100 {
		if _, busy := s.step(nothing); !busy {
			s.mustBeAtRest()
			return
		}
	}
	s.broken("does not come to rest: %v", s.plan().Operations)
}

// mustBeAtRest checks that another look says nothing new.
func (s *scene) mustBeAtRest() {
	p := s.plan()
	if !reflect.DeepEqual(copyOf(p.Ledger), copyOf(s.ledger)) {
		s.broken("at rest the ledger is rewritten to %s", rows(p.Ledger))
	}
	if again := s.plan(); !reflect.DeepEqual(again, p) {
		s.broken("the same input gives another plan: %+v and %+v", p, again)
	}
}

// mustBeAsWanted checks, minute by minute, that Kisi holds what is wanted, when nothing keeps it from being so.
func (s *scene) mustBeAsWanted() {
	for _, pair := range []v1alpha1.KisiID{1, 3} {
		for minute, due := range s.due(pair) {
			t := at(minute)
			if t.Before(s.now) {
				continue
			}
			ours := s.oursAt(pair, t, 0)
			waits := s.waitsAt(pair, t)
			if ours && !due || due && !ours && !waits {
				s.broken("pair %d at %s: due %t, in Kisi %t", pair, clock(t), due, ours)
			}
			if t.Equal(s.now) && due && !s.coveredAt(pair, t, 0) && !s.foreignIn(pair) {
				s.broken("pair %d is wanted right now and waits", pair)
			}
		}
	}
	s.mustMissWhatIsLate()
	s.mustSayTheTruth()
}

// mustMissWhatIsLate checks that what the plan misses right now is what Kisi does not hold.
func (s *scene) mustMissWhatIsLate() {
	missing := map[v1alpha1.KisiID]bool{}
	for _, m := range s.plan().Missing {
		if m.Window.Contains(s.now) {
			missing[s.targets[m.Group].KisiGroupID] = true
		}
	}
	for _, pair := range []v1alpha1.KisiID{1, 3} {
		wanted, letIn, ours := s.wantedAt(pair, s.now), s.coveredAt(pair, s.now, 0), s.oursAt(pair, s.now, 0)
		if wanted && !letIn && !missing[pair] || missing[pair] && (!wanted || ours) { // foreign rows need not be known
			s.broken("pair %d: wanted %t, let in %t, by ours %t, missing %t", pair, wanted, letIn, ours, missing[pair])
		}
	}
}

func (s *scene) foreignIn(pair v1alpha1.KisiID) bool {
	for _, a := range s.kisi {
		if a.foreign && a.pair == pair {
			return true
		}
	}
	return false
}

func (s *scene) waitsAt(pair v1alpha1.KisiID, t time.Time) bool {
	return s.inState(pair, t, v1alpha1.GrantQueued, v1alpha1.GrantBlocked, v1alpha1.GrantCovered)
}

// inState reports whether the ledger has a row of one of the states for the instant.
func (s *scene) inState(pair v1alpha1.KisiID, t time.Time, states ...v1alpha1.GrantState) bool {
	return slices.ContainsFunc(s.ledger.Grants, func(g v1alpha1.MemberGrant) bool {
		return slices.Contains(states, g.State) && g.KisiGroupID == pair && plan.RowWindow(g).Contains(t)
	})
}

// mustSayTheTruth checks every row of the ledger against Kisi and against what is wanted.
func (s *scene) mustSayTheTruth() {
	known := map[v1alpha1.KisiID]bool{}
	for _, g := range s.ledger.Grants {
		w := plan.RowWindow(g)
		known[g.RoleAssignmentID] = true
		a, inKisi := s.kisi[g.RoleAssignmentID]
		if g.State == v1alpha1.GrantEnded {
			inKisi = inKisi || w.Ended(s.now) // an ended row may be gone already: a delete whose answer was lost
		} else if plan.InKisi(g) && (!inKisi || a.window != w || a.pair != g.KisiGroupID) {
			s.broken("row #%d is not what Kisi has", g.RoleAssignmentID)
		}
		right := false
		switch g.State {
		case v1alpha1.GrantActive:
			right = inKisi && w.Contains(s.now)
		case v1alpha1.GrantScheduled:
			right = inKisi && !w.Opened(s.now)
		case v1alpha1.GrantEnded:
			right = inKisi && w.Ended(s.now)
		case v1alpha1.GrantQueued, v1alpha1.GrantBlocked, v1alpha1.GrantCovered:
			right = !plan.InKisi(g)
		}
		if !right {
			s.broken("row #%d [%s, %s) is not %s", g.RoleAssignmentID, clock(w.From), clock(w.Until), g.State)
		}
		s.mustNameItsSources(g, w)
	}
	for id, a := range s.kisi {
		if !a.foreign && !known[id] {
			s.broken("#%d is in no ledger", id)
		}
	}
}

func (s *scene) mustNameItsSources(g v1alpha1.MemberGrant, w entitlement.Window) {
	for _, blocked := range s.ledger.Grants {
		// A row that gives a part of a blocked window stands for all of it.
		if whole := plan.RowWindow(blocked); blocked.State == v1alpha1.GrantBlocked && blocked.KisiGroupID == g.KisiGroupID && whole.Covers(w, s.now) {
			w = whole
		}
	}
	var sources []string
	for _, c := range s.claims {
		target := s.targets[c.group]
		if g.State != v1alpha1.GrantEnded && target.State == plan.TargetBound && target.KisiGroupID == g.KisiGroupID && !s.frozen[c.source] &&
			!c.window.Ended(s.now) && w.Overlaps(c.window) {
			sources = append(sources, c.source)
		}
	}
	slices.Sort(sources)
	sources = slices.Compact(sources)
	if int(g.SourceCount) != len(sources) || !slices.Equal(sources[:min(20, len(sources))], g.Sources) && len(sources)+len(g.Sources) > 0 {
		s.broken("row #%d names %v+%d, given by %v", g.RoleAssignmentID, g.Sources, g.SourceCount, sources)
	}
}
