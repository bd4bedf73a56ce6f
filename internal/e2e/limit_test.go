package e2e

import (
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("The revocation limit", func() {
	const (
		crowd   = 40
		lost    = 24 // 60 %
		allowed = 8  // 20 % of 40
		held    = lost - allowed
		limit   = "revocationLimit: {percent: 20, minimum: 3}"
	)
	var t *tenant

	inMembers := func() (rows []simulator.Assignment) {
		for _, row := range t.kisi.Assignments("Members") {
			if strings.HasPrefix(row.User, "crowd-") {
				rows = append(rows, row)
			}
		}
		return rows
	}
	deletes := func() int {
		return t.kisi.CountRequests(simulator.RequestFilter{Method: "DELETE", Path: "/role_assignments/*"})
	}
	populate := func(ctx SpecContext, lines ...string) {
		GinkgoHelper()
		t = newTenant(ctx)
		t.start()
		t.fixture(lines...)
		t.importMembers("crowd", crowd)
		Eventually(inMembers).Should(HaveLen(crowd))
		Eventually(func(g Gomega) {
			for i := range crowd {
				g.Expect(readyOf(t.member(g, fmt.Sprintf("crowd-%d", i)))).To(Equal("True Granted"))
			}
		}).Should(Succeed())
		t.kisi.ResetRequests()
	}
	deleteMembers := func(n int) {
		GinkgoHelper()
		for i := range n {
			t.delete(&v1alpha1.Member{}, fmt.Sprintf("crowd-%d", i))
		}
	}
	account := func(g Gomega) *v1alpha1.RevocationAccount {
		return get(g, t, "members", &v1alpha1.KisiGroup{}).Status.Revocations
	}
	// holding waits until so many rows are held, and everything says so.
	holding := func(n int) {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			connection := get(g, t, "default", &v1alpha1.KisiConnection{})
			g.Expect(connection.Status.Counts.HeldRevocations).To(BeEquivalentTo(n))
			g.Expect(condition(connection, v1alpha1.ConditionRevocationsHeld)).To(And(
				HaveField("Status", metav1.ConditionTrue),
				HaveField("Message", And(ContainSubstring("holds %d grant(s)", n), ContainSubstring("members (%d)", n), ContainSubstring(v1alpha1.ApproveRevocationsUntilAnnotation))),
			))
			g.Expect(readyOf(connection)).To(Equal("True Connected"))
			g.Expect(get(g, t, "members", &v1alpha1.KisiGroup{}).Status.Counts.Held).To(BeEquivalentTo(n))
		}).Should(Succeed())
	}
	released := func() {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			connection := get(g, t, "default", &v1alpha1.KisiConnection{})
			g.Expect(connection.Status.Counts.HeldRevocations).To(BeZero())
			g.Expect(conditionsOf(connection)).NotTo(ContainElement(HaveField("Type", v1alpha1.ConditionRevocationsHeld)))
		}).Should(Succeed())
	}
	events := func(reason string) (found []eventsv1.Event) {
		GinkgoHelper()
		var list eventsv1.EventList
		Expect(admin.List(t.ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
		return slices.DeleteFunc(list.Items, func(e eventsv1.Event) bool { return e.Reason != reason })
	}
	approve := func(kind, name string) { // as the documentation says
		GinkgoHelper()
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		_, err := plane.Kubectl(t.ctx, "-n", t.namespace, "annotate", "--overwrite", kind, name, v1alpha1.ApproveRevocationsUntilAnnotation+"="+until)
		Expect(err).NotTo(HaveOccurred())
	}
	implicitMembers := func(g Gomega) (all []v1alpha1.Member) {
		var list v1alpha1.MemberList
		g.Expect(admin.List(t.ctx, &list, client.InNamespace(t.namespace), client.MatchingLabels{v1alpha1.ImplicitLabel: "true"})).To(Succeed())
		return list.Items
	}

	It("lets three of a small house of six go by default when a feed comes back empty, says how to approve the rest, and gives back what is applied again", func(ctx SpecContext) {
		const house = 6
		from, until := timeIn(-24*time.Hour).UTC().Format(time.RFC3339), timeIn(72*time.Hour).UTC().Format(time.RFC3339)
		t = newTenant(ctx)
		t.start()
		t.fixture()
		stay := func(i int) string {
			return fmt.Sprintf("kind: BookingGrant\nmetadata: {name: stay-%d}\nspec: {groupRefs: [{name: members}], organizer: {email: crowd-%d@example.com}, startTime: %q, endTime: %q}", i, i, from, until)
		}
		for i := range house {
			t.apply(stay(i))
		}
		Eventually(inMembers).Should(HaveLen(house))
		for i := range house {
			t.eventually(&v1alpha1.BookingGrant{}, fmt.Sprintf("stay-%d", i), "True", "Granted")
		}
		t.kisi.ResetRequests()
		Expect(admin.DeleteAllOf(ctx, &v1alpha1.BookingGrant{}, client.InNamespace(t.namespace))).To(Succeed())
		holding(3)
		Expect(inMembers()).To(HaveLen(3))
		Expect(*account(Default)).To(And(HaveField("Base", BeEquivalentTo(house)), HaveField("Spent", BeEquivalentTo(3))))
		waiting := implicitMembers(Default)
		for i := range waiting {
			m := &waiting[i]
			Eventually(func(g Gomega) {
				g.Expect(readyOf(get(g, t, m.Name, m))).To(Equal("False RevocationsHeld"))
				g.Expect(messageOf(m)).To(ContainSubstring("annotate this object, the KisiGroup or the KisiConnection with " + v1alpha1.ApproveRevocationsUntilAnnotation + "="))
			}).Should(Succeed())
		}
		t.kisi.ResetRequests()
		for i := range house {
			t.apply(stay(i))
		}
		released()
		Eventually(inMembers).Should(HaveLen(house))
		for i := range house {
			t.eventually(&v1alpha1.BookingGrant{}, fmt.Sprintf("stay-%d", i), "True", "Granted")
		}
		creates := t.kisi.CountRequests(simulator.RequestFilter{Method: "POST", Path: "/role_assignments"})
		Expect([]int{creates, deletes()}).To(Equal([]int{3, 0}), "who is held keeps the row")
	})

	It("revokes no more than it allows when 60 % of a group's Members are deleted, lets all of them go, and gives back without a request what is applied again", func(ctx SpecContext) {
		populate(ctx, limit)
		deleteMembers(lost)
		for i := range lost {
			t.gone(&v1alpha1.Member{}, fmt.Sprintf("crowd-%d", i))
		}
		holding(held)
		Expect(inMembers()).To(HaveLen(crowd - allowed))
		Expect(*account(Default)).To(And(HaveField("Base", BeEquivalentTo(crowd)), HaveField("Spent", BeEquivalentTo(allowed))))
		Eventually(func(g Gomega) {
			waiting := implicitMembers(g)
			g.Expect(waiting).To(HaveLen(held))
			for i := range waiting {
				g.Expect(readyOf(&waiting[i])).To(Equal("False RevocationsHeld"))
				g.Expect(waiting[i].Status.Grants).To(ConsistOf(HaveField("State", v1alpha1.GrantHeld)))
				g.Expect(waiting[i].Status.Planned).To(ConsistOf(HaveField("Action", v1alpha1.PlannedRevoke)))
			}
		}).Should(Succeed())
		Expect(t.writes()).To(And(HaveLen(allowed), HaveEach(HavePrefix("DELETE /role_assignments/"))))
		Expect(events(v1alpha1.ReasonRevocationsHeld)).To(ConsistOf(HaveField("Regarding.Kind", "KisiConnection")), "one event for the hold")
		written := t.statusWrites("kisigroups", "members")
		t.quiet()
		Expect(t.statusWrites("kisigroups", "members")).To(Equal(written), "an exhausted account is not written")

		t.kisi.ResetRequests()
		for i := range lost {
			name := fmt.Sprintf("crowd-%d", i)
			if t.exists(&v1alpha1.Member{}, implicitName(name+"@example.com")) {
				t.apply("kind: Member\nmetadata: {name: " + name + "}\nspec: {email: " + name + "@example.com, groupRefs: [{name: members}]}")
				t.granted(name)
			}
		}
		released()
		Eventually(func() []v1alpha1.Member { return implicitMembers(Default) }).Should(BeEmpty())
		Expect(t.writes()).To(BeEmpty())
		Expect(inMembers()).To(HaveLen(crowd - allowed))
	})

	It("releases what it holds by approval: of one Member, of a group, of the connection; an approval of the past, of next year, or of no time at all approves nothing and says so once", func(ctx SpecContext) {
		populate(ctx, "revocationLimit: {percent: 0, minimum: 0}")
		t.apply("kind: Member\nmetadata: {name: zoe}\nspec: {email: crowd-zoe@example.com, groupRefs: [{name: members}]}")
		t.granted("zoe")
		edit(t, "zoe", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		deleteMembers(3)
		holding(4)
		Expect(account(Default)).To(BeNil())
		t.eventually(&v1alpha1.Member{}, "zoe", "False", "RevocationsHeld")
		t.kisi.ResetRequests()

		connection, group := &v1alpha1.KisiConnection{}, &v1alpha1.KisiGroup{}
		const ignored = "ApprovalIgnored"
		for i, until := range []string{time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), time.Now().Add(25 * time.Hour).UTC().Format(time.RFC3339), "tomorrow"} {
			annotate(t, "default", connection, v1alpha1.ApproveRevocationsUntilAnnotation, until)
			Eventually(events).WithArguments(ignored).Should(HaveLen(i + 1))
			Eventually(func(g Gomega) {
				g.Expect(condition(get(g, t, "default", connection), v1alpha1.ConditionRevocationsHeld).Message).To(ContainSubstring(
					[]string{"in the past", "more than 24 hours ahead", "it is no time"}[i]))
			}).Should(Succeed())
		}
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(events(ignored)).To(HaveEach(HaveField("Type", "Warning")))

		approve("mbr", "zoe")
		t.eventually(&v1alpha1.Member{}, "zoe", "True", "NoAccess")
		Expect(deletes()).To(Equal(1))
		approve("kgrp", "members")
		released()
		Eventually(func() []v1alpha1.Member { return implicitMembers(Default) }).Should(BeEmpty())
		Expect(deletes()).To(Equal(4))

		// Approved as they are, revocations are not counted, and not held.
		deleteMembersFrom := func(first, n int) {
			for i := range n {
				t.delete(&v1alpha1.Member{}, fmt.Sprintf("crowd-%d", first+i))
			}
		}
		deleteMembersFrom(3, 5)
		Eventually(inMembers).Should(HaveLen(crowd - 8))
		edit(t, "members", group, func(g *v1alpha1.KisiGroup) { delete(g.Annotations, v1alpha1.ApproveRevocationsUntilAnnotation) })
		deleteMembersFrom(8, 5)
		holding(5)
		approve("kconn", "default")
		released()
		Eventually(inMembers).Should(HaveLen(crowd - 13))
		Expect(account(Default)).To(BeNil())
	})

	It("gives no new allowance when the operator restarts in the middle", func(ctx SpecContext) {
		populate(ctx, limit)
		t.fault(simulator.Fault{Kind: simulator.FaultLatency, Method: "DELETE", Path: "/role_assignments/*", Latency: simulator.Duration(200 * time.Millisecond)})
		deleteMembers(lost)
		for restart := range 3 {
			Eventually(deletes).Should(BeNumerically(">", restart))
			t.stop()
			t.start()
		}
		for i := range lost {
			t.gone(&v1alpha1.Member{}, fmt.Sprintf("crowd-%d", i))
		}
		Eventually(func(g Gomega) {
			counts := get(g, t, "default", &v1alpha1.KisiConnection{}).Status.Counts
			g.Expect(counts.PendingRevocations).To(BeZero())
			g.Expect(len(inMembers())).To(BeEquivalentTo(counts.Grants))
			g.Expect(counts.HeldRevocations).To(BeNumerically(">=", held))
		}).Should(Succeed())
		Expect(len(inMembers())).To(BeNumerically(">=", crowd-allowed))
		Expect(*account(Default)).To(And(HaveField("Base", BeEquivalentTo(crowd)), HaveField("Spent", BeEquivalentTo(allowed))))
		t.quiet()
	})

	It("moves 50 subscribers when a plan's group is edited: none is held, none locked out, each costs one create and one delete", func(ctx SpecContext) {
		const subscribers = 50
		t = newTenant(ctx)
		t.start()
		t.fixture("revocationLimit: {percent: 0, minimum: 0}")
		t.apply("kind: KisiGroup\nmetadata: {name: late}\nspec: {existing: {name: Late}}")
		t.apply("kind: AccessPlan\nmetadata: {name: hot-desk}\nspec: {groupRefs: [{name: members}]}")
		email := func(i int) string { return fmt.Sprintf("crowd-%d@example.com", i) }
		for i := range subscribers {
			Expect(admin.Create(ctx, &v1alpha1.AccessSubscription{
				ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: fmt.Sprintf("s-%d", i)},
				Spec: v1alpha1.AccessSubscriptionSpec{
					PlanRef: &v1alpha1.PlanReference{Name: "hot-desk"},
					Subject: v1alpha1.Subject{Email: v1alpha1.EmailAddress(email(i)), FullName: "Somebody"},
				},
			})).To(Succeed())
		}
		Eventually(inMembers).Should(HaveLen(subscribers))
		t.eventually(&v1alpha1.KisiGroup{}, "late", "True", "Bound")
		begin := t.kisi.Clock().Now()
		t.kisi.ResetRequests()

		edit(t, "hot-desk", &v1alpha1.AccessPlan{}, func(p *v1alpha1.AccessPlan) {
			p.Spec.GroupRefs = []v1alpha1.GroupReference{{Name: "late"}}
		})
		Eventually(inMembers).Should(BeEmpty())
		Expect(t.kisi.Assignments("Late")).To(HaveLen(subscribers))
		for i := range subscribers {
			t.neverLockedOut(email(i), "Entrance", begin)
			t.eventually(&v1alpha1.AccessSubscription{}, fmt.Sprintf("s-%d", i), "True", "Granted")
		}
		creates := t.kisi.CountRequests(simulator.RequestFilter{Method: "POST", Path: "/role_assignments"})
		Expect([]int{creates, deletes(), len(t.writes())}).To(Equal([]int{subscribers, subscribers, 2 * subscribers}))
		Expect(account(Default)).To(BeNil(), "nothing is counted")
		Expect(events(v1alpha1.ReasonRevocationsHeld)).To(BeEmpty())
		released()
	})

	It("lets bookings move to another day, to another room, or to both, and lets what moves be canceled, whatever it allows", func(ctx SpecContext) {
		const bookings = 12
		t = newTenant(ctx)
		t.start()
		t.fixture("revocationLimit: {percent: 0, minimum: 0}")
		t.apply(place("room", "boardroom"))
		t.apply(place("annex", "uptown"))
		for i := range bookings {
			t.apply(booking(fmt.Sprintf("b-%d", i), "placeRef: {name: room}", fmt.Sprintf("crowd-%d@example.com", i)))
		}
		rows := func(group string) func() []simulator.Assignment {
			return func() []simulator.Assignment { return t.kisi.Assignments(group) }
		}
		move := func(change func(*v1alpha1.BookingGrantSpec)) {
			GinkgoHelper()
			for i := range bookings {
				edit(t, fmt.Sprintf("b-%d", i), &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { change(&b.Spec) })
			}
		}
		to := func(room v1alpha1.ObjectName, in time.Duration) func(*v1alpha1.BookingGrantSpec) {
			return func(spec *v1alpha1.BookingGrantSpec) {
				spec.PlaceRef.Name, spec.State = room, v1alpha1.BookingConfirmed
				spec.StartTime, spec.EndTime = *timeIn(in), *timeIn(in + time.Hour)
			}
		}
		Eventually(rows("Boardroom")).Should(HaveLen(bookings))
		move(to("room", 72*time.Hour))
		Eventually(rows("Boardroom")).Should(BeEmpty(), "another day, beyond grantAhead")
		move(to("room", 2*time.Hour))
		Eventually(rows("Boardroom")).Should(HaveLen(bookings))
		move(to("annex", 72*time.Hour))
		Eventually(rows("Boardroom")).Should(BeEmpty(), "another day and another room, beyond grantAhead")
		Expect(rows("Uptown")()).To(BeEmpty())
		move(to("room", 2*time.Hour))
		Eventually(rows("Boardroom")).Should(HaveLen(bookings))
		move(to("annex", 5*time.Hour))
		Eventually(rows("Uptown")).Should(HaveLen(bookings))
		Eventually(rows("Boardroom")).Should(BeEmpty(), "another hour and another room")
		move(to("room", 5*time.Hour))
		Eventually(rows("Boardroom")).Should(HaveLen(bookings))
		Eventually(rows("Uptown")).Should(BeEmpty(), "another room")
		move(func(spec *v1alpha1.BookingGrantSpec) {
			to("annex", 5*time.Hour)(spec)
			spec.State = v1alpha1.BookingCanceled
		})
		Eventually(rows("Boardroom")).Should(BeEmpty(), "another room, and canceled")
		for _, group := range []string{"boardroom", "uptown"} {
			Expect(get(Default, t, group, &v1alpha1.KisiGroup{}).Status.Revocations).To(BeNil(), "nothing is counted")
		}
		Expect(events(v1alpha1.ReasonRevocationsHeld)).To(BeEmpty())
		released()
	})

	// moving lets one subscriber of a plan move to a group that Kisi, or the namespace, is not ready for.
	moving := func(ctx SpecContext) {
		GinkgoHelper()
		t = newTenant(ctx)
		t.start()
		t.fixture("revocationLimit: {percent: 0, minimum: 0}")
		t.apply(plans)
		t.apply(subscriptionOf("s1", "hot-desk", "{email: crowd-0@example.com}"))
		t.eventually(&v1alpha1.AccessSubscription{}, "s1", "True", "Granted")
		t.kisi.ResetRequests()
	}
	moveTo := func(group v1alpha1.ObjectName) {
		GinkgoHelper()
		edit(t, "hot-desk", &v1alpha1.AccessPlan{}, func(p *v1alpha1.AccessPlan) { p.Spec.GroupRefs = []v1alpha1.GroupReference{{Name: group}} })
	}

	It("keeps a person in the old group until Kisi has answered for the new one; what Kisi refuses replaces nothing", func(ctx SpecContext) {
		moving(ctx)
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Method: "POST", Path: "/role_assignments", Status: 403})
		moveTo("uptown")
		t.eventually(&v1alpha1.Member{}, implicitName("crowd-0@example.com"), "False", "RevocationsHeld")
		Expect(inMembers()).To(HaveLen(1))
		subscription := &v1alpha1.AccessSubscription{}
		t.eventually(subscription, "s1", "False", "RevocationsHeld")
		t.kisi.ClearFaults()
		t.eventually(subscription, "s1", "True", "Granted")
		Eventually(inMembers).Should(BeEmpty(), "replaced after all, so it is held no longer")
		Expect(t.kisi.Assignments("Uptown")).To(HaveLen(1))
		Expect(account(Default)).To(BeNil())
		released()
	})

	It("keeps a person in the old group until a group that is new itself has been made", func(ctx SpecContext) {
		moving(ctx)
		begin := t.kisi.Clock().Now()
		t.fault(simulator.Fault{Kind: simulator.FaultLatency, Method: "POST", Path: "/groups", Latency: simulator.Duration(2 * time.Second), Count: 1})
		t.apply("kind: KisiGroup\nmetadata: {name: fresh}\nspec: {managed: {name: Fresh, doors: [{name: Entrance}]}}")
		moveTo("fresh")
		Eventually(func() []simulator.Assignment { return t.kisi.Assignments("Fresh") }).Should(HaveLen(1))
		Eventually(inMembers).Should(BeEmpty())
		t.neverLockedOut("crowd-0@example.com", "Entrance", begin)
		Expect(account(Default)).To(BeNil())
		released()
	})

	It("obeys at once what an object says of itself, and counts none of it", func(ctx SpecContext) {
		populate(ctx, "revocationLimit: {percent: 0, minimum: 0}")
		for i := range lost {
			edit(t, fmt.Sprintf("crowd-%d", i), &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
		}
		Eventually(inMembers).Should(HaveLen(crowd - lost))
		for i := range lost {
			t.eventually(&v1alpha1.Member{}, fmt.Sprintf("crowd-%d", i), "True", "NotActive")
		}
		edit(t, fmt.Sprintf("crowd-%d", lost), &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs[0].EndTime = timeIn(-time.Minute)
		})
		Eventually(inMembers).Should(HaveLen(crowd - lost - 1))
		Expect(account(Default)).To(BeNil())
		released()
	})

	It("holds the rows of a deleted KisiGroup, which waits, says so, and goes with the approval", func(ctx SpecContext) {
		populate(ctx, limit)
		t.delete(&v1alpha1.KisiGroup{}, "members")
		holding(crowd - allowed)
		group := &v1alpha1.KisiGroup{}
		Eventually(func(g Gomega) {
			get(g, t, "members", group)
			g.Expect(readyOf(group)).To(Equal("False Deleting"))
			g.Expect(messageOf(group)).To(And(ContainSubstring("holds %d grant(s)", crowd-allowed),
				ContainSubstring(v1alpha1.ApproveRevocationsUntilAnnotation), ContainSubstring(v1alpha1.AbandonAnnotation)))
		}).Should(Succeed())
		Expect(deletes()).To(Equal(allowed))
		approve("kgrp", "members")
		t.gone(&v1alpha1.KisiGroup{}, "members")
		Expect(inMembers()).To(BeEmpty())
		Expect(t.kisi.Assignments("Members")).To(HaveLen(1), "an admin's own grant stays")
	})

	It("holds the rows of a KisiGroup that somebody forced out of the namespace, since nobody is left to count them", func(ctx SpecContext) {
		moving(ctx)
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.RevocationLimit = v1alpha1.RevocationLimit{} })
		t.stop()
		edit(t, "members", &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) { g.Finalizers = nil })
		t.delete(&v1alpha1.KisiGroup{}, "members")
		t.gone(&v1alpha1.KisiGroup{}, "members")
		t.start()
		t.eventually(&v1alpha1.Member{}, implicitName("crowd-0@example.com"), "False", "RevocationsHeld")
		t.quiet()
		Expect(inMembers()).To(HaveLen(1))
		approve("kconn", "default")
		Eventually(inMembers).Should(BeEmpty())
	})

	It("holds nothing of a connection that is deleted under Revoke", func(ctx SpecContext) {
		populate(ctx, "disconnectPolicy: Revoke", "revocationLimit: {percent: 0, minimum: 0}")
		deleteMembers(2)
		holding(2)
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(inMembers()).To(BeEmpty())
	})

	It("neither counts nor holds what the connection's mode holds back", func(ctx SpecContext) {
		populate(ctx, limit, "mode: GrantOnly")
		for i := range lost {
			edit(t, fmt.Sprintf("crowd-%d", i), &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		}
		for i := range lost {
			t.eventually(&v1alpha1.Member{}, fmt.Sprintf("crowd-%d", i), "False", "Observing")
		}
		Expect(account(Default)).To(BeNil())
		released()
		Expect(t.writes()).To(BeEmpty())
	})
})

// approveRevocations lets everything go for an hour that the revocation limit would hold.
func (t *tenant) approveRevocations() {
	GinkgoHelper()
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	annotate(t, "default", &v1alpha1.KisiConnection{}, v1alpha1.ApproveRevocationsUntilAnnotation, until)
}
