package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const explicitAna = "kind: Member\nmetadata: {name: ana}\nspec: {email: Ana@Example.com, fullName: Ana}"

var _ = Describe("A hand-over between the Members of one address", func() {
	var (
		t     *tenant
		begin time.Time
	)

	// The booking is active, and Ana's implicit Member holds its row.
	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		begin = t.kisi.Clock().Now()
		t.kisi.ResetRequests()
	})

	// neverLockedOut says that Ana could open the boardroom all the time since the booking was granted.
	neverLockedOut := func() {
		GinkgoHelper()
		t.neverLockedOut("ana@example.com", "Boardroom", begin)
	}

	It("gives an explicit Member the row and the account of the implicit one without a request", func() {
		before := t.implicit(Default, "ana@example.com").Status
		t.apply(explicitAna)
		member := t.granted("ana")
		Expect(member.Status.Grants).To(Equal(before.Grants))
		Expect(member.Status.Accounts).To(Equal(before.Accounts))
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.quiet()
		Expect(t.kisi.Requests(simulator.RequestFilter{})).To(BeEmpty())
		neverLockedOut()
		Expect(t.findings("ana")).To(Equal(map[string]int{"TookOver": 1}), "said once, of the one who stands now")
		Expect(t.eventNotes("ana")).To(ConsistOf(And(ContainSubstring("1 role assignment(s)"), ContainSubstring(implicitName("ana@example.com")))))
	})

	DescribeTable("is with nobody where an implicit Member is deleted by hand: it serves on while a source names the person, and then goes",
		func(mode v1alpha1.Mode) {
			name := implicitName("ana@example.com")
			setMode(t, mode)
			t.connection(v1alpha1.ConditionReady, "True Connected")
			uid := t.member(Default, name).UID
			t.delete(&v1alpha1.Member{}, name)
			Eventually(func(g Gomega) {
				g.Expect(meta.FindStatusCondition(t.member(g, name).Status.Conditions, v1alpha1.ConditionReady)).To(
					HaveField("Message", And(ContainSubstring("its deletion waits"), ContainSubstring(v1alpha1.AbandonAnnotation+"=true"))))
			}).Should(Succeed())

			t.apply("kind: AccessSubscription\nmetadata: {name: s1}\nspec: {subject: {email: ana@example.com}, groupRefs: [{name: uptown}]}")
			t.eventually(&v1alpha1.AccessSubscription{}, "s1", "True", "Granted")
			Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue(), "what is new is given to one that is being deleted too")
			t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
			Expect(t.member(Default, name).UID).To(Equal(uid))
			t.delete(&v1alpha1.AccessSubscription{}, "s1")
			t.gone(&v1alpha1.AccessSubscription{}, "s1")
			neverLockedOut()

			t.delete(&v1alpha1.BookingGrant{}, "b1")
			if mode == v1alpha1.ModeGrantOnly { // nothing is taken back, so it says how to let go of it
				t.gone(&v1alpha1.BookingGrant{}, "b1")
				annotate(t, name, &v1alpha1.Member{}, v1alpha1.AbandonAnnotation, "true")
				t.gone(&v1alpha1.Member{}, name)
				neverLockedOut()
				return
			}
			t.gone(&v1alpha1.Member{}, name)
			Expect(t.rows("ana@example.com", "Boardroom")).To(BeEmpty())
			Expect(t.rows("ana@example.com", "Uptown")).To(BeEmpty())
		},
		Entry("under Enforce", v1alpha1.ModeEnforce),
		Entry("under GrantOnly", v1alpha1.ModeGrantOnly),
	)

	It("is not made where an implicit Member that is being deleted is abandoned: the next one begins anew", func() {
		name := implicitName("ana@example.com")
		uid := t.member(Default, name).UID
		t.delete(&v1alpha1.Member{}, name)
		annotate(t, name, &v1alpha1.Member{}, v1alpha1.AbandonAnnotation, "true")
		Eventually(func(g Gomega) { g.Expect(t.member(g, name).UID).NotTo(Equal(uid)) }).Should(Succeed())
		neverLockedOut()
	})

	It("waits for a name that the Member of somebody else bears, says so, keeps nobody else out, and goes on when the name is free", func() {
		squatter := implicitName("gil@example.com")
		t.apply("kind: Member\nmetadata: {name: " + squatter + "}\nspec: {email: other@example.com, groupRefs: [{name: members}]}")
		t.granted(squatter)
		t.apply("kind: BookingGrant\nmetadata: {name: b2}\nspec:\n  placeRef: {name: boardroom}\n  organizer: {email: eva@example.com}\n  attendees: [{email: gil@example.com}]\n" +
			"  startTime: '{{time \"-1m\"}}'\n  endTime: '{{time \"1h\"}}'")
		t.apply("kind: AccessSubscription\nmetadata: {name: s2}\nspec: {subject: {email: gil@example.com}, groupRefs: [{name: members}]}")
		t.says(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ConditionReady, "False Granting", squatter, "another address")
		t.says(&v1alpha1.AccessSubscription{}, "s2", v1alpha1.ConditionReady, "False Granting", squatter, "another address")
		Eventually(func() bool { return t.opens("eva@example.com", "Boardroom", 0) }).Should(BeTrue())

		t.apply("kind: Member\nmetadata: {name: gil}\nspec: {email: gil@example.com, fullName: Gil}")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		t.delete(&v1alpha1.Member{}, "gil")
		t.says(&v1alpha1.Member{}, "gil", v1alpha1.ConditionReady, "False AmbiguousReference", squatter, "cannot be handed over")
		Expect(t.opens("gil@example.com", "Boardroom", 0)).To(BeTrue())

		t.delete(&v1alpha1.Member{}, squatter)
		t.gone(&v1alpha1.Member{}, "gil")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		t.eventually(&v1alpha1.AccessSubscription{}, "s2", "True", "Granted")
		t.neverLockedOut("ana@example.com", "Boardroom", begin)
		Expect(t.rows("gil@example.com", "Boardroom")).To(HaveLen(1))
		Expect(t.rows("other@example.com", "Members")).To(BeEmpty())
	})

	It("gives the implicit Member what a booking still wants, and takes back the rest, when the explicit one is deleted", func() {
		t.apply(explicitAna + "\n")
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = []v1alpha1.MemberGroupReference{{Name: "uptown"}}
		})
		Eventually(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeTrue())
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		member := t.granted("ana")
		Expect(member.Status.Grants).To(HaveLen(2))
		account := member.Status.Accounts[0]
		kept := t.rows("ana@example.com", "Boardroom")
		t.kisi.ResetRequests()

		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Uptown") }).Should(BeEmpty())
		implicit := t.granted(implicitName("ana@example.com"))
		Expect(implicit.Status.Grants).To(HaveLen(1))
		Expect(implicit.Status.Grants[0].RoleAssignmentID).To(BeEquivalentTo(kept[0].ID))
		Expect(implicit.Status.Accounts).To(ConsistOf(account))
		Expect(t.rows("ana@example.com", "Boardroom")).To(Equal(kept))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.quiet()
		Expect(t.writes()).To(HaveExactElements(HavePrefix("DELETE /role_assignments/")))
		neverLockedOut()
	})

	It("goes to the next older duplicate when the one who stands is deleted", func() {
		t.apply(explicitAna)
		t.granted("ana")
		t.apply("kind: Member\nmetadata: {name: anita}\nspec: {email: ana@example.com, fullName: Ana}")
		t.eventually(&v1alpha1.Member{}, "anita", "False", "DuplicateEmail")
		kept := t.rows("ana@example.com", "Boardroom")
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		member := t.granted("anita")
		Expect(member.Status.Grants[0].RoleAssignmentID).To(BeEquivalentTo(kept[0].ID))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.exists(&v1alpha1.Member{}, implicitName("ana@example.com"))).To(BeFalse())
		neverLockedOut()
	})

	It("goes to an older Member whose address becomes this one", func() {
		t.apply("kind: Member\nmetadata: {name: older}\nspec: {email: someone@example.com}")
		t.eventually(&v1alpha1.Member{}, "older", "True", "NoAccess")
		Eventually(func(g Gomega) { // creation times are whole seconds
			older := t.member(g, "older")
			g.Expect(time.Now()).To(BeTemporally(">=", older.CreationTimestamp.Add(time.Second)))
		}).Should(Succeed())
		t.apply(explicitAna)
		account := t.granted("ana").Status.Accounts
		edit(t, "older", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Email, m.Spec.FullName = "ana@example.com", "Ana" })
		older := t.granted("older")
		Expect(older.Status.Grants).To(HaveLen(1))
		Expect(older.Status.Accounts).To(Equal(account))
		younger := &v1alpha1.Member{}
		t.eventually(younger, "ana", "False", "DuplicateEmail")
		Eventually(func(g Gomega) {
			get(g, t, "ana", younger)
			g.Expect(younger.Status.Grants).To(BeEmpty())
			g.Expect(younger.Status.Accounts).To(BeEmpty(), "accounts move too")
		}).Should(Succeed())
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		neverLockedOut()
	})

	It("is finished by the next operator when this one ends between its two writes", func() {
		t.stop()
		// The receiver's write was made, the giver's was not.
		implicit := t.implicit(Default, "ana@example.com")
		t.apply(explicitAna)
		member := t.member(Default, "ana")
		member.Finalizers = append(member.Finalizers, v1alpha1.Finalizer)
		Expect(admin.Update(t.ctx, member)).To(Succeed())
		member.Status.Accounts, member.Status.Grants = implicit.Status.Accounts, implicit.Status.Grants
		Expect(admin.Status().Update(t.ctx, member)).To(Succeed())

		t.start()
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		member = t.granted("ana")
		Expect(member.Status.Grants).To(HaveLen(1))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		neverLockedOut()
	})

	It("is finished by the next operator when this one ends before the first", func() {
		t.stop()
		t.apply(explicitAna)
		t.start()
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		Expect(t.granted("ana").Status.Grants).To(HaveLen(1))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		neverLockedOut()
	})

	It("survives a deletion that no operator saw begin", func() {
		t.apply(explicitAna)
		t.granted("ana")
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		t.stop()
		t.delete(&v1alpha1.Member{}, "ana")
		t.start()
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(t.granted(implicitName("ana@example.com")).Status.Grants).To(HaveLen(1))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		neverLockedOut()
	})

	It("that repeats itself ten times loses and doubles nothing", func() {
		row := t.rows("ana@example.com", "Boardroom")
		for range 10 {
			t.apply(explicitAna) // onto one that is still going, now and then
			member := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "ana"}}
			Expect(client.IgnoreNotFound(admin.Delete(t.ctx, member))).To(Succeed())
		}
		t.gone(&v1alpha1.Member{}, "ana")
		Eventually(func(g Gomega) {
			implicit := t.implicit(g, "ana@example.com")
			g.Expect(implicit.DeletionTimestamp).To(BeNil())
			g.Expect(implicit.Status.Grants).To(HaveLen(1))
			g.Expect(implicit.Status.Grants[0].RoleAssignmentID).To(BeEquivalentTo(row[0].ID))
		}).Should(Succeed())
		t.quiet()
		Expect(t.rows("ana@example.com", "Boardroom")).To(Equal(row))
		Expect(t.writes()).To(BeEmpty())
		neverLockedOut()
	})
})
