package e2e

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// panics counts the reconciles of this process that have panicked, of whatever operator: controller-runtime recovers them.
func panics() (total float64) {
	GinkgoHelper()
	families, err := metrics.Registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		if family.GetName() == "controller_runtime_reconcile_panics_total" {
			for _, metric := range family.GetMetric() {
				total += metric.GetCounter().GetValue()
			}
		}
	}
	return total
}

var _ = Describe("A namespace with many people", Label("S16"), func() {
	const people = 40

	It("goes without a panic while its Members are being let in", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		for i := range people {
			t.apply(fmt.Sprintf("kind: Member\nmetadata: {name: m%d}\nspec: {email: m%d@example.com, groupRefs: [{name: members}]}", i, i))
		}
		t.deleteNamespace()
		t.namespaceIsGone()
		Expect(panics()).To(BeZero())
	})
})
