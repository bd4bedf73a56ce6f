package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/metrics"
)

// recordVariable names the environment variable that says where the metrics page and the objects are written to: make
// recordings. The dashboard, the rules and the configuration of kube-state-metrics are tested on them.
const recordVariable = "KISI_OPERATOR_E2E_RECORD"

// recordedNamespace is what the namespace is called in what is written.
const recordedNamespace = "gym"

var _ = Describe("The metrics", func() {
	It("show all that is described, once something of everything has happened", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.kisi.retires.Store(true)
		t.options.MetricsBindAddress = freeAddress()
		url := t.listenToWebhooks()
		t.startProcess("--leader-elect=true", "--leader-election-namespace=kisi-operator-system", "--leader-election-id="+t.namespace)
		t.secret("hook", "webhookKey", signatureKey)
		t.fixture("webhook: {url: '"+url+"', signatureKeySecretRef: {name: hook}}", "revocationLimit: {percent: 1, minimum: 1}")
		t.connection(v1alpha1.ConditionWebhookReady, "True Registered")
		t.apply(boardroom)
		t.apply(`
kind: AccessPlan
metadata: {name: plan}
spec: {groupRefs: [{name: uptown}]}
---
kind: AccessSubscription
metadata: {name: subscription}
spec: {planRef: {name: plan}, subject: {email: sue@example.com}}
`)
		t.eventually(&v1alpha1.AccessSubscription{}, "subscription", "True", "Granted")
		t.book("booking", "bob@example.com")
		t.eventually(&v1alpha1.BookingGrant{}, "booking", "True", "Granted")
		t.importMembers("crowd", 8)
		t.all("crowd", 8, "True Granted")
		for _, name := range []string{"crowd-0", "crowd-1", "crowd-2", "crowd-3"} {
			t.delete(&v1alpha1.Member{}, name)
		}
		row := t.rows("crowd-7@example.com", "Members")[0]
		t.polled(t.lastRequest(), 1)
		t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: row.ID})
		Eventually(t.metrics).Should(And(
			MatchRegexp(`kisi_operator_held_revocations\{[^}]*\} [1-9]`),
			MatchRegexp(`kisi_operator_drift_findings_total\{[^}]*kind="AssignmentRemoved"[^}]*\} 1`),
		))
		for _, d := range metrics.Descriptions() {
			Expect(t.metrics()).To(ContainSubstring("\n# TYPE "+d.Name+" "+d.Type+"\n"), "what has to happen for it to be shown?")
		}
		if dir := os.Getenv(recordVariable); dir != "" {
			t.writeRecordings(dir)
		}
	})
})

// writeRecordings writes the metrics page and the objects as they are.
func (t *tenant) writeRecordings(dir string) {
	GinkgoHelper()
	var page strings.Builder
	wanted := regexp.MustCompile(`^(# (HELP|TYPE) )?(kisi_operator_|leader_election_|controller_runtime_reconcile_|workqueue_depth|process_(resident_memory_bytes|cpu_seconds_total))`)
	for line := range strings.Lines(t.metrics()) {
		if wanted.MatchString(line) {
			page.WriteString(line)
		}
	}
	var objects []string
	for _, object := range t.everything(t.ctx) {
		objects = append(objects, spell(object))
	}
	slices.Sort(objects)
	for name, text := range map[string]string{"metrics.txt": page.String(), "objects.yaml": strings.Join(objects, "---\n")} {
		text = strings.ReplaceAll(text, t.namespace, recordedNamespace)
		Expect(os.WriteFile(filepath.Join(root, dir, name), []byte(text), 0o600)).To(Succeed())
	}
}

// spell writes an object without what differs from run to run and says nothing.
func spell(object client.Object) string {
	GinkgoHelper()
	kind, err := admin.GroupVersionKindFor(object)
	Expect(err).NotTo(HaveOccurred())
	object.GetObjectKind().SetGroupVersionKind(kind)
	object.SetManagedFields(nil)
	object.SetUID("")
	object.SetResourceVersion("")
	text, err := yaml.Marshal(object)
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}
