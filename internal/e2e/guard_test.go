package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// Where the user is known by an import and the row by a read, nothing has to be asked of Kisi before a ledger has a row.
var _ = Describe("A row that comes into a ledger without a request", func() {
	var t *tenant

	// Kisi has Ana, and a row of hers that the key's owner made before.
	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.kisi.as("olga@acme.example", "POST", "/users", map[string]any{"user": map[string]any{"email": "ana@example.com", "name": "Ana"}})
		t.act(simulator.Action{Action: simulator.ActionGrant, As: "olga@acme.example", User: "ana@example.com", Group: "Members"})
		t.apply(anaInMembers)
		t.start()
	})

	goesWithTheMember := func() {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			member := t.member(g, "ana")
			g.Expect(member.Status.Grants).To(HaveExactElements(HaveField("State", v1alpha1.GrantActive)))
			g.Expect(member.Finalizers).To(ContainElement(v1alpha1.Finalizer))
		}).Should(Succeed())
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }).Should(BeEmpty())
	}

	imported := func(mode string) {
		GinkgoHelper()
		t.connect("mode: "+mode, "users: {existing: Import}")
		t.apply(groups)
		t.eventually(&v1alpha1.KisiGroup{}, "members", "True", "Bound")
		Eventually(func(g Gomega) { g.Expect(t.member(g, "ana").Status.Accounts).To(HaveLen(1)) }).Should(Succeed())
	}

	It("by a claim holds the Member's deletion until it is taken back", func() {
		imported("Observe")
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeEnforce })
		t.covered("ana")
		t.claim("members", "restored")
		goesWithTheMember()
	})

	It("by adoption in an Exclusive group holds it, too", func() {
		t.act(simulator.Action{Action: simulator.ActionRevoke, User: "mara@acme.example", Group: "Members"})
		imported("Enforce")
		t.apply(exclusiveMembers)
		goesWithTheMember()
	})
})

// ended has Ana's booking over a moment ago, with its row still in Kisi and in her ledger.
func (t *tenant) ended() {
	GinkgoHelper()
	t.apply("kind: PlaceMapping\nmetadata: {name: boardroom}\nspec: {kind: Room, externalID: room-1, bookings: {groupRefs: [{name: boardroom}], leadTime: 0s, lagTime: 0s, nonMembers: Allow}}")
	t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com}")
	t.apply("kind: BookingGrant\nmetadata: {name: b1}\nspec: {placeRef: {name: boardroom}, organizer: {email: ana@example.com}, startTime: \"{{time `-1m`}}\", endTime: \"{{time `4s`}}\"}")
	t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
	t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Ended")
	Eventually(func(g Gomega) {
		g.Expect(t.member(g, "ana").Status.Grants).To(HaveExactElements(HaveField("State", v1alpha1.GrantEnded)))
	}).Should(Succeed())
	Expect(t.rows("ana@example.com", "Boardroom")).To(HaveLen(1))
	t.kisi.ResetRequests()
}

var _ = Describe("A row that has ended", Label("S16"), func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx, "expiredRows=Kept")
		t.start()
	})

	// soon waits until the object has gone, long before the hour after which a row that has ended is deleted anyway.
	soon := func(object client.Object, name string) {
		GinkgoHelper()
		Eventually(func() bool { return t.exists(object, name) }, 10*time.Second).Should(BeFalse(), "%s: %s", name, messageOf(object))
	}
	deleted := func() {
		GinkgoHelper()
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Boardroom") }).Should(BeEmpty())
		Expect(t.writes()).To(ContainElement(HavePrefix("DELETE /role_assignments/")))
	}

	It("is deleted at once when its Member goes", func() {
		t.fixture()
		t.ended()
		t.delete(&v1alpha1.Member{}, "ana")
		soon(&v1alpha1.Member{}, "ana")
		deleted()
	})

	It("is deleted at once when its group goes, and the managed group with it", func() {
		t.fixture()
		t.apply("kind: KisiGroup\nmetadata: {name: boardroom2}\nspec: {managed: {name: Lab, doors: [{name: Boardroom}]}}")
		t.eventually(&v1alpha1.KisiGroup{}, "boardroom2", "True", "Bound")
		t.apply("kind: BookingGrant\nmetadata: {name: b2}\nspec: {groupRefs: [{name: boardroom2}], organizer: {email: ana@example.com}, startTime: \"{{time `-40m`}}\", endTime: \"{{time `-1796s`}}\"}")
		t.ended2("b2", "Lab")
		t.delete(&v1alpha1.KisiGroup{}, "boardroom2")
		soon(&v1alpha1.KisiGroup{}, "boardroom2")
		Expect(t.groupsNamed("Lab")).To(BeEmpty())
	})

	It("is deleted at once when its connection goes under Revoke", func() {
		t.fixture("disconnectPolicy: Revoke")
		t.ended()
		t.delete(&v1alpha1.KisiConnection{}, "default")
		soon(&v1alpha1.KisiConnection{}, "default")
		deleted()
	})

	It("is deleted at once when the namespace goes under Revoke", func() {
		t.fixture("disconnectPolicy: Revoke")
		t.ended()
		t.deleteNamespace()
		t.namespaceIsGone()
		deleted()
	})

	It("is left behind where Kisi cannot be asked", func() {
		t.fixture()
		t.ended()
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Method: "DELETE", Path: "/role_assignments/*"})
		t.delete(&v1alpha1.Member{}, "ana")
		soon(&v1alpha1.Member{}, "ana")
		Expect(t.rows("ana@example.com", "Boardroom")).To(HaveLen(1))
	})

	DescribeTable("is left behind where nothing may be asked",
		func(change func(*v1alpha1.KisiConnection), reason string, revoke bool) {
			t.fixture()
			t.ended()
			edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) {
				if revoke {
					c.Spec.DisconnectPolicy = v1alpha1.DisconnectRevoke
				}
				change(c)
			})
			if reason != "" {
				t.notReady(&v1alpha1.KisiConnection{}, "default", reason)
			}
			t.delete(&v1alpha1.Member{}, "ana")
			soon(&v1alpha1.Member{}, "ana")
			t.delete(&v1alpha1.KisiGroup{}, "boardroom")
			soon(&v1alpha1.KisiGroup{}, "boardroom")
			t.delete(&v1alpha1.KisiConnection{}, "default")
			soon(&v1alpha1.KisiConnection{}, "default")
			Expect(t.writes()).To(BeEmpty())
		},
		Entry("in a pause", func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModePaused }, "Paused", true),
		Entry("in Observe", func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeObserve }, "", false),
		Entry("in GrantOnly", func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeGrantOnly }, "", false),
		Entry("without a key", func(c *v1alpha1.KisiConnection) { c.Spec.APIKeySecretRef.Name = "none" }, "SecretNotFound", true),
	)
})

// ended2 waits until a booking's row in a group has ended and is still there.
func (t *tenant) ended2(booking, group string) {
	GinkgoHelper()
	t.eventually(&v1alpha1.BookingGrant{}, booking, "True", "Ended")
	Expect(t.rows("ana@example.com", group)).To(HaveLen(1))
}
