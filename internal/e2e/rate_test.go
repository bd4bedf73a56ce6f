package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// importMembers makes so many Members with access to the group members, all at once.
func (t *tenant) importMembers(prefix string, count int) {
	GinkgoHelper()
	for i := range count {
		member := &v1alpha1.Member{
			ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: fmt.Sprintf("%s-%d", prefix, i)},
			Spec: v1alpha1.MemberSpec{
				Email:     v1alpha1.EmailAddress(fmt.Sprintf("%s-%d@example.com", prefix, i)),
				GroupRefs: []v1alpha1.MemberGroupReference{{Name: "members"}},
			},
		}
		Expect(admin.Create(t.ctx, member)).To(Succeed())
	}
}

var _ = Describe("Requests to Kisi", func() {
	// Serial: it counts who has how many turns in a second, which a machine that is busy with other specs upsets.
	It("stay below the rate of the key's owner, two tenants together, and a booking does not wait for an import", Serial, func(ctx SpecContext) {
		t := newTenant(ctx)
		t.kisi = newKisiWith(simulator.Options{RequestsPerSecond: 5})
		other := t.neighbour(ctx)
		t.options.Namespaces = []string{t.namespace, other.namespace}
		t.options.AllowedEndpoints = []string{t.kisi.URL()}
		t.start()
		for _, tenant := range []*tenant{t, other} {
			tenant.connect()
			edit(tenant, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) {
				c.Spec.RequestsPerSecond = 5
				c.Spec.ChangePollInterval = &metav1.Duration{Duration: time.Hour}
			})
		}
		t.apply("kind: KisiGroup\nmetadata: {name: members}\nspec: {existing: {name: Members}}")
		t.apply("kind: KisiGroup\nmetadata: {name: boardroom}\nspec: {existing: {name: Boardroom}}")
		t.apply(boardroom)
		other.apply("kind: KisiGroup\nmetadata: {name: members}\nspec: {existing: {name: Uptown}}")
		t.eventually(&v1alpha1.KisiGroup{}, "members", "True", "Bound")
		t.eventually(&v1alpha1.KisiGroup{}, "boardroom", "True", "Bound")
		other.eventually(&v1alpha1.KisiGroup{}, "members", "True", "Bound")

		t.importMembers("crowd", 20)
		other.importMembers("others", 20)
		creates := simulator.RequestFilter{Method: http.MethodPost, Path: "/users"}
		Eventually(func() int { return t.kisi.CountRequests(creates) }).Should(BeNumerically(">=", 2), "the import is under way")

		t.book("b1", "ana@example.com")
		Eventually(func() error {
			return admin.Get(t.ctx, t.key(implicit("ana@example.com")), &v1alpha1.Member{})
		}).Should(Succeed())
		known := t.kisi.CountRequests(simulator.RequestFilter{})
		Eventually(func() bool { return t.opens("ana@example.com", "Boardroom", 0) }).Should(BeTrue())
		Expect(t.kisi.CountRequests(simulator.RequestFilter{})-known).To(BeNumerically("<=", 8),
			"of the user, the row, those in flight and a turn of the other tenant")
		Expect(t.kisi.CountRequests(creates)).To(BeNumerically("<", 30), "the import is not done yet")

		both := func() (crowd, others int) {
			for _, user := range t.kisi.State().Organizations[0].Users {
				switch {
				case strings.HasPrefix(user.Email, "crowd-"):
					crowd++
				case strings.HasPrefix(user.Email, "others-"):
					others++
				}
			}
			return crowd, others
		}
		Eventually(func(g Gomega) {
			crowd, others := both()
			g.Expect(crowd + others).To(BeNumerically(">=", 8))
		}).Should(Succeed())
		crowd, others := both()
		Expect(crowd-others).To(BeNumerically("~", 0, 3), "the tenants take turns")
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Status: http.StatusTooManyRequests})).To(BeZero())
	})

	It("end when everything is done: at rest nothing is written to Kubernetes and nothing asked of Kisi", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) {
			c.Spec.ChangePollInterval = &metav1.Duration{Duration: time.Hour} // polls are not what this is about
		})
		t.apply(boardroom)
		t.importMembers("crowd", 20)
		for i := range 5 {
			t.book(fmt.Sprintf("b%d", i), fmt.Sprintf("guest-%d@example.com", i))
		}
		for i := range 20 {
			t.eventually(&v1alpha1.Member{}, fmt.Sprintf("crowd-%d", i), "True", "Granted")
		}
		for i := range 5 {
			t.eventually(&v1alpha1.BookingGrant{}, fmt.Sprintf("b%d", i), "True", "Granted")
		}
		// Counts follow, at most every ten seconds.
		Eventually(func(g Gomega) {
			c := get(g, t, "default", &v1alpha1.KisiConnection{})
			g.Expect(c.Status.Counts).NotTo(BeNil())
			g.Expect(c.Status.Counts.Grants).To(BeEquivalentTo(25))
			m := get(g, t, "members", &v1alpha1.KisiGroup{})
			g.Expect(m.Status.Counts.Granted).To(BeEquivalentTo(20))
			b := get(g, t, "boardroom", &v1alpha1.KisiGroup{})
			g.Expect(b.Status.Counts.Granted).To(BeEquivalentTo(5))
		}, "30s").Should(Succeed())

		writes, requests := len(t.operatorWrites()), t.kisi.CountRequests(simulator.RequestFilter{})
		Consistently(func() int { return t.kisi.CountRequests(simulator.RequestFilter{}) }, "10s").Should(Equal(requests), "requests to Kisi")
		Expect(t.operatorWrites()[writes:]).To(BeEmpty(), "writes to Kubernetes")
	})
})

// neighbour is another tenant of the same Kisi, for the same operator.
func (t *tenant) neighbour(ctx context.Context) *tenant {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "spec-"}}
	Expect(admin.Create(ctx, namespace)).To(Succeed())
	other := *t
	other.namespace = namespace.Name
	other.statuses = watchStatuses(other.namespace)
	DeferCleanup(func() {
		other.expectNoLeaks(other.ctx)
		other.expectRightStatuses(other.ctx)
	})
	return &other
}
