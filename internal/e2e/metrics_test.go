package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// metrics reads the operator's metrics page.
func (t *tenant) metrics() string {
	GinkgoHelper()
	response, err := http.Get("http://" + t.options.MetricsBindAddress + "/metrics")
	Expect(err).NotTo(HaveOccurred())
	page, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	Expect(response.Body.Close()).To(Succeed())
	Expect(response.StatusCode).To(Equal(http.StatusOK), "%s", page)
	return string(page)
}

// metric reads one metric without labels.
func (t *tenant) metric(name string) float64 {
	GinkgoHelper()
	for line := range strings.Lines(t.metrics()) {
		if text, is := strings.CutPrefix(line, name+" "); is {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			Expect(err).NotTo(HaveOccurred())
			return value
		}
	}
	Fail("there is no metric " + name)
	return 0
}

var _ = Describe("The metrics", func() {
	It("say what is asked of Kisi, what waits, how old what is known is and what was found, and name nobody", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.options.MetricsBindAddress = freeAddress()
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		row := t.granted("ana").Status.Grants[0].RoleAssignmentID
		t.polled(t.lastRequest(), 1)
		t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: int(row)})
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeTrue())

		scrape := t.metrics
		olga, _ := t.kisi.User("acme", "olga@acme.example")
		connection := t.namespace + "/default"
		Eventually(scrape).Should(And(
			MatchRegexp(`kisi_operator_requests_total\{connection="%s",method="POST",status="2xx"\} [1-9]`, connection),
			MatchRegexp(`kisi_operator_drift_findings_total\{kind="AssignmentRemoved"\} [1-9]`),
			MatchRegexp(`kisi_operator_change_polls_total\{result="followed"\} [1-9]`),
			ContainSubstring(fmt.Sprintf(`kisi_operator_queue_waiting{organization="3289",owner="%d",priority="Urgent"} 0`, olga.ID)),
			MatchRegexp(`kisi_operator_mirror_age_seconds\{organization="3289",owner="%d"\} [0-9]`, olga.ID),
			ContainSubstring(fmt.Sprintf(`kisi_operator_held_revocations{connection="%s"} 0`, connection)),
		))
		Expect(scrape()).NotTo(Or(ContainSubstring("@"), ContainSubstring("Ana"), ContainSubstring(ownerKey)))

		t.kisi.fault(simulator.Fault{Kind: simulator.FaultTooManyRequests, Path: "/event_sets", Count: 1})
		Eventually(scrape).Should(MatchRegexp(`kisi_operator_rate_limited_total\{connection="%s"\} 1`, connection))
	})
})
