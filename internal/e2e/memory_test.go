package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/testing/retained"
)

// memories are what is remembered without belonging to an object, and the most that they hold.
var memories = map[string]int{
	"feed.seen.known":                        20_000, // events that were taken
	"feed.seen.order":                        20_000,
	"mirror.recent.values":                   4 * 10_000, // who did what last, what this process wrote and removed, what Kisi said is gone
	"mirror.recent.order":                    4 * 10_000,
	"connection.Reconciler.AllowedEndpoints": 1,
	"session.breaker.waiting":                0,
	"kisi.pacer.recent":                      1000,   // requests that were sent within a second, at the highest rate
	"source.deletions.of":                    10_000, // bookings that were deleted after their time to live; an LRU cache, which bounds itself
}

// ofOneConnection is what a connection has while it exists, when everything else has gone.
var ofOneConnection = map[string]int{
	"session.Pool.sessions": 1, "session.Pool.queues": 1, "session.breaker.sessions": 1, "kisi.pacer.rates": 1, "feed.Feed.followers": 1,
	"connection.Reconciler.opened": 1, "connection.keyring.held": 1, "connection.Reconciler.looks": 1, "pacing.Throttle.wrote": 1, "pacing.Bursts.each": 1,
	"measure.generations.young": 1,
}

// makeEverything makes objects of every kind, and has something happen to all of them that may be remembered.
func (t *tenant) makeEverything(round, people int) {
	GinkgoHelper()
	name := func(kind string, i int) string { return fmt.Sprintf("%s-%d-%d", kind, round, i) }
	t.apply(fmt.Sprintf(`
kind: KisiConnection
metadata: {name: %[1]s}
spec:
  apiKeySecretRef: {name: other}
  endpoint: %[2]s
  requestsPerSecond: 500
  changePollInterval: 5s
  users: {type: Managed, existing: Import, logins: Secret}
  revocationLimit: {percent: 100}
  webhook: {url: 'http://%[3]s/kisi/%[1]s', signatureKeySecretRef: {name: hook}}
`, name("other", 0), t.kisi.URL(), t.options.WebhookBindAddress))
	t.apply(groups)
	t.apply("kind: KisiGroup\nmetadata: {name: nowhere}\nspec: {existing: {name: Nowhere}}")
	t.apply(fmt.Sprintf("kind: KisiGroup\nmetadata: {name: late}\nspec: {connectionRef: {name: %s}, existing: {name: Late}}", name("other", 0)))
	for i := range 3 {
		t.apply(fmt.Sprintf("kind: KisiGroup\nmetadata: {name: %s}\nspec: {managed: {name: %[1]s, doors: [{name: Entrance}]}}", name("managed", i)))
	}
	t.apply(boardroom)
	t.apply("kind: PlaceMapping\nmetadata: {name: downtown}\nspec: {kind: Center, externalID: '7', kisiPlace: {name: Downtown}, access: [{groupRefs: [{name: boardroom}]}]}")
	t.apply("kind: AccessPlan\nmetadata: {name: plan}\nspec: {groupRefs: [{name: uptown}]}")
	for _, path := range []string{"/users", "/role_assignments"} { // what fails is tried again later
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: 422, Method: "POST", Path: path, Count: 3, Body: `{"errors": {"base": ["not now"]}}`})
	}
	for i := range people {
		t.apply(fmt.Sprintf(`
kind: Member
metadata: {name: %[1]s, annotations: {access.kisi-operator.dev/reconcile-at: "1"}}
spec: {email: %[1]s@example.com, teams: [crew], groupRefs: [{name: members}, {name: %[2]s}, {name: late}, {name: nowhere}], places: [{placeRef: {name: downtown}}]}
---
kind: AccessSubscription
metadata: {name: %[1]s}
spec: {planRef: {name: plan}, subject: {email: named-%[1]s@example.com, fullName: Named}}
---
kind: BookingGrant
metadata: {name: %[1]s}
spec:
  placeRef: {name: boardroom}
  organizer: {email: %[1]s@example.com}
  attendees: [{email: guest-%[1]s@example.com, fullName: Guest}]
  startTime: "{{time "-1m"}}"
  endTime: "{{time "1h"}}"
`, name("m", i), name("managed", i%3)))
	}
	t.apply("kind: AccessSubscription\nmetadata: {name: crew}\nspec: {groupRefs: [{name: uptown}], subject: {team: crew}}")
	for i := range people {
		Eventually(func(g Gomega) {
			rows := 0
			for _, grant := range t.member(g, name("m", i)).Status.Grants {
				if grant.State == v1alpha1.GrantActive {
					rows++
				}
			}
			g.Expect(rows).To(BeNumerically(">=", 4))
			t.opens("guest-"+name("m", i)+"@example.com", "Boardroom", 0)
		}).Should(Succeed())
	}
	for i := range 2 {
		t.act(simulator.Action{Action: simulator.ActionSuspendUser, User: name("m", i) + "@example.com"})
	}
	for i := range people {
		edit(t, name("m", i), &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Annotations[v1alpha1.ReconcileAtAnnotation] = "2" })
	}
	for i := range 2 {
		t.account(name("m", i), v1alpha1.AccountSuspendedInKisi)
	}
	edit(t, name("m", 1), &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Email = "moved-" + m.Spec.Email })
	t.account(name("m", 1), v1alpha1.AccountEnabled)
}

