package e2e

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"text/template"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/operator"
)

// ownerKey is the API key of the organization's owner in organization.
const ownerKey = "owner-key-0123456789"

// organization is what the simulated Kisi holds before the operator comes.
const organization = `
organizations:
  - name: Acme
    domain: acme
    id: 3289
    owner: olga@acme.example
    users:
      - {email: olga@acme.example, name: Olga Owner}
      - {email: adam@acme.example, name: Adam Admin}
      - {email: mara@acme.example, name: Mara Frontdesk}
      - {email: gary@acme.example, name: Gary Guest}
    places:
      - {name: Downtown, address: "1 Main Street"}
      - {name: Uptown, address: "2 High Street"}
    locks:
      - {name: Entrance, place: Downtown}
      - {name: Boardroom, place: Downtown}
      - {name: Uptown Door, place: Uptown}
    groups:
      - {name: Members, locks: [Entrance]}
      - {name: Boardroom, place: Downtown, locks: [Entrance, Boardroom]}
      - {name: Uptown, place: Uptown, locks: [Uptown Door]}
      - {name: Late, locks: [Entrance]}
    roleAssignments:
      - {user: adam@acme.example, role: organization_administrator}
      - {user: mara@acme.example, group: Members, createdBy: adam@acme.example}
    keys:
      - {user: olga@acme.example, secret: owner-key-0123456789, name: owner}
      - {user: adam@acme.example, secret: admin-key-0123456789, name: admin}
      - {user: gary@acme.example, secret: guest-key-0123456789, name: guest}
`

// standardBookingTTL is the default of --booking-ttl.
const standardBookingTTL = 168 * time.Hour

// tenant is one namespace with a Kisi of its own, and an operator that works in that namespace only.
type tenant struct {
	ctx        context.Context
	namespace  string
	kisi       *simulatedKisi
	stop       func()
	options    operator.Options
	config     *rest.Config // of the operator; default its own ServiceAccount
	processes  []*process   // that have run the operator
	secrets    []string     // keys that may stand in Secrets only
	logBegin   int
	statuses   *statusWatch
	auditBegin int64 // how much of the audit log is older
}

// newTenant makes a namespace and a simulated Kisi; no operator runs yet.
func newTenant(ctx context.Context, switches ...string) *tenant {
	GinkgoHelper()
	return newTenantOf(ctx, newKisi(switches...))
}

// newTenantOf makes a namespace for a simulated Kisi; no operator runs yet.
func newTenantOf(ctx context.Context, kisi *simulatedKisi) *tenant {
	GinkgoHelper()
	// It stays when the spec has ended: hundreds of namespaces on their way out would only slow down those specs in which
	// one goes, and the control plane is thrown away anyway.
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "spec-"}}
	Expect(admin.Create(ctx, namespace)).To(Succeed())
	noteSpec(namespace.Name)
	t := &tenant{ctx: context.Background(), namespace: namespace.Name, kisi: kisi, stop: func() {}, logBegin: operatorLog.length()}
	t.statuses = watchStatuses(t.namespace)
	var err error
	t.auditBegin, err = plane.AuditLength()
	Expect(err).NotTo(HaveOccurred())
	t.options = operator.Options{
		Namespaces: []string{t.namespace}, AllowedEndpoints: []string{t.kisi.URL()},
		MetricsBindAddress: "0", HealthProbeBindAddress: "0",
		BookingTTL: standardBookingTTL, IntegrationIdentifier: "kisi-operator",
	}
	DeferCleanup(func() {
		t.stop()
		if CurrentSpecReport().Failed() {
			t.dump()
		}
		t.expectNoDeaths()
		Expect(panics()).To(BeZero(), "reconciles that panicked")
		t.expectNoLeaks(t.ctx)
		t.expectSaneConditions(t.ctx)
		t.expectGuardedLedgers(t.ctx)
		t.expectRightStatuses(t.ctx)
	})
	return t
}

// connect applies a working KisiConnection named default, and its Secret. Lines are added to its spec.
func (t *tenant) connect(lines ...string) {
	GinkgoHelper()
	t.connectWith(ownerKey, lines...)
}

// connectWith is connect with another key.
func (t *tenant) connectWith(key string, lines ...string) {
	GinkgoHelper()
	t.secret("kisi", "apiKey", key)
	t.apply(fmt.Sprintf(`
kind: KisiConnection
metadata: {name: default}
spec:
  apiKeySecretRef: {name: kisi}
  endpoint: %s
  requestsPerSecond: 500
  changePollInterval: 5s
  %s`, t.kisi.URL(), strings.Join(lines, "\n  ")))
}

func (t *tenant) secret(name, key, value string) {
	GinkgoHelper()
	if trimmed := strings.TrimSpace(value); trimmed != "" {
		t.secrets = append(t.secrets, trimmed)
	}
	t.apply(fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s}\nstringData: {%s: %q}", name, key, value))
}

