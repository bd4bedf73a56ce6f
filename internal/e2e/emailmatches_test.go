package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("EmailMatches", Label("S10"), func() {
	It("says that the address was changed in Kisi, of a user who stays this person's", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		t.says(&v1alpha1.Member{}, "ana", v1alpha1.ConditionEmailMatches, "True EmailMatches")
		row := t.rows("ana@example.com", "Members")
		t.act(simulator.Action{Action: simulator.ActionChangeEmail, User: "ana@example.com", Email: "ana.pop@other.example"})
		t.kisi.ResetRequests()
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		member := &v1alpha1.Member{}
		t.says(member, "ana", v1alpha1.ConditionEmailMatches, "False EmailChangedInKisi", "change spec.email")
		t.granted("ana")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.rows("ana.pop@other.example", "Members")).To(ConsistOf(HaveField("ID", row[0].ID)))
		found := condition(get(Default, t, "ana", member), v1alpha1.ConditionEmailMatches)
		Expect(found.Message).NotTo(ContainSubstring("other.example"), "no address that the object does not say itself")

		t.act(simulator.Action{Action: simulator.ActionChangeEmail, User: "ana.pop@other.example", Email: "ana@example.com"})
		t.ask("ana", v1alpha1.ReconcileAtAnnotation)
		t.says(&v1alpha1.Member{}, "ana", v1alpha1.ConditionEmailMatches, "True EmailMatches")
	})
})
