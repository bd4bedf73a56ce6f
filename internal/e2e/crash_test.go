package e2e

import (
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// requestTimeout is how long a write without an answer stays in doubt where a spec waits for it.
const requestTimeout = 2 * time.Second

// asked waits until Kisi has been asked for something.
func (t *tenant) asked(method, path string) {
	GinkgoHelper()
	Eventually(func() int { return t.kisi.CountRequests(simulator.RequestFilter{Method: method, Path: path}) }).
		Should(BeNumerically(">", 0), "%s %s", method, path)
}

var _ = Describe("A crash", func() {
	const aWhile = simulator.Duration(5 * time.Second)

	It("in the middle of a booking leaves the door open until the booking's end and no longer", func(ctx SpecContext) {
		t := newTenant(ctx)
		kill := t.startProcess()
		t.fixture()
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		kill()
		unlock := func(offset time.Duration) bool {
			decision, err := t.kisi.TryUnlock("acme", "ana@example.com", "Boardroom", simulator.Attempt{AtTheDoor: true}, t.kisi.Clock().Now().Add(offset))
			Expect(err).NotTo(HaveOccurred())
			return decision.Allowed
		}
		Expect(unlock(0)).To(BeTrue())
		Expect(unlock(59 * time.Minute)).To(BeTrue())
		Expect(unlock(time.Hour+time.Second)).To(BeFalse(), "with no operator at all")

		t.start()
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.quiet()
		t.nothingDoubled()
	})

	DescribeTable("while Kisi is being asked loses nothing and doubles nothing", func(ctx SpecContext, fault simulator.Fault) {
		t := newTenant(ctx)
		kill := t.startProcess()
		t.fixture()
		fault.Count, fault.Latency = 1, aWhile
		t.fault(fault)
		t.apply(ana)
		t.asked(fault.Method, fault.Path)
		kill()
		t.options.RequestTimeout = requestTimeout
		t.start()
		member := t.granted("ana")
		Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountCreated), "its metadata carries the Member's uid")
		rows := t.rows("ana@example.com", "Members")
		Expect(rows).To(HaveLen(1))
		Expect(idOf(member)).To(Equal(fmt.Sprint(rows[0].ID)))
		t.quiet()
		t.nothingDoubled()
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
	},
		Entry("for a user that is made", simulator.Fault{Kind: simulator.FaultLatency, Method: "POST", Path: "/users"}),
		Entry("for a user that is not made", simulator.Fault{Kind: simulator.FaultDropBefore, Method: "POST", Path: "/users"}),
		Entry("for a row that is made", simulator.Fault{Kind: simulator.FaultLatency, Method: "POST", Path: "/role_assignments"}),
		Entry("for a row that is not made", simulator.Fault{Kind: simulator.FaultDropBefore, Method: "POST", Path: "/role_assignments"}),
	)

	It("while a row is taken back takes it back, once", func(ctx SpecContext) {
		t := newTenant(ctx)
		kill := t.startProcess()
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		t.fault(simulator.Fault{Kind: simulator.FaultLatency, Method: "DELETE", Count: 1, Latency: aWhile})
		t.delete(&v1alpha1.Member{}, "ana")
		t.asked("DELETE", "/role_assignments/*")
		kill()
		t.start()
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
		Expect(t.kisi.Assignments("Members")).To(HaveLen(1))
	})

	It("is not what an orderly end is: the answer under way is written down before the process ends", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.fault(simulator.Fault{Kind: simulator.FaultLatency, Method: "POST", Path: "/role_assignments", Count: 1, Latency: simulator.Duration(300 * time.Millisecond)})
		t.apply(ana)
		t.asked("POST", "/role_assignments")
		t.stop()
		member := t.member(Default, "ana")
		Expect(member.Status.Grants).To(HaveLen(1))
		Expect(member.Status.Grants[0].State).To(Equal(v1alpha1.GrantActive))
		t.kisi.ResetRequests()
		t.start()
		t.granted("ana")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
	})
})

var _ = Describe("An answer that does not come", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.options.RequestTimeout = requestTimeout
		t.start()
		t.fixture()
		t.kisi.ResetRequests()
	})

	It("to a row that was made is found out by looking, never by asking again", func() {
		t.fault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/role_assignments", Count: 1})
		t.apply(ana)
		member := t.granted("ana")
		Expect(idOf(member)).To(Equal(fmt.Sprint(t.rows("ana@example.com", "Members")[0].ID)))
		t.quiet()
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
		t.nothingDoubled()
	})

	It("to a user that was made ends in one user of ours", func() {
		t.fault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/users", Count: 1})
		t.apply(ana)
		member := t.granted("ana")
		Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountCreated))
		t.nothingDoubled()
	})

	It("to a revocation is asked for until the row is gone", func() {
		t.apply(ana)
		t.granted("ana")
		t.fault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "DELETE", Count: 1})
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
	})

	It("for any other reason leads to everybody being in once", func() {
		for _, fault := range []simulator.Fault{
			{Kind: simulator.FaultTooManyRequests, Method: "POST", Path: "/users"},
			{Kind: simulator.FaultStatus, Status: 500, Method: "POST", Path: "/users"},
			{Kind: simulator.FaultDropBefore, Method: "POST", Path: "/users"},
			{Kind: simulator.FaultTooManyRequests, Method: "POST", Path: "/role_assignments"},
			{Kind: simulator.FaultStatus, Status: 500, Method: "POST", Path: "/role_assignments"},
			{Kind: simulator.FaultDropBefore, Method: "POST", Path: "/role_assignments"},
			{Kind: simulator.FaultGarbage, Method: "POST", Path: "/role_assignments"},
			{Kind: simulator.FaultLatency, Latency: simulator.Duration(time.Second), Method: "POST", Path: "/role_assignments"},
		} {
			fault.Count = 1
			t.fault(fault)
		}
		const people = 8
		for i := range people {
			t.apply(fmt.Sprintf("kind: Member\nmetadata: {name: m%d}\nspec: {email: m%d@example.com, groupRefs: [{name: members}]}", i, i))
		}
		for i := range people {
			name := fmt.Sprintf("m%d", i)
			Eventually(func(g Gomega) {
				g.Expect(readyOf(t.member(g, name))).To(Equal("True Granted"))
			}, "40s").Should(Succeed())
			Expect(t.rows(name+"@example.com", "Members")).To(HaveLen(1))
		}
		t.quiet()
		t.nothingDoubled()
	})
})

