package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("A user of whom nothing is wanted any more", Label("B6"), func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
	})

	noGroups := func(name string) {
		GinkgoHelper()
		edit(t, name, &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
	}
	groups := func(name string, refs ...v1alpha1.MemberGroupReference) {
		GinkgoHelper()
		edit(t, name, &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = refs })
	}
	exists := func() bool { return t.userID("ana@example.com") != 0 }

	It("is suspended under onUnused: Suspend, and enabled before the next row", func() {
		t.fixture("users: {onUnused: Suspend}")
		t.apply(ana)
		t.granted("ana")
		t.kisi.ResetRequests()
		noGroups("ana")
		t.account("ana", v1alpha1.AccountSuspendedByUs)
		Expect(t.mayOpen("ana@example.com")).To(BeFalse())
		Expect(t.writes()).To(HaveExactElements(HavePrefix("DELETE /role_assignments/"), HavePrefix("PATCH /users/")))
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		t.quiet()

		t.kisi.ResetRequests()
		groups("ana", v1alpha1.MemberGroupReference{Name: "uptown"})
		member := t.granted("ana")
		Expect(member.Status.Accounts[0].Access).To(Equal(v1alpha1.AccountEnabled))
		Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue())
		Expect(t.writes()).To(HaveExactElements(HavePrefix("PATCH /users/"), Equal("POST /role_assignments")))
	})

	It("is deleted under onUnused: Delete, and made again for the next row", func() {
		t.fixture("users: {onUnused: Delete}")
		t.apply(ana)
		t.granted("ana")
		noGroups("ana")
		Eventually(exists).Should(BeFalse())
		Eventually(func(g Gomega) { g.Expect(t.member(g, "ana").Status.Accounts).To(BeEmpty()) }).Should(Succeed())
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		groups("ana", v1alpha1.MemberGroupReference{Name: "uptown"})
		Expect(t.granted("ana").Status.Accounts).To(ConsistOf(HaveField("Access", v1alpha1.AccountEnabled)))
	})

	It("is left alone while a window opens later than grantAhead", func() {
		t.fixture("users: {onUnused: Delete}", "grantAhead: 1h")
		t.apply(ana)
		t.granted("ana")
		groups("ana", v1alpha1.MemberGroupReference{Name: "uptown", StartTime: &metav1.Time{Time: time.Now().Add(48 * time.Hour)}})
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Scheduled")
		t.quiet()
		Expect(exists()).To(BeTrue())
	})

	It("is left alone while Kisi holds anything for the user: a role of another's making, or a team", func() {
		t.fixture("users: {onUnused: Delete}")
		t.apply(ana)
		t.granted("ana")
		by := t.act(simulator.Action{Action: simulator.ActionGrant, User: "ana@example.com", Group: "Late"})
		noGroups("ana")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		t.quiet()
		Expect(exists()).To(BeTrue())
		Expect(t.account("ana", v1alpha1.AccountEnabled).Origin).To(Equal(v1alpha1.AccountCreated))

		t.act(simulator.Action{Action: simulator.ActionAddToTeam, User: "ana@example.com", Team: "Acme"})
		t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: by})
		t.stop()
		t.kisi.ResetRequests()
		t.start()
		t.asked("GET", "/team_memberships")
		t.quiet()
		Expect(exists()).To(BeTrue())
		t.act(simulator.Action{Action: simulator.ActionRemoveFromTeam, User: "ana@example.com", Team: "Acme"})
		t.stop()
		t.start()
		Eventually(exists).Should(BeFalse())
	})

	It("is left alone while the user owns the organization", func() {
		t.fixture("users: {onUnused: Delete}")
		t.apply(ana)
		t.granted("ana")
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "olga@acme.example", Role: "organization_administrator"})
		t.act(simulator.Action{Action: simulator.ActionSetOwner, User: "ana@example.com"})
		t.kisi.ResetRequests()
		noGroups("ana")
		t.asked("GET", "/organization")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		t.quiet()
		Expect(t.writes()).To(HaveExactElements(HavePrefix("DELETE /role_assignments/")))
		Expect(t.account("ana", v1alpha1.AccountEnabled).Origin).To(Equal(v1alpha1.AccountCreated))
	})

	It("is left alone when the read of what Kisi holds falls short", func() {
		t.fixture("users: {onUnused: Delete}")
		t.apply(ana)
		t.granted("ana")
		end := t.kisi.fault(simulator.Fault{Method: "GET", Path: "/team_memberships", Kind: simulator.FaultStatus, Status: 500})
		noGroups("ana")
		t.asked("GET", "/team_memberships")
		Consistently(exists).Should(BeTrue())
		end()
		Eventually(exists).Should(BeFalse())
	})

	It("is left alone if Kisi had the user before", Label("B5"), func() {
		t.fixture("users: {onUnused: Delete}")
		t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: members}]}")
		t.granted("gary")
		noGroups("gary")
		t.eventually(&v1alpha1.Member{}, "gary", "True", "NoAccess")
		t.quiet()
		Expect(t.userID("gary@acme.example")).NotTo(BeZero())
		Expect(t.mayOpen("gary@acme.example")).To(BeTrue())
	})

	It("is left alone in GrantOnly and Observe", func() {
		t.fixture("users: {onUnused: Delete}")
		t.apply(ana)
		t.granted("ana")
		mode := func(mode v1alpha1.Mode) {
			GinkgoHelper()
			edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = mode })
		}
		t.fault(simulator.Fault{Method: "DELETE", Path: "/users/*", Kind: simulator.FaultStatus, Status: 503, Count: 1})
		noGroups("ana")
		t.asked("DELETE", "/users/*")
		mode(v1alpha1.ModeGrantOnly)
		t.quiet()
		mode(v1alpha1.ModeObserve)
		t.quiet()
		t.kisi.ResetRequests()
		Consistently(exists).Should(BeTrue())
		Expect(t.writes()).To(BeEmpty())
		mode(v1alpha1.ModeEnforce)
		Eventually(exists).Should(BeFalse())
	})

	It("of an Active Member is kept under users.create: Always, and of no other", Label("B1"), func() {
		t.fixture("users: {create: Always, onUnused: Delete}")
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com}")
		Eventually(exists).Should(BeTrue())
		t.account("ana", v1alpha1.AccountEnabled)
		t.quiet()
		Expect(t.writes()).To(Equal([]string{"POST /users"}))
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
		Eventually(exists).Should(BeFalse())
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberActive })
		Eventually(exists).Should(BeTrue())
	})

	It("is dealt with when the Member is deleted, or nobody names the person any more", func() {
		t.fixture("users: {onUnused: Delete}")
		t.apply(ana)
		t.granted("ana")
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Eventually(exists).Should(BeFalse())
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))

		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		Eventually(exists).Should(BeFalse())
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
	})

	It("is remembered as suspended by the operator, so that the next booking lets the person in", func() {
		t.fixture("users: {onUnused: Suspend}")
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		t.account(implicitName("ana@example.com"), v1alpha1.AccountSuspendedByUs)
		t.quiet()
		t.apply(bookingOf("b2", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
	})

	It("is remembered as suspended by the operator by whoever stands for the address next", func() {
		const people = 6 // the implicit Member and the explicit one are looked at in any order
		t.fixture("users: {onUnused: Suspend}")
		t.approveRevocations() // the limit is not what this is about
		t.apply(boardroom)
		email := func(i int) string { return fmt.Sprintf("guest-%d@example.com", i) }
		for i := range people {
			t.apply(bookingFor(fmt.Sprintf("b-%d", i), email(i)))
		}
		for i := range people {
			t.eventually(&v1alpha1.BookingGrant{}, fmt.Sprintf("b-%d", i), "True", "Granted")
			t.delete(&v1alpha1.BookingGrant{}, fmt.Sprintf("b-%d", i))
		}
		for i := range people {
			t.account(implicitName(email(i)), v1alpha1.AccountSuspendedByUs)
		}
		t.apply("kind: Member\nmetadata: {name: moves}\nspec: {email: moves@example.com, groupRefs: [{name: members}]}")
		t.granted("moves")

		By("a Member who is new")
		for i := range people - 1 {
			t.apply(fmt.Sprintf("kind: Member\nmetadata: {name: guest-%d}\nspec: {email: %s, groupRefs: [{name: members}]}", i, email(i)))
		}
		for i := range people - 1 {
			t.granted(fmt.Sprintf("guest-%d", i))
			Expect(t.opens(email(i), "Entrance", 0)).To(BeTrue())
		}

		By("a Member whose address changes to it")
		edit(t, "moves", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Email = v1alpha1.EmailAddress(email(people - 1)) })
		Eventually(func() bool { return t.opens(email(people-1), "Entrance", 0) }).Should(BeTrue())
		Expect(t.granted("moves").Status.Accounts).To(ConsistOf(HaveField("Origin", v1alpha1.AccountCreated)))
	})

	It("is left alone, or enabled, for what another namespace wants", func(ctx SpecContext) {
		t.stop()
		other := t.neighbour(ctx)
		t.options.Namespaces = []string{t.namespace, other.namespace}
		t.start()
		t.connect("users: {onUnused: Suspend}", "grantAhead: 1h")
		other.connect("grantAhead: 1h")
		t.apply("kind: KisiGroup\nmetadata: {name: members}\nspec: {existing: {name: Members}}")
		other.apply("kind: KisiGroup\nmetadata: {name: uptown}\nspec: {existing: {name: Uptown}}")
		t.apply(ana)
		t.granted("ana")
		other.apply(`
kind: Member
metadata: {name: ana}
spec:
  email: ana@example.com
  groupRefs: [{name: uptown, startTime: '{{time "48h"}}'}]
`)
		other.eventually(&v1alpha1.Member{}, "ana", "True", "Scheduled")
		noGroups("ana")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		t.quiet()
		Expect(t.mayOpen("ana@example.com")).To(BeTrue(), "the other namespace has no account yet, and wants the user in two days")

		edit(other, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs[0].StartTime, m.Spec.GroupRefs[0].EndTime = nil, ptr.To(metav1.NewTime(time.Now().Add(-time.Minute)))
		})
		t.account("ana", v1alpha1.AccountSuspendedByUs)
		Expect(t.mayOpen("ana@example.com")).To(BeFalse())

		edit(other, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = []v1alpha1.MemberGroupReference{{Name: "uptown"}}
		})
		other.granted("ana")
		Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue())
		t.account("ana", v1alpha1.AccountEnabled)
		Expect(other.account("ana", v1alpha1.AccountEnabled).Origin).To(Equal(v1alpha1.AccountFound))
	})

	DescribeTable("whose request got no answer is dealt with by the next operator", func(policy, method string, kind simulator.FaultKind, came bool) {
		t.fixture("users: {onUnused: " + policy + "}")
		t.apply(ana)
		t.granted("ana")
		end := t.kisi.fault(simulator.Fault{Method: method, Path: "/users/*", Kind: kind})
		noGroups("ana")
		t.asked(method, "/users/*")
		Eventually(func(g Gomega) {
			g.Expect(t.member(g, "ana").Status.Accounts).To(ConsistOf(HaveField("Access", BeElementOf(v1alpha1.AccountSuspending, v1alpha1.AccountDeleting))))
		}).Should(Succeed())
		t.stop()
		end()
		if came {
			groups("ana", v1alpha1.MemberGroupReference{Name: "uptown"})
		}
		t.options.RequestTimeout = 2 * time.Second
		t.start()
		if came {
			t.granted("ana")
			Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue())
			return
		}
		if policy == "Delete" {
			Eventually(exists).Should(BeFalse())
			Eventually(func(g Gomega) { g.Expect(t.member(g, "ana").Status.Accounts).To(BeEmpty()) }).Should(Succeed())
			return
		}
		t.account("ana", v1alpha1.AccountSuspendedByUs)
		Expect(t.mayOpen("ana@example.com")).To(BeFalse())
	},
		Entry("suspended, and not wanted", "Suspend", "PATCH", simulator.FaultDropAfter, false),
		Entry("suspended, and wanted again", "Suspend", "PATCH", simulator.FaultDropAfter, true),
		Entry("not suspended, and wanted again", "Suspend", "PATCH", simulator.FaultDropBefore, true),
		Entry("deleted, and not wanted", "Delete", "DELETE", simulator.FaultDropAfter, false),
		Entry("deleted, and wanted again", "Delete", "DELETE", simulator.FaultDropAfter, true),
		Entry("not deleted, and not wanted", "Delete", "DELETE", simulator.FaultDropBefore, false),
		Entry("not deleted, and wanted again", "Delete", "DELETE", simulator.FaultDropBefore, true),
	)
})
