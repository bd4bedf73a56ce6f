package e2e

import (
	"fmt"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// ask sets an annotation of a Member to a new value.
func (t *tenant) ask(member, annotation string) {
	GinkgoHelper()
	annotate(t, member, &v1alpha1.Member{}, annotation, strconv.FormatInt(time.Now().UnixNano(), 10))
}

// account waits until the Member's only account is as described, and returns it.
func (t *tenant) account(name string, access v1alpha1.AccountAccess) v1alpha1.MemberAccount {
	GinkgoHelper()
	var account v1alpha1.MemberAccount
	Eventually(func(g Gomega) {
		accounts := t.member(g, name).Status.Accounts
		g.Expect(accounts).To(HaveLen(1))
		account = accounts[0]
		g.Expect(account.Access).To(Equal(access))
	}).Should(Succeed())
	return account
}

// userID is the id of a Kisi user, 0 if there is none.
func (t *tenant) userID(email string) int {
	user, _ := t.kisi.User("acme", email)
	return user.ID
}

// mayOpen reports whether the user's access is on.
func (t *tenant) mayOpen(email string) bool {
	user, _ := t.kisi.User("acme", email)
	return user.AccessEnabled
}

const anaByPlan = `
kind: AccessSubscription
metadata: {name: plan}
spec: {subject: {email: ana@example.com, fullName: Ana Pop}, groupRefs: [{name: members}]}
`

var _ = Describe("A user whom an admin removed or suspended in Kisi", Label("P6"), func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
	})

	suspend := func(email string) {
		GinkgoHelper()
		t.act(simulator.Action{Action: simulator.ActionSuspendUser, User: email})
	}
	remove := func(email string) {
		GinkgoHelper()
		t.act(simulator.Action{Action: simulator.ActionDeleteUser, User: email})
	}

	It("and who was suspended before the operator came is adopted and not let in", Label("B5"), func() {
		t.fixture()
		suspend("gary@acme.example")
		t.kisi.ResetRequests()
		t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: members}]}")
		t.eventually(&v1alpha1.Member{}, "gary", "True", "Withheld")
		account := t.account("gary", v1alpha1.AccountSuspendedInKisi)
		Expect(account.Origin).To(Equal(v1alpha1.AccountFound))
		t.quiet()
		Expect(t.rows("gary@acme.example", "Members")).To(BeEmpty())
		Expect(t.writes()).To(Equal([]string{"POST /users"}), "the attempt that showed that there is one")

		By("never being enabled by the operator, reinstated or not")
		t.ask("gary", v1alpha1.ReinstateAnnotation)
		Eventually(func() string { return t.member(Default, "gary").Status.Reinstated }).ShouldNot(BeEmpty())
		t.says(&v1alpha1.Member{}, "gary", "Ready", "True Withheld", "only an admin can enable it")
		t.quiet()
		Expect(t.mayOpen("gary@acme.example")).To(BeFalse())

		By("being let in once the admin enables it")
		t.act(simulator.Action{Action: simulator.ActionResumeUser, User: "gary@acme.example"})
		t.ask("gary", v1alpha1.ReconcileAtAnnotation)
		t.granted("gary")
		Expect(t.opens("gary@acme.example", "Entrance", 0)).To(BeTrue())
	})

	It("stays suspended though the plan goes on, loses what ends meanwhile, and comes back by reinstate, once per value", func() {
		t.fixture()
		t.apply(anaByPlan)
		t.apply(ana)
		t.granted("ana")
		suspend("ana@example.com")
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		t.account("ana", v1alpha1.AccountSuspendedInKisi)
		subscription := &v1alpha1.AccessSubscription{}
		t.eventually(subscription, "plan", "True", "Withheld")
		Expect(*subscription.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 1, Withheld: 1}))
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1), "what she has stays, and the doors refuse")
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeFalse())
		t.kisi.ResetRequests()

		By("getting nothing new")
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = append(m.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "uptown"})
		})
		Eventually(func(g Gomega) {
			g.Expect(t.member(g, "ana").Status.Grants).To(ConsistOf(
				HaveField("State", v1alpha1.GrantWithheld), HaveField("State", v1alpha1.GrantWithheld)))
		}).Should(Succeed())
		t.quiet()
		Expect(t.writes()).To(BeEmpty())

		By("losing what is not wanted any more")
		t.delete(&v1alpha1.AccessSubscription{}, "plan")
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = []v1alpha1.MemberGroupReference{{Name: "uptown"}}
		})
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }).Should(BeEmpty())
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		Expect(t.mayOpen("ana@example.com")).To(BeFalse())

		By("coming back when reinstated")
		t.kisi.ResetRequests()
		t.ask("ana", v1alpha1.ReinstateAnnotation)
		member := t.granted("ana")
		Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue())
		Expect(t.writes()).To(HaveExactElements(HavePrefix("PATCH /users/"), Equal("POST /role_assignments")))
		Expect(member.Status.Reinstated).To(Equal(member.Annotations[v1alpha1.ReinstateAnnotation]))

		By("staying out again when suspended again")
		suspend("ana@example.com")
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		t.stop()
		t.start() // what was acted on is remembered
		t.stays(&v1alpha1.Member{}, "ana", "True Withheld")
		Expect(t.mayOpen("ana@example.com")).To(BeFalse())
	})

	It("is read once and reinstated when both are asked for at once", func() {
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		suspend("ana@example.com")
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		t.account("ana", v1alpha1.AccountSuspendedInKisi)
		t.kisi.ResetRequests()
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Annotations[v1alpha1.ReconcileAtAnnotation] = "again"
			m.Annotations[v1alpha1.ReinstateAnnotation] = "again"
		})
		t.granted("ana")
		Expect(t.mayOpen("ana@example.com")).To(BeTrue())
		Expect(t.writes()).To(HaveExactElements(HavePrefix("PATCH /users/")))
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Method: "GET", Path: "/users/*"})).To(BeNumerically("<=", 2))
	})

	It("is not made again before reinstate when it was deleted, and then is", func() {
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		before := t.userID("ana@example.com")
		remove("ana@example.com")
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		t.account("ana", v1alpha1.AccountRemovedInKisi)
		t.stop()
		t.start()
		t.stays(&v1alpha1.Member{}, "ana", "True Withheld")
		Expect(t.userID("ana@example.com")).To(BeZero())

		t.ask("ana", v1alpha1.ReinstateAnnotation)
		member := t.granted("ana")
		Expect(member.Status.Accounts).To(ConsistOf(HaveField("UserID", BeEquivalentTo(t.userID("ana@example.com")))))
		Expect(t.userID("ana@example.com")).NotTo(Equal(before))
		Expect(member.Status.Grants).To(HaveLen(1))
		Expect(member.Status.Grants[0].RoleAssignmentID).To(BeEquivalentTo(t.rows("ana@example.com", "Members")[0].ID))
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
	})

	It("is let in again by being made again, under another id", func() {
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		remove("ana@example.com")
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		t.act(simulator.Action{Action: simulator.ActionCreateUser, Email: "Ana@example.com", Name: "Ana"})
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeTrue())
		member := t.granted("ana")
		Expect(member.Status.Accounts).To(ConsistOf(And(
			HaveField("UserID", BeEquivalentTo(t.userID("ana@example.com"))), HaveField("Origin", v1alpha1.AccountFound))))
		Eventually(func(g Gomega) { g.Expect(t.member(g, "ana").Status.Grants).To(HaveLen(1)) }).Should(Succeed())
	})

	It("is noticed by the change poll, and so is being let in again", func() {
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		t.kisi.ResetRequests()
		suspend("ana@example.com")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		user := fmt.Sprintf("/users/%d", t.userID("ana@example.com"))
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Method: "GET", Path: user})).To(Equal(1), "one read tells")
		Eventually(func() map[string]int { return t.findings("ana") }).Should(Equal(map[string]int{"UserSuspended": 1}))
		Expect(t.notes("ana", "UserSuspended")).To(ConsistOf(MatchRegexp("^the Kisi user [0-9]+ suspended user %d in Kisi", t.userID("ana@example.com"))))
		t.act(simulator.Action{Action: simulator.ActionResumeUser, User: "ana@example.com"})
		t.granted("ana")
		Expect(t.writes()).To(BeEmpty())

		remove("ana@example.com")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		t.account("ana", v1alpha1.AccountRemovedInKisi)
		Expect(t.writes()).To(BeEmpty(), "no row is put back for somebody whom an admin removed")
		t.act(simulator.Action{Action: simulator.ActionCreateUser, Email: "ana@example.com", Name: "Ana"})
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeTrue())
		t.granted("ana")
	})

	It("that a grant does not find is withheld, and the group is not doubted for it", func() {
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		remove("ana@example.com")
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = append(m.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "uptown"})
		})
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		t.account("ana", v1alpha1.AccountRemovedInKisi)
		t.quiet()
		Expect(t.userID("ana@example.com")).To(BeZero())
	})

	It("is restored by itself under removedInKisi: Restore, where it was made here", func() {
		t.fixture("users: {removedInKisi: Restore}")
		t.apply(ana)
		t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: members}]}")
		t.granted("ana")
		t.granted("gary")
		suspend("ana@example.com")
		suspend("gary@acme.example")
		for _, name := range []string{"ana", "gary"} {
			t.ask(name, v1alpha1.ReconcileAtAnnotation)
		}
		t.eventually(&v1alpha1.Member{}, "gary", "True", "Withheld")
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeTrue())
		Expect(t.mayOpen("gary@acme.example")).To(BeFalse(), "found, and never enabled by the operator")
		remove("ana@example.com")
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeTrue())
		t.granted("ana")
		Eventually(func() map[string]int { return t.findings("ana") }).Should(And(HaveKeyWithValue("UserSuspended", 1), HaveKeyWithValue("UserRemoved", 1)), "what is undone is told, too")
	})

	It("leaves the implicit Member in place, so that it is not made again for the next booking", func() {
		t.fixture()
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		name := implicitName("ana@example.com")
		remove("ana@example.com")
		t.ask(name, v1alpha1.ReconcileAtAnnotation)
		booking := &v1alpha1.BookingGrant{}
		t.eventually(booking, "b1", "True", "Withheld")
		Expect(*booking.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 1, Withheld: 1}))
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		Eventually(func(g Gomega) { g.Expect(t.member(g, name).Status.Grants).To(BeEmpty()) }).Should(Succeed())
		t.quiet()
		Expect(t.exists(&v1alpha1.Member{}, name)).To(BeTrue())
		t.apply(bookingOf("b2", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Withheld")
		Expect(t.userID("ana@example.com")).To(BeZero())
	})

	It("is not believed to be gone, nor let in, while Kisi cannot be asked", func() {
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		end := t.kisi.fault(simulator.Fault{Method: "GET", Path: "/users/*", Kind: simulator.FaultStatus, Status: 503})
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		t.asked("GET", "/users/*")
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = append(m.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "uptown"})
		})
		Consistently(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeFalse())
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		end()
		Eventually(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeTrue())
		t.granted("ana")
	})
})
