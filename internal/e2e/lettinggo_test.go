package e2e

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// abandonedEvent waits for the event that says how many rows stay because the object was abandoned.
func (t *tenant) abandonedEvent(name, count string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		var list eventsv1.EventList
		g.Expect(admin.List(t.ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
		g.Expect(list.Items).To(ContainElement(And(
			HaveField("Reason", "Abandoned"), HaveField("Regarding.Name", name), HaveField("Note", HavePrefix(count+" role assignment")),
		)))
	}).Should(Succeed())
}

// populated is a tenant in which Ana has a row of her own in Members, one by a booking in Boardroom, and one in Uptown that
// opens later: one row in each group, as any kind of Kisi has them.
func populated(ctx SpecContext, lines ...string) *tenant {
	GinkgoHelper()
	t := newTenant(ctx)
	t.options.RequestTimeout = requestTimeout
	t.start()
	t.fixture(lines...)
	t.apply(boardroom)
	t.apply(ana)
	t.apply(bookingOf("b1", "-1m", "1h"))
	t.apply(strings.Replace(bookingOf("later", "3h", "4h"), "placeRef: {name: boardroom}", "groupRefs: [{name: uptown}]", 1))
	Eventually(t.ours).Should(HaveLen(3))
	t.granted("ana")
	t.kisi.ResetRequests()
	return t
}

// ours are the rows in Kisi that the operator made.
func (t *tenant) ours() []simulator.Assignment {
	return slices.Concat(t.rows("ana@example.com", "Members"), t.rows("ana@example.com", "Boardroom"), t.rows("ana@example.com", "Uptown"))
}

func (t *tenant) deleteNamespace() {
	GinkgoHelper()
	Expect(admin.Delete(t.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}})).To(Succeed())
}

func (t *tenant) namespaceIsGone() {
	GinkgoHelper()
	Eventually(func() error {
		return admin.Get(t.ctx, client.ObjectKey{Name: t.namespace}, &corev1.Namespace{})
	}, "60s").Should(MatchError(ContainSubstring("not found")))
}

// hold keeps the API server from letting an object go: its finalizer cannot be removed until release is called.
func (t *tenant) hold(resource, name string, object client.Object) (release func()) {
	GinkgoHelper()
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: t.namespace},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: ptr.To(admissionv1.Fail),
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: t.namespace}},
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Update},
					Rule:       admissionv1.Rule{APIGroups: []string{v1alpha1.GroupName}, APIVersions: []string{"*"}, Resources: []string{resource}},
				}}},
			},
			Validations: []admissionv1.Validation{{Expression: "!has(oldObject.metadata.finalizers) || has(object.metadata.finalizers)"}},
		},
	}
	Expect(admin.Create(t.ctx, policy)).To(Succeed())
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: t.namespace},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: policy.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		},
	}
	Expect(admin.Create(t.ctx, binding)).To(Succeed())
	release = sync.OnceFunc(func() {
		Expect(admin.Delete(context.Background(), binding)).To(Succeed())
		Expect(admin.Delete(context.Background(), policy)).To(Succeed())
	})
	DeferCleanup(release)
	Eventually(func() error {
		held := get(Default, t, name, object)
		held.SetFinalizers(nil)
		return admin.Update(t.ctx, held, client.DryRunAll)
	}).Should(MatchError(ContainSubstring("ValidatingAdmissionPolicy")))
	return release
}