var _ = Describe("A read that fails or falls short", func() {
	DescribeTable("while a request is in doubt neither revokes nor repeats", func(ctx SpecContext, fault simulator.Fault) {
		t := newTenant(ctx)
		t.options.RequestTimeout = time.Second / 2 // so that a second look may call what it does not find absent
		t.start()
		t.fixture()
		t.apply(ana)
		t.granted("ana")
		foreign := t.rows("mara@acme.example", "Members")
		kept := t.rows("ana@example.com", "Members")
		t.kisi.ResetRequests()
		fault.Method, fault.Path, fault.Query = "GET", "/role_assignments", "*assignee_id=*"
		t.fault(fault)
		t.fault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/role_assignments", Count: 1})
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = append(m.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "uptown"})
		})
		Eventually(t.reads).Should(WithTransform(ofOnePerson, Satisfy(func(reads []string) bool { return len(reads) >= 2 })))
		Expect(t.member(Default, "ana").Status.Grants).To(ContainElement(HaveField("State", v1alpha1.GrantPending)))
		t.kisi.ClearFaults()
		member := &v1alpha1.Member{}
		Eventually(func(g Gomega) {
			member = t.member(g, "ana")
			g.Expect(readyOf(member)).To(Equal("True Granted"), messageOf(member))
			g.Expect(member.Status.Grants).To(HaveLen(2))
			g.Expect(member.Status.Grants).To(HaveEach(HaveField("State", v1alpha1.GrantActive)))
		}).Should(Succeed())
		Expect(t.rows("ana@example.com", "Uptown")).To(HaveLen(1))
		Expect(t.rows("ana@example.com", "Members")).To(Equal(kept))
		Expect(t.rows("mara@acme.example", "Members")).To(Equal(foreign))
		Expect(t.writes()).To(Equal([]string{"POST /role_assignments"}))
	},
		Entry("by a short page", simulator.Fault{Kind: simulator.FaultShortPage}),
		Entry("by a repeated row", simulator.Fault{Kind: simulator.FaultRepeatedRow}),
		Entry("by a total that moves", simulator.Fault{Kind: simulator.FaultMovingTotal}),
		Entry("by an empty page with a positive total", simulator.Fault{Kind: simulator.FaultEmptyPage}),
		Entry("by garbage", simulator.Fault{Kind: simulator.FaultGarbage}),
		Entry("by an error", simulator.Fault{Kind: simulator.FaultStatus, Status: 500}),
	)
})

// ofOnePerson picks the reads of everything that is assigned to one person.
func ofOnePerson(reads []string) []string {
	return slices.DeleteFunc(reads, func(read string) bool {
		return !strings.HasPrefix(read, "/role_assignments?") || !strings.Contains(read, "assignee_id=")
	})
}

var _ = Describe("Two operators at once", func() {
	It("double nothing", func(ctx SpecContext) {
		t := newTenant(ctx, "duplicates=AlwaysNew") // Kisi itself would not keep them from it
		t.start()
		first := t.stop
		t.start()
		second := t.stop
		t.stop = func() { first(); second() }
		t.fixture()
		t.apply(boardroom)
		// Both are past their reading of a Member before either writes its intent.
		t.fault(simulator.Fault{Kind: simulator.FaultLatency, Method: "POST", Path: "/users", Latency: simulator.Duration(200 * time.Millisecond)})
		const people = 20
		for i := range people {
			t.apply(fmt.Sprintf("kind: Member\nmetadata: {name: m%d}\nspec: {email: m%d@example.com, groupRefs: [{name: members}]}", i, i))
		}
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		for i := range people {
			member := t.granted(fmt.Sprintf("m%d", i))
			Expect(member.Status.Grants).To(HaveLen(1))
			Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountCreated))
		}
		Expect(t.kisi.Assignments("Members")).To(HaveLen(people + 1))
		t.nothingDoubled()
		t.apply(bookingOf("b1", "-1m", "2h"))
		Eventually(func(g Gomega) {
			rows := t.rows("ana@example.com", "Boardroom")
			g.Expect(rows).To(HaveLen(1))
			g.Expect(*rows[0].ValidUntil).To(BeTemporally("==", get(g, t, "b1", &v1alpha1.BookingGrant{}).Spec.EndTime.Time))
		}).Should(Succeed())
		t.approveRevocations() // the limit is not what this is about
		for i := range people {
			t.delete(&v1alpha1.Member{}, fmt.Sprintf("m%d", i))
		}
		for i := range people {
			t.gone(&v1alpha1.Member{}, fmt.Sprintf("m%d", i))
		}
		Expect(t.kisi.Assignments("Members")).To(HaveLen(1))
	})
})
