package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// met waits until a fault has met so many requests of a path since the request log was reset.
func (t *tenant) met(fault simulator.FaultKind, path string, requests int) {
	GinkgoHelper()
	Eventually(func() int {
		met := 0
		for _, request := range t.kisi.Requests(simulator.RequestFilter{Path: path}) {
			if request.Fault == string(fault) {
				met++
			}
		}
		return met
	}).Should(BeNumerically(">=", requests), "requests of %s that met %s", path, fault)
}

var _ = Describe("A Kisi, or a proxy before it, that ignores the filters of a list", func() {
	It("adds nobody to a group, and takes no assignment of another group for its own", Label("S2"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect()
		t.apply("kind: KisiGroup\nmetadata: {name: boardroom}\nspec: {existing: {name: Boardroom}, assignments: Exclusive, atBinding: TakeOver}")
		t.eventually(&v1alpha1.KisiGroup{}, "boardroom", "True", "Bound")
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, groupRefs: [{name: boardroom}]}")
		t.granted("ana")
		t.kisi.ResetRequests()
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultIgnoredFilters, Method: "GET", Path: "/role_assignments", Query: "*applies_to*"})
		t.look("boardroom")
		t.met(simulator.FaultIgnoredFilters, "/role_assignments", 1)
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.exists(&v1alpha1.Member{}, implicitName("mara@acme.example"))).To(BeFalse())
		Expect(t.opens("mara@acme.example", "Entrance", 0)).To(BeTrue())
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())

		end()
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Boardroom"})
		t.look("boardroom")
		Eventually(func() []simulator.Assignment { return t.rows("gary@acme.example", "Boardroom") }).Should(BeEmpty(), "the read is made again")
		Expect(t.opens("mara@acme.example", "Entrance", 0)).To(BeTrue())
	})

	It("takes no door out of another group", Label("S1"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect()
		t.apply("kind: KisiGroup\nmetadata: {name: lab}\nspec: {managed: {name: Lab, doors: [{name: Entrance}]}}")
		t.eventually(&v1alpha1.KisiGroup{}, "lab", "True", "Bound")
		before := t.kisi.State().Organizations[0].Groups
		t.kisi.ResetRequests()
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultIgnoredFilters, Method: "GET", Path: "/group_locks"})
		t.look("lab")
		t.met(simulator.FaultIgnoredFilters, "/group_locks", 1)
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.kisi.State().Organizations[0].Groups).To(Equal(before))
		end()
		t.look("lab")
		t.eventually(&v1alpha1.KisiGroup{}, "lab", "True", "Bound")
	})

	It("says nothing about the users of a group", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		t.kisi.ResetRequests()
		t.fault(simulator.Fault{Kind: simulator.FaultIgnoredFilters, Method: "GET", Path: "/users"})
		t.look("members")
		t.met(simulator.FaultIgnoredFilters, "/users", 1)
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		t.granted("ana")
	})

	It("leaves a lost answer in doubt, and no row of another user is taken for the person's", func(ctx SpecContext) {
		t := newTenant(ctx, "duplicates=AlwaysNew")
		t.options.RequestTimeout = requestTimeout
		t.start()
		t.fixture()
		t.kisi.as("olga@acme.example", "POST", "/role_assignments", map[string]any{"role_assignment": map[string]any{
			"assignee_type": "User", "assignee_id": t.userID("gary@acme.example"), "applies_to_type": "Group", "applies_to_id": t.groupID("Members"), "role_id": "group_basic",
		}})
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultIgnoredFilters, Method: "GET", Path: "/role_assignments", Query: "*assignee*"})
		t.fault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/role_assignments", Count: 1})
		t.apply(ana)
		t.met(simulator.FaultIgnoredFilters, "/role_assignments", 1)
		Consistently(func(g Gomega) {
			g.Expect(t.member(g, "ana").Status.Grants).To(HaveExactElements(HaveField("State", v1alpha1.GrantPending)))
		}).Should(Succeed())
		end()
		row := t.granted("ana").Status.Grants[0]
		Expect(t.rows("ana@example.com", "Members")).To(HaveExactElements(HaveField("ID", int(row.RoleAssignmentID))))
	})
})

var _ = Describe("Something between the operator and Kisi that answers a write in its place", func() {
	const page = "<html><body>Sign in to this network</body></html>"

	It("takes nothing back by a page: the assignment stays in the ledger until Kisi has deleted it", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.options.RequestTimeout = requestTimeout
		t.start()
		t.fixture()
		t.apply(ana)
		row := t.granted("ana").Status.Grants[0]
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 200, Body: page, Method: "DELETE", Path: "/role_assignments/*"})
		t.kisi.ResetRequests()
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com}")
		t.met(simulator.FaultStatus, fmt.Sprintf("/role_assignments/%d", row.RoleAssignmentID), 2) // it is asked for again
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue(), "so far nothing has been taken back")
		Consistently(func(g Gomega) {
			g.Expect(t.member(g, "ana").Status.Grants).To(HaveExactElements(And(
				HaveField("RoleAssignmentID", row.RoleAssignmentID), HaveField("State", v1alpha1.GrantRevoking))))
		}).Should(Succeed())
		end()
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }).Should(BeEmpty(), "it is taken back as soon as Kisi is heard")
		Eventually(func(g Gomega) { g.Expect(t.member(g, "ana").Status.Grants).To(BeEmpty()) }).Should(Succeed())
	})

	It("lets nobody in by an answer about another user", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.options.RequestTimeout = requestTimeout
		t.start()
		t.fixture()
		gary := t.userID("gary@acme.example")
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 200, Method: "POST", Path: "/users", Count: 1,
			Body: fmt.Sprintf(`{"id":%d,"email":"gary@acme.example","name":"Gary","access_enabled":true,"scim_access_enabled":true}`, gary)})
		t.apply(ana)
		Expect(t.granted("ana").Status.Accounts).To(HaveExactElements(HaveField("UserID", v1alpha1.KisiID(t.userID("ana@example.com")))))
		Expect(t.rows("gary@acme.example", "Members")).To(BeEmpty())
		for _, asked := range t.bodies("POST", "/role_assignments", "role_assignment") {
			Expect(asked["assignee_id"]).NotTo(BeEquivalentTo(gary))
		}
	})
})

