package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

const workspace = `
kind: PlaceMapping
metadata: {name: location}
spec: {kind: Location, externalID: l1, access: [{groupRefs: [{name: members}]}]}
---
kind: PlaceMapping
metadata: {name: floor}
spec: {kind: Floor, externalID: f1, access: [{groupRefs: [{name: uptown}]}]}
---
kind: PlaceMapping
metadata: {name: office}
spec: {kind: Office, externalID: o1, access: [{groupRefs: [{name: boardroom}]}]}
---
kind: PlaceMapping
metadata: {name: room}
spec: {kind: Room, externalID: r1, bookings: {groupRefs: [{name: boardroom}], leadTime: 0s, lagTime: 0s}}
---
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com}
---
kind: Member
metadata: {name: ben}
spec: {email: ben@example.com, teams: [northwind]}
---
kind: Member
metadata: {name: cleo}
spec: {email: cleo@example.com, teams: [northwind]}
`

var _ = Describe("A flexible workspace", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(plans)
		t.apply(workspace)
		for _, name := range []string{"location", "floor", "office", "room"} {
			t.eventually(&v1alpha1.PlaceMapping{}, name, "True", "Resolved")
		}
		t.kisi.ResetRequests()
	})

	subscription := func(name, reason string) *v1alpha1.AccessSubscription {
		GinkgoHelper()
		s := &v1alpha1.AccessSubscription{}
		t.eventually(s, name, "True", reason)
		return s
	}
	entrance := func(email string) bool { return t.opens(email, "Entrance", 0) }

	It("maps a plan to groups, for a person and for a team", Label("O1", "P2", "P3"), func() {
		t.apply(subscriptionOf("person", "premium", "{memberRef: {name: ana}}"))
		t.apply(subscriptionOf("team", "hot-desk", "{team: northwind}"))
		Expect(*subscription("person", "Granted").Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 1, Granted: 1}))
		Expect(*subscription("team", "Granted").Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 2, Granted: 2}))
		Expect(emailsOf(t.kisi.Assignments("Members"))).To(ConsistOf("mara@acme.example", "ana@example.com", "ben@example.com", "cleo@example.com"))
		Expect(emailsOf(t.kisi.Assignments("Uptown"))).To(ConsistOf("ana@example.com"))
		Expect(t.granted("ana").Status.Grants).To(HaveEach(HaveField("Sources", []string{"AccessSubscription/person"})))
	})

	DescribeTable("maps", func(place, group, door string) {
		at := "kind: AccessSubscription\nmetadata: {name: team}\nspec: {placeRef: {name: " + place + "}, subject: {team: northwind}}"
		t.apply(at)
		Expect(*subscription("team", "Granted").Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 2, Granted: 2}))
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.Places = []v1alpha1.MemberPlace{{PlaceRef: v1alpha1.PlaceReference{Name: v1alpha1.ObjectName(place)}}}
		})
		ana := &v1alpha1.Member{}
		Eventually(func(g Gomega) {
			g.Expect(get(g, t, "ana", ana).Status.Grants).To(HaveLen(1))
			g.Expect(readyOf(ana)).To(Equal("True Granted"))
		}).Should(Succeed())
		Expect(ana.Status.Grants[0].Sources).To(Equal([]string{"PlaceMapping/" + place}))
		for _, email := range []string{"ana@example.com", "ben@example.com", "cleo@example.com"} {
			Expect(t.rows(email, group)).To(HaveLen(1))
			Expect(t.opens(email, door, 0)).To(BeTrue(), email)
		}
		t.delete(&v1alpha1.AccessSubscription{}, "team")
		Eventually(func() bool { return t.opens("ben@example.com", door, 0) }).Should(BeFalse())
		Eventually(func() bool { return t.opens("cleo@example.com", door, 0) }).Should(BeFalse())
		Expect(t.opens("ana@example.com", door, 0)).To(BeTrue())
	},
		Entry("a location, for a person and for a team", Label("O2"), "location", "Members", "Entrance"),
		Entry("a floor, for a person and for a team", Label("O3"), "floor", "Uptown", "Uptown Door"),
		Entry("a private office, for a person and for a team", Label("O4"), "office", "Boardroom", "Boardroom"),
	)

	It("maps a meeting room to those who book it, while they book it", Label("O5"), func() {
		t.apply(booking("b1", "placeRef: {kind: Room, externalID: r1}", "ben@example.com"))
		b := &v1alpha1.BookingGrant{}
		t.eventually(b, "b1", "True", "Granted")
		Expect(t.opens("ben@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.opens("ben@example.com", "Boardroom", time.Hour+time.Second)).To(BeFalse())
		Expect(t.opens("cleo@example.com", "Boardroom", 0)).To(BeFalse(), "she is not named")
	})

	It("lets in who has day passes, until they are used up", Label("O6"), func() {
		t.apply(subscriptionOf("person", "hot-desk", "{memberRef: {name: ana}}", "dayPasses: {total: 10, used: 9}"))
		t.apply(subscriptionOf("team", "hot-desk", "{team: northwind}", "dayPasses: {total: 20, used: 19}", `endTime: '{{time "2h"}}'`))
		Expect(subscription("person", "Granted").Status.State).To(Equal(v1alpha1.SubscriptionPhaseActive))
		subscription("team", "Granted")
		Expect([]bool{entrance("ana@example.com"), entrance("ben@example.com"), entrance("cleo@example.com")}).To(HaveEach(true))
		Expect(t.opens("ben@example.com", "Entrance", 2*time.Hour+time.Second)).To(BeFalse(), "when their validity ends")

		for _, name := range []string{"person", "team"} {
			edit(t, name, &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.DayPasses.Used = s.Spec.DayPasses.Total })
		}
		Expect(subscription("person", "Exhausted").Status.State).To(Equal(v1alpha1.SubscriptionPhaseExhausted))
		subscription("team", "Exhausted")
		Eventually(func() []string { return emailsOf(t.kisi.Assignments("Members")) }).Should(ConsistOf("mara@acme.example"))
		for _, name := range []string{"ana", "ben", "cleo"} {
			t.eventually(&v1alpha1.Member{}, name, "True", "NoAccess")
		}
	})

	It("keeps the day of the last pass open, to the second, and no longer than the passes are valid", Label("O6"), func() {
		t.apply(subscriptionOf("person", "hot-desk", "{memberRef: {name: ana}}", `dayPasses: {total: 10, used: 11, openUntil: '{{time "1h"}}'}`))
		Expect(subscription("person", "Granted").Status.State).To(Equal(v1alpha1.SubscriptionPhaseActive))
		Expect(t.opens("ana@example.com", "Entrance", 59*time.Minute)).To(BeTrue())
		Expect(t.opens("ana@example.com", "Entrance", time.Hour)).To(BeFalse(), "Kisi ends it by itself")
		edit(t, "person", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.EndTime = timeIn(30 * time.Minute) })
		Eventually(func(g Gomega) { // some kinds of Kisi need a moment between the old assignment and the new one
			g.Expect(t.opens("ana@example.com", "Entrance", 31*time.Minute)).To(BeFalse())
			g.Expect(entrance("ana@example.com")).To(BeTrue())
		}).Should(Succeed())
		edit(t, "person", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.DayPasses.OpenUntil = timeIn(3 * time.Second) })
		Expect(subscription("person", "Exhausted").Status.State).To(Equal(v1alpha1.SubscriptionPhaseExhausted))
		Expect(entrance("ana@example.com")).To(BeFalse())
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		edit(t, "person", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.DayPasses.Total = 12 })
		subscription("person", "Granted")
		Expect(entrance("ana@example.com")).To(BeTrue(), "a pass is left again")
	})

	It("lets nobody in by day passes whose validity has ended", Label("O6"), func() {
		t.apply(subscriptionOf("person", "hot-desk", "{memberRef: {name: ana}}", "dayPasses: {total: 10, used: 0}", `endTime: '{{time "3s"}}'`))
		subscription("person", "Granted")
		Expect(subscription("person", "Ended").Status.State).To(Equal(v1alpha1.SubscriptionPhaseEnded))
		Expect(entrance("ana@example.com")).To(BeFalse())
	})

	// Whoever has a group by two ways keeps it, row and all, when one of them goes.
	DescribeTable("takes a group back with the last of two ways to it, and asks nothing of Kisi before", Label("O8"),
		func(first, second string, group, source string, object func() []func()) {
			t.apply(first)
			t.apply(second)
			loseFirst, loseSecond := object()[0], object()[1]
			Eventually(func(g Gomega) {
				g.Expect(t.member(g, "ben").Status.Grants).To(HaveLen(1))
				g.Expect(t.member(g, "ben").Status.Grants[0].SourceCount).To(BeEquivalentTo(2))
				g.Expect(readyOf(t.member(g, "ben"))).To(Equal("True Granted"))
			}).Should(Succeed())
			rows := t.rows("ben@example.com", group)
			Expect(rows).To(HaveLen(1))
			t.kisi.ResetRequests()
			loseFirst()
			Eventually(func(g Gomega) {
				g.Expect(t.member(g, "ben").Status.Grants[0].Sources).To(Equal([]string{source}))
			}).Should(Succeed())
			t.quiet()
			Expect(t.writes()).To(BeEmpty())
			Expect(t.rows("ben@example.com", group)).To(Equal(rows), "the very same row")

			loseSecond()
			Eventually(func() any { return t.rows("ben@example.com", group) }).Should(BeEmpty())
			Eventually(func(g Gomega) { g.Expect(t.member(g, "ben").Status.Grants).To(BeEmpty()) }).Should(Succeed())
			Expect(t.writes()).To(HaveExactElements(HavePrefix("DELETE /role_assignments/")))
		},
		Entry("a plan and day passes: the passes are used up",
			subscriptionOf("passes", "hot-desk", "{memberRef: {name: ben}}", "dayPasses: {total: 10, used: 1}"),
			subscriptionOf("plan", "hot-desk", "{memberRef: {name: ben}}"),
			"Members", "AccessSubscription/plan", func() []func() {
				return []func(){
					func() {
						edit(t, "passes", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.DayPasses.Used = 10 })
					},
					func() { t.delete(&v1alpha1.AccessSubscription{}, "plan") },
				}
			}),
		Entry("a plan and day passes: the plan is canceled",
			subscriptionOf("passes", "hot-desk", "{memberRef: {name: ben}}", "dayPasses: {total: 10, used: 1}"),
			subscriptionOf("plan", "hot-desk", "{memberRef: {name: ben}}"),
			"Members", "AccessSubscription/passes", func() []func() {
				return []func(){
					func() {
						edit(t, "plan", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.State = v1alpha1.SubscriptionCanceled })
					},
					func() { t.delete(&v1alpha1.AccessSubscription{}, "passes") },
				}
			}),
		Entry("a team and in person: the person leaves the team",
			subscriptionOf("team", "hot-desk", "{team: northwind}"),
			subscriptionOf("person", "hot-desk", "{memberRef: {name: ben}}"),
			"Members", "AccessSubscription/person", func() []func() {
				return []func(){
					func() { edit(t, "ben", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Teams = nil }) },
					func() { t.delete(&v1alpha1.AccessSubscription{}, "person") },
				}
			}),
		Entry("two overlapping bookings: the one inside the other is canceled",
			booking("outer", "placeRef: {name: room}", "ben@example.com"),
			bookingBetween("inner", "placeRef: {name: room}", "ben@example.com", "-30s", "30m"),
			"Boardroom", "BookingGrant/outer", func() []func() {
				return []func(){
					func() {
						edit(t, "inner", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
					},
					func() { t.delete(&v1alpha1.BookingGrant{}, "outer") },
				}
			}),
	)
})
