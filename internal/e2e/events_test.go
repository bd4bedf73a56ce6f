package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("Events", func() {
	It("tell of a refused key once, and nothing of ordinary grants or of anybody's address", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, fullName: Ana Pop, groupRefs: [{name: members}]}")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		t.secret("kisi", "apiKey", "not-a-key-of-anybody")
		t.eventually(&v1alpha1.KisiConnection{}, "default", "False", "Unauthorized")

		var list eventsv1.EventList
		Eventually(func(g Gomega) {
			g.Expect(admin.List(ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
			g.Expect(list.Items).NotTo(BeEmpty())
		}).Should(Succeed())
		Consistently(func(g Gomega) {
			g.Expect(admin.List(ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
			g.Expect(list.Items).To(HaveLen(1))
		}).Should(Succeed())
		event := list.Items[0]
		Expect(event.Regarding.Kind + "/" + event.Regarding.Name).To(Equal("KisiConnection/default"))
		Expect(event.Reason).To(Equal(v1alpha1.ReasonUnauthorized))
		Expect(event.Note).To(ContainSubstring("create a new key and put it into the Secret"))
		Expect(event.Note).NotTo(Or(ContainSubstring("ana"), ContainSubstring("not-a-key")))
	})
})