// Whether a list by user shows what the user has through a team is one of Kisi's open questions.
var _ = Describe("A Kisi that lists the assignments of teams with those of a user", func() {
	var (
		t      *tenant
		theirs int
	)

	// The key's owner has given the group Members to a team of Ana's and Ben's.
	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx, "userFilter=WithTeams")
		t.options.RequestTimeout = requestTimeout
		for _, person := range []string{"Ana", "Ben"} {
			email := map[string]string{"Ana": "ana@example.com", "Ben": "ben@example.com"}[person]
			t.kisi.as("olga@acme.example", "POST", "/users", map[string]any{"user": map[string]any{"email": email, "name": person}})
			t.act(simulator.Action{Action: simulator.ActionAddToTeam, Team: "Crew", User: email})
		}
		t.kisi.as("olga@acme.example", "POST", "/role_assignments", map[string]any{"role_assignment": map[string]any{
			"assignee_type": "Team", "assignee_id": t.teamID("Crew"), "applies_to_type": "Group", "applies_to_id": t.groupID("Members"), "role_id": "group_basic",
		}})
		for _, row := range t.kisi.Assignments("Members") {
			if row.Team == "Crew" {
				theirs = row.ID
			}
		}
		Expect(theirs).NotTo(BeZero())
	})

	// own waits until Ana's ledger has a row of her own, and returns its id.
	own := func() int {
		GinkgoHelper()
		row := t.granted("ana").Status.Grants[0]
		Expect(row.State).To(Equal(v1alpha1.GrantActive))
		Expect(row.RoleAssignmentID).NotTo(BeEquivalentTo(theirs))
		Expect(t.rows("ana@example.com", "Members")).To(HaveExactElements(HaveField("ID", int(row.RoleAssignmentID))))
		return int(row.RoleAssignmentID)
	}

	leaveTheTeamAlone := func() {
		GinkgoHelper()
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }).Should(BeEmpty())
		Expect(t.kisi.Assignments("Members")).To(ContainElement(HaveField("ID", theirs)))
		Expect(t.opens("ben@example.com", "Entrance", 0)).To(BeTrue())
	}

	It("has the person's own row found after a lost answer, and never the team's", func() {
		t.start()
		t.fixture()
		t.fault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/role_assignments", Count: 1})
		t.apply(ana)
		own()
		t.stop()
		t.start()
		leaveTheTeamAlone()
	})

	It("has a request asked again that was never carried out", func() {
		t.start()
		t.fixture()
		t.fault(simulator.Fault{Kind: simulator.FaultDropBefore, Method: "POST", Path: "/role_assignments", Count: 1})
		t.apply(ana)
		own()
		leaveTheTeamAlone()
	})

	It("does not have the team's row explain why the person's is refused", func() {
		t.start()
		t.fixture()
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 409, Method: "POST", Path: "/role_assignments", Count: 1})
		t.apply(ana)
		own()
		leaveTheTeamAlone()
	})

	It("does not have the team's row keep the user of a person from whom everything is taken, but the team does", func() {
		t.start()
		t.fixture("users: {onUnused: Suspend}")
		t.apply("kind: Member\nmetadata: {name: eva}\nspec: {email: eva@example.com, groupRefs: [{name: members}]}")
		t.granted("eva")
		t.act(simulator.Action{Action: simulator.ActionAddToTeam, Team: "Crew", User: "eva@example.com"})
		t.kisi.ResetRequests()
		edit(t, "eva", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		t.asked("GET", "/team_memberships")
		t.eventually(&v1alpha1.Member{}, "eva", "True", "NoAccess")
		t.quiet()
		t.account("eva", v1alpha1.AccountEnabled)
		t.act(simulator.Action{Action: simulator.ActionRemoveFromTeam, Team: "Crew", User: "eva@example.com"})
		t.stop()
		t.start()
		t.account("eva", v1alpha1.AccountSuspendedByUs)
	})

	It("costs nothing at rest", func() {
		t.start()
		t.fixture()
		t.apply(ana)
		own()
		t.look("members")
		t.quiet()
		Expect(t.member(Default, "ana").Status.Grants[0].State).To(Equal(v1alpha1.GrantActive))
		begin := t.lastRequest()
		Consistently(func() map[string]int { return t.requestsAfter(begin) }, 2*time.Second).ShouldNot(HaveKey("GET /role_assignments"))
	})
})

// teamID finds a team in Kisi by its name.
func (t *tenant) teamID(name string) int {
	GinkgoHelper()
	for _, team := range t.kisi.State().Organizations[0].Teams {
		if team.Name == name {
			return team.ID
		}
	}
	Fail("there is no team " + name)
	return 0
}
