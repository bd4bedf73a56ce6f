package e2e

import (
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("A key that dies", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.options.RequestTimeout = requestTimeout
		t.start()
		t.fixture()
		t.apply("kind: KisiGroup\nmetadata: {name: premium}\nspec: {managed: {name: Premium, doors: [{name: Entrance}]}}")
		t.eventually(&v1alpha1.KisiGroup{}, "premium", "True", "Bound")
		t.apply(strings.Replace(ana, "[{name: members}]", "[{name: members}, {name: premium}]", 1))
		t.granted("ana")
	})

	lookAtEverything := func() {
		now := time.Now().Format(time.RFC3339Nano)
		for _, group := range []string{"members", "premium"} {
			annotate(t, group, &v1alpha1.KisiGroup{}, v1alpha1.ReconcileAtAnnotation, now)
		}
		t.lookAtMember("ana")
	}
	ids := func() []int {
		var ids []int
		for _, group := range []string{"Members", "Premium"} {
			for _, row := range t.rows("ana@example.com", group) {
				ids = append(ids, row.ID)
			}
		}
		return ids
	}

	DescribeTable("with its owner's role makes nothing of the lists that it is shown", func(lists string) {
		Expect(t.kisi.SetSwitch("listsForbidden", lists)).To(Succeed())
		before, ledger := ids(), t.member(Default, "ana").Status.Grants
		Expect(before).To(HaveLen(2))
		t.kisi.act(simulator.Action{Action: simulator.ActionDemoteOwner, As: "adam@acme.example"})
		t.kisi.ResetRequests()
		lookAtEverything()
		Eventually(func() int {
			return t.kisi.CountRequests(simulator.RequestFilter{Path: "/role_assignments", Method: "GET"})
		}).Should(BeNumerically(">", 0))
		t.connection(v1alpha1.ConditionReady, "False InsufficientRole")
		t.quiet()
		Expect(ids()).To(Equal(before))
		Expect(t.groupsNamed("Premium")).To(HaveLen(1), "a group that is not listed is not made again")

		t.secret("kisi", "apiKey", adminKey)
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.granted("ana")
		t.eventually(&v1alpha1.KisiGroup{}, "premium", "True", "Bound")
		t.quiet()
		Expect(ids()).To(Equal(before), "nothing is doubled")
		Expect(t.member(Default, "ana").Status.Grants).To(Equal(ledger))
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(ids()).To(BeEmpty(), "what is ours is still known to be")
	},
		Entry("refused with 403", "Forbidden403"),
		Entry("empty", "Filtered"),
	)

	It("heals by itself when its owner gets the role back", func() {
		t.kisi.act(simulator.Action{Action: simulator.ActionDemoteOwner, As: "adam@acme.example"})
		t.applyGil()
		t.connection(v1alpha1.ConditionReady, "False InsufficientRole")
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, As: "adam@acme.example", User: "olga@acme.example", Role: "organization_administrator"})
		t.lookAgain("default") // or wait for the next probe
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.connection(v1alpha1.ConditionOwnerKey, "False KeyOwnerIsNotOrganizationOwner")
		t.granted("gil")
	})

	DescribeTable("while an answer is outstanding doubles nothing, and what it made is known as ours under the next key", func(next string) {
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/role_assignments", Count: 1})
		t.kisi.ResetRequests()
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusForbidden, Method: "GET", Path: "/role_assignments"})
		t.applyGil()
		t.asked("POST", "/role_assignments")
		t.kisi.act(simulator.Action{Action: simulator.ActionRevokeKeys, User: "olga@acme.example"}) // before it could look
		end()
		t.newKey("olga@acme.example", newOwnerKey)
		t.secret("kisi", "apiKey", next)
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.granted("gil")
		Expect(t.rows("gil@example.com", "Members")).To(HaveLen(1))
		Expect(t.member(Default, "gil").Status.Grants).To(ConsistOf(HaveField("State", v1alpha1.GrantActive)))
		t.delete(&v1alpha1.Member{}, "gil")
		t.gone(&v1alpha1.Member{}, "gil")
		Expect(t.rows("gil@example.com", "Members")).To(BeEmpty())
	},
		Entry("of the same person", newOwnerKey),
		Entry("of another person", adminKey),
	)
})

// applyGil applies a second Member, with a row in Members.
func (t *tenant) applyGil() {
	GinkgoHelper()
	t.apply(strings.NewReplacer("name: ana", "name: gil", "ana@", "gil@", "Ana Pop", "Gil").Replace(ana))
}
