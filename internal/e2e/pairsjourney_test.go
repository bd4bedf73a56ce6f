package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/testing/pairs"
)

// pairsJourney is what happens in a house in a few weeks: people come and go, and so do rights.
type pairsJourney struct {
	kind pairs.Choice
	t    *tenant
	// when Gil was in by his groupRefs, and by his plan
	member, subscribed time.Time

	mu        sync.Mutex
	allowed   map[string]bool // "address lock"
	strangers []string
}

// seed is the organization with a team, the Crew, that an administrator has let into Members: Gary gets in by that alone.
func (j *pairsJourney) seed() string {
	GinkgoHelper()
	seed := organization
	before := func(section, line string) {
		Expect(strings.Count(seed, "\n    "+section)).To(Equal(1), "the seed has changed: %s", section)
		seed = strings.Replace(seed, "    "+section, line+"\n    "+section, 1)
	}
	before("keys:", "      - {team: Crew, group: Members, createdBy: olga@acme.example}")
	before("roleAssignments:", "    teams:\n      - {name: Crew, members: [gary@acme.example]}")
	before("places:", "      - {email: Bea.Bo@Example.com, name: Bea Bo, notes: by hand}")
	if j.kind[suspending] == "Directory" {
		before("owner:", "    scimEnabled: true")
	}
	return seed
}

// allow says that the people may be in from now on.
func (j *pairsJourney) allow(lock string, emails ...string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, email := range emails {
		j.allowed[email+" "+lock] = true
	}
}

// in waits until the people are in.
func (j *pairsJourney) in(lock string, emails ...string) {
	GinkgoHelper()
	for _, email := range emails {
		Eventually(func() bool { return j.t.opens(email, lock, 0) }).Should(BeTrue(), "%s should open %s", email, lock)
	}
}

// out waits until the people are out, and must stay so.
func (j *pairsJourney) out(lock string, emails ...string) {
	GinkgoHelper()
	for _, email := range emails {
		Eventually(func() bool { return j.t.opens(email, lock, 0) }, "40s").Should(BeFalse(), "%s should not open %s", email, lock)
		j.mu.Lock()
		delete(j.allowed, email+" "+lock)
		j.mu.Unlock()
	}
}

// look notes who gets in and may not.
func (j *pairsJourney) look() {
	snapshot, err := j.t.kisi.Snapshot("acme", j.t.kisi.Clock().Now())
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.strangers = append(j.strangers, err.Error())
		return
	}
	for _, access := range snapshot {
		if who := strings.ToLower(access.User) + " " + access.Lock; !j.allowed[who] && !slices.Contains(j.strangers, who) {
			j.strangers = append(j.strangers, who)
		}
	}
}

// rows are all assignments in the groups, which at the end must be what they were at the beginning.
func (j *pairsJourney) rows() map[string][]simulator.Assignment {
	rows := map[string][]simulator.Assignment{}
	for _, group := range []string{"Members", "Boardroom", "Uptown", "Late"} {
		rows[group] = j.t.kisi.Assignments(group)
	}
	return rows
}

const (
	gil, bea, dan, cal, gary = "gil@example.com", "bea.bo@example.com", "dan@example.com", "cal@example.com", "gary@acme.example"
	annOld, annNew           = "ann@example.com", "ann.new@example.com"
)

func pairsMember(name, email, more string) string {
	return fmt.Sprintf("kind: Member\nmetadata: {name: %s}\nspec: {email: %s, fullName: %s%s}", name, email, name, more)
}

// run tells the story, and judges it at the doors: after every request nobody may get in who should not.
func (j *pairsJourney) run(ctx SpecContext) {
	j.t, j.allowed = newTenantOf(ctx, newKisiFrom(j.seed(), simulator.Options{RequestsPerSecond: -1}, switchesOf(j.kind)...)), map[string]bool{}
	t := j.t
	before := j.rows()
	snapshot, err := t.kisi.Snapshot("acme", t.kisi.Clock().Now())
	Expect(err).NotTo(HaveOccurred())
	for _, access := range snapshot {
		j.allow(access.Lock, strings.ToLower(access.User))
	}
	t.start()
	t.fixture("revocationLimit: {percent: 100}") // the brake is another matter
	t.apply(boardroom)
	end := t.kisi.watch(j.look)
	defer end()
	for _, chapter := range []func(){
		j.peopleCome, j.aBookingGetsLonger, j.anAddressChanges, j.somebodyIsSuspended, j.somebodyIsRemoved, j.somebodyLeavesATeam,
		j.theKeyLosesItsRoles, j.everybodyLeaves,
	} {
		chapter()
	}
	t.quiet()
	end()
	Expect(j.rows()).To(Equal(before), "what is not ours is as it was, and nothing of ours is left")
	Expect(t.opens(gary, "Entrance", 0)).To(BeTrue(), "as one of the Crew")
	Expect(j.strangers).To(BeEmpty())
}