var _ = Describe("Letting go", func() {
	connectionOf := func() client.Object { return &v1alpha1.KisiConnection{} }
	type step struct {
		object func() client.Object
		name   string
	}
	secret := step{func() client.Object { return &corev1.Secret{} }, "kisi"}
	connection := step{connectionOf, "default"}
	group := step{func() client.Object { return &v1alpha1.KisiGroup{} }, "members"}
	place := step{func() client.Object { return &v1alpha1.PlaceMapping{} }, "boardroom"}
	booking := step{func() client.Object { return &v1alpha1.BookingGrant{} }, "b1"}
	member := step{func() client.Object { return &v1alpha1.Member{} }, "ana"}

	orders := map[string][]step{
		"the Secret and the connection first": {secret, connection, group, member, booking, place},
		"people first":                        {member, booking, place, group, connection, secret},
		"groups first":                        {group, place, secret, member, connection, booking},
	}
	// A namespace that is going takes its objects in no certain order; whatever has not been deleted by hand before goes then.
	for name, order := range orders {
		It("of a namespace under Retain is done within seconds and sends nothing, "+name, func(ctx SpecContext) {
			t := populated(ctx, "disconnectPolicy: Retain")
			begin := time.Now()
			t.deleteNamespace()
			for _, s := range order {
				object := s.object()
				object.SetNamespace(t.namespace)
				object.SetName(s.name)
				Expect(client.IgnoreNotFound(admin.Delete(t.ctx, object))).To(Succeed())
			}
			t.namespaceIsGone()
			GinkgoWriter.Println("gone after", time.Since(begin))
			Expect(t.ours()).To(HaveLen(3))
			Expect(t.writes()).To(BeEmpty())
		})

		It("of a namespace under Revoke takes every row with it, "+name, func(ctx SpecContext) {
			t := populated(ctx, "disconnectPolicy: Revoke")
			t.deleteNamespace()
			for _, s := range order {
				object := s.object()
				object.SetNamespace(t.namespace)
				object.SetName(s.name)
				Expect(client.IgnoreNotFound(admin.Delete(t.ctx, object))).To(Succeed())
			}
			t.namespaceIsGone()
			Expect(t.ours()).To(BeEmpty())
			Expect(t.kisi.Assignments("Members")).To(ContainElement(HaveField("User", "mara@acme.example")), "an admin's own grant stays")
		})
	}

	It("of a namespace under Retain needs no Kisi", func(ctx SpecContext) {
		t := populated(ctx, "disconnectPolicy: Retain")
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 503})
		t.deleteNamespace()
		t.namespaceIsGone()
		Expect(t.ours()).To(HaveLen(3))
	})

	It("of a namespace under Revoke with Kisi down says why, and abandon gets it out", func(ctx SpecContext) {
		t := populated(ctx, "disconnectPolicy: Revoke")
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 503})
		t.deleteNamespace()
		Eventually(func(g Gomega) {
			c := get(g, t, "default", &v1alpha1.KisiConnection{})
			g.Expect(readyOf(c)).To(Equal("False Unreachable"))
			g.Expect(messageOf(c)).To(ContainSubstring(v1alpha1.AbandonAnnotation), "the way out")
		}).Should(Succeed())
		annotate(t, "default", &v1alpha1.KisiConnection{}, v1alpha1.AbandonAnnotation, "true")
		t.namespaceIsGone()
		Expect(t.ours()).To(HaveLen(3))
	})

	It("of a Member with abandon leaves its rows to the person's address, Retained, and says how many", func(ctx SpecContext) {
		t := populated(ctx)
		t.delete(&v1alpha1.BookingGrant{}, "b1")
		t.delete(&v1alpha1.BookingGrant{}, "later")
		Eventually(func(g Gomega) {
			g.Expect(get(g, t, "ana", &v1alpha1.Member{}).Status.Grants).To(HaveLen(1), "a row whose end is not recorded yet would be abandoned too")
		}).Should(Succeed())
		Expect(t.ours()).To(HaveLen(1))
		t.kisi.ResetRequests()
		annotate(t, "ana", &v1alpha1.Member{}, v1alpha1.AbandonAnnotation, "true")
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		t.abandonedEvent("ana", "1")
		retained := func(g Gomega) {
			rows := t.implicit(g, "ana@example.com").Status.Grants
			g.Expect(rows).To(HaveLen(1))
			g.Expect(rows[0].State).To(Equal(v1alpha1.GrantRetained))
			g.Expect(rows[0].AbandonedBy).To(Equal("Member/ana"))
		}
		Eventually(retained).Should(Succeed())
		t.quiet()
		retained(Default)
		Expect(t.writes()).To(BeEmpty())
		Expect(t.ours()).To(HaveLen(1))

		By("asking for it again, which makes it the operator's again without a request")
		t.apply(ana)
		back := t.granted("ana")
		Expect(back.Status.Grants[0].AbandonedBy).To(BeEmpty())
		Expect(t.writes()).To(BeEmpty())
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Eventually(t.ours).Should(BeEmpty(), "taken back like any other")
	})

	It("of a KisiGroup with abandon leaves its rows for good, also when Kisi can be reached again, and says how many", func(ctx SpecContext) {
		t := populated(ctx)
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 503})
		t.delete(&v1alpha1.KisiGroup{}, "members")
		t.eventually(&v1alpha1.KisiGroup{}, "members", "False", "Deleting")
		annotate(t, "members", &v1alpha1.KisiGroup{}, v1alpha1.AbandonAnnotation, "true")
		t.gone(&v1alpha1.KisiGroup{}, "members")
		t.abandonedEvent("members", "1")
		end()
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.quiet()
		Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
		Expect(t.member(Default, "ana").Status.Grants).To(ContainElement(And(
			HaveField("State", v1alpha1.GrantRetained), HaveField("AbandonedBy", "KisiGroup/members"))))
	})

	It("of a KisiConnection with abandon says how many rows stay, before it goes and after all of them are Retained", func(ctx SpecContext) {
		t := populated(ctx, "disconnectPolicy: Revoke")
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 503})
		release := t.hold("kisiconnections", "default", connectionOf())
		t.delete(&v1alpha1.KisiConnection{}, "default")
		annotate(t, "default", &v1alpha1.KisiConnection{}, v1alpha1.AbandonAnnotation, "true")
		Eventually(func(g Gomega) {
			g.Expect(t.member(g, "ana").Status.Grants).To(HaveEach(HaveField("State", v1alpha1.GrantRetained)))
		}).Should(Succeed())
		t.stop() // what it has not said by now nobody says
		t.start()
		t.abandonedEvent("default", "3")
		Expect(t.exists(&v1alpha1.KisiConnection{}, "default")).To(BeTrue())
		release()
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(t.notes("default", "Abandoned")).To(HaveLen(1), "it is said once")
	})

	It("of a namespace by taking it off --namespaces revokes nothing there, nor in the others", func(ctx SpecContext) {
		t := populated(ctx)
		other := t.neighbour(ctx)
		t.stop()
		t.options.Namespaces = []string{t.namespace, other.namespace}
		t.start()
		other.connect()
		other.apply("kind: KisiGroup\nmetadata: {name: late}\nspec: {existing: {name: Late}}")
		other.apply(strings.Replace(ana, "name: members", "name: late", 1))
		other.granted("ana")
		t.stop()
		t.options.Namespaces = []string{other.namespace}
		writes := len(t.operatorWrites())
		t.kisi.ResetRequests()
		t.start()
		annotate(other, "late", &v1alpha1.KisiGroup{}, v1alpha1.ReconcileAtAnnotation, "1")
		t.asked("GET", "/role_assignments")
		other.granted("ana")
		t.quiet()
		Expect(t.ours()).To(HaveLen(3))
		Expect(t.writes()).To(BeEmpty())
		Expect(t.operatorWrites()).To(HaveLen(writes), "nothing is written there either")
	})

	It("with the operator gone first: objects wait, and go when it is back, or when their finalizers are taken off", func(ctx SpecContext) {
		t := populated(ctx, "disconnectPolicy: Retain")
		t.stop()
		for _, s := range []step{connection, group, member, booking} {
			t.delete(s.object(), s.name)
		}
		Consistently(func() bool { return t.exists(&v1alpha1.KisiConnection{}, "default") }).Should(BeTrue(), "nobody is there to let it go")
		t.start()
		for _, s := range []step{connection, group, member} {
			t.gone(s.object(), s.name)
		}
		Expect(t.ours()).To(HaveLen(3))

		t.stop()
		t.delete(&v1alpha1.KisiGroup{}, "boardroom")
		for _, kind := range []string{"kisiconnections", "kisigroups", "members"} {
			names, err := plane.Kubectl(ctx, "get", kind, "-n", t.namespace, "-o", "name")
			Expect(err).NotTo(HaveOccurred())
			for _, name := range strings.Fields(names) {
				_, err := plane.Kubectl(ctx, "patch", name, "-n", t.namespace, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
				Expect(err).NotTo(HaveOccurred())
			}
		}
		t.gone(&v1alpha1.KisiGroup{}, "boardroom")
		Expect(t.ours()).To(HaveLen(3), "what was granted stays")
	})
})
