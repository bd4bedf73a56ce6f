package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const signatureKey = "signature-key-0123456789"

// listenToWebhooks has the tenant's operator take webhook calls, and returns the URL of the connection named default.
func (t *tenant) listenToWebhooks() string {
	GinkgoHelper()
	t.options.WebhookBindAddress = freeAddress()
	return "http://" + t.options.WebhookBindAddress + "/kisi/" + t.namespace + "/default"
}

// withWebhook is the fixture with a webhook, which is registered, and a poll that does not come while the spec runs.
func (t *tenant) withWebhook(url string) {
	GinkgoHelper()
	t.secret("hook", "webhookKey", signatureKey)
	t.fixture("webhook: {url: '" + url + "', signatureKeySecretRef: {name: hook}}")
	t.connection(v1alpha1.ConditionWebhookReady, "True Registered")
	t.pollEvery(time.Hour)
}

// pollEvery changes how often the connection named default asks for changes.
func (t *tenant) pollEvery(interval time.Duration) {
	GinkgoHelper()
	edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) {
		c.Spec.ChangePollInterval = &metav1.Duration{Duration: interval}
	})
	t.eventually(&v1alpha1.KisiConnection{}, "default", "True", "Connected")
}

// webhooks lists the webhooks in Kisi.
func (t *tenant) webhooks() []simulator.WebhookState {
	return t.kisi.State().Organizations[0].Webhooks
}

// call makes a webhook call as somebody who has a key.
func call(url, body, key string) int {
	GinkgoHelper()
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(body))
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	request.Header.Set("X-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	Expect(response.Body.Close()).To(Succeed())
	return response.StatusCode
}

