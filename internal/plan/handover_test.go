package plan_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// figure is one Member of the address, with its ledger as Kubernetes has it.
type figure struct {
	name     string
	implicit bool
	leaving  bool
	ledger   plan.Ledger
}

// household is all the Members of one address, in the order of their creation, in front of one Kisi. Its steps are those
// that the controller takes, one write each; whatever comes between two steps is a crash, or another Member's step.
type household struct {
	*scene
	figures []*figure
	all     []claim // of every source, of every Member
}

func newHousehold() *household {
	h := &household{scene: newScene()}
	h.ledger = plan.Ledger{}
	h.scene.elsewhere = func() (ledgers []plan.Ledger) {
		for _, f := range h.figures {
			ledgers = append(ledgers, f.ledger)
		}
		return ledgers
	}
	return h
}

func (h *household) standing() *figure {
	var implicit *figure
	for _, f := range h.figures {
		switch {
		case f.leaving:
		case f.implicit:
			implicit = f
		default:
			return f
		}
	}
	return implicit
}

// named reports whether a source names the person by address.
func (h *household) named() bool {
	return slices.ContainsFunc(h.all, func(c claim) bool { return !strings.HasPrefix(c.source, "Member/") })
}

// count brings the claims of the person up to date: a Member's own count only while it stands.
func (h *household) count() {
	h.claims = slices.DeleteFunc(slices.Clone(h.all), func(c claim) bool {
		own, isOwn := strings.CutPrefix(c.source, "Member/")
		s := h.standing()
		return isOwn && (s == nil || s.name != own)
	})
}

func (h *household) remove(f *figure) {
	h.figures = slices.DeleteFunc(h.figures, func(other *figure) bool { return other == f })
}

func (h *household) makeImplicit() {
	if !slices.ContainsFunc(h.figures, func(f *figure) bool { return f.implicit }) {
		h.figures = append(h.figures, &figure{name: "p-1", implicit: true})
	}
}

// act lets one Member take one step. It reports whether anything changed.
func (h *household) act(f *figure, wrong mishap) bool {
	h.count()
	before := rows(f.ledger)
	switch standing := h.standing(); {
	case f.leaving:
		return h.leave(f, standing, wrong) || rows(f.ledger) != before
	case f != standing:
		plan.Release(&f.ledger, standing.ledger, address)
		if f.implicit && f.ledger.Empty() {
			h.remove(f)
			return true
		}
		return rows(f.ledger) != before
	}
	if h.take(f) {
		return true
	}
	owed := slices.ContainsFunc(h.figures, func(other *figure) bool { return other != f && !other.ledger.Empty() })
	if f.implicit && !h.named() && f.ledger.Empty() && !owed {
		h.remove(f)
		return true
	}
	return h.operate(f, wrong) || rows(f.ledger) != before
}

// address is that of everybody in a household.
const address entitlement.Address = "ana@example.com"

// take is the first half of a hand-over: the receiver's write.
func (h *household) take(f *figure) bool {
	taken := false
	for _, other := range h.figures {
		if other == f {
			continue
		}
		taken = plan.Take(&f.ledger, copyOf(other.ledger), address) || taken
	}
	return taken
}

func (h *household) movesOn(p plan.Plan, g v1alpha1.MemberGrant) bool {
	return p.Wanted(g) || !plan.Revocable(g, h.input().Connections)
}

func (h *household) planOf(l plan.Ledger, leaving bool) plan.Plan {
	in := h.input()
	in.Ledger, in.Leaving = copyOf(l), leaving
	return plan.Make(in)
}

func (h *household) leave(f, standing *figure, wrong mishap) bool {
	if standing != nil {
		plan.Release(&f.ledger, standing.ledger, address) // the second half: the giver's
	}
	if f.ledger.Empty() {
		h.remove(f)
		return true
	}
	if standing != nil {
		return false // who stands takes everything; two who act would each see half
	}
	for _, other := range h.figures[:slices.Index(h.figures, f)] {
		if plan.Release(&f.ledger, other.ledger, address) { // of two who leave, the one that came first acts
			return true
		}
	}
	p := h.planOf(f.ledger, true)
	if slices.ContainsFunc(p.Ledger.Grants, func(g v1alpha1.MemberGrant) bool { return h.movesOn(p, g) }) {
		h.makeImplicit()
		return true
	}
	return h.operate(f, wrong)
}

