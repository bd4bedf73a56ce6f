package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const exclusiveMembers = "kind: KisiGroup\nmetadata: {name: members}\nspec: {existing: {name: Members}, assignments: Exclusive}"

const takenOverMembers = "kind: KisiGroup\nmetadata: {name: members}\nspec: {existing: {name: Members}, assignments: Exclusive, atBinding: TakeOver}"

// group reads a KisiGroup.
func (t *tenant) group(g Gomega, name string) *v1alpha1.KisiGroup {
	return get(g, t, name, &v1alpha1.KisiGroup{})
}

var _ = Describe("An Exclusive group", Label("S2"), func() {
	It("is not bound while it has assignments that nothing here asks for, and heals when they go", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect()
		t.apply(exclusiveMembers)
		t.apply(anaInMembers)
		group := &v1alpha1.KisiGroup{}
		t.eventually(group, "members", "False", "GroupNotExclusive")
		Expect(condition(group, v1alpha1.ConditionStalled).Reason).To(Equal("GroupNotExclusive"))
		Expect(messageOf(group)).To(And(ContainSubstring("1 assignment(s)"), ContainSubstring("atBinding: TakeOver"), ContainSubstring("remove them in Kisi")))
		Expect(group.Status.KisiGroupID).To(BeZero())
		Expect(group.Status.Assignments).To(BeEmpty())
		t.quiet()
		Expect(t.writes()).To(BeEmpty(), "before it is bound nothing is granted and nothing revoked")

		t.act(simulator.Action{Action: simulator.ActionRevoke, User: "mara@acme.example", Group: "Members"})
		t.eventually(group, "members", "True", "Bound")
		Expect(group.Status.Assignments).To(Equal(v1alpha1.AssignmentsExclusive))
		t.granted("ana")
	})

	It("heals when Members come that ask for what was found, which costs no request", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect()
		t.apply(exclusiveMembers)
		t.eventually(&v1alpha1.KisiGroup{}, "members", "False", "GroupNotExclusive")
		found := t.rows("mara@acme.example", "Members")[0]
		t.apply(maraInMembers)
		t.eventually(&v1alpha1.KisiGroup{}, "members", "True", "Bound")
		t.granted("mara")
		member := t.member(Default, "mara")
		Expect(member.Status.Grants).To(HaveLen(1))
		Expect(member.Status.Grants[0].RoleAssignmentID).To(BeEquivalentTo(found.ID), "adopted by its id")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())

		t.delete(&v1alpha1.Member{}, "mara")
		t.gone(&v1alpha1.Member{}, "mara")
		Eventually(func() []simulator.Assignment { return t.rows("mara@acme.example", "Members") }).Should(BeEmpty(), "what was adopted is ours")
	})

	It("adopts what was found of somebody whom an admin has suspended, and says that it lets nobody in", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.act(simulator.Action{Action: simulator.ActionSuspendUser, User: "mara@acme.example"})
		t.start()
		t.connect()
		t.apply(maraInMembers)
		t.apply(exclusiveMembers)
		t.eventually(&v1alpha1.Member{}, "mara", "True", "Withheld")
		Expect(t.account("mara", v1alpha1.AccountSuspendedInKisi).Origin).To(Equal(v1alpha1.AccountFound))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.rows("mara@acme.example", "Members")).To(HaveLen(1))
	})

	It("replaces what was found with other bounds, without a gap", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.act(simulator.Action{Action: simulator.ActionRevoke, User: "mara@acme.example", Group: "Members"})
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "mara@acme.example", Group: "Members", ValidUntil: ptr.To(time.Now().Add(time.Hour).Truncate(time.Second))})
		t.start()
		t.connect()
		t.apply(maraInMembers)
		t.apply(exclusiveMembers)
		t.granted("mara")
		Eventually(func(g Gomega) {
			rows := t.rows("mara@acme.example", "Members")
			g.Expect(rows).To(HaveLen(1))
			g.Expect(rows[0].ValidUntil).To(BeNil())
		}).Should(Succeed())
		t.quiet()
	})

	It("takes over what was found, and from then on removes what others add", Label("B4"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.act(simulator.Action{Action: simulator.ActionAddToTeam, Team: "Cleaners", User: "gary@acme.example"})
		t.act(simulator.Action{Action: simulator.ActionGrant, Team: "Cleaners", Group: "Members"})
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "adam@acme.example", Group: "Members", Role: "group_manager"})
		t.start()
		t.connect()
		t.apply(takenOverMembers)
		t.apply(anaInMembers)
		t.granted("ana")
		Eventually(func() []simulator.Assignment { return t.rows("mara@acme.example", "Members") }).Should(BeEmpty())
		Expect(t.group(Default, "members").Status.Assignments).To(Equal(v1alpha1.AssignmentsExclusive))
		t.gone(&v1alpha1.Member{}, implicitName("mara@acme.example"))

		t.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Members"})
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "ana@example.com", Group: "Members", ValidUntil: ptr.To(time.Now().Add(time.Hour))})
		t.look("members")
		Eventually(func(g Gomega) {
			g.Expect(t.rows("gary@acme.example", "Members")).To(BeEmpty())
			g.Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
		}).Should(Succeed())
		t.granted("ana")
		t.gone(&v1alpha1.Member{}, implicitName("gary@acme.example"))
		Eventually(func() map[string]int { return t.findings("ana") }).Should(HaveKeyWithValue("AssignmentAdded", 1))
		Eventually(func(g Gomega) {
			g.Expect(t.group(g, "members").Status.Counts.Foreign).To(BeEquivalentTo(2), "a team's row and a manager's are only counted")
		}).Should(Succeed())
		Expect(t.kisi.Assignments("Members")).To(HaveLen(3))
		t.quiet()
	})

	It("is asked about again when a bound group becomes one, and frozen until then", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		t.granted("ana")
		t.kisi.ResetRequests()
		t.apply(exclusiveMembers)
		group := &v1alpha1.KisiGroup{}
		t.eventually(group, "members", "False", "GroupNotExclusive")
		Expect(group.Status.Assignments).To(Equal(v1alpha1.AssignmentsShared))
		Expect(group.Status.KisiGroupID).NotTo(BeZero())
		t.delete(&v1alpha1.Member{}, "ana")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		t.apply(takenOverMembers)
		t.eventually(group, "members", "True", "Bound")
		Eventually(func() []simulator.Assignment { return t.kisi.Assignments("Members") }).Should(BeEmpty())
		t.apply("kind: KisiGroup\nmetadata: {name: members}\nspec: {existing: {name: Members}, assignments: Shared, atBinding: Refuse}")
		Eventually(func(g Gomega) {
			g.Expect(t.group(g, "members").Status.Assignments).To(Equal(v1alpha1.AssignmentsShared))
		}).Should(Succeed())
	})

	It("says what it would remove and removes nothing under Observe", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect("mode: Observe")
		t.apply(takenOverMembers)
		mara := &v1alpha1.Member{}
		t.eventually(mara, implicitName("mara@acme.example"), "False", "Observing")
		Expect(mara.Status.Planned).To(HaveLen(1))
		Expect(mara.Status.Planned[0].Action).To(Equal(v1alpha1.PlannedRevoke))
		Expect(mara.Status.Grants).To(BeEmpty())
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeEnforce })
		Eventually(func() []simulator.Assignment { return t.rows("mara@acme.example", "Members") }).Should(BeEmpty())
	})

	It("is not bound, and nobody revoked, by a read that falls short", func(ctx SpecContext) {
		t := newTenant(ctx)
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultShortPage, Method: "GET", Path: "/role_assignments"})
		t.start()
		t.connect()
		t.apply(takenOverMembers)
		t.eventually(&v1alpha1.KisiGroup{}, "members", "False", "Connecting")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		end()
		t.eventually(&v1alpha1.KisiGroup{}, "members", "True", "Bound")
		Eventually(func() []simulator.Assignment { return t.rows("mara@acme.example", "Members") }).Should(BeEmpty())
	})

	It("removes no more than the revocation limit allows, and says what it holds", func(ctx SpecContext) {
		t := newTenant(ctx)
		for _, user := range []string{"adam@acme.example", "gary@acme.example"} {
			t.act(simulator.Action{Action: simulator.ActionGrant, User: user, Group: "Members"})
		}
		t.start()
		t.connect("revocationLimit: {percent: 0, minimum: 1, window: 1h}")
		t.apply(takenOverMembers)
		Eventually(func(g Gomega) {
			g.Expect(t.kisi.Assignments("Members")).To(HaveLen(2))
			g.Expect(t.group(g, "members").Status.Counts.Held).To(BeEquivalentTo(2))
		}).Should(Succeed())
		t.quiet()
		Expect(t.kisi.Assignments("Members")).To(HaveLen(2))
	})
})
