package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// northlight is an organization whose people come from its directory, which had switched Bob off before the operator came.
const northlight = `
organizations:
  - name: Northlight
    domain: acme
    owner: olga@northlight.example
    scimEnabled: %t
    users:
      - {email: olga@northlight.example, name: Olga Owner}
      - {email: adam@northlight.example, name: Adam Admin}
      - {email: ana@northlight.example, name: Ana Berg}
      - {email: bob@northlight.example, name: Bob Voss, scimAccessEnabled: %t}
    places:
      - {name: Haus}
    locks:
      - {name: Entrance, place: Haus}
    groups:
      - {name: Members, place: Haus, locks: [Entrance]}
    roleAssignments:
      - {user: adam@northlight.example, role: organization_administrator}
    keys:
      - {user: olga@northlight.example, secret: owner-key-0123456789}
`

const northlightMembers = `
kind: KisiGroup
metadata: {name: members}
spec: {existing: {name: Members}}
---
kind: Member
metadata: {name: ana}
spec: {email: ana@northlight.example, groupRefs: [{name: members}]}
---
kind: Member
metadata: {name: bob}
spec: {email: bob@northlight.example, groupRefs: [{name: members}]}
---
kind: AccessSubscription
metadata: {name: desk}
spec: {subject: {memberRef: {name: ana}}, groupRefs: [{name: members}]}
`