// operate carries out the Member's next operation.
func (h *household) operate(f *figure, wrong mishap) bool {
	h.scene.ledger, h.scene.leaving = f.ledger, f.leaving
	var others []plan.Ledger
	for _, other := range h.figures {
		if other != f {
			others = append(others, other.ledger)
		}
	}
	busy := false
	if p := h.plan(); len(p.Operations) > 0 && plan.HeldElsewhere(p.Operations[0], others...) {
		h.scene.ledger = copyOf(p.Ledger) // the other one releases the row first
	} else {
		_, busy = h.step(wrong)
	}
	f.ledger = h.scene.ledger
	h.scene.ledger, h.scene.leaving = plan.Ledger{}, false
	h.onlyOneHasActed(f)
	return busy
}

// onlyOneHasActed checks that what the Member has done concerned no row of another one's ledger: none of those has gone
// from Kisi but by an answer that this Member has not heard.
func (h *household) onlyOneHasActed(f *figure) {
	for _, other := range h.figures {
		for _, g := range other.ledger.Grants {
			if _, exists := h.kisi[g.RoleAssignmentID]; other != f && plan.InKisi(g) && !exists && g.State != v1alpha1.GrantRevoking &&
				g.State != v1alpha1.GrantEnded && g.SourceCount > 0 {
				h.broken("%s has taken back #%d, which %s believes to be there", f.name, g.RoleAssignmentID, other.name)
			}
		}
	}
}

// nothingMayBeLost checks that every row of ours in Kisi is in a ledger, by its id or as an intent with its bounds.
func (h *household) nothingMayBeLost() {
	for id, a := range h.kisi {
		known := h.claimed(id)
		for _, f := range h.figures {
			known = known || slices.ContainsFunc(f.ledger.Grants, func(g v1alpha1.MemberGrant) bool {
				return !plan.InKisi(g) && g.KisiGroupID == a.pair && plan.RowWindow(g) == a.window
			})
		}
		if !known {
			h.broken("#%d %v is in no ledger", id, a)
		}
	}
}

func (h *household) disturb(rt *rapid.T) {
	switch rapid.IntRange(0, 6).Draw(rt, "disturbance") {
	case 0:
		h.figures = append(h.figures, &figure{name: rapid.StringMatching("m[1-9]").Draw(rt, "name")})
	case 1:
		explicit := slices.DeleteFunc(slices.Clone(h.figures), func(f *figure) bool { return f.implicit })
		if len(explicit) > 0 {
			pick(rt, "leaves", explicit...).leaving = true
		}
	case 2, 3:
		source := pick(rt, "source", "BookingGrant/b1", "AccessSubscription/s1", "Member/m1", "Member/m2")
		h.all = append(h.all, claim{source, pick(rt, "group", v1alpha1.ObjectName("g1"), "g3"), drawWindow(rt)})
	case 4:
		if len(h.all) > 0 {
			i := rapid.IntRange(0, len(h.all)-1).Draw(rt, "which")
			h.all = slices.Delete(slices.Clone(h.all), i, i+1)
		}
	case 5:
		h.mode = pick(rt, "mode", v1alpha1.ModeEnforce, v1alpha1.ModeEnforce, v1alpha1.ModeGrantOnly, v1alpha1.ModePaused)
	case 6:
		h.ready = !h.ready
	}
	h.summon()
}

// summon makes the implicit Member for a person who is only named by address.
func (h *household) summon() {
	if h.named() && h.standing() == nil {
		h.makeImplicit()
	}
}

func TestHandOversLoseNothingAndEndWithTheOneWhoStands(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHousehold()
		h.behave(rt)
		obey(rt, func() {
			for range rapid.IntRange(1, 20).Draw(rt, "length") {
				h.disturb(rt)
				for range rapid.IntRange(0, 4).Draw(rt, "steps") {
					if len(h.figures) > 0 {
						h.act(pick(rt, "who", h.figures...), mishap(rapid.IntRange(0, int(mishaps)-1).Draw(rt, "mishap")))
						h.nothingMayBeLost()
					}
					h.summon()
				}
			}
			h.mode, h.ready = v1alpha1.ModeEnforce, true
			h.restore()
			if s := h.standing(); s != nil {
				h.scene.ledger = s.ledger
			}
			h.count()
			h.mustBeAsWanted()
		})
	})
}

