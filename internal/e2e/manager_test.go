package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("A person who manages the group in Kisi", Label("K5"), func() {
	const garyInMembers = "kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: members}]}"
	manages := func(t *tenant, until *time.Time) {
		GinkgoHelper()
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Members", Role: "group_manager", ValidUntil: until})
	}

	for _, duplicates := range []string{"SameBoundsConflict", "AlwaysConflict", "Invalid"} {
		for _, seen := range []bool{true, false} {
			name := "is let in by that, known or not until Kisi refuses a second assignment"
			It(name+" ("+duplicates+map[bool]string{true: ", seen before", false: ", not seen"}[seen]+")", func(ctx SpecContext) {
				t := newTenant(ctx, "duplicates="+duplicates, "duplicateKey=WithoutRole")
				t.start()
				t.fixture()
				if seen {
					manages(t, nil)
					t.look("members")
					t.foreign("members", 2, 30*time.Second)
					t.kisi.ResetRequests()
					t.apply(garyInMembers)
				} else {
					t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 403, Method: "POST", Path: "/event_sets"})
					manages(t, nil)
					t.kisi.ResetRequests()
					t.apply(garyInMembers)
				}
				t.covered("gary")
				t.quiet()
				Expect(len(t.writes())).To(BeNumerically("<=", 2), "%v", t.writes())
				Expect(t.opens("gary@acme.example", "Entrance", 0)).To(BeTrue())

				t.act(simulator.Action{Action: simulator.ActionRevoke, User: "gary@acme.example", Group: "Members"})
				t.look("members")
				Eventually(func(g Gomega) {
					member := t.member(g, "gary")
					g.Expect(member.Status.Grants).To(HaveLen(1))
					g.Expect(member.Status.Grants[0].State).To(Equal(v1alpha1.GrantActive))
				}).Should(Succeed())
				Expect(t.rows("gary@acme.example", "Members")).To(ConsistOf(HaveField("Role", "group_basic")))
			})
		}
	}

	It("for a part of the time is blocked by that, and says so", func(ctx SpecContext) {
		t := newTenant(ctx, "duplicates=AlwaysConflict", "duplicateKey=WithoutRole")
		t.start()
		t.fixture()
		manages(t, ptr.To(time.Now().Add(time.Hour)))
		t.look("members")
		t.foreign("members", 2, 30*time.Second)
		t.kisi.ResetRequests()
		t.apply(garyInMembers)
		t.eventually(&v1alpha1.Member{}, "gary", "False", "BlockedByForeignAssignment")
		t.quiet()
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
	})

	It("is never touched in an Exclusive group", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect()
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Late", Role: "group_manager"})
		t.apply("kind: KisiGroup\nmetadata: {name: late}\nspec: {existing: {name: Late}, assignments: Exclusive}")
		t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: late}]}")
		t.covered("gary")
		t.delete(&v1alpha1.Member{}, "gary")
		t.gone(&v1alpha1.Member{}, "gary")
		t.quiet()
		Expect(t.rows("gary@acme.example", "Late")).To(ConsistOf(HaveField("Role", "group_manager")))
	})
})
