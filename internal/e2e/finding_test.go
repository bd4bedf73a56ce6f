package e2e

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// fjord is an organization that has typed its members' addresses by hand.
const fjord = `
organizations:
  - name: Fjord Studio
    domain: acme
    owner: olga@fjord.example
    users:
      - {email: olga@fjord.example, name: Olga Owner}
      - {email: adam@fjord.example, name: Adam Admin}
      - {id: 910440, email: xlars.holm@example.com, name: Xaver Lars, notes: "brother of lars.holm@example.com"}
      - {id: 910451, email: Lars.Holm@Example.com, name: Lars Holm}
    places:
      - {name: Studio}
    locks:
      - {name: Entrance, place: Studio}
    groups:
      - {name: Members, place: Studio, locks: [Entrance]}
    roleAssignments:
      - {user: adam@fjord.example, role: organization_administrator}
    keys:
      - {user: olga@fjord.example, secret: owner-key-0123456789}
`

const larsInMembers = "kind: Member\nmetadata: {name: lars}\nspec: {email: lars.holm@example.com, fullName: Lars, groupRefs: [{name: members}]}"

// newFjord is a tenant of that organization whose group is bound.
func newFjord(ctx context.Context, switches ...string) *tenant {
	GinkgoHelper()
	t := newTenantOf(ctx, newKisiFrom(fjord, simulator.Options{RequestsPerSecond: -1}, switches...))
	t.start()
	t.connect()
	t.apply("kind: KisiGroup\nmetadata: {name: members}\nspec: {existing: {name: Members}}")
	t.eventually(&v1alpha1.KisiGroup{}, "members", "True", "Bound")
	return t
}

var _ = Describe("A person whose address Kisi has in other letters", Label("B5"), func() {
	for _, emailCase := range []string{"Lowered", "Preserved"} {
		for _, filter := range []string{"Exact", "CaseSensitive", "Partial"} {
			for _, existing := range []string{"Conflict409", "Invalid422"} {
				switches := []string{"emailCase=" + emailCase, "usersEmailFilter=" + filter, "existingEmail=" + existing}
				It(fmt.Sprintf("is the user whom Kisi has (%v)", switches), func(ctx SpecContext) {
					t := newFjord(ctx, switches...)
					t.kisi.ResetRequests()
					t.apply(larsInMembers)
					member := t.granted("lars")
					Expect(member.Status.Accounts).To(HaveLen(1))
					Expect(member.Status.Accounts[0].UserID).To(BeEquivalentTo(910451))
					Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountFound))
					Expect(t.rows("Lars.Holm@Example.com", "Members")).To(HaveLen(1))
					Expect(t.opens("xlars.holm@example.com", "Entrance", 0)).To(BeFalse())
					t.quiet()
					Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
				})
			}
		}
	}

	It("is a user of their own where Kisi tells letters apart", func(ctx SpecContext) {
		t := newFjord(ctx, "emailCase=Distinct", "usersEmailFilter=CaseSensitive")
		t.apply(larsInMembers)
		member := t.granted("lars")
		Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountCreated))
		Expect(t.kisi.Assignments("Members")).To(ConsistOf(HaveField("UserID", BeEquivalentTo(member.Status.Accounts[0].UserID))), "nobody is let in by a guess")
	})

	for _, filter := range []string{"Exact", "CaseSensitive", "Partial"} {
		Context("of a Kisi that tells letters apart, finds with "+filter+" and makes no users", func() {
			lookUp := func(ctx SpecContext, others ...string) (t *tenant, ids []v1alpha1.KisiID) {
				GinkgoHelper()
				t = newFjord(ctx, "emailCase=Distinct", "usersEmailFilter="+filter)
				for _, other := range others {
					ids = append(ids, v1alpha1.KisiID(t.act(simulator.Action{Action: simulator.ActionCreateUser, Email: other})))
				}
				t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 403, Method: "POST", Path: "/users"})
				t.apply(larsInMembers)
				return t, ids
			}

			It("is the user of the very spelling", func(ctx SpecContext) {
				t, ids := lookUp(ctx, "lars.holm@example.com", "LARS.HOLM@EXAMPLE.COM")
				Expect(t.granted("lars").Status.Accounts[0].UserID).To(Equal(ids[0]))
			})

			It("is the only user of the address", func(ctx SpecContext) {
				t, _ := lookUp(ctx)
				Expect(t.granted("lars").Status.Accounts[0].UserID).To(BeEquivalentTo(910451))
			})

			It("is nobody where two users may be meant, and the message says so", func(ctx SpecContext) {
				t, ids := lookUp(ctx, "LARS.HOLM@EXAMPLE.COM")
				t.says(&v1alpha1.Member{}, "lars", v1alpha1.ConditionReady, "False AmbiguousReference", "910451", fmt.Sprint(ids[0]))
				t.quiet()
				Expect(t.kisi.Assignments("Members")).To(BeEmpty())
			})
		})
	}
})

var _ = Describe("A list of users that fell short", Label("B5"), func() {
	for _, fault := range []simulator.FaultKind{simulator.FaultShortPage, simulator.FaultEmptyPage, simulator.FaultMovingTotal, simulator.FaultNoRange} {
		It(fmt.Sprintf("says of nobody that somebody removed them (%s)", fault), func(ctx SpecContext) {
			t := newTenant(ctx)
			t.start()
			t.fixture()
			t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: members}]}")
			t.granted("gary")
			before := t.userID("gary@acme.example")
			end := t.kisi.fault(simulator.Fault{Kind: fault, Method: "GET", Path: "/users"})
			t.act(simulator.Action{Action: simulator.ActionDeleteUser, User: "gary@acme.example"})
			t.act(simulator.Action{Action: simulator.ActionCreateUser, Email: "gary@acme.example", Name: "Gary"})
			t.kisi.ResetRequests()
			t.ask("gary", v1alpha1.ReconcileAtAnnotation)
			t.asked("GET", "/users")
			Consistently(func(g Gomega) {
				member := t.member(g, "gary")
				g.Expect(readyOf(member)).NotTo(HaveSuffix("Withheld"))
				for _, account := range member.Status.Accounts {
					g.Expect(account.Access).NotTo(Equal(v1alpha1.AccountRemovedInKisi))
				}
			}).Should(Succeed())
			end()
			t.ask("gary", v1alpha1.ReconcileAtAnnotation)
			Eventually(func(g Gomega) {
				member := t.member(g, "gary")
				g.Expect(readyOf(member)).To(Equal("True Granted"), messageOf(member))
				g.Expect(member.Status.Accounts[0].UserID).NotTo(BeEquivalentTo(before))
			}).Should(Succeed())
			Expect(t.opens("gary@acme.example", "Entrance", 0)).To(BeTrue())
		})
	}
})
