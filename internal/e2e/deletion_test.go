package e2e

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("Deleting", func() {
	var t *tenant

	// Ana has a row of her own in Members, and one by a booking in Boardroom.
	populate := func(ctx SpecContext, lines ...string) {
		GinkgoHelper()
		t = newTenant(ctx)
		t.start()
		t.fixture(lines...)
		t.apply(boardroom)
		t.apply(ana)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		Eventually(func() int { return len(t.rows("ana@example.com", "Members")) }).Should(Equal(1))
		t.granted("ana")
		t.kisi.ResetRequests()
	}
	ours := func() int {
		return len(t.rows("ana@example.com", "Members")) + len(t.rows("ana@example.com", "Boardroom")) + len(t.rows("ana@example.com", "Uptown"))
	}
	states := func(g Gomega, name string) []v1alpha1.GrantState {
		var states []v1alpha1.GrantState
		for _, row := range t.member(g, name).Status.Grants {
			states = append(states, row.State)
		}
		return states
	}
	everyKind := map[string]client.Object{
		"default": &v1alpha1.KisiConnection{}, "members": &v1alpha1.KisiGroup{}, "boardroom": &v1alpha1.KisiGroup{}, "ana": &v1alpha1.Member{},
	}

	It("a Member takes back what only it gave, and then it goes", func(ctx SpecContext) {
		populate(ctx)
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(ours()).To(BeZero())
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		Expect(t.writes()).To(ConsistOf(HavePrefix("DELETE /role_assignments/"), HavePrefix("DELETE /role_assignments/")))
	})

	It("a KisiGroup takes back its rows, and then it goes; sources say that it is missing; it heals when the group returns", func(ctx SpecContext) {
		populate(ctx)
		t.delete(&v1alpha1.KisiGroup{}, "boardroom")
		t.gone(&v1alpha1.KisiGroup{}, "boardroom")
		Expect(t.rows("ana@example.com", "Boardroom")).To(BeEmpty())
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "False", "GroupNotFound")
		t.apply("kind: KisiGroup\nmetadata: {name: boardroom}\nspec: {existing: {name: Boardroom}}")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
	})

	It("a KisiGroup whose rows cannot be taken back says so, and abandon leaves them in Kisi", func(ctx SpecContext) {
		populate(ctx)
		t.act(simulator.Action{Action: simulator.ActionRevokeKeys, User: "olga@acme.example"})
		t.delete(&v1alpha1.KisiGroup{}, "members")
		group := &v1alpha1.KisiGroup{}
		t.says(group, "members", v1alpha1.ConditionReady, "False Deleting", `"default" is not Ready`, v1alpha1.AbandonAnnotation)
		annotate(t, "members", group, v1alpha1.AbandonAnnotation, "true")
		t.gone(&v1alpha1.KisiGroup{}, "members")
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
	})

	It("a KisiGroup whose rows the connection's mode keeps says so, and goes when the mode lets it", func(ctx SpecContext) {
		populate(ctx)
		setMode(t, v1alpha1.ModeGrantOnly)
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.delete(&v1alpha1.KisiGroup{}, "members")
		for _, mode := range []v1alpha1.Mode{v1alpha1.ModeGrantOnly, v1alpha1.ModeObserve, v1alpha1.ModePaused} {
			setMode(t, mode)
			t.says(&v1alpha1.KisiGroup{}, "members", v1alpha1.ConditionReady, "False Deleting", "is "+string(mode), v1alpha1.AbandonAnnotation)
		}
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
		setMode(t, v1alpha1.ModeEnforce)
		t.gone(&v1alpha1.KisiGroup{}, "members")
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
	})

	It("a KisiConnection under Retain sends no request, retains the rows, and lets everything go in any order", Label("S16"), func(ctx SpecContext) {
		populate(ctx, "disconnectPolicy: Retain")
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Eventually(func(g Gomega) {
			g.Expect(states(g, "ana")).To(HaveEach(v1alpha1.GrantRetained))
			g.Expect(t.eventNotes("default")).To(ConsistOf(HavePrefix("2 role assignment(s) stay in Kisi")), "it is said once")
		}).Should(Succeed())
		t.quiet()
		for _, name := range []string{"members", "boardroom", "uptown"} {
			t.delete(&v1alpha1.KisiGroup{}, name)
			t.gone(&v1alpha1.KisiGroup{}, name)
		}
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Eventually(func(g Gomega) {
			g.Expect(states(g, implicitName("ana@example.com"))).To(Equal([]v1alpha1.GrantState{v1alpha1.GrantRetained, v1alpha1.GrantRetained}), "Retained rows move on")
		}).Should(Succeed())
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		t.delete(&v1alpha1.Member{}, implicitName("ana@example.com"))
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		Expect(ours()).To(Equal(2))
		Expect(t.kisi.Requests(simulator.RequestFilter{})).To(BeEmpty())
	})

	It("a KisiConnection and applying it under another name owns its Retained rows again without a write", func(ctx SpecContext) {
		populate(ctx, "disconnectPolicy: Retain")
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Eventually(func(g Gomega) { g.Expect(states(g, "ana")).To(HaveEach(v1alpha1.GrantRetained)) }).Should(Succeed())
		for _, name := range []string{"members", "boardroom", "uptown"} {
			t.delete(&v1alpha1.KisiGroup{}, name)
			t.gone(&v1alpha1.KisiGroup{}, name)
		}
		t.apply(`
kind: KisiGroup
metadata: {name: members}
spec: {connectionRef: {name: hq}, existing: {name: Members}}
---
kind: KisiGroup
metadata: {name: boardroom}
spec: {connectionRef: {name: hq}, existing: {name: Boardroom}}
---
kind: KisiConnection
metadata: {name: hq}
spec:
  apiKeySecretRef: {name: kisi}
  endpoint: ` + t.kisi.URL() + `
  requestsPerSecond: 500
`)
		edit(t, "boardroom", &v1alpha1.PlaceMapping{}, func(*v1alpha1.PlaceMapping) {})
		t.eventually(&v1alpha1.KisiConnection{}, "hq", "True", "Connected")
		Eventually(func(g Gomega) {
			g.Expect(t.exists(&v1alpha1.KisiGroup{}, "members")).To(BeTrue())
			member := t.member(g, "ana")
			for _, row := range member.Status.Grants {
				if row.Group == "members" {
					g.Expect(row.State).To(Equal(v1alpha1.GrantActive))
					g.Expect(row.Connection).To(BeEquivalentTo("hq"))
				}
			}
			g.Expect(readyOf(member)).To(Equal("True Granted"), messageOf(member))
		}).Should(Succeed())
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
		Expect(t.writes()).NotTo(ContainElement(HavePrefix("POST")))
		t.nothingDoubled()
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }).Should(BeEmpty(), "owned again, so taken back")
	})

	It("a KisiConnection under Revoke takes back every row, and then it goes", func(ctx SpecContext) {
		populate(ctx, "disconnectPolicy: Revoke")
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(ours()).To(BeZero())
		Expect(t.writes()).To(ConsistOf(HavePrefix("DELETE /role_assignments/"), HavePrefix("DELETE /role_assignments/")))
		Expect(t.kisi.Assignments("Members")).To(HaveLen(1), "an admin's own grant stays")
		t.eventually(&v1alpha1.Member{}, "ana", "False", "ConnectionNotFound")
	})

	It("a KisiConnection under Revoke whose Secret has gone before it still takes everything back", func(ctx SpecContext) {
		populate(ctx, "disconnectPolicy: Revoke")
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "kisi"}}
		t.delete(&v1alpha1.KisiConnection{}, "default")
		Expect(client.IgnoreNotFound(admin.Delete(t.ctx, secret))).To(Succeed())
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(ours()).To(BeZero())
	})

	It("a KisiConnection under Revoke with a key that Kisi refuses stays, says why, and abandon lets it go", func(ctx SpecContext) {
		populate(ctx, "disconnectPolicy: Revoke")
		t.secret("kisi", "apiKey", "wrong-key-0123456789")
		connection := &v1alpha1.KisiConnection{}
		t.eventually(connection, "default", "False", "Unauthorized")
		t.delete(&v1alpha1.KisiConnection{}, "default")
		Consistently(func() bool { return t.exists(connection, "default") }).Should(BeTrue())
		Eventually(func(g Gomega) {
			get(g, t, "default", connection)
			g.Expect(readyOf(connection)).To(Equal("False Unauthorized"))
			g.Expect(messageOf(connection)).To(ContainSubstring(v1alpha1.AbandonAnnotation), "the way out")
		}).Should(Succeed())
		Expect(ours()).To(Equal(2))
		annotate(t, "default", connection, v1alpha1.AbandonAnnotation, "true")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Eventually(func(g Gomega) { g.Expect(states(g, "ana")).To(HaveEach(v1alpha1.GrantRetained)) }).Should(Succeed())
		Expect(ours()).To(Equal(2))
	})

	It("a KisiConnection under Revoke with a key that Kisi refuses holds up neither Members nor KisiGroups that are abandoned", func(ctx SpecContext) {
		populate(ctx, "disconnectPolicy: Revoke")
		t.secret("kisi", "apiKey", "wrong-key-0123456789")
		t.eventually(&v1alpha1.KisiConnection{}, "default", "False", "Unauthorized")
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.says(&v1alpha1.KisiConnection{}, "default", v1alpha1.ConditionReady, "False Unauthorized", v1alpha1.AbandonAnnotation)
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Eventually(func(g Gomega) {
			implicit := t.implicit(g, "ana@example.com")
			g.Expect(readyOf(implicit)).To(Equal("False ConnectionNotReady"))
			g.Expect(implicit.Status.Grants).To(HaveLen(2))
		}).Should(Succeed())
		annotate(t, "members", &v1alpha1.KisiGroup{}, v1alpha1.AbandonAnnotation, "true")
		t.delete(&v1alpha1.KisiGroup{}, "members")
		t.gone(&v1alpha1.KisiGroup{}, "members")
		Expect(ours()).To(Equal(2))

		t.secret("kisi", "apiKey", ownerKey)
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(t.rows("ana@example.com", "Boardroom")).To(BeEmpty(), "what was not abandoned is taken back after all")
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
	})

	It("a Member while its connection does not work lets it go at once; the row waits in the implicit Member", func(ctx SpecContext) {
		populate(ctx)
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Boardroom") }).Should(BeEmpty())
		t.secret("kisi", "apiKey", "wrong-key-0123456789")
		t.eventually(&v1alpha1.KisiConnection{}, "default", "False", "Unauthorized")
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		implicit := t.implicit(Default, "ana@example.com")
		Expect(implicit.Status.Grants).To(HaveLen(1))
		Expect(ours()).To(Equal(1))
		t.secret("kisi", "apiKey", ownerKey)
		Eventually(ours).Should(BeZero(), "taken back as soon as the connection works")
		t.gone(&v1alpha1.Member{}, implicit.Name)
	})

	It("a Member with abandon leaves its rows in Kisi", func(ctx SpecContext) {
		populate(ctx)
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Boardroom") }).Should(BeEmpty())
		t.kisi.ResetRequests()
		annotate(t, "ana", &v1alpha1.Member{}, v1alpha1.AbandonAnnotation, "true")
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(ours()).To(Equal(1))
	})

	It("every object that can hang leaves at once when nothing was granted", func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture("disconnectPolicy: Revoke")
		for _, name := range []string{"members", "boardroom", "uptown"} {
			t.delete(&v1alpha1.KisiGroup{}, name)
		}
		t.delete(&v1alpha1.KisiConnection{}, "default")
		for _, name := range []string{"members", "boardroom", "uptown"} {
			t.gone(&v1alpha1.KisiGroup{}, name)
		}
		t.gone(&v1alpha1.KisiConnection{}, "default")
	})

	DescribeTable("the namespace", func(ctx SpecContext, policy string, left int) {
		populate(ctx, "disconnectPolicy: "+policy)
		// In another group: not every Kisi takes two rows of a person in one.
		t.apply(strings.Replace(bookingOf("later", "3h", "4h"), "placeRef: {name: boardroom}", "groupRefs: [{name: uptown}]", 1))
		Eventually(func() int { return ours() }).Should(Equal(3))
		begin := time.Now()
		Expect(admin.Delete(t.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}})).To(Succeed())
		Eventually(func(g Gomega) {
			for name, object := range everyKind {
				g.Expect(t.exists(object, name)).To(BeFalse(), "%T %s: %s", object, name, messageOf(object))
			}
			g.Expect(t.exists(&v1alpha1.Member{}, implicitName("ana@example.com"))).To(BeFalse())
		}).Should(Succeed())
		Eventually(func() error {
			return admin.Get(t.ctx, client.ObjectKey{Name: t.namespace}, &corev1.Namespace{})
		}).Should(MatchError(ContainSubstring("not found")))
		GinkgoWriter.Println("gone after", time.Since(begin))
		Expect(ours()).To(Equal(left))
		if left > 0 {
			Expect(t.writes()).To(HaveExactElements("POST /role_assignments"), "nothing is revoked")
		}
		Expect(t.kisi.Assignments("Members")).To(ContainElement(HaveField("User", "mara@acme.example")))
	},
		Entry("under Retain goes and revokes nothing", "Retain", 3),
		Entry("under Revoke goes and takes every row with it", "Revoke", 0),
	)
})
