package e2e

import (
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
})
