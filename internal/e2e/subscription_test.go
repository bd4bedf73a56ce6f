package e2e

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

const plans = `
kind: AccessPlan
metadata: {name: hot-desk}
spec: {externalID: plan_9, groupRefs: [{name: members}]}
---
kind: AccessPlan
metadata: {name: premium}
spec: {groupRefs: [{name: members}, {name: uptown}]}
`

// subscriptionOf is a subscription of a subject to a plan, with more lines of its spec.
func subscriptionOf(name, plan, subject string, lines ...string) string {
	return fmt.Sprintf("kind: AccessSubscription\nmetadata: {name: %s}\nspec:\n  planRef: {name: %s}\n  subject: %s\n  %s",
		name, plan, subject, strings.Join(lines, "\n  "))
}

var _ = Describe("A subscription", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(plans)
		t.kisi.ResetRequests()
	})

	granted := func(name string) *v1alpha1.AccessSubscription {
		GinkgoHelper()
		subscription := &v1alpha1.AccessSubscription{}
		t.eventually(subscription, name, "True", "Granted")
		Expect(subscription.Status.State).To(Equal(v1alpha1.SubscriptionPhaseActive))
		return subscription
	}

	It("of a person by address lets that person in, and takes it back when it goes", Label("P2", "P4"), func() {
		t.apply(subscriptionOf("s1", "hot-desk", "{email: Ana@example.com, fullName: Ana Pop}"))
		Expect(*granted("s1").Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 1, Granted: 1}))
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		Expect(t.implicit(Default, "ana@example.com").Status.Grants[0].Sources).To(Equal([]string{"AccessSubscription/s1"}))
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
		t.delete(&v1alpha1.AccessSubscription{}, "s1")
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
	})

	It("of a Member follows that Member, and goes with it", func() {
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, externalID: '77'}")
		t.apply(subscriptionOf("by-name", "hot-desk", "{memberRef: {name: ana}}"))
		t.apply(subscriptionOf("by-id", "premium", "{memberRef: {externalID: '77'}}"))
		granted("by-name")
		granted("by-id")
		Eventually(func(g Gomega) {
			g.Expect(t.member(g, "ana").Status.Grants).To(ConsistOf(
				HaveField("Sources", []string{"AccessSubscription/by-id", "AccessSubscription/by-name"}),
				HaveField("Sources", []string{"AccessSubscription/by-id"})))
		}).Should(Succeed())
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
		t.eventually(&v1alpha1.AccessSubscription{}, "by-name", "False", "MemberNotFound")
	})

	It("of a team lets in whoever is in it by now", Label("S12", "P3"), func() {
		t.apply(subscriptionOf("s1", "hot-desk", "{team: acme}"))
		subscription := &v1alpha1.AccessSubscription{}
		t.eventually(subscription, "s1", "True", "NoPeople")
		for _, name := range []string{"ana", "gil"} {
			t.apply(fmt.Sprintf("kind: Member\nmetadata: {name: %s}\nspec: {email: %s@example.com, teams: [acme]}", name, name))
		}
		Eventually(func(g Gomega) {
			g.Expect(*granted("s1").Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 2, Granted: 2}))
		}).Should(Succeed())
		edit(t, "gil", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Teams = nil })
		Eventually(func() bool { return t.opens("gil@example.com", "Entrance", 0) }).Should(BeFalse())
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeFalse())
		t.eventually(subscription, "s1", "True", "Withheld")
	})

	It("gives only while it is Active", Label("K6", "S11", "P4"), func() {
		t.apply(subscriptionOf("s1", "hot-desk", "{email: ana@example.com}", "state: Pending"))
		subscription := &v1alpha1.AccessSubscription{}
		t.eventually(subscription, "s1", "True", "Pending")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		edit(t, "s1", subscription, func(s *v1alpha1.AccessSubscription) { s.Spec.State = v1alpha1.SubscriptionActive })
		granted("s1")
		edit(t, "s1", subscription, func(s *v1alpha1.AccessSubscription) { s.Spec.State = v1alpha1.SubscriptionCanceled })
		t.eventually(subscription, "s1", "True", "Canceled")
		Expect(subscription.Status.State).To(Equal(v1alpha1.SubscriptionPhaseCanceled))
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
	})

	It("ends in Kisi by itself", Label("S1", "S11"), func() {
		t.apply(subscriptionOf("s1", "hot-desk", "{email: ana@example.com}", `endTime: '{{time "3s"}}'`))
		subscription := granted("s1")
		row := t.rows("ana@example.com", "Members")[0]
		Expect(*row.ValidUntil).To(BeTemporally("==", subscription.Spec.EndTime.Time))
		t.eventually(subscription, "s1", "True", "Ended")
		Expect(subscription.Status.State).To(Equal(v1alpha1.SubscriptionPhaseEnded))
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeFalse())
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
	})

	It("with day passes gives while some are left, whatever an adapter counts", Label("O6"), func() {
		t.apply(subscriptionOf("s1", "hot-desk", "{email: ana@example.com}", "dayPasses: {total: 10, used: 9}"))
		granted("s1")
		subscription := &v1alpha1.AccessSubscription{}
		edit(t, "s1", subscription, func(s *v1alpha1.AccessSubscription) { s.Spec.DayPasses.Used = 11 })
		t.eventually(subscription, "s1", "True", "Exhausted")
		Expect(subscription.Status.State).To(Equal(v1alpha1.SubscriptionPhaseExhausted))
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
		edit(t, "s1", subscription, func(s *v1alpha1.AccessSubscription) { s.Spec.DayPasses.Total = 20 })
		granted("s1")
		t.nothingDoubled()
	})

	It("beside another that gives the same group is one row, and losing either costs nothing", func() {
		t.apply(subscriptionOf("s1", "hot-desk", "{email: ana@example.com}"))
		t.apply(subscriptionOf("s2", "premium", "{email: ana@example.com}"))
		granted("s1")
		granted("s2")
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
		t.kisi.ResetRequests()
		t.delete(&v1alpha1.AccessSubscription{}, "s1")
		Eventually(func(g Gomega) {
			g.Expect(t.implicit(g, "ana@example.com").Status.Grants).To(HaveEach(HaveField("Sources", []string{"AccessSubscription/s2"})))
		}).Should(Succeed())
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
	})

	It("follows its plan: a changed group moves everybody with one create and one delete each", Label("O1"), func() {
		const people = 10
		for i := range people {
			t.apply(subscriptionOf(fmt.Sprintf("s%d", i), "hot-desk", fmt.Sprintf("{email: m%d@example.com}", i)))
		}
		for i := range people {
			granted(fmt.Sprintf("s%d", i))
		}
		t.kisi.ResetRequests()
		edit(t, "hot-desk", &v1alpha1.AccessPlan{}, func(p *v1alpha1.AccessPlan) {
			p.Spec.GroupRefs = []v1alpha1.GroupReference{{Name: "uptown"}}
		})
		Eventually(func() []string { return emailsOf(t.kisi.Assignments("Uptown")) }).Should(HaveLen(people))
		Eventually(func() []string { return emailsOf(t.kisi.Assignments("Members")) }).Should(ConsistOf("mara@acme.example"))
		for i := range people {
			granted(fmt.Sprintf("s%d", i))
		}
		Expect(t.writes()).To(HaveLen(2 * people))
		t.nothingDoubled()
	})

	It("whose plan is missing says so, gives nothing, and heals when it comes", func() {
		t.apply(subscriptionOf("s1", "gold", "{email: ana@example.com}"))
		subscription := &v1alpha1.AccessSubscription{}
		t.eventually(subscription, "s1", "False", "PlanNotFound")
		Expect(messageOf(subscription)).To(ContainSubstring("planRef"))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		t.apply("kind: AccessPlan\nmetadata: {name: gold}\nspec: {groupRefs: [{name: uptown}]}")
		granted("s1")
		Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue())
		t.delete(&v1alpha1.AccessPlan{}, "gold")
		t.eventually(subscription, "s1", "False", "PlanNotFound")
		Eventually(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeFalse(), "what the plan gave is taken back")
	})

	It("with groups of its own gives them in place of the plan's", Label("S8"), func() {
		t.apply(subscriptionOf("s1", "premium", "{email: ana@example.com}", "groupRefs: [{name: boardroom}]"))
		granted("s1")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.rows("ana@example.com", "Uptown")).To(BeEmpty())
	})
})
