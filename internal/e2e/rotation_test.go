package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const (
	newOwnerKey = "owner-key-9876543210"
	adminKey    = "admin-key-0123456789"
)

var _ = Describe("A KisiConnection in use", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
		t.book("b1", "ana@example.com")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
	})

	lookAtGroup := func() {
		annotate(t, "boardroom", &v1alpha1.KisiGroup{}, v1alpha1.ReconcileAtAnnotation, time.Now().Format(time.RFC3339Nano))
	}

	It("takes a new key at once, and serves what came in between", func() {
		t.kisi.act(simulator.Action{Action: simulator.ActionRevokeKeys, User: "olga@acme.example"})
		t.book("b2", "gil@example.com")
		t.connection(v1alpha1.ConditionReady, "False Unauthorized", "401")
		t.newKey("olga@acme.example", newOwnerKey)
		t.secret("kisi", "apiKey", newOwnerKey)
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		Expect(t.opens("gil@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.kisi.Assignments("Boardroom")).To(HaveLen(2), "nobody is let in twice")
	})

	It("takes a new key before anybody notices that the old one is gone", func() {
		t.newKey("olga@acme.example", newOwnerKey)
		t.secret("kisi", "apiKey", newOwnerKey)
		Eventually(func() int { return t.kisi.CountRequests(simulator.RequestFilter{Path: "/login"}) }).Should(Equal(2))
		t.book("b2", "gil@example.com")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Status: http.StatusUnauthorized})).To(BeZero())
	})

	It("says so when its key is revoked, revokes nothing itself, and heals with a new key", func() {
		before := t.writes()
		t.kisi.act(simulator.Action{Action: simulator.ActionRevokeKeys, User: "olga@acme.example"})
		lookAtGroup()
		t.connection(v1alpha1.ConditionReady, "False Unauthorized", "401", "new key")
		edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
		t.notReady(&v1alpha1.KisiGroup{}, "boardroom", v1alpha1.ReasonConnectionNotReady, `"default"`)
		t.notReady(&v1alpha1.Member{}, implicit("ana@example.com"), v1alpha1.ReasonConnectionNotReady, `"default"`)
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue(), "what cannot be revoked now stays")
		Expect(t.writes()).To(Equal(before))

		t.newKey("olga@acme.example", newOwnerKey)
		t.secret("kisi", "apiKey", newOwnerKey)
		t.connection(v1alpha1.ConditionReady, "True Connected")
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeFalse(), "and is revoked then")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Canceled")
	})

	It("does not act through a key of another organization", func() {
		Expect(t.kisi.LoadSeed([]byte(otherOrganization))).To(Succeed())
		before := t.writes()
		t.secret("kisi", "apiKey", globexKey)
		c := t.connection(v1alpha1.ConditionReady, "False OrganizationMismatch", "4711", "3289", "KisiConnection")
		Expect(c.Status.Organization.ID).To(BeEquivalentTo(3289))
		t.connection(v1alpha1.ConditionAuthenticated, "True Authenticated")
		t.connection(v1alpha1.ConditionAuthorized, "False OrganizationMismatch")
		t.book("b2", "gil@example.com")
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonConnectionNotReady, `"default"`)
		t.notReady(&v1alpha1.KisiGroup{}, "boardroom", v1alpha1.ReasonConnectionNotReady)
		Expect(t.writes()).To(Equal(before))
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Organization: "globex", Path: "/groups*"})).To(BeZero(), "not even to read")

		t.secret("kisi", "apiKey", ownerKey)
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
	})

	DescribeTable("freezes when the owner of its key loses every role, and heals with another one's", Label("K1"),
		func(answer, reason, word string) {
			Expect(t.kisi.SetSwitch("demotedOwnerKey", answer)).To(Succeed())
			before := t.writes()
			t.kisi.act(simulator.Action{Action: simulator.ActionDemoteOwner, As: "adam@acme.example"})
			t.book("b2", "gil@example.com")
			t.connection(v1alpha1.ConditionReady, "False "+reason, word)
			t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonConnectionNotReady, `"default"`)
			Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
			Expect(len(t.writes())).To(BeNumerically("<=", len(before)+1), "the refused write is not repeated")

			t.secret("kisi", "apiKey", adminKey)
			c := t.connection(v1alpha1.ConditionReady, "True Connected")
			Expect(c.Status.Account.Role).To(Equal(v1alpha1.AccountRoleOwner))
			t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		},
		Entry("and Kisi refuses what the role does not allow", "Forbidden403", "InsufficientRole", "administrator"),
		Entry("and Kisi refuses the key", "Unauthorized401", "Unauthorized", "401"),
	)

	It("freezes while its Secret is missing, and goes on when it is back", func() {
		before := t.writes()
		t.delete(secretNamed("kisi"), "kisi")
		t.withoutKey(v1alpha1.ReasonSecretNotFound, "spec.apiKeySecretRef")
		t.book("b2", "gil@example.com")
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonConnectionNotReady, `"default"`)
		Expect(t.writes()).To(Equal(before))
		t.secret("kisi", "apiKey", ownerKey)
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
	})

	It("revokes nothing while Kisi is down, and catches up", func() {
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusServiceUnavailable})
		edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
		t.book("b2", "gil@example.com")
		t.connection(v1alpha1.ConditionReady, "False Unreachable")
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonConnectionNotReady, `"default"`)
		end()
		t.lookAgain("default") // or wait for the next probe
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Canceled")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeFalse())
		Expect(t.kisi.Assignments("Boardroom")).To(HaveLen(1))
	})

	It("sends no request at all while Paused, and catches up", func() {
		setMode(t, v1alpha1.ModePaused)
		t.connection(v1alpha1.ConditionReady, "False Paused", "spec.mode")
		t.kisi.ResetRequests()
		edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
		t.book("b2", "gil@example.com")
		lookAtGroup()
		t.lookAgain("default")
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonPaused, `"default"`)
		t.notReady(&v1alpha1.Member{}, implicit("ana@example.com"), v1alpha1.ReasonPaused, "paused")
		t.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonPaused, `"default"`)
		Expect(t.kisi.Requests(simulator.RequestFilter{})).To(BeEmpty())
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())

		setMode(t, v1alpha1.ModeEnforce)
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Canceled")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeFalse())
	})

	It("says nothing of a pause to those for whom it holds nothing back", func() {
		t.apply(`
kind: AccessSubscription
metadata: {name: s1}
spec: {groupRefs: [{name: members}], subject: {email: ana@example.com}}
---
kind: AccessSubscription
metadata: {name: later}
spec: {groupRefs: [{name: members}], subject: {email: gil@example.com}, startTime: '{{time "72h"}}'}
`)
		t.eventually(&v1alpha1.AccessSubscription{}, "s1", "True", "Granted")
		t.eventually(&v1alpha1.AccessSubscription{}, "later", "True", "Scheduled")
		setMode(t, v1alpha1.ModePaused)
		t.connection(v1alpha1.ConditionReady, "False Paused", "spec.mode")
		t.book("b2", "dan@example.com")
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonPaused, `"default"`)
		t.stays(&v1alpha1.BookingGrant{}, "b1", "True Granted")
		Expect(readyOf(get(Default, t, "s1", &v1alpha1.AccessSubscription{}))).To(Equal("True Granted"))
		Expect(readyOf(get(Default, t, "later", &v1alpha1.AccessSubscription{}))).To(Equal("True Scheduled"))
		Expect(readyOf(t.implicit(Default, "ana@example.com"))).To(Equal("True Granted"))
	})

	It("writes nothing to Kisi in Observe, and says what it would do", func() {
		setMode(t, v1alpha1.ModeObserve)
		t.connection(v1alpha1.ConditionReady, "True Connected")
		before := t.writes()
		t.book("b2", "gil@example.com")
		t.notReady(&v1alpha1.Member{}, implicit("gil@example.com"), v1alpha1.ReasonObserving, "status.planned")
		gil := get(Default, t, implicit("gil@example.com"), &v1alpha1.Member{})
		Expect(gil.Status.PlannedCount).To(BeEquivalentTo(1))
		Expect(gil.Status.Planned).To(HaveLen(1))
		Expect(gil.Status.Planned[0].Action).To(Equal(v1alpha1.PlannedGrant))
		Expect(gil.Status.Planned[0].Group).To(BeEquivalentTo("boardroom"))
		Expect(gil.Status.Grants).To(BeEmpty())
		t.notReady(&v1alpha1.BookingGrant{}, "b2", v1alpha1.ReasonObserving)
		t.stays(&v1alpha1.BookingGrant{}, "b1", "True Granted")

		edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
		t.notReady(&v1alpha1.Member{}, implicit("ana@example.com"), v1alpha1.ReasonObserving, "status.planned")
		ana := get(Default, t, implicit("ana@example.com"), &v1alpha1.Member{})
		Expect(ana.Status.Planned).To(HaveLen(1))
		Expect(ana.Status.Planned[0].Action).To(Equal(v1alpha1.PlannedRevoke))
		t.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonObserving)
		pending(t, 1, 1)
		Expect(t.writes()).To(Equal(before))

		setMode(t, v1alpha1.ModeEnforce)
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Canceled")
		pending(t, 0, 0)
	})

	It("grants and never revokes in GrantOnly, and says what it would revoke", func() {
		setMode(t, v1alpha1.ModeGrantOnly)
		t.book("b2", "gil@example.com")
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
		t.notReady(&v1alpha1.Member{}, implicit("ana@example.com"), v1alpha1.ReasonObserving, "status.planned")
		t.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonObserving)
		pending(t, 0, 1)
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Method: http.MethodDelete})).To(BeZero())
		setMode(t, v1alpha1.ModeEnforce)
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Canceled")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeFalse())
	})
})

// pending waits until the connection says in total what is not done.
func pending(t *tenant, grants, revocations int32) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		counts := get(g, t, "default", &v1alpha1.KisiConnection{}).Status.Counts
		g.Expect(counts).To(And(HaveField("PendingGrants", grants), HaveField("PendingRevocations", revocations)))
	}).Should(Succeed())
}

func setMode(t *tenant, mode v1alpha1.Mode) {
	GinkgoHelper()
	edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = mode })
}
