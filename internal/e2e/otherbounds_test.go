package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("A Kisi that gives a window other bounds than it is asked for", func() {
	asks := func(t *tenant) int {
		return t.kisi.CountRequests(simulator.RequestFilter{Method: "POST", Path: "/role_assignments"})
	}
	end := time.Now().Add(48 * time.Hour).Truncate(time.Hour).Add(30 * time.Minute).Add(30 * time.Second)
	anaUntil := fmt.Sprintf("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, groupRefs: [{name: members, endTime: %q}]}", end.UTC().Format(time.RFC3339))

	It("lets the person in with what is only slightly off, and is not asked again and again", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.kisi.rounding.Store(int64(time.Minute))
		t.start()
		t.fixture()
		t.apply(anaUntil)
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeTrue())
		Eventually(func(g Gomega) {
			g.Expect(t.member(g, "ana").Status.Grants).To(ConsistOf(HaveField("State", v1alpha1.GrantActive)))
		}).Should(Succeed())
		Consistently(func() int { return asks(t) }, 5*time.Second).Should(BeNumerically("<=", 3))
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
		Expect(t.findings("ana")).NotTo(HaveKey("WindowChanged"), "nobody else has changed it")

		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
	})

	It("is not left with what differs by more, and says so", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.kisi.rounding.Store(int64(time.Hour))
		t.start()
		t.fixture()
		t.apply(anaUntil)
		Eventually(func(g Gomega) {
			g.Expect(messageOf(t.member(g, "ana"))).To(ContainSubstring("other bounds"))
		}).Should(Succeed())
		Consistently(func() int { return asks(t) }, 5*time.Second).Should(BeNumerically("<=", 5))
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }).Should(BeEmpty())

		t.kisi.rounding.Store(0)
		t.granted("ana")
		t.quiet()
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
	})
})
