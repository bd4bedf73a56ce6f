package e2e

import (
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
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