// restore lets everybody act until nobody has anything to do.
func (h *household) restore() {
	for range 300 {
		h.summon()
		changed := false
		for _, f := range slices.Clone(h.figures) {
			if slices.Contains(h.figures, f) {
				changed = h.act(f, nothing) || changed
				h.nothingMayBeLost()
			}
		}
		if !changed {
			for _, f := range h.figures {
				if f != h.standing() && (f.leaving || f.implicit || !f.ledger.Empty()) {
					h.broken("%s (implicit %t, leaving %t) still has %s", f.name, f.implicit, f.leaving, rows(f.ledger))
				}
			}
			return
		}
	}
	h.broken("does not come to rest")
}

func TestTakingTwiceOrAfterACrashTakesNothingNew(t *testing.T) {
	t.Parallel()
	giver := plan.Ledger{
		Accounts: []v1alpha1.MemberAccount{{Connection: "hq", OrganizationID: organization, UserID: 7, Notified: v1alpha1.NotifiedYes}},
		Grants:   []v1alpha1.MemberGrant{row(1, never, 200, active), row(0, never, 300, pending)},
	}
	var receiver plan.Ledger
	if !plan.Take(&receiver, giver, address) || len(receiver.Grants) != 2 || len(receiver.Accounts) != 1 {
		t.Fatalf("took %s", rows(receiver))
	}
	if plan.Take(&receiver, giver, address) {
		t.Error("took the same again")
	}
	if !plan.Release(&giver, receiver, address) || !giver.Empty() || len(giver.Accounts) != 0 {
		t.Errorf("kept %s", rows(giver))
	}
	if plan.Release(&giver, receiver, address) {
		t.Error("released the same again")
	}
}

// A request in doubt may have made a second row beside one with the same bounds.
func TestARowInDoubtIsNotLostBesideOneInKisi(t *testing.T) {
	t.Parallel()
	giver := plan.Ledger{Grants: []v1alpha1.MemberGrant{row(0, never, 200, pending)}}
	receiver := plan.Ledger{Grants: []v1alpha1.MemberGrant{row(1, never, 200, active)}}
	plan.Release(&giver, receiver, address)
	if giver.Empty() {
		t.Fatal("the row in doubt was let go")
	}
	plan.Take(&receiver, giver, address)
	if len(receiver.Grants) != 2 {
		t.Fatalf("took %s", rows(receiver))
	}
	receiver.Remove(row(0, never, 200, pending))
	if len(receiver.Grants) != 1 || receiver.Grants[0].RoleAssignmentID != 1 {
		t.Errorf("settling the doubt removed the wrong row: %s", rows(receiver))
	}
}

func TestAnIntentNeverReplacesARowInKisi(t *testing.T) {
	t.Parallel()
	l := plan.Ledger{Grants: []v1alpha1.MemberGrant{row(1, never, 200, active)}}
	l.Put(row(0, never, 200, pending))
	if len(l.Grants) != 2 {
		t.Fatalf("%s", rows(l))
	}
	l.Put(row(2, never, 200, active)) // the answer
	if len(l.Grants) != 2 || l.Grants[0].RoleAssignmentID != 1 || l.Grants[1].RoleAssignmentID != 2 {
		t.Errorf("%s", rows(l))
	}
}

