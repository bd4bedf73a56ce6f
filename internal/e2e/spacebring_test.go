package e2e

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("A coworking space", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture("grantAhead: 8760h")
		t.apply(plans)
		t.kisi.ResetRequests()
	})

	subscription := func(name, reason string) *v1alpha1.AccessSubscription {
		GinkgoHelper()
		s := &v1alpha1.AccessSubscription{}
		t.eventually(s, name, "True", reason)
		return s
	}

	It("gives people, and companies with all their people, access for a time", Label("S1", "S11"), func() {
		t.apply("kind: Member\nmetadata: {name: carla}\nspec: {email: carla@example.com, teams: [blue-whale]}")
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com}")
		t.apply(subscriptionOf("company", "hot-desk", "{team: blue-whale}", `startTime: '{{time "-1h"}}'`, `endTime: '{{time "3h"}}'`))
		t.apply(subscriptionOf("person", "premium", "{memberRef: {name: ana}}", `startTime: '{{time "1h"}}'`, `endTime: '{{time "2h"}}'`))
		company, person := subscription("company", "Granted"), subscription("person", "Scheduled")
		Expect(company.Status.State).To(Equal(v1alpha1.SubscriptionPhaseActive))
		Expect(person.Status.State).To(Equal(v1alpha1.SubscriptionPhaseScheduled))

		rows := t.rows("carla@example.com", "Members")
		Expect(rows).To(HaveLen(1))
		Expect(*rows[0].ValidUntil).To(BeTemporally("==", company.Spec.EndTime.Time))
		Eventually(func() any { return t.rows("ana@example.com", "Uptown") }).Should(HaveLen(1))
		row := t.rows("ana@example.com", "Uptown")[0]
		Expect(*row.ValidFrom).To(BeTemporally("==", person.Spec.StartTime.Time))
		Expect(*row.ValidUntil).To(BeTemporally("==", person.Spec.EndTime.Time))
		for offset, open := range map[time.Duration]bool{0: false, time.Hour + time.Second: true, 2*time.Hour + time.Second: false} {
			Expect(t.opens("ana@example.com", "Uptown Door", offset)).To(Equal(open), "Ana after %s", offset)
		}
		Expect(t.opens("carla@example.com", "Entrance", 0)).To(BeTrue())
		Expect(t.opens("carla@example.com", "Entrance", 3*time.Hour+time.Second)).To(BeFalse())

		edit(t, "person", person, func(s *v1alpha1.AccessSubscription) { s.Spec.State = v1alpha1.SubscriptionCanceled })
		subscription("person", "Canceled")
		Expect(t.rows("ana@example.com", "Uptown")).To(BeEmpty(), "cancellation ends it before its dates do")
	})

	It("knows nothing of invoices: an object that speaks of them is refused", Label("S11"), func() {
		out, err := plane.Apply(t.ctx, []byte(strings.NewReplacer("NAMESPACE", t.namespace).Replace(`
apiVersion: access.kisi-operator.dev/v1alpha1
kind: AccessSubscription
metadata: {name: unpaid, namespace: NAMESPACE}
spec: {planRef: {name: hot-desk}, subject: {email: ana@example.com}, state: Unpaid}
`)))
		Expect(err).To(MatchError(ContainSubstring("spec.state")), "%v", out)
	})

	It("lets in everyone of a company, and takes it back from everyone when its subscription ends", Label("S12", "P3"), func() {
		const people = 6
		for i := range people {
			t.apply(fmt.Sprintf("kind: Member\nmetadata: {name: m%d}\nspec: {email: m%d@example.com, teams: [blue-whale]}", i, i))
		}
		t.apply(subscriptionOf("company", "hot-desk", "{team: blue-whale}"))
		Eventually(func(g Gomega) {
			g.Expect(subscription("company", "Granted").Status.People).To(HaveValue(Equal(v1alpha1.PeopleCounts{Total: people, Granted: people})))
		}).Should(Succeed())
		Expect(t.kisi.Assignments("Members")).To(HaveLen(people+1), "and whom the administrator let in")
		t.kisi.ResetRequests()

		edit(t, "company", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.EndTime = timeIn(-time.Second) })
		subscription("company", "Ended")
		Eventually(func() []string { return emailsOf(t.kisi.Assignments("Members")) }).Should(ConsistOf("mara@acme.example"))
		for i := range people {
			t.eventually(&v1alpha1.Member{}, fmt.Sprintf("m%d", i), "True", "NoAccess")
		}
		Expect(t.writes()).To(HaveLen(people))
	})

	It("opens half an hour before and closes half an hour after, to the minute", Label("S14"), func() {
		t.apply(strings.ReplaceAll(place("boardroom", "boardroom"), "leadTime: 0s, lagTime: 0s", "leadTime: 30m, lagTime: 30m"))
		day := time.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly)
		at := func(clock string) time.Time {
			GinkgoHelper()
			instant, err := time.Parse(time.RFC3339, day+"T"+clock+":00Z")
			Expect(err).NotTo(HaveOccurred())
			return instant
		}
		for name, times := range map[string][4]string{
			"afternoon": {"12:00", "16:00", "11:30", "16:30"},
			"morning":   {"09:30", "11:30", "09:00", "12:00"},
		} {
			email := name + "@example.com"
			t.apply(fmt.Sprintf("kind: BookingGrant\nmetadata: {name: %s}\nspec:\n  placeRef: {name: boardroom}\n  organizer: {email: %s}\n  startTime: %q\n  endTime: %q",
				name, email, at(times[0]).Format(time.RFC3339), at(times[1]).Format(time.RFC3339)))
			b := &v1alpha1.BookingGrant{}
			t.eventually(b, name, "True", "Scheduled")
			Expect(b.Status.Window.From.Time).To(BeTemporally("==", at(times[2])))
			Expect(b.Status.Window.Until.Time).To(BeTemporally("==", at(times[3])))
			Eventually(func() any { return t.rows(email, "Boardroom") }).Should(HaveLen(1))
			row := t.rows(email, "Boardroom")[0]
			Expect(*row.ValidFrom).To(BeTemporally("==", at(times[2])))
			Expect(*row.ValidUntil).To(BeTemporally("==", at(times[3])))
			for instant, open := range map[time.Time]bool{
				at(times[2]).Add(-time.Second): false, at(times[2]): true, at(times[3]).Add(-time.Second): true, at(times[3]): false,
			} {
				Expect(t.kisi.CanOpen(email, "Boardroom", instant).Allowed).To(Equal(open), "%s at %s", name, instant)
			}
		}
	})

	It("gives a subscription the plan's group, or another of its own, and both act at once", Label("S8"), func() {
		t.apply(subscriptionOf("plan", "hot-desk", "{email: ana@example.com}"))
		t.apply(subscriptionOf("own", "hot-desk", "{email: ana@example.com}", "groupRefs: [{name: uptown}]"))
		t.apply(subscriptionOf("other", "hot-desk", "{email: ed@example.com}", "groupRefs: [{name: uptown}]"))
		for _, name := range []string{"plan", "own", "other"} {
			subscription(name, "Granted")
		}
		Eventually(func(g Gomega) {
			g.Expect(t.implicit(g, "ana@example.com").Status.Grants).To(ConsistOf(
				And(HaveField("Group", BeEquivalentTo("members")), HaveField("Sources", []string{"AccessSubscription/plan"})),
				And(HaveField("Group", BeEquivalentTo("uptown")), HaveField("Sources", []string{"AccessSubscription/own"}))))
		}).Should(Succeed())
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue(), "by the plan")
		Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue(), "by her own")
		Expect(t.opens("ed@example.com", "Uptown Door", 0)).To(BeTrue())
		Expect(t.opens("ed@example.com", "Entrance", 0)).To(BeFalse(), "the plan's group is replaced, not added to")

		t.delete(&v1alpha1.AccessSubscription{}, "plan")
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeFalse())
		Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue())
	})

	DescribeTable("lets in who books", Label("S7"), func(kind v1alpha1.PlaceKind) {
		t.apply(strings.Replace(place("p1", "boardroom", "externalID: r1"), "kind: Room", "kind: "+string(kind), 1))
		t.eventually(&v1alpha1.PlaceMapping{}, "p1", "True", "Resolved")
		t.apply(booking("b1", "placeRef: {kind: "+string(kind)+", externalID: r1}", "ana@example.com"))
		b := &v1alpha1.BookingGrant{}
		t.eventually(b, "b1", "True", "Granted")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(*t.rows("ana@example.com", "Boardroom")[0].ValidUntil).To(BeTemporally("==", b.Spec.EndTime.Time))
	},
		Entry("a room", v1alpha1.PlaceKindRoom), Entry("a desk", v1alpha1.PlaceKindDesk), Entry("an office", v1alpha1.PlaceKindOffice),
		Entry("equipment", v1alpha1.PlaceKindEquipment), Entry("parking", v1alpha1.PlaceKindParking),
	)
})