// apply applies documents to the tenant's namespace. A document without apiVersion is of this project's group.
// In them {{time "90s"}} is the instant so far from now.
func (t *tenant) apply(documents string) {
	GinkgoHelper()
	now := time.Now()
	parsed, err := template.New("").Funcs(template.FuncMap{"time": func(offset string) (string, error) {
		by, err := time.ParseDuration(offset)
		return now.Add(by).UTC().Format(time.RFC3339), err
	}}).Parse(documents)
	Expect(err).NotTo(HaveOccurred())
	var rendered strings.Builder
	Expect(parsed.Execute(&rendered, nil)).To(Succeed())
	for _, document := range strings.Split(rendered.String(), "\n---\n") {
		if !strings.Contains(document, "apiVersion:") {
			document = "apiVersion: " + v1alpha1.GroupVersion.String() + "\n" + document
		}
		document = strings.Replace(document, "metadata: {", "metadata: {namespace: "+t.namespace+", ", 1)
		_, err := plane.Apply(t.ctx, []byte(document))
		Expect(err).NotTo(HaveOccurred(), "applying\n%s", document)
	}
}

// fixture is a connection and three groups, bound and Ready.
func (t *tenant) fixture(lines ...string) {
	GinkgoHelper()
	t.connect(lines...)
	t.apply(groups)
	for _, name := range []string{"members", "boardroom", "uptown"} {
		t.eventually(&v1alpha1.KisiGroup{}, name, "True", "Bound")
	}
}

const groups = `
kind: KisiGroup
metadata: {name: members}
spec: {existing: {name: Members}}
---
kind: KisiGroup
metadata: {name: boardroom}
spec: {existing: {name: Boardroom}}
---
kind: KisiGroup
metadata: {name: uptown}
spec: {existing: {name: Uptown}}
`

func (t *tenant) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: t.namespace, Name: name}
}

// get reads an object of the tenant.
func get[T client.Object](g Gomega, t *tenant, name string, object T) T {
	g.Expect(admin.Get(t.ctx, t.key(name), object)).To(Succeed())
	return object
}

// delete deletes an object of the tenant.
func (t *tenant) delete(object client.Object, name string) {
	GinkgoHelper()
	object.SetNamespace(t.namespace)
	object.SetName(name)
	Expect(admin.Delete(t.ctx, object)).To(Succeed())
}

// edit changes an object of the tenant as it is by now.
func edit[T client.Object](t *tenant, name string, object T, change func(T)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := admin.Get(t.ctx, t.key(name), object); err != nil {
			return err
		}
		change(object)
		return admin.Update(t.ctx, object)
	}).Should(Succeed())
}

// eventually waits until Ready has the status and reason for the generation as it is.
func (t *tenant) eventually(object client.Object, name, status, reason string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		get(g, t, name, object)
		g.Expect(readyOf(object)).To(Equal(status+" "+reason), "Ready of %T %s: %s", object, name, messageOf(object))
		g.Expect(condition(object, v1alpha1.ConditionReady).ObservedGeneration).To(Equal(object.GetGeneration()))
	}).Should(Succeed())
}

func conditionsOf(object client.Object) []metav1.Condition {
	if o, has := object.(v1alpha1.WithConditions); has {
		return o.GetConditions()
	}
	return nil
}

func condition(object client.Object, conditionType string) metav1.Condition {
	if found := meta.FindStatusCondition(conditionsOf(object), conditionType); found != nil {
		return *found
	}
	return metav1.Condition{}
}

func readyOf(object client.Object) string {
	ready := condition(object, v1alpha1.ConditionReady)
	return string(ready.Status) + " " + ready.Reason
}

func messageOf(object client.Object) string {
	return condition(object, v1alpha1.ConditionReady).Message
}

// opens reports whether the person can open the door at the instant so far from now, as Kisi stands now.
func (t *tenant) opens(email, lock string, offset time.Duration) bool {
	return t.kisi.CanOpen(email, lock, t.kisi.Clock().Now().Add(offset)).Allowed
}

// writes lists the requests so far that changed something in Kisi.
func (t *tenant) writes() []string {
	var writes []string
	for _, request := range t.kisi.Requests(simulator.RequestFilter{WritesOnly: true}) {
		writes = append(writes, request.Method+" "+request.Path)
	}
	return writes
}

// dump says how everything stood when a spec failed.
func (t *tenant) dump() {
	out, err := plane.Kubectl(context.Background(), "get", "kisi", "-n", t.namespace, "-o", "yaml")
	if err != nil {
		out = err.Error()
	}
	AddReportEntry("objects", out)
	var requests strings.Builder
	for _, r := range t.kisi.Requests(simulator.RequestFilter{}) {
		fmt.Fprintf(&requests, "%s %s %s?%s → %d\n", r.Time.Format("15:04:05.000"), r.Method, r.Path, r.Query, r.Status)
	}
	AddReportEntry("requests", requests.String())
}

// gone waits until the object is really gone.
func (t *tenant) gone(object client.Object, name string) {
	GinkgoHelper()
	Eventually(func() error { return admin.Get(t.ctx, t.key(name), object) }).
		Should(MatchError(ContainSubstring("not found")), "%T %s is still there: %s", object, name, messageOf(object))
}

var lastPort atomic.Int32

// freeAddress is where an operator of this process can listen, and again after a restart: below the ports that systems
// hand out by themselves, so that no connection and no other server comes to sit there meanwhile.
func freeAddress() string {
	GinkgoHelper()
	const first, perProcess = 20000, 200
	base := first + perProcess*GinkgoParallelProcess()
	for range perProcess {
		address := fmt.Sprintf("127.0.0.1:%d", base+int(lastPort.Add(1))%perProcess)
		listener, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		Expect(listener.Close()).To(Succeed())
		return address
	}
	Fail(fmt.Sprintf("every port from %d to %d is taken", base, base+perProcess-1))
	return ""
}
