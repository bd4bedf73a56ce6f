package e2e

import (
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("The Secret with the API key", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
	})

	// Ana has a row in Members.
	populate := func(policy v1alpha1.DisconnectPolicy) {
		GinkgoHelper()
		t.start()
		t.fixture("disconnectPolicy: " + string(policy))
		t.apply(ana)
		t.granted("ana")
	}
	rows := func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }
	held := func(name string, is bool) {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			finalizers := get(g, t, name, &corev1.Secret{}).Finalizers
			if is {
				g.Expect(finalizers).To(ConsistOf(v1alpha1.Finalizer))
			} else {
				g.Expect(finalizers).To(BeEmpty())
			}
		}).Should(Succeed())
	}
	// noRevocation keeps Kisi from taking rows back until it is ended.
	noRevocation := func() (end func()) {
		return t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusServiceUnavailable, Method: "DELETE", Path: "/role_assignments/*"})
	}

	It("is kept under Revoke from the first use of the key, and let go when the policy becomes Retain", func() {
		populate(v1alpha1.DisconnectRevoke)
		held("kisi", true)
		t.connection(v1alpha1.ConditionKeyProtected, "True KeyHeld", `"kisi"`)
		setPolicy := func(policy v1alpha1.DisconnectPolicy) {
			edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.DisconnectPolicy = policy })
		}
		setPolicy(v1alpha1.DisconnectRetain)
		held("kisi", false)
		Eventually(func() string {
			return condition(get(Default, t, "default", &v1alpha1.KisiConnection{}), v1alpha1.ConditionKeyProtected).Type
		}).Should(BeEmpty())
		setPolicy(v1alpha1.DisconnectRevoke)
		held("kisi", true)
	})

	It("is not kept under Retain, nor before its key has worked", func() {
		populate(v1alpha1.DisconnectRetain)
		t.secret("unused", "apiKey", "wrong-key-0123456789")
		t.apply("kind: KisiConnection\nmetadata: {name: other}\nspec: {apiKeySecretRef: {name: unused}, endpoint: '" + t.kisi.URL() + "', disconnectPolicy: Revoke}")
		t.eventually(&v1alpha1.KisiConnection{}, "other", "False", "Unauthorized")
		Consistently(func(g Gomega) {
			g.Expect(get(g, t, "kisi", &corev1.Secret{}).Finalizers).To(BeEmpty())
			g.Expect(get(g, t, "unused", &corev1.Secret{}).Finalizers).To(BeEmpty())
		}).Should(Succeed())
	})

	It("goes at once when it alone is deleted, and the key is remembered in case the connection goes too", func() {
		populate(v1alpha1.DisconnectRevoke)
		held("kisi", true)
		t.delete(secretNamed("kisi"), "kisi")
		t.gone(secretNamed("kisi"), "kisi")
		t.withoutKey(v1alpha1.ReasonSecretNotFound, "spec.apiKeySecretRef")
		Expect(rows()).To(HaveLen(1), "nothing is revoked because a Secret is gone")
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(rows()).To(BeEmpty())
	})

	It("deleted together with its connection stays until everything is taken back, whatever restarts in between", func() {
		populate(v1alpha1.DisconnectRevoke)
		held("kisi", true)
		end := noRevocation()
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.delete(secretNamed("kisi"), "kisi")
		Consistently(func() bool { return t.exists(secretNamed("kisi"), "kisi") }).Should(BeTrue())
		t.stop()
		t.start()
		Consistently(func() bool { return t.exists(secretNamed("kisi"), "kisi") }).Should(BeTrue())
		Expect(rows()).To(HaveLen(1))
		end()
		t.gone(&v1alpha1.KisiConnection{}, "default")
		t.gone(secretNamed("kisi"), "kisi")
		Expect(rows()).To(BeEmpty())
	})

	It("is let go when the connection is abandoned", func() {
		populate(v1alpha1.DisconnectRevoke)
		held("kisi", true)
		end := noRevocation()
		defer end()
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.delete(secretNamed("kisi"), "kisi")
		Consistently(func() bool { return t.exists(secretNamed("kisi"), "kisi") }).Should(BeTrue())
		annotate(t, "default", &v1alpha1.KisiConnection{}, v1alpha1.AbandonAnnotation, "true")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		t.gone(secretNamed("kisi"), "kisi")
		Expect(rows()).To(HaveLen(1))
	})

	It("of two connections stays as long as one of them needs it", func() {
		populate(v1alpha1.DisconnectRevoke)
		t.apply("kind: KisiConnection\nmetadata: {name: other}\nspec: {apiKeySecretRef: {name: kisi}, endpoint: '" + t.kisi.URL() + "', disconnectPolicy: Revoke}")
		t.eventually(&v1alpha1.KisiConnection{}, "other", "True", "Connected")
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.DisconnectPolicy = v1alpha1.DisconnectRetain })
		Consistently(func(g Gomega) {
			g.Expect(get(g, t, "kisi", &corev1.Secret{}).Finalizers).To(ConsistOf(v1alpha1.Finalizer))
		}).Should(Succeed())
		edit(t, "other", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.DisconnectPolicy = v1alpha1.DisconnectRetain })
		held("kisi", false)
	})

	It("is let go when the connection turns to another one", func() {
		populate(v1alpha1.DisconnectRevoke)
		held("kisi", true)
		t.secret("next", "apiKey", adminKey)
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.APIKeySecretRef.Name = "next" })
		held("kisi", false)
		held("next", true)
	})

	It("is let go also when the connection turned to another one while no operator ran", func() {
		populate(v1alpha1.DisconnectRevoke)
		held("kisi", true)
		t.stop()
		t.secret("next", "apiKey", adminKey)
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.APIKeySecretRef.Name = "next" })
		t.delete(secretNamed("kisi"), "kisi")
		t.start()
		t.gone(secretNamed("kisi"), "kisi")
		held("next", true)
	})

	It("is not kept by an operator whose role lacks the right; the connection says so, and works", func() {
		t.bind("without", rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "kisi-operator"})
		config, err := plane.ConfigFor(t.namespace)
		Expect(err).NotTo(HaveOccurred())
		t.config = config
		populate(v1alpha1.DisconnectRevoke)
		t.connection(v1alpha1.ConditionKeyProtected, "False SecretsForbidden", `"kisi"`, "config/rbac/key_secret_role.yaml")
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(rows()).To(BeEmpty())
	})

	DescribeTable("goes with its namespace, though it is the first to be deleted", func(policy v1alpha1.DisconnectPolicy, left int, restart bool) {
		populate(policy)
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		held("kisi", policy == v1alpha1.DisconnectRevoke)
		end := func() {}
		if restart {
			end = noRevocation()
		}
		// The namespace controller deletes kind by kind in an order of its own, so the Secret is deleted by hand as soon as
		// the namespace is going.
		Expect(admin.Delete(t.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}})).To(Succeed())
		Expect(client.IgnoreNotFound(admin.Delete(t.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "kisi"}}))).To(Succeed())
		if restart {
			Eventually(func() int { return t.kisi.CountRequests(simulator.RequestFilter{Method: "DELETE"}) }).Should(BeNumerically(">", 0))
			t.stop()
			t.start()
			end()
		}
		Eventually(func() error {
			return admin.Get(t.ctx, client.ObjectKey{Name: t.namespace}, &corev1.Namespace{})
		}).WithTimeout(time.Minute).Should(MatchError(ContainSubstring("not found")))
		Expect(len(rows()) + len(t.rows("ana@example.com", "Boardroom"))).To(Equal(left))
		for _, write := range t.writes() {
			Expect(left > 0 && strings.HasPrefix(write, "DELETE")).To(BeFalse(), "nothing is revoked under Retain: %s", write)
		}
	},
		Entry("under Revoke", v1alpha1.DisconnectRevoke, 0, false),
		Entry("under Revoke, with a restart in the middle", v1alpha1.DisconnectRevoke, 0, true),
		Entry("under Retain", v1alpha1.DisconnectRetain, 2, false),
	)
})
