package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
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
		of := fmt.Sprintf(`namespace="%s"`, t.namespace)
		Eventually(scrape).Should(And(
			MatchRegexp(`kisi_operator_requests_total\{code="200",connection="default",method="POST",%s,priority="[A-Za-z]+",route="/role_assignments"\} [1-9]`, of),
			MatchRegexp(`kisi_operator_drift_findings_total\{connection="default",kind="AssignmentRemoved",%s\} [1-9]`, of),
			MatchRegexp(`kisi_operator_change_polls_total\{result="followed"\} [1-9]`),
			ContainSubstring(`kisi_operator_queue_depth{connection="default",%s,priority="Urgent"} 0`, of),
			MatchRegexp(`kisi_operator_queue_wait_seconds_count\{connection="default",%s,priority="Probe"\} [1-9]`, of),
			MatchRegexp(`kisi_operator_last_complete_read_timestamp_seconds\{connection="default",%s\} 1\.[0-9]+e\+09`, of),
			ContainSubstring(`kisi_operator_held_revocations{connection="default",%s} 0`, of),
			ContainSubstring(`kisi_operator_breaker_open{connection="default",%s} 0`, of),
			ContainSubstring(`kisi_operator_grants{connection="default",%s,state="Active"} 1`, of),
			ContainSubstring(`kisi_operator_late_windows{connection="default",%s} 0`, of),
			ContainSubstring(`kisi_operator_door_latency_seconds_count{connection="default",%s,window="Open"} 1`, of), // not of the repair
			ContainSubstring(`kisi_operator_connection_condition{connection="default",%s,reason="Connected",status="True",type="Ready"} 1`, of),
			ContainSubstring(`kisi_operator_resync_interval_seconds{connection="default",%s} 21600`, of),
			MatchRegexp(`kisi_operator_condition_transitions_total\{kind="Member",reason="Granted",status="True",type="Ready"\} [1-9]`),
			MatchRegexp(`kisi_operator_build_info\{version=".+"\} 1`),
			ContainSubstring(`kisi_operator_audit_entries_lost_total 0`),
		))
		Expect(scrape()).NotTo(Or(ContainSubstring("@"), ContainSubstring("Ana"), ContainSubstring(ownerKey)))

		t.kisi.fault(simulator.Fault{Kind: simulator.FaultTooManyRequests, Path: "/event_sets", Count: 1})
		Eventually(scrape).Should(MatchRegexp(`kisi_operator_requests_total\{code="429",connection="default",[^}]*%s[^}]*\} 1`, of))

		t.delete(&v1alpha1.KisiConnection{}, "default")
		Eventually(scrape).ShouldNot(ContainSubstring(of), "series of a connection that is gone")
	})

	It("say how long a door took since the wish, also where that was while no operator ran, and how long a window written ahead", func(ctx SpecContext) {
		const downFor = 4 * time.Second
		t := newTenant(ctx)
		t.options.MetricsBindAddress = freeAddress()
		t.start()
		t.fixture()
		t.apply(boardroom)
		t.eventually(&v1alpha1.PlaceMapping{}, "boardroom", "True", "Resolved")
		// took is how long the one new access of the process took.
		took := func(window string) float64 {
			GinkgoHelper()
			of := fmt.Sprintf(`{connection="default",namespace="%s",window="%s"}`, t.namespace, window)
			Eventually(t.metrics).Should(ContainSubstring("\nkisi_operator_door_latency_seconds_count" + of + " 1\n"))
			return t.metric("kisi_operator_door_latency_seconds_sum" + of)
		}
		t.apply(anaInMembers)
		t.granted("ana")
		Expect(took("Open")).To(BeNumerically("<", 10))

		t.apply(`
kind: BookingGrant
metadata: {name: tonight}
spec: {placeRef: {name: boardroom}, organizer: {email: gil@example.com}, startTime: '{{time "2h"}}', endTime: '{{time "3h"}}'}
`)
		t.eventually(&v1alpha1.BookingGrant{}, "tonight", "True", "Scheduled")
		Expect(took("Ahead")).To(BeNumerically("<", 10))

		t.stop()
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { // a wish in an object that is older
			m.Spec.GroupRefs = append(m.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "uptown"})
		})
		wished := time.Now()
		Eventually(func() time.Duration { return time.Since(wished) }).Should(BeNumerically(">", downFor))
		t.start()
		Eventually(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeTrue())
		Expect(took("Open")).To(And(BeNumerically(">", (downFor-time.Second).Seconds()), BeNumerically("<", 60)), "to the second in which it was written")
	})
})