var _ = Describe("A person whom the organization's directory has switched off", Label("P6"), func() {
	const address = "ana@northlight.example"
	kisiOf := func(ctx SpecContext, enabled, bob bool, lines ...string) *tenant {
		GinkgoHelper()
		t := newTenantOf(ctx, newKisiFrom(fmt.Sprintf(northlight, enabled, bob), simulator.Options{RequestsPerSecond: -1}))
		t.start()
		t.connect(lines...)
		return t
	}
	directory := func(ctx SpecContext, lines ...string) *tenant {
		GinkgoHelper()
		t := kisiOf(ctx, true, false, lines...)
		t.apply(northlightMembers)
		t.granted("ana")
		return t
	}
	suspended := func(t *tenant) {
		GinkgoHelper()
		t.says(&v1alpha1.Member{}, "ana", v1alpha1.ConditionReady, "True Withheld", "directory")
		account := t.account("ana", v1alpha1.AccountSuspendedInKisi)
		Expect(account.SuspendedBy).To(Equal(v1alpha1.SuspendedByDirectory))
		Expect(t.member(Default, "ana").Status.Grants).To(ConsistOf(HaveField("State", v1alpha1.GrantWithheld)))
		Expect(t.rows(address, "Members")).To(HaveLen(1), "what she has stays, and the doors refuse")
		Expect(t.kisi.CanOpen(address, "Entrance", t.kisi.Clock().Now()).Code).To(Equal("fcd8ff"))
	}

	It("before the operator came is not let in", func(ctx SpecContext) {
		t := directory(ctx)
		t.says(&v1alpha1.Member{}, "bob", v1alpha1.ConditionReady, "True Withheld", "directory")
		Expect(t.account("bob", v1alpha1.AccountSuspendedInKisi).SuspendedBy).To(Equal(v1alpha1.SuspendedByDirectory))
		t.quiet()
		Expect(t.rows("bob@northlight.example", "Members")).To(BeEmpty())
		t.act(simulator.Action{Action: simulator.ActionScimResume, User: "bob@northlight.example"})
		Eventually(func() bool { return t.opens("bob@northlight.example", "Entrance", 0) }).Should(BeTrue())
		t.granted("bob")
		Expect(t.account("bob", v1alpha1.AccountEnabled).SuspendedBy).To(BeEmpty())
	})

	It("is Withheld within a poll, and comes back within one, without a write to Kisi", func(ctx SpecContext) {
		t := directory(ctx)
		t.kisi.ResetRequests()
		t.act(simulator.Action{Action: simulator.ActionScimSuspend, User: address})
		suspended(t)
		subscription := &v1alpha1.AccessSubscription{}
		t.eventually(subscription, "desk", "True", "Withheld")
		Expect(*subscription.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 1, Withheld: 1}))

		t.act(simulator.Action{Action: simulator.ActionScimResume, User: address})
		t.granted("ana")
		t.eventually(subscription, "desk", "True", "Granted")
		Expect(t.writes()).To(BeEmpty())
	})

	It("is let in again by the directory only, whatever the connection or an annotation says", func(ctx SpecContext) {
		t := directory(ctx, "users: {removedInKisi: Restore}")
		t.kisi.ResetRequests()
		t.act(simulator.Action{Action: simulator.ActionScimSuspend, User: address})
		suspended(t)
		t.ask("ana", v1alpha1.ReinstateAnnotation)
		Eventually(func() string { return t.member(Default, "ana").Status.Reinstated }).ShouldNot(BeEmpty())
		t.quiet()
		suspended(t)
		Expect(t.writes()).To(BeEmpty())
	})

	It("and by the operator, being unused, comes back when both let her", func(ctx SpecContext) {
		t := directory(ctx, "users: {onUnused: Suspend}")
		const created = "cleo@northlight.example"
		cleo := "kind: Member\nmetadata: {name: cleo}\nspec: {email: cleo@northlight.example, groupRefs: [%s]}"
		t.apply(fmt.Sprintf(cleo, "{name: members}"))
		t.granted("cleo")
		t.apply(fmt.Sprintf(cleo, ""))
		t.account("cleo", v1alpha1.AccountSuspendedByUs)
		t.act(simulator.Action{Action: simulator.ActionScimSuspend, User: created})
		Eventually(func() v1alpha1.AccountSuspender { return t.account("cleo", v1alpha1.AccountSuspendedByUs).SuspendedBy }).Should(Equal(v1alpha1.SuspendedByDirectory))
		t.apply(fmt.Sprintf(cleo, "{name: members}"))
		t.says(&v1alpha1.Member{}, "cleo", v1alpha1.ConditionReady, "True Withheld", "directory")
		t.quiet()
		Expect(t.rows(created, "Members")).To(BeEmpty())
		t.act(simulator.Action{Action: simulator.ActionScimResume, User: created})
		t.granted("cleo")
		Expect(t.opens(created, "Entrance", 0)).To(BeTrue())
	})

	It("is found by a complete read where no event tells", func(ctx SpecContext) {
		t := directory(ctx)
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 403, Method: "POST", Path: "/event_sets"})
		t.act(simulator.Action{Action: simulator.ActionScimSuspend, User: address})
		t.look("members")
		suspended(t)
	})

	It("is imported as such", func(ctx SpecContext) {
		t := kisiOf(ctx, true, false, "users: {existing: Import}")
		Eventually(func(g Gomega) {
			g.Expect(t.implicit(g, "bob@northlight.example").Status.Accounts).To(ConsistOf(And(
				HaveField("Access", v1alpha1.AccountSuspendedInKisi), HaveField("SuspendedBy", v1alpha1.SuspendedByDirectory))))
			g.Expect(t.implicit(g, address).Status.Accounts).To(ConsistOf(HaveField("Access", v1alpha1.AccountEnabled)))
		}).Should(Succeed())
	})

	It("is noticed also where the organization gets its directory meanwhile", func(ctx SpecContext) {
		t := kisiOf(ctx, false, true)
		t.apply(northlightMembers)
		t.granted("ana")
		t.granted("bob")
		t.act(simulator.Action{Action: simulator.ActionScimSuspend, User: address})
		suspended(t)
		t.granted("bob")
	})

	It("does not exist where the organization has no directory, whatever the field says", func(ctx SpecContext) {
		t := kisiOf(ctx, false, false)
		t.apply(northlightMembers)
		t.granted("ana")
		t.granted("bob")
		Expect(t.opens("bob@northlight.example", "Entrance", 0)).To(BeTrue())
	})
})
