package e2e

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Gym software takes a hold with its first and last day. Here it is two subscriptions with the id of the one.
var _ = Describe("Case 12: a membership with a planned hold", func() {
	const kai, door = "kai@example.com", "Entrance"

	It("ends and begins again by itself, with no operator", func(ctx SpecContext) {
		c := newCase(ctx, "12-membership-hold", "duplicates=SameBoundsConflict")
		c.put("1-objects.yaml")
		Eventually(func() int { return len(c.rows(kai, "Gold")) }, c.due).Should(Equal(2))
		c.ready(&v1alpha1.Member{}, "kai", "True Granted")
		c.stop()
		for offset, may := range map[string]bool{"+20s": true, "+59s": true, "+60s": false, "+179s": false, "+180s": true, "+90d": true} {
			Expect(c.opensAt(offset, kai, door)).To(Equal(may), "at T%s", offset)
		}
		before := c.writes()
		c.startProcess()
		c.ready(&v1alpha1.AccessSubscription{}, "m-12-before-hold", "True Granted")
		c.ready(&v1alpha1.AccessSubscription{}, "m-12-after-hold", "True Scheduled")
		c.quiet()
		Expect(c.writes()).To(Equal(before))
		found, err := plane.Kubectl(c.ctx, "get", "asub", "-n", c.namespace, "--field-selector", "spec.externalID=m_12", "-o", "name")
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Fields(found)).To(HaveLen(2))
	})

	It("that is cut short begins again at the new time, once", func(ctx SpecContext) {
		c := newCase(ctx, "12-membership-hold", "duplicates=SameBoundsConflict")
		c.began = c.began.Add(-70 * time.Second)
		c.put("1-objects.yaml")
		Eventually(func() bool { return c.opensAt("+181s", kai, door) }, c.due).Should(BeTrue())
		c.put("2-hold-cut-short.yaml")
		Eventually(func() bool { return c.opensAt("+91s", kai, door) }, c.due).Should(BeTrue())
		c.opens(kai, door)
		Expect(c.opensAt("+89s", kai, door)).To(BeFalse())
		c.ready(&v1alpha1.Member{}, "kai", "True Granted")
		Eventually(func(g Gomega) { g.Expect(c.rows(kai, "Gold")).To(HaveLen(1)) }, c.due).Should(Succeed())
		member := c.member(Default, "kai")
		Expect(member.Status.Grants).To(HaveLen(1))
		Expect(member.Status.Grants[0].State).To(Equal(v1alpha1.GrantActive))
	})

	It("at a Kisi that takes one assignment of a person only, waits for the first to end", func(ctx SpecContext) {
		c := newCase(ctx, "12-membership-hold", "duplicates=AlwaysConflict", "expiredRows=Kept")
		c.began = c.began.Add(-45 * time.Second)
		c.put("1-objects.yaml")
		Eventually(func(g Gomega) {
			var states []v1alpha1.GrantState
			for _, grant := range c.member(g, "kai").Status.Grants {
				states = append(states, grant.State)
			}
			g.Expect(states).To(ConsistOf(v1alpha1.GrantActive, v1alpha1.GrantQueued))
		}, "14s").Should(Succeed())
		Expect(c.opensAt("+59s", kai, door)).To(BeTrue())
		Eventually(func() bool { return c.opensAt("+180s", kai, door) }, c.due).Should(BeTrue())
		Expect(c.opensAt("+179s", kai, door)).To(BeFalse())
		c.ready(&v1alpha1.Member{}, "kai", "True Scheduled")
	})
})
