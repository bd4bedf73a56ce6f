package e2e

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("What is applied from a repository", func() {
	It("comes up in whatever order it is applied, and can be waited for, each kind", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		waitFor := func() (string, error) {
			return plane.Kubectl(ctx, "wait", "--for=condition=Ready", "kisi", "--all", "-n", t.namespace, "--timeout=60s")
		}
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.apply("kind: AccessSubscription\nmetadata: {name: s1}\nspec: {planRef: {name: desk}, subject: {memberRef: {name: gil}}}")
		t.apply("kind: Member\nmetadata: {name: gil}\nspec: {email: gil@example.com, fullName: Gil}")
		t.apply(boardroom)
		t.apply("kind: AccessPlan\nmetadata: {name: desk}\nspec: {groupRefs: [{name: members}]}")
		t.apply(groups)
		t.notReady(&v1alpha1.BookingGrant{}, "b1", v1alpha1.ReasonConnectionNotFound)
		t.connect()

		out, err := waitFor()
		Expect(err).NotTo(HaveOccurred(), out)
		for _, plural := range kindsInPlural {
			Expect(out).To(ContainSubstring(strings.TrimSuffix(plural, "s")+".access.kisi-operator.dev/"), "it is waited for")
		}
		Expect(t.opens("gil@example.com", "Entrance", 0)).To(BeTrue())
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		for _, object := range t.everything(ctx) {
			u := &unstructured.Unstructured{}
			u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kindOf(object)))
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(object), u)).To(Succeed())
			result, err := status.Compute(u)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Status).To(Equal(status.CurrentStatus), fmt.Sprintf("%s/%s: %s", kindOf(object), object.GetName(), result.Message))
		}
	})
})
