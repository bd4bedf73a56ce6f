package e2e

import (
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// pollInterval is the changePollInterval of the tenants' connections.
const pollInterval = 5 * time.Second

// foreign waits until the group counts so many foreign rows.
func (t *tenant) foreign(group string, rows int, within time.Duration) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		counts := get(g, t, group, &v1alpha1.KisiGroup{}).Status.Counts
		g.Expect(counts).NotTo(BeNil())
		g.Expect(counts.Foreign).To(BeEquivalentTo(rows))
	}).WithTimeout(within).Should(Succeed())
}

// requestsAfter counts the requests since an earlier one, by method and path.
func (t *tenant) requestsAfter(afterID int) map[string]int {
	counts := map[string]int{}
	for _, r := range t.kisi.Requests(simulator.RequestFilter{AfterID: afterID}) {
		counts[r.Method+" "+r.Path]++
	}
	return counts
}

// lastRequest is the id of the latest request so far.
func (t *tenant) lastRequest() int {
	requests := t.kisi.Requests(simulator.RequestFilter{})
	if len(requests) == 0 {
		return 0
	}
	return requests[len(requests)-1].ID
}

// polled waits until so many polls have been read to their end since a request.
func (t *tenant) polled(afterID, polls int) {
	GinkgoHelper()
	Eventually(func() int {
		return t.kisi.CountRequests(simulator.RequestFilter{Method: http.MethodGet, Path: "/event_sets/*", AfterID: afterID})
	}).WithTimeout(time.Duration(polls+2) * 2 * pollInterval).Should(BeNumerically(">=", polls))
}

var _ = Describe("What others change in Kisi", func() {
	It("is known within a poll interval, without a full read, at the price of the poll and one look per row", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.foreign("uptown", 0, 30*time.Second)
		t.polled(0, 1)

		before := t.lastRequest()
		row := t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		t.foreign("uptown", 1, 3*pollInterval)
		asked := t.requestsAfter(before)
		Expect(asked).NotTo(HaveKey("GET /role_assignments"), "a full read")
		Expect(asked).To(HaveKeyWithValue(path("GET /role_assignments/", row), 1))
		Expect(asked["POST /event_sets"]).To(BeNumerically("<=", 2))

		before = t.lastRequest()
		t.kisi.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: row})
		t.foreign("uptown", 0, 4*pollInterval) // the counts change no sooner than 10 s after they changed
		asked = t.requestsAfter(before)
		Expect(asked).NotTo(HaveKey("GET /role_assignments"))
		Expect(asked).NotTo(HaveKey(path("GET /role_assignments/", row)), "that it is gone is told by the event")
	})
})

func path(prefix string, id int) string { return fmt.Sprintf("%s%d", prefix, id) }
