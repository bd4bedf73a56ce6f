package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("A person's Kisi user", func() {
	It("is made for every Active Member under users.create: Always, and stays when access ends", Label("B1", "B6"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture("users: {create: Always}")
		t.apply(`
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com, fullName: Ana Pop}
---
kind: Member
metadata: {name: gil}
spec: {email: gil@example.com, state: Pending}
`)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		t.eventually(&v1alpha1.Member{}, "gil", "True", "NotActive")
		Eventually(func(g Gomega) {
			_, exists := t.kisi.User("acme", "ana@example.com")
			g.Expect(exists).To(BeTrue())
			g.Expect(get(g, t, "ana", &v1alpha1.Member{}).Status.Accounts).To(HaveLen(1))
		}).Should(Succeed())
		_, exists := t.kisi.User("acme", "gil@example.com")
		Expect(exists).To(BeFalse(), "a Member that is not Active gets no user")

		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		_, exists = t.kisi.User("acme", "ana@example.com")
		Expect(exists).To(BeTrue(), "onUnused: Retain")
		Expect(t.writes()).To(HaveExactElements("POST /users"))
	})

	It("follows a changed name if it was made here, and is left alone if it was not", Label("S10"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(`
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com, fullName: Ana, groupRefs: [{name: members}]}
---
kind: Member
metadata: {name: gary}
spec: {email: gary@acme.example, fullName: Gary G., groupRefs: [{name: members}]}
`)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		t.eventually(&v1alpha1.Member{}, "gary", "True", "Granted")
		t.kisi.ResetRequests()
		for _, name := range []string{"ana", "gary"} {
			edit(t, name, &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.FullName += " Pop" })
		}
		Eventually(func(g Gomega) {
			user, _ := t.kisi.User("acme", "ana@example.com")
			g.Expect(user.Name).To(Equal("Ana Pop"))
			g.Expect(get(g, t, "ana", &v1alpha1.Member{}).Status.Accounts[0].FullName).To(BeEquivalentTo("Ana Pop"))
		}).Should(Succeed())
		Consistently(func() string {
			user, _ := t.kisi.User("acme", "gary@acme.example")
			return user.Name
		}).Should(Equal("Gary Guest"))
		Expect(t.writes()).To(HaveExactElements(HavePrefix("PATCH /users/")))
	})

	It("follows the name by which a subscription or a booking speaks of the person", Label("S10"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
		t.apply(`
kind: AccessSubscription
metadata: {name: s1}
spec: {groupRefs: [{name: members}], subject: {email: ana@example.com}}
`)
		t.eventually(&v1alpha1.AccessSubscription{}, "s1", "True", "Granted")
		name := func() string { return t.kisiUser("ana@example.com").Name }
		Expect(name()).To(Equal("ana@example.com"))
		t.kisi.ResetRequests()
		edit(t, "s1", &v1alpha1.AccessSubscription{}, func(s *v1alpha1.AccessSubscription) { s.Spec.Subject.FullName = "Ana Pop" })
		Eventually(name).Should(Equal("Ana Pop"))
		t.apply(bookingOf("b1", "-1m", "1h")) // it says Ana
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.quiet()
		Expect(name()).To(Equal("Ana Pop"), "a second name changes nothing")
		t.delete(&v1alpha1.AccessSubscription{}, "s1")
		Eventually(name).Should(Equal("Ana"), "the name of those who still speak of the person")
		Expect(t.writes()).To(HaveLen(4), "two names, and a group each given and taken")
	})

	It("keeps its name in a hand-over, which asks nothing of Kisi, and follows the name from then on", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.kisi.ResetRequests()
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, fullName: Anastasia}")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		Consistently(t.writes).Should(BeEmpty())
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.FullName = "Anastasia Pop" })
		Eventually(t.writes).Should(HaveExactElements(HavePrefix("PATCH /users/")))
	})
})
