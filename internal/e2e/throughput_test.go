package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("The Kubernetes API", func() {
	// client-go holds a client back to five requests a second of a kind unless it is told otherwise. At that pace 150 people
	// take 90 seconds and more.
	It("is not what people wait for: those who come at once are let in as fast as Kisi takes them", func(ctx SpecContext) {
		const people, patience = 150, 40 * time.Second
		t := newTenant(ctx)
		t.startProcess()
		t.fixture()
		t.importMembers("crowd", people)
		Eventually(func() int { return len(t.kisi.Assignments("Members")) }, patience, "100ms").
			Should(Equal(people+1), "with an admin's own grant")
		t.all("crowd", people, "True Granted")
	})

	// What Kisi allows is what people wait for, also where it allows a hundred requests a second: two for each of them. Alone on
	// the machine, because time is what is measured.
	It("is not what a thousand people wait for where Kisi allows a hundred requests a second", Serial, func(ctx SpecContext) {
		const people, rate, patience = 1000, 100, 25 * time.Second
		t := newTenantOf(ctx, newKisiWith(simulator.Options{RequestsPerSecond: rate}))
		t.importMembers("crowd", people)
		t.startProcess()
		t.connect()
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.RequestsPerSecond = rate })
		t.eventually(&v1alpha1.KisiConnection{}, "default", "True", "Connected")
		begun := time.Now()
		t.apply(groups)
		Eventually(func() int { return len(t.kisi.Assignments("Members")) }, patience, "50ms").Should(Equal(people+1), "with an admin's own grant")
		AddReportEntry("measured", fmt.Sprintf("%d people were let in within %.1f s, at %d requests a second", people, time.Since(begun).Seconds(), rate))
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Status: http.StatusTooManyRequests})).To(BeZero())
		t.all("crowd", people, "True Granted")
	})

	It("is spared by --kube-api-qps", func(ctx SpecContext) {
		const qps, people = 10, 10
		t := newTenant(ctx)
		t.importMembers("crowd", people)
		begun := time.Now()
		t.startProcess(fmt.Sprintf("--kube-api-qps=%d", qps))
		t.fixture()
		t.all("crowd", people, "True Granted")
		lasted := time.Since(begun)
		requests := slices.DeleteFunc(t.operatorRequests(), func(e auditv1.Event) bool { return e.Verb == "watch" }) // one is two events
		Expect(len(requests)).To(BeNumerically("<=", 2*qps+int(qps*lasted.Seconds())+1), "in %s", lasted)
	})
})