func (j *pairsJourney) peopleCome() {
	t := j.t
	By("letting people in")
	noSeats := func() {}
	switch j.kind[seats] {
	case "402":
		noSeats = t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Method: "POST", Path: "/users", Status: 402, Body: `{"code":"000402","error":"Payment required"}`})
	case "422":
		noSeats = t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Method: "POST", Path: "/users", Status: 422, Body: `{"errors":{"base":["There are no free seats"]}}`})
	}
	j.allow("Entrance", gil)
	t.apply(pairsMember("gil", gil, ", teams: [sol], groupRefs: [{name: members}]"))
	if j.kind[seats] != "Free" {
		t.notReady(&v1alpha1.Member{}, "gil", v1alpha1.ReasonKisiLimitReached)
		t.connection(v1alpha1.ConditionAuthorized, "True Authorized")
		noSeats()
		t.ask("gil", v1alpha1.ReconcileAtAnnotation)
	}
	j.in("Entrance", gil)
	j.member = t.kisi.Clock().Now()
	j.allow("Entrance", bea, dan, annOld)
	j.allow("Uptown Door", gil, bea)
	t.apply(pairsMember("bea", bea, ", teams: [sol], groupRefs: [{name: members}]"))
	t.apply(pairsMember("dan", dan, ", groupRefs: [{name: members}]"))
	t.apply(pairsMember("gary", gary, ", groupRefs: [{name: members}]"))
	t.apply(pairsMember("ann", annOld, ", groupRefs: [{name: members}]"))
	t.apply("kind: AccessSubscription\nmetadata: {name: sol}\nspec: {subject: {team: sol}, groupRefs: [{name: uptown}]}")
	j.in("Entrance", bea, dan, gary, annOld)
	j.in("Uptown Door", gil, bea)
	j.subscribed = t.kisi.Clock().Now()
	for _, name := range []string{"gil", "bea", "dan", "gary", "ann"} {
		t.granted(name)
	}
}

func (j *pairsJourney) aBookingGetsLonger() {
	t := j.t
	By("a booking that is made longer")
	j.allow("Boardroom", cal)
	j.allow("Entrance", cal)
	t.book("b1", cal)
	j.in("Boardroom", cal)
	begun := t.kisi.Clock().Now()
	edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.EndTime.Time = b.Spec.EndTime.Add(time.Hour) })
	Eventually(func() bool { return t.opens(cal, "Boardroom", 90*time.Minute) }).Should(BeTrue())
	if !t.kisi.refusesOverlaps() || t.kisi.changesWindows() { // elsewhere one window goes before the next one comes
		t.neverLockedOut(cal, "Boardroom", begun)
	}
	j.in("Boardroom", cal)
}

func (j *pairsJourney) anAddressChanges() {
	t := j.t
	By("a changed address")
	j.allow("Entrance", annNew)
	edit(t, "ann", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Email = annNew })
	j.in("Entrance", annNew)
	j.out("Entrance", annOld)
}

func (j *pairsJourney) somebodyIsSuspended() {
	t := j.t
	By("somebody whom Kisi keeps out, and lets in again")
	suspend, resume := simulator.ActionSuspendUser, simulator.ActionResumeUser
	if j.kind[suspending] == "Directory" {
		suspend, resume = simulator.ActionScimSuspend, simulator.ActionScimResume
	}
	t.kisi.act(simulator.Action{Action: suspend, User: bea})
	t.eventually(&v1alpha1.Member{}, "bea", "True", v1alpha1.ReasonWithheld)
	Expect(t.opens(bea, "Entrance", 0)).To(BeFalse())
	t.kisi.act(simulator.Action{Action: resume, User: bea})
	j.in("Entrance", bea)
	t.granted("bea")
}

func (j *pairsJourney) somebodyIsRemoved() {
	t := j.t
	By("somebody who was removed in Kisi")
	t.kisi.act(simulator.Action{Action: simulator.ActionDeleteUser, User: dan})
	t.eventually(&v1alpha1.Member{}, "dan", "True", v1alpha1.ReasonWithheld)
	Expect(t.opens(dan, "Entrance", 0)).To(BeFalse())
	t.ask("dan", v1alpha1.ReinstateAnnotation)
	j.in("Entrance", dan)
}

func (j *pairsJourney) somebodyLeavesATeam() {
	t := j.t
	By("leaving a team")
	edit(t, "bea", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Teams = nil })
	j.out("Uptown Door", bea)
	Expect(t.opens(gil, "Uptown Door", 0)).To(BeTrue())
}

func (j *pairsJourney) theKeyLosesItsRoles() {
	t := j.t
	By("a key whose owner loses every role, while somebody is to be kept out")
	t.kisi.act(simulator.Action{Action: simulator.ActionDemoteOwner, As: "adam@acme.example"})
	edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
	edit(t, "ann", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
	t.notReady(&v1alpha1.Member{}, "ann", v1alpha1.ReasonConnectionNotReady)
	Expect(t.opens(annNew, "Entrance", 0)).To(BeTrue(), "what cannot be taken back now stays")
	t.kisi.act(simulator.Action{Action: simulator.ActionSetOwner, As: "adam@acme.example", User: "olga@acme.example"})
	j.out("Entrance", annNew, cal)
	j.out("Boardroom", cal)
	t.connection(v1alpha1.ConditionReady, "True Connected")
	t.granted("gil")
	t.neverLockedOut(gil, "Entrance", j.member)
	t.neverLockedOut(gil, "Uptown Door", j.subscribed)
}

func (j *pairsJourney) everybodyLeaves() {
	t := j.t
	By("everybody leaves")
	for _, name := range []string{"gil", "bea", "dan", "gary", "ann"} {
		t.delete(&v1alpha1.Member{}, name)
	}
	t.delete(&v1alpha1.AccessSubscription{}, "sol")
	t.delete(&v1alpha1.BookingGrant{}, "b1")
	for _, name := range []string{"gil", "bea", "dan", "gary", "ann"} {
		t.gone(&v1alpha1.Member{}, name)
	}
	j.out("Entrance", gil, bea, dan)
	j.out("Uptown Door", gil)
	Eventually(func(g Gomega) {
		members := &v1alpha1.MemberList{}
		g.Expect(admin.List(t.ctx, members, client.InNamespace(t.namespace))).To(Succeed())
		g.Expect(members.Items).To(BeEmpty())
	}).Should(Succeed())
}
