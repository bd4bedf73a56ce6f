package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const maraInMembers = "kind: Member\nmetadata: {name: mara}\nspec: {email: mara@acme.example, groupRefs: [{name: members}]}"

// covered waits until the Member's one grant is Covered.
func (t *tenant) covered(name string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		member := t.member(g, name)
		g.Expect(readyOf(member)).To(Equal("True Granted"))
		g.Expect(member.Status.Grants).To(HaveLen(1))
		g.Expect(member.Status.Grants[0].State).To(Equal(v1alpha1.GrantCovered))
	}).Should(Succeed())
}

var _ = Describe("A window that somebody else's assignment contains", Label("K5"), func() {
	It("is Covered without asking, and made by the operator at once when that assignment goes", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.kisi.ResetRequests()
		t.apply(maraInMembers)
		t.covered("mara")
		t.quiet()
		Expect(t.writes()).To(Equal([]string{"POST /users"}), "which finds the user; the admin's own grant lets Mara in")

		t.act(simulator.Action{Action: simulator.ActionRevoke, User: "mara@acme.example", Group: "Members"})
		t.look("members")
		Eventually(func() bool { return t.opens("mara@acme.example", "Entrance", 0) }).Should(BeTrue())
		Eventually(func(g Gomega) {
			member := t.member(g, "mara")
			g.Expect(member.Status.Grants).To(HaveLen(1))
			g.Expect(member.Status.Grants[0].State).To(Equal(v1alpha1.GrantActive))
		}).Should(Succeed())
		t.quiet()
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
	})

	for _, duplicates := range []string{"SameBoundsConflict", "AlwaysConflict", "Invalid"} {
		It("is Covered by what another Member has whose user has this address by now, and made at once when that goes ("+duplicates+")", func(ctx SpecContext) {
			t := newTenant(ctx, "duplicates="+duplicates)
			t.start()
			t.fixture()
			t.apply(ana)
			t.granted("ana")
			t.act(simulator.Action{Action: simulator.ActionChangeEmail, User: "ana@example.com", Email: "ben@example.com"})
			t.kisi.ResetRequests()
			t.apply("kind: Member\nmetadata: {name: ben}\nspec: {email: ben@example.com, groupRefs: [{name: members}]}")
			t.covered("ben")
			t.stop()
			t.start()
			t.covered("ben")
			t.quiet()
			Expect(t.writes()).To(ConsistOf("POST /users", "POST /role_assignments"), "both are refused, and not asked again")
			Expect(t.rows("ben@example.com", "Members")).To(HaveLen(1))

			t.delete(&v1alpha1.Member{}, "ana")
			t.gone(&v1alpha1.Member{}, "ana")
			Eventually(func() bool { return t.opens("ben@example.com", "Entrance", 0) }, 5*time.Second).Should(BeTrue())
			Eventually(func(g Gomega) {
				g.Expect(t.member(g, "ben").Status.Grants).To(ConsistOf(HaveField("State", v1alpha1.GrantActive)))
			}).Should(Succeed())
			t.delete(&v1alpha1.Member{}, "ben")
			t.gone(&v1alpha1.Member{}, "ben")
			Expect(t.rows("ben@example.com", "Members")).To(BeEmpty())
		})
	}

	It("gets a row of the operator's beside an assignment that ends too soon", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Members", ValidUntil: ptr.To(time.Now().Add(time.Hour))})
		t.look("members")
		t.kisi.ResetRequests()
		t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: members}]}")
		if t.kisi.refusesOverlaps() {
			t.eventually(&v1alpha1.Member{}, "gary", "False", "BlockedByForeignAssignment")
			return
		}
		t.granted("gary")
		Expect(t.rows("gary@acme.example", "Members")).To(HaveLen(2))
	})

	It("stays Blocked over a restart, and is asked for again when what blocks it changes", func(ctx SpecContext) {
		t := newTenant(ctx, "duplicates=AlwaysConflict")
		t.start()
		t.fixture()
		foreign := t.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Members", ValidUntil: ptr.To(time.Now().Add(time.Hour))})
		t.look("members")
		t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: members}]}")
		t.eventually(&v1alpha1.Member{}, "gary", "False", "BlockedByForeignAssignment")
		t.quiet()
		t.stop()
		t.kisi.ResetRequests()
		t.start()
		t.asked("GET", "/role_assignments")
		t.quiet()
		Expect(t.writes()).To(BeEmpty(), "what is in the way is there still")

		t.act(simulator.Action{Action: simulator.ActionSetWindow, AssignmentID: foreign, ValidUntil: ptr.To(time.Now().Add(2 * time.Hour))})
		t.look("members")
		t.asked("POST", "/role_assignments")
		t.eventually(&v1alpha1.Member{}, "gary", "False", "BlockedByForeignAssignment")
		t.quiet()
		Expect(t.writes()).To(Equal([]string{"POST /role_assignments"}), "once for each change")
	})

	It("stays Covered over a restart, though the first read takes long", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(maraInMembers)
		t.covered("mara")
		t.stop()
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultShortPage, Method: "GET", Path: "/role_assignments"})
		t.kisi.ResetRequests()
		t.start()
		Eventually(t.reads).Should(ContainElement(HavePrefix("/role_assignments?")))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		t.covered("mara")
		end()
		t.look("members")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		t.covered("mara")
	})

	It("that opens in minutes is looked at alone while the first read takes long", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
		theirs := t.act(simulator.Action{Action: simulator.ActionGrant, User: "mara@acme.example", Group: "Boardroom"})
		t.look("boardroom")
		t.foreign("boardroom", 1, 30*time.Second)
		t.apply(`
kind: BookingGrant
metadata: {name: b1}
spec:
  placeRef: {name: boardroom}
  organizer: {email: mara@acme.example}
  startTime: '{{time "-1h"}}'
  endTime: '{{time "1h"}}'
`)
		mara := implicitName("mara@acme.example")
		t.covered(mara)
		t.stop()
		t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: theirs})
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultShortPage, Method: "GET", Path: "/role_assignments", Query: "*applies_to_type*"})
		t.start()
		Eventually(func() bool { return t.opens("mara@acme.example", "Boardroom", 0) }).Should(BeTrue())
		t.granted(mara)
	})
})
