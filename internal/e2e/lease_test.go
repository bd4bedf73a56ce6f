package e2e

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("Two releases in one namespace", func() {
	// elected are the flags of a release of the tenant that takes a lease.
	elected := func(id string) []string {
		return []string{"--leader-elect=true", "--leader-election-namespace=kisi-operator-system", "--leader-election-id=" + id}
	}
	releases := func(ctx context.Context) (first, second *tenant) {
		GinkgoHelper()
		first = newTenant(ctx)
		second = newTenantOf(ctx, first.kisi)
		second.options.MetricsBindAddress = freeAddress()
		return first, second
	}

	It("with one lease: the second one says that it stands by, who holds the lease, and what to do", func(ctx SpecContext) {
		first, second := releases(ctx)
		kill := first.startProcess(elected(first.namespace)...)
		first.fixture()
		second.startProcess(elected(first.namespace)...)
		second.connect()
		Eventually(func() string { return operatorLog.from(second.logBegin) }).Should(And(
			ContainSubstring("Standing by"), ContainSubstring("--leader-election-id"), ContainSubstring(`"lease":"kisi-operator-system/`+first.namespace),
			ContainSubstring(`"holder":`)))
		status := fmt.Sprintf(`leader_election_master_status{name="%s"}`, first.namespace)
		Expect(second.metric(status)).To(BeZero())
		Expect(get(Default, second, "default", &v1alpha1.KisiConnection{}).Status.Conditions).To(BeEmpty(), "it does nothing")

		first.stop()
		kill()
		second.eventually(&v1alpha1.KisiConnection{}, "default", "True", "Connected")
		Eventually(func() float64 { return second.metric(status) }).Should(BeEquivalentTo(1))
	})

	It("with a lease each both act", func(ctx SpecContext) {
		first, second := releases(ctx)
		for i, t := range []*tenant{first, second} {
			t.startProcess(elected(fmt.Sprintf("%s-%d", first.namespace, i))...)
			t.connect()
		}
		for _, t := range []*tenant{first, second} {
			t.eventually(&v1alpha1.KisiConnection{}, "default", "True", "Connected")
		}
		Expect(operatorLog.from(first.logBegin)).NotTo(ContainSubstring("Standing by"))
	})
})
