package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// evaluator is hack/monitoring/evaluate, built once for each process: Prometheus' engine is in a module of its own.
var evaluator = sync.OnceValues(func() (string, error) {
	path := filepath.Join(plane.Dir(), fmt.Sprintf("evaluate-%d", GinkgoParallelProcess()))
	build := exec.Command("go", "build", "-o", path, "./evaluate")
	build.Dir = filepath.Join(root, "hack", "monitoring")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the evaluator: %w\n%s", err, out)
	}
	return path, nil
})

// alert is an alert that was pending at least, as the evaluator says it.
type alert struct {
	Alert           string
	Labels          map[string]string
	Fired, Resolved time.Time
}

// recording scrapes an operator ten times a second.
type recording struct {
	mu      sync.Mutex
	scrapes bytes.Buffer // JSON, one after the other
	begun   bool
	// speed is how many times shorter than in the rules each "for" and each range is: seconds instead of minutes. Rates stay
	// per second, and thresholds what they are.
	speed float64
	// divided are metrics that say how long something may take, and by how much that is less in the evaluation.
	divided map[string]float64
}

// record runs the tenant's operator, and scrapes it until the spec ends.
func (t *tenant) record() *recording {
	GinkgoHelper()
	t.options.MetricsBindAddress = freeAddress()
	r := &recording{speed: 150}
	_, err := evaluator()
	Expect(err).NotTo(HaveOccurred())
	done := make(chan struct{})
	var scraping sync.WaitGroup
	scraping.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				r.take(scrape("http://" + t.options.MetricsBindAddress + "/metrics"))
			}
		}
	})
	DeferCleanup(func() {
		close(done)
		scraping.Wait()
	})
	t.start()
	return r
}

// scrape reads what the rules look at; empty if nobody answers.
func scrape(url string) string {
	response, err := (&http.Client{Timeout: 5 * time.Second}).Get(url)
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return ""
	}
	var ours strings.Builder
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "kisi_operator_") || strings.HasPrefix(line, "leader_election_") {
			ours.WriteString(line)
		}
	}
	return ours.String()
}

func (r *recording) take(page string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun = r.begun || page != ""; !r.begun {
		return // it has yet to start
	}
	_ = json.NewEncoder(&r.scrapes).Encode(map[string]any{"time": time.Now(), "page": page})
}

// alerts evaluates the rules over what was recorded so far.
func (r *recording) alerts(g Gomega) (fired []alert) {
	path, err := evaluator()
	g.Expect(err).NotTo(HaveOccurred())
	arguments := []string{"--rules=" + filepath.Join(root, "config", "prometheus", "rules", "kisi-operator.yaml"), fmt.Sprint("--speed=", r.speed)}
	for metric, by := range r.divided {
		arguments = append(arguments, fmt.Sprintf("--divide=%s=%v", metric, by))
	}
	command := exec.Command(path, arguments...)
	r.mu.Lock()
	command.Stdin = bytes.NewReader(bytes.Clone(r.scrapes.Bytes()))
	r.mu.Unlock()
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	g.Expect(err).NotTo(HaveOccurred(), "%s", problems.String())
	var known []alert
	g.Expect(json.Unmarshal(out, &known)).To(Succeed())
	return slices.DeleteFunc(known, func(a alert) bool { return a.Fired.IsZero() })
}

// fires waits until the alerts fire, of this tenant where they say whose they are.
func (r *recording) fires(t *tenant, names ...string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		fired := r.alerts(g)
		for _, name := range names {
			g.Expect(fired).To(ContainElement(And(
				HaveField("Alert", name), HaveField("Labels", Or(HaveKeyWithValue("namespace", t.namespace), Not(HaveKey("namespace")))),
			)))
		}
	}).WithTimeout(90 * time.Second).WithPolling(500 * time.Millisecond).Should(Succeed())
}

// resolves waits until no alert of the names fires any more.
func (r *recording) resolves(names ...string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		for _, a := range r.alerts(g) {
			if slices.Contains(names, a.Alert) {
				g.Expect(a.Resolved).NotTo(BeZero(), "%s %v still fires", a.Alert, a.Labels)
			}
		}
	}).WithTimeout(90 * time.Second).WithPolling(500 * time.Millisecond).Should(Succeed())
}

