package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("users.existing: Import", Label("B5"), func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
	})

	// everybody are the users of the simulated Kisi.
	everybody := []any{"olga@acme.example", "adam@acme.example", "mara@acme.example", "gary@acme.example"}

	imported := func(g Gomega) []string {
		var list v1alpha1.MemberList
		g.Expect(admin.List(t.ctx, &list, client.InNamespace(t.namespace), client.MatchingLabels{
			v1alpha1.ImplicitLabel: "true", v1alpha1.ImportedLabel: "true",
		})).To(Succeed())
		var emails []string
		for i := range list.Items {
			emails = append(emails, string(list.Items[i].Spec.Email))
		}
		return emails
	}
	eventuallyImported := func(emails ...any) {
		GinkgoHelper()
		Eventually(imported).Should(ConsistOf(emails...))
	}
	existing := func(policy v1alpha1.ExistingUserPolicy) {
		GinkgoHelper()
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Users.Existing = policy })
	}
	usersImported := func(statusAndReason string, words ...string) {
		GinkgoHelper()
		t.says(&v1alpha1.KisiConnection{}, "default", v1alpha1.ConditionUsersImported, statusAndReason, words...)
	}

	It("makes a Member for every user that Kisi has, writes nothing to Kisi, and takes the Members away when switched off", func() {
		t.apply("kind: Member\nmetadata: {name: gary}\nspec: {email: Gary@acme.example}")
		t.fixture("users: {existing: Import}")
		eventuallyImported("olga@acme.example", "adam@acme.example", "mara@acme.example")
		usersImported("True Imported")
		for _, email := range []string{"olga@acme.example", "mara@acme.example"} {
			name := implicitName(email)
			t.eventually(&v1alpha1.Member{}, name, "True", "NoAccess")
			account := t.account(name, v1alpha1.AccountEnabled)
			Expect(account.UserID).To(BeEquivalentTo(t.userID(email)))
			Expect(account.Origin).To(Equal(v1alpha1.AccountFound))
		}
		Expect(t.member(Default, implicitName("mara@acme.example")).Spec.FullName).To(BeEquivalentTo("Mara Frontdesk"))
		Expect(t.account("gary", v1alpha1.AccountEnabled).Origin).To(Equal(v1alpha1.AccountFound), "an explicit Member stands for him")
		Expect(t.exists(&v1alpha1.Member{}, implicitName("gary@acme.example"))).To(BeFalse())
		t.quiet()
		Expect(t.writes()).To(BeEmpty())

		t.stop()
		t.start()
		Consistently(imported).Should(HaveLen(3), "they do not come and go with the operator")

		existing(v1alpha1.ExistingUsersAdopt)
		eventuallyImported()
		Expect(t.exists(&v1alpha1.Member{}, "gary")).To(BeTrue())
		Expect(t.userID("mara@acme.example")).NotTo(BeZero())
		Expect(t.writes()).To(BeEmpty())
	})

	It("follows users who are made and deleted in Kisi, and keeps whom a booking names", func() {
		t.fixture("users: {existing: Import}")
		eventuallyImported(everybody...)
		t.act(simulator.Action{Action: simulator.ActionCreateUser, Email: "nina@acme.example", Name: "Nina New"})
		eventuallyImported(append(everybody, "nina@acme.example")...)
		t.act(simulator.Action{Action: simulator.ActionDeleteUser, User: "nina@acme.example"})
		eventuallyImported(everybody...)

		t.apply(boardroom)
		t.apply(bookingFor("b1", "gary@acme.example"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		Expect(t.writes()).To(Equal([]string{"POST /role_assignments"}), "the user is known")
		t.act(simulator.Action{Action: simulator.ActionDeleteUser, User: "gary@acme.example"})
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Withheld")
		Expect(imported(Default)).To(ContainElement("gary@acme.example"))
	})

	It("makes Members in Observe too", func() {
		t.fixture("users: {existing: Import}", "mode: Observe")
		eventuallyImported(everybody...)
		usersImported("True Imported")
		Expect(t.writes()).To(BeEmpty())
	})

	It("says whom it had to skip", func() {
		kiosk := t.act(simulator.Action{Action: simulator.ActionCreateUser, Email: "kiosk@localhost", Name: "Kiosk"})
		t.fixture("users: {existing: Import}")
		eventuallyImported(everybody...)
		usersImported("False UsersSkipped", "1 of 5", fmt.Sprintf("user %d", kiosk))
		t.eventually(&v1alpha1.KisiConnection{}, "default", "True", "Connected")
	})

	It("leaves out a name that no Member can have", func() {
		t.act(simulator.Action{Action: simulator.ActionCreateUser, Email: "nina@acme.example", Name: "Nina\tTab"})
		t.fixture("users: {existing: Import}")
		eventuallyImported(append(everybody, "nina@acme.example")...)
		Expect(t.member(Default, implicitName("nina@acme.example")).Spec.FullName).To(BeEmpty())
	})

	DescribeTable("believes a list completely or not at all", func(fault simulator.Fault) {
		t.fixture("users: {existing: Import}")
		eventuallyImported(everybody...)
		fault.Method, fault.Path = "GET", "/users"
		end := t.kisi.fault(fault)
		t.act(simulator.Action{Action: simulator.ActionCreateUser, Email: "nina@acme.example", Name: "Nina New"})
		t.lookAgain("default")
		usersImported("False ReadFailed")
		Consistently(func(g Gomega) { g.Expect(imported(g)).To(ContainElements(everybody...)) }).Should(Succeed())
		end()
		eventuallyImported(append(everybody, "nina@acme.example")...)
		usersImported("True Imported")
	},
		Entry("a short page", simulator.Fault{Kind: simulator.FaultShortPage}),
		Entry("an empty page with a total", simulator.Fault{Kind: simulator.FaultEmptyPage}),
		Entry("a repeated row", simulator.Fault{Kind: simulator.FaultRepeatedRow}),
		Entry("no total", simulator.Fault{Kind: simulator.FaultNoRange}),
		Entry("an error", simulator.Fault{Kind: simulator.FaultStatus, Status: 500}),
	)

	It("finds by reading all users again who was suspended or deleted, where no event tells of it", func() {
		t.fixture("users: {existing: Import}", "changePollInterval: 1h")
		eventuallyImported(everybody...)
		t.act(simulator.Action{Action: simulator.ActionSuspendUser, User: "mara@acme.example"})
		t.act(simulator.Action{Action: simulator.ActionDeleteUser, User: "gary@acme.example"})
		t.lookAgain("default")
		t.account(implicitName("mara@acme.example"), v1alpha1.AccountSuspendedInKisi)
		eventuallyImported("olga@acme.example", "adam@acme.example", "mara@acme.example")
	})
})

func bookingFor(name, email string) string {
	return fmt.Sprintf(`
kind: BookingGrant
metadata: {name: %s}
spec:
  placeRef: {name: boardroom}
  organizer: {email: %s}
  startTime: '{{time "-1m"}}'
  endTime: '{{time "1h"}}'
`, name, email)
}
