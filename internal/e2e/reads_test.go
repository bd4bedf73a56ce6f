package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// crowdedPages is how many pages Kisi's list of a group, and of one person, has in the organization of crowdedKisi.
const crowdedPages = 3

// crowdedKisi has a group of more people than two pages list, and a person with more rows than that. What an operator adds
// stands at the end of the last page.
func crowdedKisi() *simulatedKisi {
	GinkgoHelper()
	const rows = 250*(crowdedPages-1) + 20
	users, assignments := "", ""
	for i := range rows {
		users += fmt.Sprintf("      - {email: resident-%d@acme.example}\n", i)
		assignments += fmt.Sprintf("      - {user: resident-%d@acme.example, group: Members, createdBy: adam@acme.example}\n", i)
		from := time.Now().UTC().Add(time.Duration(24*(i+2)) * time.Hour)
		assignments += fmt.Sprintf("      - {user: gary@acme.example, group: Late, createdBy: adam@acme.example, validFrom: %q, validUntil: %q}\n",
			from.Format(time.RFC3339), from.Add(time.Hour).Format(time.RFC3339))
	}
	seed := strings.Replace(organization, "    places:\n", users+"    places:\n", 1)
	seed = strings.Replace(seed, "    keys:\n", assignments+"    keys:\n", 1)
	return newKisiFrom(seed, simulator.Options{RequestsPerSecond: -1}, "duplicates=AlwaysNew")
}

// everyMisreading is what can be wrong with a list. The page that is met is chosen by its offset.
func everyMisreading(page string) []TableEntry {
	on := func(fault simulator.Fault, offset string) simulator.Fault {
		fault.Method, fault.Query = http.MethodGet, "*"+offset
		return fault
	}
	return []TableEntry{
		Entry("a short page", on(simulator.Fault{Kind: simulator.FaultShortPage}, page)),
		Entry("a repeated row", on(simulator.Fault{Kind: simulator.FaultRepeatedRow}, page)),
		Entry("a total that moves", on(simulator.Fault{Kind: simulator.FaultMovingTotal}, "")),
		Entry("an empty page with a positive total", on(simulator.Fault{Kind: simulator.FaultEmptyPage}, "")),
		Entry("garbage", on(simulator.Fault{Kind: simulator.FaultGarbage}, page)),
		Entry("an empty list for garbage", on(simulator.Fault{Kind: simulator.FaultGarbage, Body: "[]"}, "")),
		Entry("an error", on(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError}, page)),
		Entry("no X-Collection-Range", on(simulator.Fault{Kind: simulator.FaultNoRange}, page)),
		Entry("the X-Collection-Range of another page", on(simulator.Fault{Kind: simulator.FaultWrongRange}, page)),
		Entry("a redirect", on(simulator.Fault{Kind: simulator.FaultRedirect}, page)),
	}
}

const lastPage = "offset=498"

