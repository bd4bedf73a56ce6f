package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// A calendar comes back empty, every booking is pruned, then all of them are put back.
var _ = Describe("Case 13: a feed that is empty for two minutes in a house of six", func() {
	const house, door = 6, "House Door"
	guest := func(i int) string { return fmt.Sprintf("guest%d@example.com", i+1) }

	DescribeTable("lets few go, and gives back without a request what was held",
		func(ctx SpecContext, connection string, allowed int) {
			c := newCase(ctx, "13-empty-feed-small-house")
			c.put(connection)
			c.put("2-stays.yaml")
			for i := range house {
				c.opens(guest(i), door)
				c.ready(&v1alpha1.BookingGrant{}, fmt.Sprintf("stay-%d", i+1), "True Granted")
			}
			began := c.kisi.Clock().Now()
			Expect(admin.DeleteAllOf(ctx, &v1alpha1.BookingGrant{}, client.InNamespace(c.namespace))).To(Succeed())
			Eventually(func(g Gomega) {
				connection := get(g, c.tenant, "default", &v1alpha1.KisiConnection{})
				g.Expect(connection.Status.Counts.HeldRevocations).To(BeEquivalentTo(house - allowed))
				g.Expect(condition(connection, v1alpha1.ConditionRevocationsHeld).Message).To(And(
					ContainSubstring("guests (%d)", house-allowed), ContainSubstring(v1alpha1.ApproveRevocationsUntilAnnotation+"=<a time")))
				g.Expect(c.kisi.Assignments("Guests")).To(HaveLen(house - allowed))
			}, c.due).Should(Succeed())
			c.quiet()
			stay := map[string]bool{}
			for _, row := range c.kisi.Assignments("Guests") {
				stay[row.User] = true
			}
			Expect(stay).To(HaveLen(house - allowed))

			c.kisi.ResetRequests()
			c.put("2-stays.yaml")
			for i := range house {
				c.opens(guest(i), door)
				c.ready(&v1alpha1.BookingGrant{}, fmt.Sprintf("stay-%d", i+1), "True Granted")
			}
			Eventually(func(g Gomega) {
				connection := get(g, c.tenant, "default", &v1alpha1.KisiConnection{})
				g.Expect(connection.Status.Counts.HeldRevocations).To(BeZero())
				g.Expect(conditionsOf(connection)).NotTo(ContainElement(HaveField("Type", v1alpha1.ConditionRevocationsHeld)))
			}, c.due).Should(Succeed())
			Expect(c.kisi.Assignments("Guests")).To(HaveLen(house), "one row each")
			asked := func(method, path string) int {
				return c.kisi.CountRequests(simulator.RequestFilter{Method: method, Path: path})
			}
			Expect([]int{asked("POST", "/role_assignments"), asked("DELETE", "/role_assignments/*")}).To(Equal([]int{allowed, 0}))
			until := c.kisi.Clock().Now()
			for email := range stay {
				intervals, err := c.kisi.AccessIntervals("small-house", email, door, began, until)
				Expect(err).NotTo(HaveOccurred())
				Expect(continuous(intervals, began, until)).To(BeTrue(), "%s never loses the door", email)
			}
		},
		Entry("with the default limit: half of them", "1-connection.yaml", 3),
		Entry("with a minimum of none: a quarter", "1b-connection-with-brake.yaml", 1),
	)
})
