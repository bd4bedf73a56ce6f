package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("What Kisi refuses", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
	})

	attended := func(address string) {
		GinkgoHelper()
		t.apply(fmt.Sprintf(`
kind: BookingGrant
metadata: {name: b1}
spec:
  placeRef: {name: boardroom}
  organizer: {email: ana@example.com, fullName: Ana Pop}
  attendees:
  - {email: gil@example.com, fullName: Gil Ott}
  - {email: %s, fullName: Ana Pop}
  startTime: '{{time "-5m"}}'
  endTime: '{{time "2h"}}'
`, address))
	}

	It("because of an address keeps nobody else out, is said in Kisi's words, and heals when the address is corrected", func() {
		const wrong = "ana..pop@example.com"
		attended(wrong)
		t.notReady(&v1alpha1.Member{}, implicit(wrong), v1alpha1.ReasonRefusedByKisi, "422", "email", "is invalid", "correct the address")
		Expect(isStalled(t.member(Default, implicit(wrong)))).To(BeFalse(), "it is tried again")
		booking := &v1alpha1.BookingGrant{}
		t.notReady(booking, "b1", v1alpha1.ReasonGranting, "1 of 3", v1alpha1.ReasonRefusedByKisi)
		Expect(*booking.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 3, Granted: 2}))
		for _, email := range []string{"ana@example.com", "gil@example.com"} {
			Expect(t.opens(email, "Boardroom", 0)).To(BeTrue(), email)
		}
		Expect(messageOf(t.member(Default, implicit(wrong)))).NotTo(Or(ContainSubstring("pop"), ContainSubstring("Pop")))

		attended("ana.pop@example.com")
		t.eventually(booking, "b1", "True", "Granted")
		Expect(*booking.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 3, Granted: 3}))
		t.gone(&v1alpha1.Member{}, implicit(wrong))
	})

	DescribeTable("because of the plan's seats is not blamed on the role, and is tried at once when asked for",
		func(status int, body, reason string, words ...string) {
			t.apply("kind: Member\nmetadata: {name: iris}\nspec: {email: gary@acme.example, teams: [sol]}")
			t.apply("kind: AccessSubscription\nmetadata: {name: sol}\nspec: {subject: {team: sol}, groupRefs: [{name: members}]}")
			t.granted("iris")
			end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Method: "POST", Path: "/users", Status: status, Body: body})
			t.apply("kind: Member\nmetadata: {name: jon}\nspec: {email: jon@example.com, fullName: Jon Rey, teams: [sol]}")
			t.apply("kind: AccessSubscription\nmetadata: {name: iris}\nspec: {subject: {memberRef: {name: iris}}, groupRefs: [{name: uptown}]}")
			t.notReady(&v1alpha1.Member{}, "jon", reason, words...)
			Eventually(func() bool { return t.opens("gary@acme.example", "Uptown Door", 0) }).Should(BeTrue(), "whom Kisi knows is not held up")
			subscription := &v1alpha1.AccessSubscription{}
			t.notReady(subscription, "sol", v1alpha1.ReasonGranting, "1 of 2", reason)
			Expect(*subscription.Status.People).To(Equal(v1alpha1.PeopleCounts{Total: 2, Granted: 1}))
			t.connection(v1alpha1.ConditionReady, "True Connected")
			t.connection(v1alpha1.ConditionAuthorized, "True Authorized")
			Expect(messageOf(t.member(Default, "jon"))).NotTo(Or(ContainSubstring("Jon"), ContainSubstring("jon@"), ContainSubstring("\n")))

			end()
			t.ask("jon", v1alpha1.ReconcileAtAnnotation)
			Eventually(func() bool { return t.opens("jon@example.com", "Entrance", 0) }, "5s").Should(BeTrue())
			t.granted("jon")
		},
		Entry("403 that speaks of a limit", 403, `{"code":"000403","error":"User limit reached. Upgrade your plan."}`, v1alpha1.ReasonKisiLimitReached, "403", "User limit reached. Upgrade your plan.", "seat"),
		Entry("402", 402, `{"code":"000402","error":"Payment required"}`, v1alpha1.ReasonKisiLimitReached, "402", "Payment required"),
		Entry("422 that speaks of seats", 422, `{"errors":{"base":["There are no free seats for jon@example.com (Jon Rey)\nin your licence"]}}`, v1alpha1.ReasonKisiLimitReached, "422", "base", "no free seats for <address> (<address>)"),
		Entry("403 that means the role", 403, `{"code":"fcd8ef","error":"Access denied"}`, v1alpha1.ReasonInsufficientRole, "403", "role", "Access denied"),
		Entry("422 that means the name", 422, `{"errors":{"name":["Jon Rey is too short"]}}`, v1alpha1.ReasonRefusedByKisi, "422", "name", "<address> is too short"),
	)
})
