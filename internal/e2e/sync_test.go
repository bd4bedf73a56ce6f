package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("What others granted", Label("K5"), func() {
	It("is counted, group by group, and left alone", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, groupRefs: [{name: members}]}")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")

		Eventually(func(g Gomega) {
			g.Expect(get(g, t, "members", &v1alpha1.KisiGroup{}).Status.Counts.Foreign).To(BeEquivalentTo(1), "the admin's own grant to Mara")
		}).Should(Succeed())
		connection := &v1alpha1.KisiConnection{}
		Eventually(func(g Gomega) {
			get(g, t, "default", connection)
			g.Expect(condition(connection, v1alpha1.ConditionSynced).Status).To(Equal(metav1.ConditionTrue))
			g.Expect(connection.Status.LastSyncTime).NotTo(BeNil())
			g.Expect(connection.Status.Counts.ForeignAssignments).To(BeEquivalentTo(1))
		}).Should(Succeed())

		_, err := t.kisi.Act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		Expect(err).NotTo(HaveOccurred())
		edit(t, "uptown", &v1alpha1.KisiGroup{}, func(g *v1alpha1.KisiGroup) {
			g.Annotations = map[string]string{v1alpha1.ReconcileAtAnnotation: "1"}
		})
		Eventually(func(g Gomega) {
			g.Expect(get(g, t, "uptown", &v1alpha1.KisiGroup{}).Status.Counts.Foreign).To(BeEquivalentTo(1))
		}).Should(Succeed())
		Expect(t.opens("gary@acme.example", "Uptown Door", 0)).To(BeTrue())
	})

	It("is not known, and nothing is revoked, where a list falls short", func(ctx SpecContext) {
		t := newTenant(ctx)
		_, err := t.kisi.AddFault(simulator.Fault{Kind: simulator.FaultShortPage, Method: "GET", Path: "/role_assignments"})
		Expect(err).NotTo(HaveOccurred())
		t.start()
		t.fixture()
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, groupRefs: [{name: members}]}")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		Eventually(func(g Gomega) {
			connection := get(g, t, "default", &v1alpha1.KisiConnection{})
			g.Expect(condition(connection, v1alpha1.ConditionSynced).Reason).To(Equal(v1alpha1.ReasonReadFailed))
		}).Should(Succeed())
		Expect(t.kisi.Assignments("Members")).To(HaveLen(2))

		t.kisi.ClearFaults()
		Eventually(func(g Gomega) {
			connection := get(g, t, "default", &v1alpha1.KisiConnection{})
			g.Expect(condition(connection, v1alpha1.ConditionSynced).Status).To(Equal(metav1.ConditionTrue), "it is read again by itself")
		}).Should(Succeed())
	})
})
