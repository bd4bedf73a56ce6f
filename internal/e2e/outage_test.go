package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// all waits until every Member of an import says so.
func (t *tenant) all(prefix string, count int, statusAndReason string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		var members v1alpha1.MemberList
		g.Expect(admin.List(t.ctx, &members, client.InNamespace(t.namespace))).To(Succeed())
		differ := map[string]int{}
		for i := range count {
			name := fmt.Sprintf("%s-%d", prefix, i)
			at := slices.IndexFunc(members.Items, func(m v1alpha1.Member) bool { return m.Name == name })
			g.Expect(at).To(BeNumerically(">=", 0), "there is no Member %s", name)
			if found := readyOf(&members.Items[at]); found != statusAndReason {
				differ[found]++
			}
		}
		g.Expect(differ).To(BeEmpty())
	}, "60s", "100ms").Should(Succeed())
}

var _ = Describe("While Kisi is down", func() {
	// A few different requests fail before Kisi is suspected to be down. As many as may be in flight have left until then, as
	// many again while the probe that decides is under way, and where nothing answers, the first of these end before the probe.
	const people, rate, inFlight = 50, 20, 8

	DescribeTable("one probe at growing intervals is all that is sent, and everything goes on by itself when it is back, the most urgent first",
		func(ctx SpecContext, fault simulator.Fault, mostFailed int) {
			t := newTenant(ctx)
			t.options.RequestTimeout = requestTimeout
			t.start()
			t.fixture()
			edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.RequestsPerSecond = rate })
			t.apply(boardroom)
			t.eventually(&v1alpha1.PlaceMapping{}, "boardroom", "True", "Resolved")
			t.apply(ana)
			t.granted("ana")

			end := t.kisi.fault(fault)
			t.kisi.ResetRequests()
			t.importMembers("crowd", people)
			t.connection(v1alpha1.ConditionReady, "False Unreachable")
			t.book("b1", "bob@example.com")
			t.delete(&v1alpha1.Member{}, "ana")
			t.gone(&v1alpha1.Member{}, "ana")
			t.all("crowd", people, "False ConnectionNotReady")
			t.notReady(&v1alpha1.BookingGrant{}, "b1", "ConnectionNotReady")
			probes := func() int { return t.kisi.CountRequests(simulator.RequestFilter{Path: "/login"}) }
			Eventually(probes).Should(BeNumerically(">=", 2))
			asked := t.kisi.Requests(simulator.RequestFilter{})
			others := slices.DeleteFunc(slices.Clone(asked), func(r simulator.Request) bool { return r.Path == "/login" })
			Expect(len(others)).To(BeNumerically("<=", mostFailed), "what it takes to see that Kisi is down")
			last := slices.IndexFunc(asked, func(r simulator.Request) bool { return r.ID == others[len(others)-1].ID })
			Expect(asked[last+1:]).NotTo(BeEmpty(), "nobody else asks")
			Expect(probes()).To(BeNumerically("<=", 8)) // net/http repeats a GET whose kept connection was closed
			Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1), "nothing could be taken back so far")

			end()
			t.kisi.ResetRequests()
			t.connection(v1alpha1.ConditionReady, "True Connected")
			t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
			Expect(t.kisi.CountRequests(simulator.RequestFilter{Method: "POST", Path: "/users"})).To(BeNumerically("<", people/2),
				"a booking that is open does not wait for the import")
			t.all("crowd", people, "True Granted")
			Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }).Should(BeEmpty())
			back := t.kisi.Requests(simulator.RequestFilter{})
			for i := rate; i < len(back); i++ {
				Expect(back[i].Time.Sub(back[i-rate].Time)).To(BeNumerically(">=", 950*time.Millisecond), "%d requests, at %d a second", rate+1, rate)
			}
			Expect(t.kisi.CountRequests(simulator.RequestFilter{Method: "POST", Path: "/role_assignments"})).To(Equal(people + 1))
			t.nothingDoubled()
		},
		Entry("by 503", simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusServiceUnavailable}, 2*inFlight),
		Entry("by 429 for ever", simulator.Fault{Kind: simulator.FaultTooManyRequests}, 30), // one at a time, for ten seconds
		Entry("by no answer", simulator.Fault{Kind: simulator.FaultDropBefore, Latency: simulator.Duration(time.Minute)}, 3*inFlight),
	)

	It("a single failure costs nothing, and no object says anything of it", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		connection := get(Default, t, "default", &v1alpha1.KisiConnection{})
		transition := condition(connection, v1alpha1.ConditionReady).LastTransitionTime
		t.kisi.ResetRequests()
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusBadGateway, Method: "POST", Path: "/users", Count: 1})
		t.importMembers("crowd", 5)
		t.all("crowd", 5, "True Granted")
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Path: "/login"})).To(BeZero())
		get(Default, t, "default", connection)
		Expect(condition(connection, v1alpha1.ConditionReady).LastTransitionTime).To(Equal(transition))
		t.nothingDoubled()
	})

	It("an operator that starts asks once for all of its connections, and nothing that was recorded is taken back", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		t.stop()
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusServiceUnavailable})
		t.kisi.ResetRequests()
		t.start()
		t.connection(v1alpha1.ConditionReady, "False Unreachable")
		Expect(t.kisi.Requests(simulator.RequestFilter{})).To(HaveEach(HaveField("Path", "/login")))
		Expect(t.kisi.CountRequests(simulator.RequestFilter{})).To(BeNumerically("<=", 2))
		end()
		t.granted("ana")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
	})
})