func TestTheAccountOfTheAddressGoesBeforeOneOfAnEarlierAddress(t *testing.T) {
	t.Parallel()
	current := v1alpha1.MemberAccount{Connection: "hq", OrganizationID: organization, UserID: 7, Email: "Ana@example.com", Origin: v1alpha1.AccountCreated}
	earlier := v1alpha1.MemberAccount{Connection: "hq", OrganizationID: organization, UserID: 8, Email: "ana@before.example"}
	unnamed := v1alpha1.MemberAccount{Connection: "hq", OrganizationID: organization, UserID: 9}
	for name, test := range map[string]struct{ own, given, want v1alpha1.MemberAccount }{
		"the receiver's is of an earlier address": {own: earlier, given: current, want: current},
		"the giver's is of an earlier address":    {own: current, given: earlier, want: current},
		"both are":                                {own: earlier, given: earlier, want: earlier},
		"the receiver's was found otherwise":      {own: unnamed, given: current, want: unnamed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receiver, giver := plan.Ledger{Accounts: []v1alpha1.MemberAccount{test.own}}, plan.Ledger{Accounts: []v1alpha1.MemberAccount{test.given}}
			changes := test.want != test.own
			if changes && plan.Release(&giver, receiver, address) {
				t.Error("released before it was taken")
			}
			if taken := plan.Take(&receiver, giver, address); taken != changes {
				t.Errorf("taken: %t", taken)
			}
			if *receiver.Account(organization) != test.want {
				t.Errorf("has %v, want %v", receiver.Accounts, test.want)
			}
			if !plan.Release(&giver, receiver, address) || len(giver.Accounts) != 0 {
				t.Errorf("kept %v", giver.Accounts)
			}
		})
	}
}

func TestWhatAnEarlierAddressStillWantsMovesToWhoStandsForIt(t *testing.T) {
	t.Parallel()
	const before, now = 11, 12 // users of the earlier address and of the one by now
	account := func(email v1alpha1.EmailAddress, user v1alpha1.KisiID) v1alpha1.MemberAccount {
		return v1alpha1.MemberAccount{OrganizationID: 1, Email: email, UserID: user}
	}
	row := func(group v1alpha1.ObjectName, user, id v1alpha1.KisiID) v1alpha1.MemberGrant {
		return v1alpha1.MemberGrant{Group: group, OrganizationID: 1, KisiGroupID: id, UserID: user, RoleAssignmentID: id}
	}
	wantsBoardroom := func(row v1alpha1.MemberGrant) bool { return row.Group == "boardroom" }
	giver := plan.Ledger{
		Accounts: []v1alpha1.MemberAccount{account("Ana@example.com", before)},
		Grants:   []v1alpha1.MemberGrant{row("boardroom", before, 1), row("uptown", before, 2), row("boardroom", now, 3)},
	}
	var receiver plan.Ledger
	if plan.TakeFormer(&receiver, giver, "gil@example.com", wantsBoardroom) {
		t.Errorf("somebody else's address takes %+v", receiver)
	}
	if plan.ReleaseFormer(&giver, receiver, "ana@example.com") {
		t.Errorf("released before it was taken: %+v", giver)
	}
	if !plan.TakeFormer(&receiver, giver, "ana@example.com", wantsBoardroom) || len(receiver.Accounts) != 1 ||
		len(receiver.Grants) != 1 || receiver.Grants[0].RoleAssignmentID != 1 {
		t.Errorf("took %+v", receiver)
	}
	if plan.TakeFormer(&receiver, giver, "ana@example.com", wantsBoardroom) {
		t.Errorf("taken again: %+v", receiver)
	}
	later := plan.Ledger{Accounts: slices.Clone(receiver.Accounts), Grants: slices.Clone(receiver.Grants)}
	if !plan.TakeFormer(&later, giver, "ana@example.com", func(v1alpha1.MemberGrant) bool { return true }) || len(later.Grants) != 2 {
		t.Errorf("what it comes to want later does not come: %+v", later)
	}
	again := plan.Ledger{Accounts: []v1alpha1.MemberAccount{account("ana@example.com", 13)}}
	if plan.TakeFormer(&again, giver, "ana@example.com", wantsBoardroom) {
		t.Errorf("rows of a user that is gone come: %+v", again)
	}
	if !plan.ReleaseFormer(&giver, receiver, "ana@example.com") || len(giver.Grants) != 2 || len(giver.Accounts) != 1 {
		t.Errorf("released all but %+v; the account stays as long as it tells whose a row is", giver)
	}
	if plan.ReleaseFormer(&giver, receiver, "ana@example.com") {
		t.Errorf("released again: %+v", giver)
	}
	giver.Remove(row("uptown", before, 2))
	if !plan.ReleaseFormer(&giver, receiver, "ana@example.com") || len(giver.Accounts) != 0 || len(giver.Grants) != 1 {
		t.Errorf("in the end there is left %+v", giver)
	}
}
