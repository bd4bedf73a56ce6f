package e2e

import (
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("Case 02: a lock is replaced, and people come and go meanwhile", func() {
	const uma, vic, wes = "uma@example.com", "vic@example.com", "wes@example.com"

	It("stops neither those who leave nor those who join", func(ctx SpecContext) {
		c := newCase(ctx, "02-door-replaced")
		c.put("1-objects.yaml")
		for _, email := range []string{uma, vic} {
			c.opens(email, "Entrance")
			c.opens(email, "Sauna")
		}
		c.ready(&v1alpha1.AccessSubscription{}, "vic-gold", "True Granted")
		row := c.rows(vic, "Gold")
		c.act(simulator.Action{Action: simulator.ActionDeleteLock, Lock: "Sauna"})
		c.ready(&v1alpha1.KisiGroup{}, "gold", "False DoorNotFound", "spec.managed.doors[1]", `"Sauna"`)
		Expect(c.kisi.CanOpen(vic, "Entrance", c.kisi.Clock().Now()).Allowed).To(BeTrue())

		c.put("2-uma-leaves.yaml")
		c.refuses(uma, "Entrance")
		c.ready(&v1alpha1.AccessSubscription{}, "uma-gold", "True Canceled")
		Expect(c.rows(uma, "Gold")).To(BeEmpty())

		c.put("3-wes-joins.yaml")
		c.opens(wes, "Entrance")
		joined := c.rows(wes, "Gold")
		edit(c.tenant, "gold", &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) { g.Spec.Managed.Doors = g.Spec.Managed.Doors[:1] })
		c.ready(&v1alpha1.KisiGroup{}, "gold", "True Bound")
		Expect(c.rows(vic, "Gold")).To(Equal(row))
		Expect(c.rows(wes, "Gold")).To(Equal(joined))
	})
})

var _ = Describe("Case 07: a group is renamed, and another one takes its name", func() {
	It("moves nobody", func(ctx SpecContext) {
		const bound, entrance, serverRoom = 910721, "Entrance", "Server Room"
		c := newCase(ctx, "07-group-renamed")
		c.put("1-objects.yaml")
		people := []string{"ana@example.com", "bea@example.com", "cai@example.com"}
		rows := map[string][]simulator.Assignment{}
		for _, email := range people {
			c.opens(email, entrance)
		}
		for _, name := range []string{"ana", "bea", "cai"} {
			c.ready(&v1alpha1.Member{}, name, "True Granted")
		}
		for _, email := range people {
			rows[email] = rowsIn(c.rows(email, "Members"), "Members (all)")
		}
		c.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Members", Name: "Members (all)"})
		c.ready(&v1alpha1.KisiGroup{}, "members", "True Bound", `"Members (all)"`, `"Members"`)
		c.put("2-new-member.yaml")
		c.opens("dan@example.com", entrance)
		c.ready(&v1alpha1.Member{}, "dan", "True Granted")

		other := c.kisi.asIn("harbor", "adam@harbor.example", http.MethodPost, "/groups", map[string]any{"group": map[string]any{"name": "Members"}})
		c.kisi.asIn("harbor", "adam@harbor.example", http.MethodPost, "/group_locks",
			map[string]any{"group_lock": map[string]any{"group_id": other, "lock_id": c.lockID(serverRoom)}})
		c.kisi.ResetRequests()
		annotate(c.tenant, "members", &v1alpha1.KisiGroup{}, v1alpha1.ReconcileAtAnnotation, "1")
		Eventually(func() int {
			return c.kisi.CountRequests(simulator.RequestFilter{Method: http.MethodGet, Path: fmt.Sprintf("/groups/%d", bound)})
		}, c.due).Should(BeNumerically(">=", 1))
		c.quiet()
		Expect(get(Default, c.tenant, "members", &v1alpha1.KisiGroup{}).Status.KisiGroupID).To(BeEquivalentTo(bound))
		Expect(c.kisi.Assignments("Members")).To(BeEmpty())
		Expect(c.writes()).To(BeEmpty())
		for _, email := range people {
			Expect(c.rows(email, "Members (all)")).To(Equal(rows[email]))
			c.refuses(email, serverRoom)
			c.opens(email, entrance)
		}
	})
})

var _ = Describe("Case 09: a group allows no apps at all", func() {
	It("is named beside the restrictions", func(ctx SpecContext) {
		c := newCase(ctx, "09-app-access-off")
		c.put("1-objects.yaml")
		c.ready(&v1alpha1.Member{}, "mia", "True Granted")
		compatible := func(group, statusAndReason string, words ...string) {
			GinkgoHelper()
			c.says(&v1alpha1.KisiGroup{}, group, v1alpha1.ConditionPartnerAppCompatible, statusAndReason, words...)
		}
		compatible("members", "True Compatible")
		compatible("lounge", "False RestrictionsInTheWay", "appAccess")
		for _, group := range []string{"members", "lounge"} {
			c.ready(&v1alpha1.KisiGroup{}, group, "True Bound") // it is advice
		}
		on := true
		c.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Lounge", LoginEnabled: &on})
		compatible("lounge", "True Compatible")

		off := false
		c.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Lounge", LoginEnabled: &off})
		edit(c.tenant, "default", &v1alpha1.KisiConnection{}, func(k *v1alpha1.KisiConnection) { k.Spec.UnlockMode = v1alpha1.UnlockWithKisiApp })
		c.ready(&v1alpha1.KisiGroup{}, "lounge", "True Bound", "no app")
		Eventually(func(g Gomega) {
			for _, group := range []string{"members", "lounge"} {
				g.Expect(condition(get(g, c.tenant, group, &v1alpha1.KisiGroup{}), v1alpha1.ConditionPartnerAppCompatible)).To(BeZero())
			}
		}, c.due).Should(Succeed())
	})
})
