package e2e

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// overcrowdedKisi has more people in Members than Kisi's lists reach: the largest offset is 20,000 and a page has 250.
func overcrowdedKisi() *simulatedKisi {
	GinkgoHelper()
	var users, assignments strings.Builder
	for i := range 20_300 {
		fmt.Fprintf(&users, "      - {email: resident-%d@acme.example}\n", i)
		fmt.Fprintf(&assignments, "      - {user: resident-%d@acme.example, group: Members, createdBy: adam@acme.example}\n", i)
	}
	seed := strings.Replace(organization, "    places:\n", users.String()+"    places:\n", 1)
	seed = strings.Replace(seed, "    keys:\n", assignments.String()+"    keys:\n", 1)
	kisi := newKisiFrom(seed, simulator.Options{RequestsPerSecond: -1})
	filled := time.Now()
	Eventually(func() bool { return time.Now().Truncate(time.Second).After(filled) }, "2s", "10ms").
		Should(BeTrue(), "the second in which everybody came is one that the change poll reads")
	return kisi
}

// readAlone counts the requests, after one of them, for what one person has in one group.
func (t *tenant) readAlone(afterID int) int {
	reads := 0
	for _, r := range t.kisi.Requests(simulator.RequestFilter{Method: "GET", Path: "/role_assignments", AfterID: afterID}) {
		if strings.Contains(r.Query, "applies_to_id=") && strings.Contains(r.Query, "assignee_id=") {
			reads++
		}
	}
	return reads
}

var _ = Describe("A group with more people than Kisi lists", func() {
	It("is read person by person: what is changed outside is put right, others are left alone, and Synced says so", func(ctx SpecContext) {
		t := newTenantOf(ctx, overcrowdedKisi())
		t.start()
		t.fixture()
		t.importMembers("own", 3)
		t.all("own", 3, "True Granted")
		t.says(&v1alpha1.KisiConnection{}, "default", v1alpha1.ConditionSynced, "False GroupTooLarge", `"members"`, "20000", "person by person")
		foreign := len(t.kisi.Assignments("Members")) - 3
		Eventually(func() int { return t.readAlone(0) }).Should(Equal(3))
		row := func(name string) v1alpha1.MemberGrant {
			grants := t.member(Default, name).Status.Grants
			Expect(grants).To(HaveLen(1))
			return grants[0]
		}
		revoke := func(name string) {
			t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: int(row(name).RoleAssignmentID)})
			Expect(t.opens(name+"@example.com", "Entrance", 0)).To(BeFalse())
		}

		By("a row taken away, which the change poll tells")
		before := t.lastRequest()
		revoke("own-0")
		Eventually(func() bool { return t.opens("own-0@example.com", "Entrance", 0) }, 4*pollInterval).Should(BeTrue())
		Expect(t.readAlone(before)).To(BeZero(), "nobody else is read for it")

		By("a row taken away and a window changed, which only a full read shows")
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 403, Path: "/event_sets"})
		before = t.lastRequest()
		revoke("own-1")
		end := metav1.NewTime(time.Now().Add(time.Hour).UTC())
		t.act(simulator.Action{Action: simulator.ActionSetWindow, AssignmentID: int(row("own-2").RoleAssignmentID), ValidUntil: &end.Time})
		t.look("members")
		Eventually(func() bool { return t.opens("own-1@example.com", "Entrance", 0) }).Should(BeTrue())
		Eventually(func() bool { return t.opens("own-2@example.com", "Entrance", 2*time.Hour) }).Should(BeTrue())
		Expect(t.readAlone(before)).To(Equal(3), "each person once")

		Eventually(func() []simulator.Assignment { return t.rows("own-2@example.com", "Members") }).Should(ConsistOf(HaveField("ValidUntil", BeNil())))
		t.quiet()
		Expect(t.kisi.Assignments("Members")).To(HaveLen(foreign + 3))
		t.nothingDoubled()
	})

	It("takes its people's rows back, and only those", func(ctx SpecContext) {
		t := newTenantOf(ctx, overcrowdedKisi())
		t.start()
		t.fixture()
		before := len(t.kisi.Assignments("Members"))
		t.importMembers("own", 2)
		t.all("own", 2, "True Granted")
		t.delete(&v1alpha1.Member{}, "own-0")
		t.gone(&v1alpha1.Member{}, "own-0")
		Expect(t.kisi.Assignments("Members")).To(HaveLen(before + 1))
		Expect(t.opens("own-0@example.com", "Entrance", 0)).To(BeFalse())
		Expect(t.opens("own-1@example.com", "Entrance", 0)).To(BeTrue())
	})

	It("cannot be Exclusive, and says so", func(ctx SpecContext) {
		t := newTenantOf(ctx, overcrowdedKisi())
		t.start()
		t.connect()
		t.apply("kind: KisiGroup\nmetadata: {name: members}\nspec: {existing: {name: Members}, assignments: Exclusive, atBinding: TakeOver}")
		t.notReady(&v1alpha1.KisiGroup{}, "members", "GroupNotExclusive", "spec.assignments", "20000", "Shared")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
	})
})
