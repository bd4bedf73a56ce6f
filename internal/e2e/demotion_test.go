package e2e

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("A key whose owner loses a role", Label("K1"), func() {
	var t *tenant
	ids := func() map[string][]int {
		found := map[string][]int{}
		for _, group := range []string{"Members", "Premium"} {
			for _, row := range t.kisi.Assignments(group) {
				found[group] = append(found[group], row.ID)
			}
		}
		return found
	}
	begin := func(ctx SpecContext, key string, switches ...string) {
		t = newTenant(ctx, switches...)
		t.start()
		t.connectWith(key, "revocationLimit: {percent: 100}")
		t.apply(groups)
		t.apply("kind: KisiGroup\nmetadata: {name: premium}\nspec: {managed: {name: Premium, doors: [{name: Entrance}]}}")
		for _, name := range []string{"members", "premium"} {
			t.eventually(&v1alpha1.KisiGroup{}, name, "True", "Bound")
		}
		t.apply(strings.Replace(ana, "[{name: members}]", "[{name: members}, {name: premium}]", 1))
		t.applyGil()
		t.granted("ana")
		t.granted("gil")
		t.quiet()
	}
	// waits has a revocation wait, sees that nothing is concluded from what the key is shown, gives the role back, and sees
	// that all goes on where it was.
	waits := func(back simulator.Action) {
		before, gil := ids(), t.member(Default, "gil").Status.Grants
		t.kisi.ResetRequests()
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
		t.notReady(&v1alpha1.Member{}, "ana", v1alpha1.ReasonConnectionNotReady, `"default"`)
		now := time.Now().Format(time.RFC3339Nano)
		for _, group := range []string{"members", "premium"} {
			annotate(t, group, &v1alpha1.KisiGroup{}, v1alpha1.ReconcileAtAnnotation, now)
		}
		t.lookAtMember("gil")
		t.quiet()
		Expect(ids()).To(Equal(before))
		Expect(t.opens("gil@example.com", "Entrance", 0)).To(BeTrue())

		t.kisi.act(back)
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }, "20s").Should(BeFalse(), "what waited is carried out soon after the role is back")
		t.connection(v1alpha1.ConditionReady, "True Connected")
		for _, name := range []string{"members", "premium"} {
			t.eventually(&v1alpha1.KisiGroup{}, name, "True", "Bound")
		}
		t.granted("gil")
		t.quiet()
		Expect(t.member(Default, "gil").Status.Grants).To(Equal(gil))
		Expect(t.rows("gil@example.com", "Members")).To(HaveLen(1))
		Expect(t.rows("mara@acme.example", "Members")).To(HaveLen(1), "what others made stays")
		Expect(t.groupsNamed("Premium")).To(HaveLen(1))
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
		Expect(t.rows("ana@example.com", "Premium")).To(BeEmpty())
	}

	DescribeTable("is noticed by the next poll, with nothing to do in Kisi", func(ctx SpecContext, lists, reads string) {
		begin(ctx, ownerKey, "listsForbidden="+lists, "readsForbidden="+reads)
		writes := t.writes()
		t.kisi.act(simulator.Action{Action: simulator.ActionDemoteOwner, As: "adam@acme.example"})
		t.connection(v1alpha1.ConditionAuthorized, "False InsufficientRole")
		Expect(t.writes()).To(Equal(writes))
		waits(simulator.Action{Action: simulator.ActionSetOwner, As: "adam@acme.example", User: "olga@acme.example"})
	},
		Entry("which is refused, like all lists", "Forbidden403", "Forbidden403"),
		Entry("where lists come back empty and what is there is not found", "Filtered", "NotFound404"),
		Entry("where lists come back empty", "Filtered", "Forbidden403"),
	)

	It("is noticed at the next full read where everything can be read as before", func(ctx SpecContext) {
		begin(ctx, adminKey)
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.ResyncInterval.Duration = time.Minute })
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, As: "olga@acme.example", User: "adam@acme.example", Role: "organization_observer"})
		t.kisi.act(simulator.Action{Action: simulator.ActionRevoke, As: "olga@acme.example", User: "adam@acme.example", Role: "organization_administrator"})
		Eventually(func(g Gomega) {
			c := get(g, t, "default", &v1alpha1.KisiConnection{})
			g.Expect(condition(c, v1alpha1.ConditionAuthorized).Reason).To(Equal(v1alpha1.ReasonInsufficientRole))
		}, "75s").Should(Succeed(), "within resyncInterval")
		waits(simulator.Action{Action: simulator.ActionGrant, As: "olga@acme.example", User: "adam@acme.example", Role: "organization_administrator"})
	})

	DescribeTable("while a revocation is on its way forgets nothing of it", func(ctx SpecContext, reads string) {
		begin(ctx, ownerKey, "listsForbidden=Filtered", "readsForbidden="+reads)
		t.pollEvery(time.Hour) // only the revocation itself can notice
		t.kisi.act(simulator.Action{Action: simulator.ActionDemoteOwner, As: "adam@acme.example"})
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
		t.connection(v1alpha1.ConditionAuthorized, "False InsufficientRole")
		Expect(t.member(Default, "ana").Status.Grants).To(HaveLen(2))
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
		t.kisi.act(simulator.Action{Action: simulator.ActionSetOwner, As: "adam@acme.example", User: "olga@acme.example"})
		t.lookAgain("default") // the poll, which here is rare, is what a glance is as frequent as
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeFalse())
	},
		Entry("that is refused", "Forbidden403"),
		Entry("that finds nothing", "NotFound404"),
	)
})
