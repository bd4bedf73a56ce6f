package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("A Member's changed address", func() {
	It("lets the new Kisi user in before the old one is out", Label("S10"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, groupRefs: [{name: members}]}")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		t.kisi.ResetRequests()

		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Email = "ana.pop@example.com" })
		member := &v1alpha1.Member{}
		Eventually(func(g Gomega) {
			get(g, t, "ana", member)
			g.Expect(readyOf(member)).To(Equal("True Granted"))
			g.Expect(member.Status.Accounts).To(HaveLen(1))
			g.Expect(member.Status.Accounts[0].Email).To(BeEquivalentTo("ana.pop@example.com"))
			g.Expect(member.Status.Grants).To(HaveLen(1))
		}).Should(Succeed())
		Expect(t.opens("ana.pop@example.com", "Entrance", 0)).To(BeTrue())
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeFalse())
		Expect(t.writes()).To(HaveExactElements("POST /users", "POST /role_assignments", HavePrefix("DELETE /role_assignments/")))
	})

	Context("while a booking names the earlier address", func() {
		var (
			t       *tenant
			begin   time.Time
			row     v1alpha1.MemberGrant
			account v1alpha1.MemberAccount
		)

		BeforeEach(func(ctx SpecContext) {
			t = newTenant(ctx)
			t.start()
			t.fixture("notifications: Always")
			t.apply(boardroom)
			t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, fullName: Ana, groupRefs: [{name: uptown}]}")
			t.apply(bookingOf("b1", "-1m", "1h"))
			t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
			Eventually(func(g Gomega) {
				member := t.member(g, "ana")
				g.Expect(member.Status.Grants).To(HaveLen(2))
				g.Expect(readyOf(member)).To(Equal("True Granted"))
				account = member.Status.Accounts[0]
				row = rowIn(member, "boardroom")
				g.Expect(rowIn(member, "uptown").State).To(Equal(v1alpha1.GrantActive))
			}).Should(Succeed())
			begin = t.kisi.Clock().Now()
			t.kisi.ResetRequests()
		})

		move := func() {
			edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Email = "ana@new.example" })
		}

		// movedTo says that the Member has the row of the booking and the account as they were, and that nobody was locked out.
		movedTo := func(name string) {
			GinkgoHelper()
			Eventually(func(g Gomega) {
				heir := t.member(g, name)
				g.Expect(readyOf(heir)).To(Equal("True Granted"))
				g.Expect(heir.Status.Grants).To(HaveLen(1))
				g.Expect(heir.Status.Grants[0].RoleAssignmentID).To(Equal(row.RoleAssignmentID))
				g.Expect(heir.Status.Grants[0].Sources).To(Equal([]string{"BookingGrant/b1"}))
				g.Expect(heir.Status.Accounts).To(ConsistOf(account))
				g.Expect(t.findings(name)).To(HaveKeyWithValue("TookOver", 1))
			}).Should(Succeed())
			t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
			t.neverLockedOut("ana@example.com", "Boardroom", begin)
		}

		// moved says that the Member itself has a new user, and nothing any more of the earlier one.
		moved := func() {
			GinkgoHelper()
			Eventually(func(g Gomega) {
				member := t.member(g, "ana")
				g.Expect(readyOf(member)).To(Equal("True Granted"))
				g.Expect(member.Status.Grants).To(HaveLen(1))
				g.Expect(member.Status.Accounts).To(HaveLen(1))
				g.Expect(member.Status.Accounts[0].Email).To(BeEquivalentTo("ana@new.example"))
			}).Should(Succeed())
			Expect(t.opens("ana@new.example", "Uptown Door", 0)).To(BeTrue())
			Expect(t.opens("ana@new.example", "Boardroom", 0)).To(BeFalse())
			Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeFalse())
			t.quiet()
			Expect(t.writes()).To(HaveExactElements("POST /users", "POST /role_assignments", HavePrefix("DELETE /role_assignments/")))
		}

		It("leaves what the booking gives to the implicit Member of that address, as it is", Label("S10", "S13"), func() {
			move()
			movedTo(implicitName("ana@example.com"))
			moved()
		})

		It("leaves it to the explicit Member who stands for that address then", Label("S10"), func() {
			t.apply("kind: Member\nmetadata: {name: anita}\nspec: {email: ana@example.com, fullName: Ana}")
			t.eventually(&v1alpha1.Member{}, "anita", "False", "DuplicateEmail")
			move()
			movedTo("anita")
			moved()
			Expect(t.exists(&v1alpha1.Member{}, implicitName("ana@example.com"))).To(BeFalse())
		})

		It("leaves it there also where no operator saw the change", func() {
			t.stop()
			move()
			t.start()
			movedTo(implicitName("ana@example.com"))
			moved()
		})

		It("leaves it there also where the Member is deleted at once", func() {
			t.stop()
			move()
			t.delete(&v1alpha1.Member{}, "ana")
			t.start()
			t.gone(&v1alpha1.Member{}, "ana")
			movedTo(implicitName("ana@example.com"))
			t.quiet()
			Expect(t.writes()).To(HaveExactElements(HavePrefix("DELETE /role_assignments/")))
			Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeFalse())
		})

		It("takes it back when the address is changed back", func() {
			move()
			movedTo(implicitName("ana@example.com"))
			moved()
			edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Email = "ana@example.com" })
			t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
			Eventually(func(g Gomega) {
				member := t.member(g, "ana")
				g.Expect(readyOf(member)).To(Equal("True Granted"))
				g.Expect(member.Status.Grants).To(HaveLen(2))
				g.Expect(rowIn(member, "boardroom").RoleAssignmentID).To(Equal(row.RoleAssignmentID))
				g.Expect(member.Status.Accounts).To(ConsistOf(account))
			}).Should(Succeed())
			Expect(t.opens("ana@new.example", "Uptown Door", 0)).To(BeFalse())
		})
	})
})

// rowIn is the Member's only row of a group; the zero row if it has none.
func rowIn(member *v1alpha1.Member, group v1alpha1.ObjectName) v1alpha1.MemberGrant {
	for _, row := range member.Status.Grants {
		if row.Group == group {
			return row
		}
	}
	return v1alpha1.MemberGrant{}
}