// deleteEverything deletes all objects but one connection, in no particular order, and waits until they have gone.
func (t *tenant) deleteEverything(but string) {
	GinkgoHelper()
	deleteAll := func(connections bool) {
		Eventually(func(g Gomega) {
			var left []string
			for _, object := range t.everything(t.ctx) {
				isConnection := kindOf(object) == "KisiConnection"
				if isConnection && (!connections || object.GetName() == but) {
					continue
				}
				left = append(left, kindOf(object)+"/"+object.GetName())
				// Again: a Member that was made for an address stays for what an admin has decided about the person.
				g.Expect(client.IgnoreNotFound(admin.Delete(t.ctx, object))).To(Succeed())
				if group, isGroup := object.(*v1alpha1.KisiGroup); isGroup && group.Status.Counts != nil && group.Status.Counts.Held > 0 {
					approval := fmt.Sprintf(`{"metadata": {"annotations": {%q: %q}}}`, v1alpha1.ApproveRevocationsUntilAnnotation, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
					g.Expect(client.IgnoreNotFound(admin.Patch(t.ctx, group, client.RawPatch(types.MergePatchType, []byte(approval))))).To(Succeed())
				}
			}
			g.Expect(left).To(BeEmpty())
		}, "60s", "200ms").Should(Succeed())
	}
	deleteAll(false)
	deleteAll(true)
}

var _ = Describe("What has gone is forgotten:", func() {
	DescribeTable("nothing that the operator remembers is about objects that were deleted", func(ctx SpecContext, but string, stays map[string]int) {
		const rounds, people = 2, 5
		t := newTenant(ctx)
		t.options.WebhookBindAddress = freeAddress()
		var parts []any
		t.options.OnAssembled = func(assembled ...any) { parts = assembled }
		t.startHere()
		t.secret("other", "apiKey", "admin-key-0123456789")
		t.secret("hook", "webhookKey", signatureKey)
		t.connect("revocationLimit: {percent: 100}") // is not what this is about
		for round := range rounds {
			t.makeEverything(round, people)
			t.deleteEverything("default")
		}
		if but == "default" {
			t.polled(t.lastRequest(), 2) // what was heard of while it went is dealt with by then
		}
		t.deleteEverything(but)
		t.stop()

		remembered := retained.Entries("github.com/kisi-operator/kisi-operator/internal", parts...)
		var left []string
		for field, entries := range remembered {
			if entries > max(memories[field], stays[field]) {
				left = append(left, fmt.Sprintf("%s: %d", field, entries))
			}
		}
		Expect(left).To(BeEmpty())
		Expect(remembered).To(HaveKey("member.userLooks.reconcileAt"), "it is looked at all")
		families, err := ctrlmetrics.Registry.Gather()
		Expect(err).NotTo(HaveOccurred())
		for _, family := range families {
			for _, series := range family.GetMetric() {
				labels := map[string]string{}
				for _, label := range series.GetLabel() {
					labels[label.GetName()] = label.GetValue()
				}
				if labels["namespace"] == t.namespace {
					Expect(labels).To(HaveKeyWithValue("connection", but), family.GetName())
				}
			}
		}
	},
		Entry("while their connection stays", "default", ofOneConnection),
		Entry("with their connection", "", nil),
	)
})