var _ = Describe("The webhook of a connection", func() {
	var t *tenant
	var url string

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		url = t.listenToWebhooks()
	})

	It("tells of a change within two seconds", func() {
		t.start()
		t.withWebhook(url)
		before := t.lastRequest()
		row := t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		t.foreign("uptown", 1, 2*time.Second)
		Expect(t.requestsAfter(before)).To(Equal(map[string]int{path("GET /role_assignments/", row): 1}))
	})

	It("has a row that somebody took away put back within two seconds", Label("K3"), func() {
		t.start()
		t.withWebhook(url)
		t.apply(anaInMembers)
		row := t.granted("ana").Status.Grants[0].RoleAssignmentID
		t.quiet()
		before := t.lastRequest()
		t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: int(row)})
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).WithTimeout(2 * time.Second).Should(BeTrue())
		Expect(t.requestsAfter(before)).NotTo(HaveKey("GET /role_assignments"), "a full read")
		Expect(t.requestsAfter(before)).NotTo(HaveKey("POST /event_sets"), "a poll")
	})

	It("is registered once, with the events that count, also after a restart, and follows what is changed of it", func() {
		t.start()
		t.withWebhook(url)
		Expect(t.webhooks()).To(HaveLen(1))
		first := t.webhooks()[0]
		Expect(first.URL).To(Equal(url))
		Expect(first.Enabled).To(BeTrue())
		Expect(first.EnabledEvents).To(ContainElements("role_assignment.destroy", "user.update", "group.destroy", "group_lock.create"))

		t.stop()
		t.start()
		Eventually(func() int {
			return t.kisi.CountRequests(simulator.RequestFilter{Method: http.MethodGet, Path: "/integrations"})
		}).Should(BeNumerically(">=", 2))
		t.connection(v1alpha1.ConditionWebhookReady, "True Registered")
		Expect(t.webhooks()).To(HaveLen(1))

		t.secret("hook", "webhookKey", "another-"+signatureKey)
		Eventually(func() int { return call(url, "{}", "another-"+signatureKey) }).Should(Equal(http.StatusOK))
		Expect(call(url, "{}", signatureKey)).To(Equal(http.StatusUnauthorized), "the key before")
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		t.foreign("uptown", 1, 30*time.Second)

		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Webhook.URL = url + "/again" })
		Eventually(func() string { return t.webhooks()[0].URL }).Should(Equal(url + "/again"))
		Expect(t.webhooks()).To(HaveLen(1))

		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Webhook = nil })
		Eventually(t.webhooks).Should(BeEmpty())
		Eventually(func(g Gomega) {
			g.Expect(condition(get(g, t, "default", &v1alpha1.KisiConnection{}), v1alpha1.ConditionWebhookReady)).To(BeZero())
		}).Should(Succeed())
		Expect(call(url+"/again", "{}", "another-"+signatureKey)).To(Equal(http.StatusServiceUnavailable))
	})

	It("goes with a connection that takes everything back, which does not wait for a Kisi that is down", func() {
		t.start()
		t.withWebhook(url)
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.DisconnectPolicy = v1alpha1.DisconnectRevoke })
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(t.webhooks()).To(BeEmpty())

		t.connect("disconnectPolicy: Revoke\n  webhook: {url: '" + url + "', signatureKeySecretRef: {name: hook}}")
		t.connection(v1alpha1.ConditionWebhookReady, "True Registered")
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultLatency, Latency: simulator.Duration(time.Minute)})
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
	})

	It("goes with a connection also when it takes long to take everything back", func() {
		t.start()
		t.withWebhook(url)
		t.apply(boardroom)
		t.apply(ana)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.DisconnectPolicy = v1alpha1.DisconnectRevoke })
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultLatency, Method: http.MethodDelete, Path: "/role_assignments/*", Latency: simulator.Duration(3 * time.Second)})
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(t.webhooks()).To(BeEmpty())
	})

	It("stays in Kisi, like everything else, when its connection goes under Retain", func() {
		t.start()
		t.withWebhook(url)
		before := len(t.kisi.Requests(simulator.RequestFilter{}))
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(t.webhooks()).To(HaveLen(1))
		Expect(t.kisi.Requests(simulator.RequestFilter{})[before:]).To(BeEmpty())
	})

	It("believes nothing that its key did not sign", func() {
		t.start()
		t.withWebhook(url)
		row := t.kisi.Assignments("Members")[0].ID
		before := t.lastRequest()
		forged := fmt.Sprintf(`{"uuid":"f","type":"role_assignment.destroy","object_type":"RoleAssignment","object_id":%d,"organization_id":3289,"success":true}`, row)
		Expect(call(url, forged, "guessed")).To(Equal(http.StatusUnauthorized))
		Expect(call(url, forged, "")).To(Equal(http.StatusUnauthorized))
		Expect(call(url, `{"uuid":"`+strings.Repeat("x", 1<<17)+`"}`, signatureKey)).To(Equal(http.StatusRequestEntityTooLarge))
		Consistently(func(g Gomega) {
			g.Expect(get(g, t, "members", &v1alpha1.KisiGroup{}).Status.Counts.Foreign).To(BeEquivalentTo(1))
		}).Should(Succeed())
		Expect(t.requestsAfter(before)).To(BeEmpty())
	})

	It("takes calls twice, in the wrong order, and many at a time, at the price of one look", func() {
		Expect(t.kisi.SetSwitch("webhookDelivery", "Duplicated")).To(Succeed())
		t.start()
		t.withWebhook(url)
		before := t.lastRequest()
		row := t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		t.foreign("uptown", 1, 2*time.Second)
		Expect(t.kisi.WaitForWebhooks(t.ctx)).To(Succeed())
		Consistently(func() map[string]int { return t.requestsAfter(before) }).Should(Equal(map[string]int{path("GET /role_assignments/", row): 1}))

		Expect(t.kisi.SetSwitch("webhookDelivery", "Reordered")).To(Succeed())
		for range 20 {
			flicker := t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "adam@acme.example", Group: "Uptown"})
			t.kisi.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: flicker})
		}
		t.kisi.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: row})
		Expect(t.kisi.WaitForWebhooks(t.ctx)).To(Succeed())
		t.foreign("uptown", 0, 15*time.Second)
		Expect(t.requestsAfter(before)).To(HaveLen(1), "what is gone is not asked for: %v", t.requestsAfter(before))
	})

	It("is switched on again when Kisi has switched it off, and that is said", func() {
		Expect(t.kisi.SetSwitch("webhookDisableAfter", "Three")).To(Succeed())
		t.start()
		t.withWebhook(url)
		t.stop() // nobody answers
		for range 3 {
			t.kisi.act(simulator.Action{Action: simulator.ActionSuspendUser, User: "gary@acme.example"})
			t.kisi.act(simulator.Action{Action: simulator.ActionResumeUser, User: "gary@acme.example"})
		}
		Expect(t.kisi.WaitForWebhooks(t.ctx)).To(Succeed())
		Expect(t.webhooks()[0].Enabled).To(BeFalse())
		t.start()
		t.connection(v1alpha1.ConditionWebhookReady, "True Reenabled", "enabled again", "spec.webhook.url")
		Expect(t.webhooks()).To(HaveLen(1))
		Expect(t.webhooks()[0].Enabled).To(BeTrue())
	})

	It("that somebody deleted in Kisi is registered again when a fresh look is asked for", func() {
		t.start()
		t.withWebhook(url)
		t.kisi.as("adam@acme.example", http.MethodDelete, path("/integrations/", t.webhooks()[0].ID), nil)
		Expect(t.webhooks()).To(BeEmpty())
		t.lookAgain("default")
		Eventually(t.webhooks).Should(HaveLen(1))
	})

	It("is not registered over another's of the same URL, which is left alone, and that is said", func() {
		t.kisi.as("adam@acme.example", http.MethodPost, "/integrations", map[string]any{"integration": map[string]any{
			"type": "event_webhook", "name": "Door log", "url": url, "enabled_events": []string{"lock.unlock"}, "signature_key": "adams",
		}})
		others := t.webhooks()
		t.start()
		t.secret("hook", "webhookKey", signatureKey)
		t.fixture("webhook: {url: '" + url + "', signatureKeySecretRef: {name: hook}}")
		t.connection(v1alpha1.ConditionWebhookReady, "False URLTaken", "spec.webhook.url", fmt.Sprint(others[0].ID), "delete it in Kisi")
		t.connection(v1alpha1.ConditionReady, "True Connected")
		Expect(t.webhooks()).To(Equal(others))

		t.kisi.as("adam@acme.example", http.MethodDelete, path("/integrations/", others[0].ID), nil)
		t.lookAgain("default")
		t.connection(v1alpha1.ConditionWebhookReady, "True Registered")
		Expect(t.webhooks()).To(HaveLen(1))
	})

	It("is noticed to be switched off by the poll", func() {
		Expect(t.kisi.SetSwitch("webhookDisableAfter", "Three")).To(Succeed())
		t.start()
		t.withWebhook(url)
		t.pollEvery(pollInterval)
		integration := t.webhooks()[0].ID
		t.kisi.as("adam@acme.example", http.MethodPatch, path("/integrations/", integration), map[string]any{"integration": map[string]any{"signature_key": "spoilt"}})
		for range 3 {
			t.kisi.act(simulator.Action{Action: simulator.ActionSuspendUser, User: "gary@acme.example"})
			t.kisi.act(simulator.Action{Action: simulator.ActionResumeUser, User: "gary@acme.example"})
		}
		t.connection(v1alpha1.ConditionWebhookReady, "True Reenabled")
		Expect(t.webhooks()[0].Enabled).To(BeTrue())
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		t.foreign("uptown", 1, 30*time.Second)
	})

	It("says what is missing, and the poll goes on", func() {
		t.start()
		t.fixture("webhook: {url: '" + url + "', signatureKeySecretRef: {name: hook}}")
		t.connection(v1alpha1.ConditionWebhookReady, "False SecretNotFound", "signatureKeySecretRef", `"hook"`, "webhookKey")
		t.secret("hook", "another", signatureKey)
		t.connection(v1alpha1.ConditionWebhookReady, "False SecretKeyMissing", `"webhookKey"`)
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusForbidden, Path: "/integrations*"})
		t.secret("hook", "webhookKey", signatureKey)
		t.connection(v1alpha1.ConditionWebhookReady, "False InsufficientRole", "403", "poll")
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		t.foreign("uptown", 1, 30*time.Second)
		end()
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Webhook.URL = url + "/" })
		t.connection(v1alpha1.ConditionWebhookReady, "True Registered")
	})

	It("is not registered by an operator that does not listen, nor while nothing is to be written", func() {
		t.options.WebhookBindAddress = "0"
		t.start()
		t.secret("hook", "webhookKey", signatureKey)
		t.connect("webhook: {url: '" + url + "', signatureKeySecretRef: {name: hook}}")
		t.connection(v1alpha1.ConditionWebhookReady, "False NotServed", "--webhook-bind-address")
		t.stop()
		t.listenToWebhooks()
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Mode = v1alpha1.ModeObserve })
		t.start()
		t.connection(v1alpha1.ConditionWebhookReady, "False Observing")
		Expect(t.webhooks()).To(BeEmpty())
		Expect(t.writes()).To(BeEmpty())
	})

	// Whoever has the key of one connection must not be able to end the operator of all.
	It("keeps little of what it is told, however much that is", func() {
		const calls, size, allowance = 3000, 60_000, 64 << 20 // 180 MB in all
		t.options.MetricsBindAddress = freeAddress()
		t.start()
		t.withWebhook(url)
		heap := func() float64 { return t.metric("go_memstats_heap_alloc_bytes") }
		before := heap()
		padding := strings.Repeat("x", size)
		for i := range calls {
			Expect(call(url, fmt.Sprintf(`{"uuid":"%d%s","type":"lock.unlock","object_type":"Lock","object_id":1}`, i, padding), signatureKey)).
				To(BeElementOf(http.StatusOK, http.StatusServiceUnavailable))
		}
		Eventually(heap).Should(BeNumerically("<", before+allowance), "bytes in use, %0.f of them before", before)
	})
})
