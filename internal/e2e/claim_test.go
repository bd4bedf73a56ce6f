package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// claim annotates a group, so that what was made with the key is ours again.
func (t *tenant) claim(group, value string) {
	GinkgoHelper()
	edit(t, group, &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) {
		g.Annotations = map[string]string{v1alpha1.ClaimAnnotation: value}
	})
}

// lose takes the Members' ledgers away, as a restore does.
func (t *tenant) lose(names ...string) {
	GinkgoHelper()
	t.stop()
	for _, name := range names {
		member := t.member(Default, name)
		member.Finalizers = nil
		Expect(admin.Update(t.ctx, member)).To(Succeed())
		t.delete(&v1alpha1.Member{}, name)
		t.gone(&v1alpha1.Member{}, name)
	}
}

var _ = Describe("A lost ledger", func() {
	const benInMembers = "kind: Member\nmetadata: {name: ben}\nspec: {email: ben@example.com, groupRefs: [{name: members}]}"

	It("leaves its rows alone and counted; claim makes them the operator's, once", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		t.apply(benInMembers)
		t.granted("ana")
		t.granted("ben")
		rows := t.rows("ana@example.com", "Members")
		t.lose("ana", "ben")
		t.kisi.ResetRequests()
		t.start()
		Eventually(func(g Gomega) {
			counts := t.group(g, "members").Status.Counts
			g.Expect(counts.Unclaimed).To(BeEquivalentTo(2))
			g.Expect(counts.Foreign).To(BeEquivalentTo(1))
		}).Should(Succeed())
		t.apply(anaInMembers)
		t.covered("ana")
		t.quiet()
		Expect(t.writes()).To(Equal([]string{"POST /users"}), "the row that is there lets Ana in")

		t.claim("members", "restored")
		Eventually(func(g Gomega) {
			g.Expect(t.rows("ben@example.com", "Members")).To(BeEmpty(), "nothing asks for it")
			member := t.member(g, "ana")
			g.Expect(member.Status.Grants).To(HaveLen(1))
			g.Expect(member.Status.Grants[0].RoleAssignmentID).To(BeEquivalentTo(rows[0].ID))
			group := t.group(g, "members")
			g.Expect(group.Status.Claim).To(Equal("restored"))
			g.Expect(group.Status.Counts.Unclaimed).To(BeZero())
		}).Should(Succeed())
		Expect(t.rows("mara@acme.example", "Members")).To(HaveLen(1), "the admin's own grant stays")
		t.gone(&v1alpha1.Member{}, implicitName("ben@example.com"))

		t.act(simulator.Action{Action: simulator.ActionGrant, As: "olga@acme.example", User: "gary@acme.example", Group: "Members"})
		t.look("members")
		Eventually(func(g Gomega) {
			g.Expect(t.group(g, "members").Status.Counts.Unclaimed).To(BeEquivalentTo(1))
		}).Should(Succeed())
		t.quiet()
		Expect(t.rows("gary@acme.example", "Members")).To(HaveLen(1), "each value claims once")
		t.claim("members", "again")
		Eventually(func() []simulator.Assignment { return t.rows("gary@acme.example", "Members") }).Should(BeEmpty())
	})
})
