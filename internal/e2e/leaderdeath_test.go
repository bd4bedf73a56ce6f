package e2e

import (
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("Two replicas, the leader killed in the middle of an import,", func() {
	const people = 40

	It("lose nothing and double nothing, and the other one goes on when the lease has run out", func(ctx SpecContext) {
		t := newTenant(ctx, "duplicates=AlwaysNew") // Kisi itself would not keep them from doubling
		replica := []string{"--leader-elect=true", "--leader-election-namespace=kisi-operator-system", "--leader-election-id=" + t.namespace}
		kill := t.startProcess(replica...)
		t.fixture()
		t.startProcess(replica...)
		Eventually(func() string { return operatorLog.from(t.logBegin) }).Should(ContainSubstring("Standing by"))
		t.fault(simulator.Fault{Kind: simulator.FaultLatency, Method: "POST", Path: "/role_assignments", Latency: simulator.Duration(300 * time.Millisecond), Count: people})
		t.importMembers("crowd", people)
		Eventually(func() int { return len(t.kisi.Assignments("Members")) }).Should(BeNumerically(">", people/4))

		kill()
		killed, asked := time.Now(), len(t.writes())
		Expect(len(t.kisi.Assignments("Members"))).To(BeNumerically("<", people), "in the middle")
		Eventually(func() int { return len(t.writes()) }, time.Minute).Should(BeNumerically(">", asked))
		handOver := time.Since(killed)

		Eventually(func() int { return len(t.kisi.Assignments("Members")) }, 2*time.Minute).Should(Equal(people + 1))
		t.all("crowd", people, "True Granted")
		t.quiet()
		t.nothingDoubled()
		t.ledgersAreTrue("after the hand-over")
		doubled := 0
		for _, path := range []string{"/users", "/role_assignments"} {
			done := 0
			for _, request := range t.kisi.Requests(simulator.RequestFilter{Method: "POST", Path: path}) {
				if request.Status < http.StatusMultipleChoices { // 0: the answer reached nobody any more
					done++
				}
			}
			doubled += done - people
		}
		AddReportEntry("hand-over", fmt.Sprintf("The other replica acted %.0f s after the leader's death; %d requests doubled.", handOver.Seconds(), doubled), ReportEntryVisibilityAlways)
		Expect(doubled).To(BeZero())
		Expect(handOver).To(BeNumerically("<", 30*time.Second), "a lease lasts 15 seconds")
	})
})
