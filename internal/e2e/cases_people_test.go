package e2e

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// A directory never deletes: it suspends, and Kisi's own switch stays on.
var _ = Describe("Case 01: a person whom the company's directory has switched off", func() {
	It("is Withheld until the directory lets the person in again", func(ctx SpecContext) {
		const ana = "ana@northlight.example"
		c := newCase(ctx, "01-directory-suspended")
		c.put("1-objects.yaml")
		c.ready(&v1alpha1.Member{}, "ana", "True Granted")
		c.opens(ana, "Entrance")
		c.ready(&v1alpha1.Member{}, "bob", "True Withheld")
		c.account("bob", v1alpha1.AccountSuspendedInKisi)
		Expect(c.rows("bob@northlight.example", "Members")).To(BeEmpty())

		before := c.writes()
		suspended := func() {
			GinkgoHelper()
			c.act(simulator.Action{Action: simulator.ActionScimSuspend, User: ana})
			Expect(c.kisi.CanOpen(ana, "Entrance", c.kisi.Clock().Now()).Code).To(Equal("fcd8ff"))
			c.ready(&v1alpha1.Member{}, "ana", "True Withheld", "directory")
			c.account("ana", v1alpha1.AccountSuspendedInKisi)
		}
		suspended()
		Expect(c.member(Default, "ana").Status.Grants).To(ConsistOf(HaveField("State", v1alpha1.GrantWithheld)))
		subscription := &v1alpha1.AccessSubscription{}
		c.ready(subscription, "ana-desk", "True Withheld")
		Expect(*subscription.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 1, Withheld: 1}))
		Expect(c.rows(ana, "Members")).To(HaveLen(1))
		Expect(c.writes()).To(Equal(before))

		By("the directory lets her in again")
		c.act(simulator.Action{Action: simulator.ActionScimResume, User: ana})
		c.ready(&v1alpha1.Member{}, "ana", "True Granted")
		c.ready(subscription, "ana-desk", "True Granted")
		Expect(c.writes()).To(Equal(before))

		By("a connection that restores whom somebody removed")
		edit(c.tenant, "default", &v1alpha1.KisiConnection{}, func(k *v1alpha1.KisiConnection) {
			k.Spec.Users.RemovedInKisi = v1alpha1.RemovedInKisiRestore
		})
		suspended()
		c.quiet()
		Expect(c.writes()).To(Equal(before))
	})
})

var _ = Describe("Case 04: Kisi refuses to make the user, and does not find the one it has", func() {
	for _, existing := range []string{"Conflict409", "Invalid422"} {
		for seed, switches := range map[string][]string{
			"kisi-seed.yaml":   {"usersEmailFilter=CaseSensitive"},
			"kisi-seed-2.yaml": {"usersEmailFilter=Partial"},
		} {
			switches = append(switches, "existingEmail="+existing)
			It(fmt.Sprintf("is adopted all the same (%s, %v)", seed, switches), func(ctx SpecContext) {
				c := newCaseFrom(ctx, "04-adopt-capitals", seed, switches...)
				users := len(c.kisi.State().Organizations[0].Users)
				c.put("1-objects.yaml")
				c.ready(&v1alpha1.Member{}, "lars", "True Granted")
				account := c.member(Default, "lars").Status.Accounts[0]
				Expect(account.UserID).To(BeEquivalentTo(910451))
				Expect(account.Origin).To(Equal(v1alpha1.AccountFound))
				Expect(c.rows("Lars.Holm@Example.com", "Members")).To(HaveLen(1))
				Expect(c.kisi.Assignments("Members")).To(HaveLen(1))
				Expect(c.kisi.State().Organizations[0].Users).To(HaveLen(users))
				Expect(c.kisi.State().Organizations[0].Users).To(ContainElement(And(HaveField("ID", 910451), HaveField("Name", "Lars Holm"))))
				c.quiet()
				Expect(c.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
			})
		}
	}
})

// Japanese phone companies gave out addresses with two dots in a row.
var _ = Describe("Case 06: one address that Kisi does not take", func() {
	It("keeps out nobody else, is said in Kisi's words, and heals when it is corrected", func(ctx SpecContext) {
		const refused = "p-75b101f76f933b599d4e"
		c := newCase(ctx, "06-refused-address")
		c.put("1-objects.yaml")
		c.opens("ana@example.com", "Boardroom")
		c.opens("gil@example.com", "Boardroom")
		booking := &v1alpha1.BookingGrant{}
		c.ready(booking, "bk-6001", "False Granting", "1 of 3", "RefusedByKisi")
		Expect(*booking.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 3, Granted: 2}))
		c.ready(&v1alpha1.Member{}, refused, "False RefusedByKisi", "e-mail", "is invalid", "correct the address")
		Expect(strings.ToLower(messageOf(c.member(Default, refused)))).NotTo(Or(ContainSubstring("ana"), ContainSubstring("pop")))
		for reason, times := range c.findings(refused) {
			Expect(times).To(BeNumerically("<=", 1), reason)
		}

		By("a while")
		Consistently(func() int {
			return c.kisi.CountRequests(simulator.RequestFilter{Method: "POST", Path: "/users"})
		}, 25*time.Second, time.Second).Should(BeNumerically("<=", 2+3), "two people who are taken, and tries after ten and thirty seconds")

		c.put("2-corrected.yaml")
		c.ready(booking, "bk-6001", "True Granted")
		Expect(*booking.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 3, Granted: 3}))
		c.gone(&v1alpha1.Member{}, refused)
	})
})

var _ = Describe("Case 14: no seat is left for another user", func() {
	for _, status := range []int{403, 402} {
		It(fmt.Sprintf("which Kisi answers with %d: it is said, holds up nobody else, and heals", status), func(ctx SpecContext) {
			c := newCase(ctx, "14-user-limit")
			c.put("1-objects.yaml")
			c.ready(&v1alpha1.Member{}, "iris", "True Granted")
			end := c.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Method: "POST", Path: "/users", Status: status,
				Body: fmt.Sprintf(`{"code":"000%d","error":"User limit reached. Upgrade your plan."}`, status)})
			c.put("2-two-more.yaml")
			c.opens("iris@example.com", "Terrace")
			for _, name := range []string{"jon", "lea"} {
				c.ready(&v1alpha1.Member{}, name, "False KisiLimitReached", "User limit reached. Upgrade your plan.")
				Expect(messageOf(c.member(Default, name))).NotTo(ContainSubstring("role"))
			}
			subscription := &v1alpha1.AccessSubscription{}
			c.ready(subscription, "sol-members", "False Granting", "2 of 3", "2 KisiLimitReached")
			Expect(*subscription.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 3, Granted: 1}))
			c.ready(&v1alpha1.KisiConnection{}, "default", "True Connected")
			c.connection(v1alpha1.ConditionAuthorized, "True Authorized")

			end()
			for _, name := range []string{"jon", "lea"} {
				c.ask(name, v1alpha1.ReconcileAtAnnotation)
				c.ready(&v1alpha1.Member{}, name, "True Granted")
				c.opens(name+"@example.com", "Entrance")
			}
		})
	}
})