// firesOnly checks that no other alert has fired.
func (r *recording) firesOnly(names ...string) {
	GinkgoHelper()
	for _, a := range r.alerts(Default) {
		Expect(names).To(ContainElement(a.Alert), "%s %v", a.Alert, a.Labels)
	}
}

// Each alert is made to fire by what it is for, in the operator as it ships. Its rules are evaluated by Prometheus' engine over
// what was scraped meanwhile.
var _ = Describe("The alerts", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) { t = newTenant(ctx) })

	setRate := func(requestsPerSecond int32) {
		GinkgoHelper()
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.RequestsPerSecond = requestsPerSecond })
	}
	bookable := func() {
		GinkgoHelper()
		t.apply(boardroom)
		t.eventually(&v1alpha1.PlaceMapping{}, "boardroom", "True", "Resolved")
	}

	It("are silent while all is well", func() {
		url := t.listenToWebhooks()
		r := t.record()
		t.withWebhook(url)
		t.pollEvery(5 * time.Second)
		bookable()
		t.importMembers("crowd", 10)
		t.all("crowd", 10, "True Granted")
		for i := range 10 {
			t.book(fmt.Sprint("b", i), fmt.Sprintf("guest-%d@example.com", i))
		}
		t.eventually(&v1alpha1.BookingGrant{}, "b9", "True", "Granted")
		t.delete(&v1alpha1.Member{}, "crowd-0")
		t.gone(&v1alpha1.Member{}, "crowd-0")
		Expect(call(url, "{}", signatureKey)).To(Equal(http.StatusOK))
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Path: "/role_assignments", Count: 1})
		t.book("b10", "guest-10@example.com")
		t.eventually(&v1alpha1.BookingGrant{}, "b10", "True", "Granted")
		begun := time.Now() // for longer than any range or "for" is, so much faster, but an hour's
		Eventually(func() time.Duration { return time.Since(begun) }).WithTimeout(time.Minute).Should(BeNumerically(">", 8*time.Second))
		r.firesOnly()
	})

	It("say that Kisi does not answer, that people stand at closed doors, and afterwards how late those opened", func() {
		r := t.record()
		t.fixture()
		bookable()
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusServiceUnavailable})
		booked := time.Now()
		for i := range 6 {
			t.book(fmt.Sprint("b", i), fmt.Sprintf("guest-%d@example.com", i))
		}
		r.fires(t, "KisiUnreachable", "KisiDoorsLate")
		usual := r.speed
		r.speed = 18 // the range then bridges the pauses between probes, which grow
		r.fires(t, "KisiRequestsFailing")
		r.speed = usual
		Eventually(func() time.Duration { return time.Since(booked) }).WithTimeout(time.Minute).Should(BeNumerically(">", 18*time.Second), "as late as the next alert is about")
		end()
		t.eventually(&v1alpha1.BookingGrant{}, "b5", "True", "Granted")
		r.fires(t, "KisiDoorsSlow")
		r.resolves("KisiUnreachable", "KisiRequestsFailing", "KisiDoorsLate")
		r.firesOnly("KisiUnreachable", "KisiRequestsFailing", "KisiDoorsLate", "KisiDoorsSlow", "KisiQueueStuck")
	})

	It("say that a window has opened whose row was not taken while nothing else happens, also after a restart", func() {
		r := t.record()
		t.fixture()
		bookable()
		refuse := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Method: http.MethodPost, Path: "/role_assignments"})
		t.apply(`
kind: BookingGrant
metadata: {name: b}
spec: {placeRef: {name: boardroom}, organizer: {email: gil@example.com}, startTime: '{{time "6s"}}', endTime: '{{time "1h"}}'}
`)
		r.fires(t, "KisiDoorsLate")
		t.stop()
		t.start()
		late := fmt.Sprintf(`kisi_operator_late_windows{connection="default",namespace="%s"} `, t.namespace)
		Eventually(func() string { return scrape("http://" + t.options.MetricsBindAddress + "/metrics") }).WithTimeout(time.Minute).
			Should(ContainSubstring(late + "1"))
		refuse()
		t.ask(entitlement.ImplicitName("gil@example.com"), v1alpha1.ReconcileAtAnnotation)
		Eventually(t.metrics).WithTimeout(time.Minute).Should(ContainSubstring(late + "0"))
	})

	It("say that the key is refused", func() {
		r := t.record()
		t.fixture()
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultRevokedKey})
		r.fires(t, "KisiKeyRefused")
		r.firesOnly("KisiKeyRefused")
		end()
	})

	It("say that Kisi refuses requests because of their rate", func() {
		r := t.record()
		r.speed = 60
		t.fixture()
		t.fault(simulator.Fault{Kind: simulator.FaultTooManyRequests})
		t.importMembers("crowd", 5)
		r.fires(t, "KisiRateLimited")
		r.firesOnly("KisiRateLimited", "KisiUnreachable", "KisiDoorsLate", "KisiQueueStuck")
	})

	It("say that revocations are held", func() {
		r := t.record()
		t.fixture("revocationLimit: {percent: 1, minimum: 1}")
		t.importMembers("crowd", 8)
		t.all("crowd", 8, "True Granted")
		for i := range 4 {
			t.delete(&v1alpha1.Member{}, fmt.Sprint("crowd-", i))
		}
		r.fires(t, "KisiRevocationsHeld")
		r.firesOnly("KisiRevocationsHeld")
	})

	It("say that people get in whose access is to be taken back", func() {
		r := t.record()
		t.fixture()
		t.apply(anaInMembers)
		t.granted("ana")
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Method: http.MethodDelete})
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Path: "/role_assignments/*"})
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
		r.fires(t, "KisiRevocationsLate")
		r.firesOnly("KisiRevocationsLate", "KisiRequestsFailing")
	})

	It("say that what Kisi holds could not be read for long", func() {
		r := t.record()
		r.divided = map[string]float64{"kisi_operator_resync_interval_seconds": 30} // twice a minute is four seconds
		t.fixture("resyncInterval: 1m")
		t.fault(simulator.Fault{Kind: simulator.FaultShortPage, Path: "/role_assignments"})
		r.fires(t, "KisiReadsStale")
		r.firesOnly("KisiReadsStale")
	})

	It("say that somebody changes in Kisi what is declared here", func() {
		r := t.record()
		t.fixture()
		t.importMembers("crowd", 8)
		t.all("crowd", 8, "True Granted")
		for _, row := range t.kisi.Assignments("Members") {
			if strings.HasPrefix(row.User, "crowd-") {
				t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: row.ID})
			}
		}
		r.fires(t, "KisiDrift")
		r.firesOnly("KisiDrift")
	})

	It("say that webhook calls are not taken", func() {
		url := t.listenToWebhooks()
		r := t.record()
		t.withWebhook(url)
		for range 8 {
			Expect(call(url, "{}", "another key than Kisi has")).To(Equal(http.StatusUnauthorized))
		}
		r.fires(t, "KisiWebhookRejected")
		r.firesOnly("KisiWebhookRejected")
	})

	It("say that urgent requests wait", func() {
		r := t.record()
		t.fixture()
		bookable()
		setRate(1)
		for i := range 15 {
			t.book(fmt.Sprint("b", i), fmt.Sprintf("guest-%d@example.com", i))
		}
		r.fires(t, "KisiQueueStuck")
		setRate(500)
		r.resolves("KisiQueueStuck")
		r.firesOnly("KisiQueueStuck", "KisiDoorsLate", "KisiDoorsSlow")
	})

	It("say that Kisi is going to retire a call", func() {
		t.kisi.retires.Store(true)
		r := t.record()
		t.fixture()
		r.fires(t, "KisiCallRetired")
		r.firesOnly("KisiCallRetired")
	})

	It("say that the audit log loses entries", func() {
		t.options.AuditLog = "/dev/full"
		r := t.record()
		t.fixture()
		t.apply(anaInMembers)
		t.granted("ana")
		r.fires(t, "KisiAuditEntriesLost")
		r.firesOnly("KisiAuditEntriesLost")
	})

	It("say that no operator acts", func() {
		r := t.record()
		t.fixture()
		t.stop()
		r.fires(t, "KisiOperatorDown")
		r.firesOnly("KisiOperatorDown")
	})
})
