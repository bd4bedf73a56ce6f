package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("A user whom an admin removed or suspended in Kisi", Label("P6"), func() {
	It("who was suspended before the operator came is adopted and not let in", Label("B5"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.kisi.act(simulator.Action{Action: simulator.ActionSuspendUser, User: "gary@acme.example"})
		t.kisi.ResetRequests()
		t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: gary@acme.example, groupRefs: [{name: members}]}")
		member := &v1alpha1.Member{}
		t.eventually(member, "gary", "True", "Withheld")
		Expect(member.Status.Accounts).To(HaveLen(1))
		Expect(member.Status.Accounts[0].Access).To(Equal(v1alpha1.AccountSuspendedInKisi))
		Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountFound))
		t.quiet()
		Expect(t.rows("gary@acme.example", "Members")).To(BeEmpty())
		Expect(t.writes()).To(Equal([]string{"POST /users"}), "the attempt that showed that there is one")
	})
})
