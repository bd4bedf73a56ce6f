package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

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

// begun waits until what happened in the second in which the operator started is looked at: its first poll may see how the
// organization was made, by the owner of its key, and the operator waits five seconds for an answer that explains that.
func (t *tenant) begun() {
	GinkgoHelper()
	t.polled(0, 3)
}

var _ = Describe("What others change in Kisi", func() {
	It("is known within a poll interval, without a full read, at the price of the poll and one look per row", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.foreign("uptown", 0, 30*time.Second)
		t.begun()

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

	It("is corrected within a poll interval, without a full read", Label("K3"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		row := t.granted("ana").Status.Grants[0].RoleAssignmentID
		t.quiet()
		t.polled(t.lastRequest(), 1)

		before := t.lastRequest()
		t.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: int(row)})
		removed := time.Now()
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).WithTimeout(3 * pollInterval).Should(BeTrue())
		Expect(time.Since(removed)).To(BeNumerically("<", 2*pollInterval), "an interval, and what a busy machine takes")
		asked := t.requestsAfter(before)
		Expect(asked).NotTo(HaveKey("GET /role_assignments"), "a full read: %v", asked)
		Expect(asked["POST /event_sets"]).To(BeNumerically("<=", 2))
		Expect(asked).To(HaveKeyWithValue("POST /role_assignments", 1))
		Expect(asked).NotTo(HaveKey(path("GET /role_assignments/", int(row))), "that it is gone is told by the event: %v", asked)
		Expect(asked).NotTo(HaveKey("GET /login"), "so nothing has to be confirmed: %v", asked)
		ana, _ := t.kisi.User("acme", "ana@example.com")
		Expect(asked).To(HaveKeyWithValue(path("GET /users/", ana.ID), 1), "the one look before it is put back: %v", asked)
		adam, _ := t.kisi.User("acme", "adam@acme.example")
		Eventually(func(g Gomega) {
			g.Expect(t.eventNotes("ana")).To(ContainElement(ContainSubstring(fmt.Sprintf("the Kisi user %d removed", adam.ID))))
		}).Should(Succeed())
	})

	It("is looked at from where the last poll that succeeded ended", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.polled(0, 1)
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Path: "/event_sets/*"})
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		failed := t.lastRequest()
		Eventually(func() int {
			return t.kisi.CountRequests(simulator.RequestFilter{Path: "/event_sets/*", Status: http.StatusInternalServerError, AfterID: failed})
		}).WithTimeout(time.Minute).Should(BeNumerically(">=", 2))
		Expect(get(Default, t, "uptown", &v1alpha1.KisiGroup{}).Status.Counts.Foreign).To(BeZero())
		end()
		t.foreign("uptown", 1, time.Minute)
	})

	It("is followed though Kisi collects events slowly, oldest or newest first, and page by page", func(ctx SpecContext) {
		t := newTenant(ctx, "eventSets=Slow", "eventOrder=OldestFirst")
		t.start()
		t.fixture()
		t.begun()
		for range 40 {
			row := t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
			t.kisi.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: row})
		}
		before := t.lastRequest()
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		t.foreign("uptown", 1, 30*time.Second)
		looks := 0
		for path, times := range t.requestsAfter(before) {
			if strings.HasPrefix(path, "GET /role_assignments") {
				looks += times
			}
		}
		Expect(looks).To(Equal(1), "what came and went is not looked at: %v", t.requestsAfter(before))
	})

	It("is found by the groups' counts where the key's owner may not read events", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusForbidden, Path: "/event_sets*"})
		t.start()
		t.fixture()
		t.connection(v1alpha1.ConditionSynced, "True WithoutAuditTrail", "403", "role")
		t.connection(v1alpha1.ConditionReady, "True Connected")
		before := t.lastRequest()
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		t.foreign("uptown", 1, 30*time.Second)
		reads := 0
		for _, r := range t.kisi.Requests(simulator.RequestFilter{Method: http.MethodGet, Path: "/role_assignments", AfterID: before}) {
			Expect(r.Query).To(ContainSubstring(fmt.Sprintf("applies_to_id=%d", t.groupID("Uptown"))), "only the group whose count differs is read")
			reads++
		}
		Expect(reads).To(Equal(1))
	})

	It("is asked for once for two connections of one key owner", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect()
		t.secret("second", "apiKey", ownerKey)
		t.apply(`
kind: KisiConnection
metadata: {name: second}
spec:
  apiKeySecretRef: {name: second}
  endpoint: ` + t.kisi.URL() + `
  requestsPerSecond: 500
  changePollInterval: 1h
`)
		t.eventually(&v1alpha1.KisiConnection{}, "second", "True", "Connected")
		t.apply("kind: KisiGroup\nmetadata: {name: uptown}\nspec: {existing: {name: Uptown}, connectionRef: {name: second}}")
		t.eventually(&v1alpha1.KisiGroup{}, "uptown", "True", "Bound")
		t.polled(t.lastRequest(), 1)
		begin, before := time.Now(), t.lastRequest()
		t.polled(before, 3)
		Expect(t.requestsAfter(before)["POST /event_sets"]).To(BeNumerically("<=", 1+int(time.Since(begin)/(pollInterval*8/10))))
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		t.foreign("uptown", 1, 4*pollInterval)
	})

	It("of a managed group is put right within a poll interval, doors too", Label("K2"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.connect()
		t.apply("kind: KisiGroup\nmetadata: {name: premium}\nspec: {managed: {name: Premium, doors: [{name: Entrance}]}}")
		t.eventually(&v1alpha1.KisiGroup{}, "premium", "True", "Bound")
		t.act(simulator.Action{Action: simulator.ActionRemoveLock, Group: "Premium", Lock: "Entrance"})
		Eventually(func() []string { return t.doorsOf("Premium") }).Should(Equal([]string{"Entrance"}))
		t.act(simulator.Action{Action: simulator.ActionAddLock, Group: "Premium", Lock: "Uptown Door"})
		Eventually(func() []string { return t.doorsOf("Premium") }).Should(Equal([]string{"Entrance"}))
		t.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Premium", Name: "Renamed"})
		Eventually(func() int {
			for _, g := range t.kisi.State().Organizations[0].Groups {
				if g.Name == "Premium" {
					return g.ID
				}
			}
			return 0
		}).Should(BeEquivalentTo(get(Default, t, "premium", &v1alpha1.KisiGroup{}).Status.KisiGroupID))

		// What the operator put right is no news to it: from then on only the poll asks.
		t.polled(t.lastRequest(), 2)
		before := t.lastRequest()
		t.polled(before, 2)
		for asked := range t.requestsAfter(before) {
			Expect(asked).To(Or(HavePrefix("POST /event_sets"), HavePrefix("GET /event_sets/"), Equal("GET /groups")))
		}
	})

	It("of a person is respected within a poll interval", Label("P6"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		t.granted("ana")
		t.act(simulator.Action{Action: simulator.ActionSuspendUser, User: "ana@example.com"})
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		t.act(simulator.Action{Action: simulator.ActionResumeUser, User: "ana@example.com"})
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		t.act(simulator.Action{Action: simulator.ActionDeleteUser, User: "ana@example.com"})
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		t.act(simulator.Action{Action: simulator.ActionCreateUser, User: "ana@example.com", Email: "ana@example.com", Name: "Ana"})
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
	})

	It("of a person is found with a complete read, where events may not be read", Label("P6"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusForbidden, Path: "/event_sets*"})
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		t.granted("ana")
		t.act(simulator.Action{Action: simulator.ActionSuspendUser, User: "ana@example.com"})
		before := t.lastRequest()
		t.lookAgain("default")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Withheld")
		Expect(t.requestsAfter(before)["GET /users"]).To(BeNumerically("<=", 3), "the people of each group that has any, a page each")
	})

	It("is nothing where nobody else does anything: own writes are no news", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.begun()
		t.stays(&v1alpha1.KisiGroup{}, "members", "True Bound")
		before := t.lastRequest()
		t.apply(anaInMembers)
		t.granted("ana")
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.FullName = "Ana Pop" })
		Eventually(func(g Gomega) {
			g.Expect(t.member(g, "ana").Status.Accounts).To(HaveExactElements(HaveField("FullName", v1alpha1.FullName("Ana Pop"))))
		}).Should(Succeed())
		written := t.lastRequest()
		t.polled(written, 3)
		for asked := range t.requestsAfter(before) {
			Expect(asked).To(Or(HavePrefix("POST /event_sets"), HavePrefix("GET /event_sets/"),
				Equal("POST /users"), Equal("POST /role_assignments"), HavePrefix("PATCH /users/")))
		}
	})
})

// eventNotes lists what the Events about an object say.
func (t *tenant) eventNotes(object string) []string {
	GinkgoHelper()
	var list eventsv1.EventList
	Expect(admin.List(t.ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
	var notes []string
	for _, event := range list.Items {
		if event.Regarding.Name == object {
			notes = append(notes, event.Note)
		}
	}
	return notes
}

// doorsOf lists the doors of a group in Kisi; none if there is no such group.
func (t *tenant) doorsOf(group string) []string {
	for _, g := range t.kisi.State().Organizations[0].Groups {
		if g.Name == group {
			return g.Locks
		}
	}
	return nil
}

func path(prefix string, id int) string { return fmt.Sprintf("%s%d", prefix, id) }