var _ = Describe("What Kisi always fails", func() {
	// One row that makes Kisi stumble is no outage: everybody else goes on, and it is tried at growing intervals.
	It("for one person holds up nobody else", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.options.RequestTimeout = 500 * time.Millisecond
		t.start()
		t.fixture()
		t.apply(ana)
		poisoned := fmt.Sprintf("/role_assignments/%s", idOf(t.granted("ana")))
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Method: "DELETE", Path: poisoned})
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		t.asked("DELETE", poisoned)
		begin := time.Now()
		t.importMembers("crowd", 20)
		t.all("crowd", 20, "True Granted")
		tries := func() int { return t.kisi.CountRequests(simulator.RequestFilter{Method: "DELETE", Path: poisoned}) }
		Eventually(tries).Should(BeNumerically(">=", 3))
		Expect(time.Since(begin)).To(BeNumerically(">=", untilTry(2)-100*time.Millisecond), "at growing intervals")
		end()
		Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }, "60s").Should(BeEmpty())
	})

	// Whatever it is that Kisi always fails: it is asked for at growing intervals, nobody else waits for it, and it is no
	// outage.
	DescribeTable("is asked for less and less often, and holds up nobody else",
		func(ctx SpecContext, poison func(t *tenant) simulator.Fault, provoke func(t *tenant)) {
			t := newTenant(ctx)
			t.start()
			t.fixture()
			edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.RequestsPerSecond = 50 })
			t.apply(ana)
			t.granted("ana")
			since := condition(get(Default, t, "default", &v1alpha1.KisiConnection{}), v1alpha1.ConditionReady).LastTransitionTime
			t.kisi.ResetRequests()
			fault := poison(t)
			fault.Kind, fault.Status = simulator.FaultStatus, http.StatusInternalServerError
			end := t.kisi.fault(fault)
			provoke(t)
			t.importMembers("crowd", 40)
			tries := func() []simulator.Request { return t.kisi.Requests(simulator.RequestFilter{Status: fault.Status}) }
			Eventually(tries, "60s").Should(HaveLen(3))
			for i, try := range tries() {
				Expect(try.Time.Sub(tries()[0].Time)).To(BeNumerically(">=", untilTry(i)), "try %d comes too soon", i+1)
			}
			t.all("crowd", 40, "True Granted")
			Expect(t.kisi.CountRequests(simulator.RequestFilter{Path: "/login"})).To(BeNumerically("<=", 2), "nobody suspects an outage for long")
			connection := get(Default, t, "default", &v1alpha1.KisiConnection{})
			Expect(condition(connection, v1alpha1.ConditionReady).LastTransitionTime).To(Equal(since), "of the connection")
			end()
			t.apply("kind: KisiGroup\nmetadata: {name: late}\nspec: {existing: {name: Late}}")
			t.apply("kind: Member\nmetadata: {name: bob}\nspec: {email: bob@example.com, groupRefs: [{name: late}]}")
			t.granted("bob")
		},
		Entry("the rows of one group", rowsOfLate, lateComes),
		Entry("the users of one group", usersOfLate, lateComes),
		Entry("one group", func(*tenant) simulator.Fault {
			return simulator.Fault{Method: "GET", Path: "/groups", Query: "*Late*"}
		}, lateComes),
		Entry("the name of one person", func(t *tenant) simulator.Fault {
			user, _ := t.kisi.User("acme", "ana@example.com")
			return simulator.Fault{Method: "PATCH", Path: fmt.Sprintf("/users/%d", user.ID)}
		}, func(t *tenant) {
			edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.FullName = "Ana Popescu" })
		}),
		Entry("the audit trail", func(*tenant) simulator.Fault { return simulator.Fault{Path: "/event_sets*"} }, func(*tenant) {}),
	)

	It("by an answer is over then: looking tells at once, however long a request may take", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.options.RequestTimeout = 2 * time.Minute
		t.start()
		t.fixture()
		t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Method: "POST", Path: "/role_assignments", Count: 1})
		t.apply(ana)
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }, "20s").Should(BeTrue())
		t.granted("ana")
		t.nothingDoubled()
	})

	It("when it is asked to let somebody in is asked at growing intervals, after looking each time", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.options.RequestTimeout = 200 * time.Millisecond
		t.start()
		t.fixture()
		t.kisi.ResetRequests()
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Method: "POST", Path: "/role_assignments"})
		t.apply(ana)
		creates := simulator.RequestFilter{Method: "POST", Path: "/role_assignments"}
		Eventually(func() int { return t.kisi.CountRequests(creates) }, "60s").Should(BeNumerically(">=", 4))
		tries := t.kisi.Requests(creates)
		for i := 1; i < 4; i++ {
			Expect(tries[i].Time.Sub(tries[i-1].Time)).To(BeNumerically(">=", untilTry(i)-untilTry(i-1)), "between try %d and the next", i)
		}
		end()
		t.granted("ana")
		t.nothingDoubled()
	})
})

func lateComes(t *tenant) {
	t.apply("kind: KisiGroup\nmetadata: {name: late}\nspec: {existing: {name: Late}}")
}

func rowsOfLate(t *tenant) simulator.Fault {
	return simulator.Fault{Method: "GET", Path: "/role_assignments", Query: fmt.Sprintf("*applies_to_id=%d*", t.groupID("Late"))}
}

func usersOfLate(t *tenant) simulator.Fault {
	t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Late"})
	return simulator.Fault{Method: "GET", Path: "/users", Query: fmt.Sprintf("*group_id=%d*", t.groupID("Late"))}
}
