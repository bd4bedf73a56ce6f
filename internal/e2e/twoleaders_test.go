package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

var _ = Describe("A request of the process before", func() {
	// The delay is shorter than a request may take, and longer than it takes the next process to look.
	const delay, requestTimeout = 3 * time.Second, 5 * time.Second

	DescribeTable("that Kisi carries out only after the next process has started", func(ctx SpecContext, method, path string) {
		t := newTenant(ctx, "duplicates=AlwaysNew")
		kill := t.startProcess()
		t.fixture()
		t.fault(simulator.Fault{Kind: simulator.FaultDelayBefore, Method: method, Path: path, Latency: simulator.Duration(delay), Count: 1})
		t.apply(ana)
		t.asked(method, path)
		kill()
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty(), "it has not been carried out yet")
		t.options.RequestTimeout = requestTimeout
		t.start()
		member := t.granted("ana")
		rows := t.rows("ana@example.com", "Members")
		Expect(rows).To(HaveLen(1))
		Expect(idOf(member)).To(Equal(fmt.Sprint(rows[0].ID)))
		Eventually(func() []simulator.Request {
			return t.kisi.Requests(simulator.RequestFilter{Method: method, Path: path, Status: 0})
		}).ShouldNot(ContainElement(HaveField("Status", 0)), "the late one is done by now")
		t.quiet()
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Method: "POST", Path: "/role_assignments"})).To(Equal(1), "asked for once")
		t.nothingDoubled()
		t.ledgersAreTrue("after the late request")
	},
		Entry("to let somebody in is found, and not made again", "POST", "/role_assignments"),
		Entry("to make a user makes no second one", "POST", "/users"),
	)

	It("to take a row back, carried out late, does no harm to the next", func(ctx SpecContext) {
		t := newTenant(ctx)
		kill := t.startProcess()
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		t.fault(simulator.Fault{Kind: simulator.FaultDelayBefore, Method: "DELETE", Latency: simulator.Duration(delay), Count: 1})
		t.delete(&v1alpha1.Member{}, "ana")
		t.asked("DELETE", "/role_assignments/*")
		kill()
		t.start()
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
		Expect(t.kisi.Assignments("Members")).To(HaveLen(1), "an admin's own grant stays")
	})
})

var _ = Describe("Two operators at once, without a lease between them,", func() {
	const people = 8

	DescribeTable("double nothing and lose nothing while one of them is still in a request", func(ctx SpecContext, fault simulator.Fault) {
		t := newTenant(ctx, "duplicates=AlwaysNew") // Kisi itself would not keep them from it
		t.options.RequestTimeout = 3 * time.Second
		t.start()
		first := t.stop
		t.start()
		second := t.stop
		t.stop = func() { first(); second() }
		t.fixture()
		begun := time.Now()
		// Both have worked for longer than a request may take, so neither is careful because it has just started.
		Eventually(func() bool { return time.Since(begun) > t.options.RequestTimeout }).Should(BeTrue())
		fault.Latency = simulator.Duration(2 * time.Second)
		fault.Count = people / 2
		t.fault(fault)
		t.importMembers("crowd", people)
		t.all("crowd", people, "True Granted")
		t.quiet()
		Expect(t.kisi.Assignments("Members")).To(HaveLen(people + 1))
		t.nothingDoubled()
		t.ledgersAreTrue("after two operators")
	},
		Entry("that is carried out late", simulator.Fault{Kind: simulator.FaultDelayBefore, Method: "POST", Path: "/role_assignments"}),
		Entry("that is answered late", simulator.Fault{Kind: simulator.FaultLatency, Method: "POST", Path: "/role_assignments"}),
		Entry("about a user that is made late", simulator.Fault{Kind: simulator.FaultDelayBefore, Method: "POST", Path: "/users"}),
	)
})
