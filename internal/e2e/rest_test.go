package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// silenceVariable names the environment variable that says how long "At rest" looks; default half a minute.
const silenceVariable = "KISI_OPERATOR_E2E_SILENCE"

var _ = Describe("At rest", func() {
	It("with 200 people nothing is written to Kubernetes, and of Kisi nothing is asked but what has changed", func(ctx SpecContext) {
		silence := 30 * time.Second
		if text := os.Getenv(silenceVariable); text != "" {
			var err error
			silence, err = time.ParseDuration(text)
			Expect(err).NotTo(HaveOccurred(), silenceVariable)
		}
		const members, guests, pollsPerComparison = 180, 20, 10
		t := newTenant(ctx)
		t.start()
		t.fixture()
		interval := get(Default, t, "default", &v1alpha1.KisiConnection{}).Spec.ChangePollInterval.Duration
		t.apply(boardroom)
		t.importMembers("crowd", members)
		for i := range guests {
			t.book(fmt.Sprintf("b%d", i), fmt.Sprintf("guest-%d@example.com", i))
		}
		t.all("crowd", members, "True Granted")
		for i := range guests {
			t.eventually(&v1alpha1.BookingGrant{}, fmt.Sprintf("b%d", i), "True", "Granted")
		}
		// Counts follow, at most every ten seconds.
		Eventually(func(g Gomega) {
			c := get(g, t, "default", &v1alpha1.KisiConnection{})
			g.Expect(c.Status.Counts).NotTo(BeNil())
			g.Expect(c.Status.Counts.Grants).To(BeEquivalentTo(members + guests))
			g.Expect(get(g, t, "members", &v1alpha1.KisiGroup{}).Status.Counts.Granted).To(BeEquivalentTo(members))
			g.Expect(get(g, t, "boardroom", &v1alpha1.KisiGroup{}).Status.Counts.Granted).To(BeEquivalentTo(guests))
		}, "30s").Should(Succeed())
		polls := func() int { return t.kisi.CountRequests(simulator.RequestFilter{Method: "POST", Path: "/event_sets"}) }
		before := polls()
		Eventually(polls, "30s").Should(BeNumerically(">", before), "what the import did has been told")

		writes := len(t.operatorWrites())
		t.kisi.ResetRequests()
		begin := time.Now()
		Consistently(func() []string {
			var others []string
			for _, r := range t.kisi.Requests(simulator.RequestFilter{}) {
				poll := r.Path == "/event_sets" && r.Method == http.MethodPost || strings.HasPrefix(r.Path, "/event_sets/") && r.Method == http.MethodGet
				counts := r.Method == http.MethodGet && (r.Path == "/groups" || strings.HasPrefix(r.Path, "/groups/"))
				if !poll && !counts {
					others = append(others, r.Method+" "+r.Path+"?"+r.Query)
				}
			}
			return others
		}, silence, time.Second).Should(BeEmpty(), "requests to Kisi")
		Expect(t.operatorWrites()[writes:]).To(BeEmpty(), "writes to Kubernetes")

		asked := polls()
		// Polls come up to a fifth earlier than the interval, and later while the audit trail still tells of the import, a
		// page at a time: never more than a tenth of Kisi's five requests a second.
		lasted := time.Since(begin)
		Expect(asked).To(And(BeNumerically(">=", 1), BeNumerically("<=", int(lasted/(interval*8/10))+1)), "polls, one every %s", interval)
		counts := t.kisi.CountRequests(simulator.RequestFilter{Method: "GET", Path: "/groups*"})
		Expect(counts).To(BeNumerically("<=", (asked/pollsPerComparison+1)*3), "every tenth poll looks at the counts of the three groups")
		pages := t.kisi.CountRequests(simulator.RequestFilter{Method: "GET", Path: "/event_sets/*"})
		const pageOfImport = 9 // 400 events of the import and more, 50 to a page
		// A poll rests two seconds for each page beyond its first.
		Expect(pages).To(BeNumerically("<=", asked+int(lasted/(2*time.Second))+pageOfImport), "pages of the audit trail")
	})
})