var _ = Describe("A list that fails or falls short", func() {
	DescribeTable("of a group revokes nothing and repeats nothing; Synced says so, and it heals by itself",
		func(ctx SpecContext, fault simulator.Fault) {
			t := newTenantOf(ctx, crowdedKisi())
			t.start()
			t.fixture()
			t.importMembers("own", 3)
			t.all("own", 3, "True Granted")
			t.says(&v1alpha1.KisiConnection{}, "default", v1alpha1.ConditionSynced, "True Synced")
			held := t.kisi.Assignments("Members")
			ledgers := t.ledgers()
			t.kisi.ResetRequests()

			fault.Path, fault.Query = "/role_assignments", "applies_to_id="+fault.Query
			end := t.kisi.fault(fault)
			lookAgain := func(at string) {
				annotate(t, "members", &v1alpha1.KisiGroup{}, v1alpha1.ReconcileAtAnnotation, at)
			}
			lookAgain("1")
			t.says(&v1alpha1.KisiConnection{}, "default", v1alpha1.ConditionSynced, "False "+v1alpha1.ReasonReadFailed, "members")
			t.quiet()
			Expect(t.writes()).To(BeEmpty())
			Expect(t.ledgers()).To(Equal(ledgers))
			Expect(t.kisi.Assignments("Members")).To(Equal(held))

			end()
			t.says(&v1alpha1.KisiConnection{}, "default", v1alpha1.ConditionSynced, "True Synced")
			t.quiet()
			Expect(t.writes()).To(BeEmpty())
			Expect(t.ledgers()).To(Equal(ledgers))
		}, everyMisreading(lastPage))

	DescribeTable("of one person, while a request is in doubt, neither revokes nor repeats",
		func(ctx SpecContext, fault simulator.Fault) {
			t := newTenantOf(ctx, crowdedKisi())
			t.options.RequestTimeout = time.Second / 2 // so that a second look may call what it does not find absent
			t.start()
			t.fixture()
			t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: members}]}")
			t.granted("gary")
			late := t.kisi.Assignments("Late")
			t.kisi.ResetRequests()

			fault.Path, fault.Query = "/role_assignments", "assignee_id="+fault.Query
			end := t.kisi.fault(fault)
			t.fault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/role_assignments", Count: 1})
			edit(t, "gary", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
				m.Spec.GroupRefs = append(m.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "uptown"})
			})
			Eventually(t.reads).Should(WithTransform(ofOnePerson, Satisfy(func(reads []string) bool { return len(reads) >= 2 })))
			Expect(t.member(Default, "gary").Status.Grants).To(ContainElement(HaveField("State", v1alpha1.GrantPending)))
			Expect(t.writes()).To(Equal([]string{"POST /role_assignments"}))

			end()
			Eventually(func(g Gomega) {
				member := t.member(g, "gary")
				g.Expect(readyOf(member)).To(Equal("True Granted"), messageOf(member))
				g.Expect(member.Status.Grants).To(HaveLen(2))
				g.Expect(member.Status.Grants).To(HaveEach(HaveField("State", v1alpha1.GrantActive)))
			}, "60s").Should(Succeed())
			Expect(t.rows("gary@acme.example", "Uptown")).To(HaveLen(1))
			Expect(t.rows("gary@acme.example", "Members")).To(HaveLen(1))
			Expect(t.kisi.Assignments("Late")).To(Equal(late))
			Expect(t.writes()).To(Equal([]string{"POST /role_assignments"}))
		}, everyMisreading(lastPage))

	DescribeTable("in which a person's user is looked up makes no second user and lets nobody else in",
		func(ctx SpecContext, fault simulator.Fault) {
			t := newTenant(ctx)
			t.start()
			t.fixture()
			t.kisi.ResetRequests()
			known, _ := t.kisi.User("acme", "gary@acme.example")

			fault.Path, fault.Query = "/users", "email="+fault.Query
			end := t.kisi.fault(fault)
			t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: Gary@acme.example, groupRefs: [{name: members}]}")
			Eventually(func() []string {
				return slices.DeleteFunc(t.reads(), func(read string) bool { return !strings.HasPrefix(read, "/users?") })
			}).ShouldNot(BeEmpty())
			for _, write := range t.writes() {
				Expect(write).To(BeElementOf("POST /users", "POST /role_assignments"))
			}

			end()
			member := t.granted("gary")
			Expect(member.Status.Accounts[0].UserID).To(BeEquivalentTo(known.ID))
			Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountFound))
			Expect(t.rows("gary@acme.example", "Members")).To(HaveLen(1))
			t.nothingDoubled()
		}, everyMisreading(""))

	DescribeTable("in which a bound group is looked up by name calls it neither missing nor another's: everything in it stays",
		func(ctx SpecContext, fault simulator.Fault) {
			t := newTenant(ctx)
			t.start()
			t.fixture()
			t.importMembers("own", 2)
			t.all("own", 2, "True Granted")
			held := t.kisi.Assignments("Members")
			t.kisi.ResetRequests()

			fault.Path = "/groups"
			end := t.kisi.fault(fault)
			annotate(t, "members", &v1alpha1.KisiGroup{}, v1alpha1.RebindAnnotation, "1")
			t.asked("GET", "/groups")
			t.quiet()
			Expect(t.writes()).To(BeEmpty())
			group := get(Default, t, "members", &v1alpha1.KisiGroup{})
			Expect(group.Status.KisiGroupID).NotTo(BeZero())
			Expect(readyOf(group)).NotTo(ContainSubstring(v1alpha1.ReasonGroupNotFound))

			end()
			t.eventually(&v1alpha1.KisiGroup{}, "members", "True", "Bound")
			t.all("own", 2, "True Granted")
			Expect(t.writes()).To(BeEmpty())
			Expect(t.kisi.Assignments("Members")).To(Equal(held))
		}, everyMisreading(""))
})

// ledgers returns the rows of every Member, by its name.
func (t *tenant) ledgers() map[string][]v1alpha1.MemberGrant {
	GinkgoHelper()
	var members v1alpha1.MemberList
	Expect(admin.List(t.ctx, &members, client.InNamespace(t.namespace))).To(Succeed())
	ledgers := map[string][]v1alpha1.MemberGrant{}
	for _, member := range members.Items {
		ledgers[member.Name] = member.Status.Grants
	}
	return ledgers
}