var _ = Describe("Two locations with a Kisi organization each", Label("S5"), func() {
	It("share a person, who is a user in both; each gives and takes its own", func(ctx SpecContext) {
		t := newTenant(ctx)
		Expect(t.kisi.LoadSeed([]byte(otherOrganization))).To(Succeed())
		t.start()
		t.connect()
		t.secret("globex", "apiKey", globexKey)
		t.apply(fmt.Sprintf("kind: KisiConnection\nmetadata: {name: globex}\nspec: {apiKeySecretRef: {name: globex}, endpoint: %q, requestsPerSecond: 500}", t.kisi.URL()))
		t.apply(`
kind: KisiGroup
metadata: {name: here}
spec: {existing: {name: Members}}
---
kind: KisiGroup
metadata: {name: there}
spec: {connectionRef: {name: globex}, existing: {name: Members}}
---
kind: AccessPlan
metadata: {name: both-houses}
spec: {groupRefs: [{name: here}, {name: there}]}
---
kind: AccessPlan
metadata: {name: one-house}
spec: {groupRefs: [{name: there}]}
`)
		inGroup := func(domain string) []string {
			GinkgoHelper()
			rows, err := t.kisi.AssignmentsIn(domain, "Members")
			Expect(err).NotTo(HaveOccurred())
			return emailsOf(rows)
		}
		t.apply(subscriptionOf("s1", "both-houses", "{email: ana@example.com, fullName: Ana Pop}"))
		s := &v1alpha1.AccessSubscription{}
		t.eventually(s, "s1", "True", "Granted")
		Expect(*s.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 1, Granted: 1}), "one person, in both")
		member := t.implicit(Default, "ana@example.com")
		Expect(member.Status.Accounts).To(HaveLen(2))
		for _, account := range member.Status.Accounts {
			domain := map[v1alpha1.KisiID]string{3289: "acme", 4711: "globex"}[account.OrganizationID]
			user, exists := t.kisi.User(domain, "ana@example.com")
			Expect(exists).To(BeTrue(), "user of %s", domain)
			Expect(account.UserID).To(BeEquivalentTo(user.ID))
			Expect(user.Name).To(Equal("Ana Pop"))
		}
		Expect(inGroup("acme")).To(ConsistOf("mara@acme.example", "ana@example.com"))
		Expect(inGroup("globex")).To(ConsistOf("ana@example.com"))

		edit(t, "s1", s, func(s *v1alpha1.AccessSubscription) { s.Spec.PlanRef.Name = "one-house" })
		Eventually(func() []string { return inGroup("acme") }).Should(ConsistOf("mara@acme.example"))
		t.eventually(s, "s1", "True", "Granted")
		Expect(inGroup("globex")).To(ConsistOf("ana@example.com"))
	})
})
