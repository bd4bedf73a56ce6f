package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// crashing is something that an operator does, and how it ends whatever happens to the process meanwhile.
type crashing struct {
	prepare func(*tenant)
	act     func(*tenant)
	ends    func(*tenant, Gomega)
}

// run does it with a process that dies at its step number at, before or after that step is carried out, and with a second
// process that comes after it. It returns the steps that the first process took.
func (c crashing) run(t *tenant, at int, after bool) []string {
	GinkgoHelper()
	first := newMortal("first", at, after)
	t.kisi.mortal.Store(first)
	t.config, t.options.UserAgent, t.options.RequestTimeout = first.config(operatorConfig), first.name, time.Second
	t.start()
	t.fixture()
	edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) {
		c.Spec.ChangePollInterval = &metav1.Duration{Duration: time.Hour} // what is shown here needs no poll
	})
	if c.prepare != nil {
		c.prepare(t)
	}
	first.arm()
	c.act(t)
	if at > 0 {
		// Steps may come in another order than they did when they were counted; if all is done there is none left to die at.
		done := time.Time{}
		Eventually(func() bool {
			switch {
			case first.dead():
				return true
			case !holds(func(g Gomega) { c.ends(t, g) }):
				done = time.Time{}
			case done.IsZero():
				done = time.Now()
			}
			return !done.IsZero() && time.Since(done) > 2*time.Second
		}, "60s").Should(BeTrue(), "step %d is never taken; taken so far: %q", at, first.counted())
	} else {
		Eventually(func(g Gomega) { c.ends(t, g) }, "60s").Should(Succeed())
		t.settled()
	}
	t.stop()
	t.config, t.options.UserAgent = nil, "second"
	t.start()
	where := fmt.Sprintf("killed at step %d of %q", at, first.counted())
	Eventually(func(g Gomega) { c.ends(t, g) }, "60s").Should(Succeed(), where)
	t.ledgersAreTrue(where)
	t.quiet()
	c.ends(t, Default)
	t.nothingDoubled()
	return first.counted()
}

// ledgersAreTrue waits until every row that a ledger has is in Kisi, as it says, and every row of the operator's is in one
// ledger.
func (t *tenant) ledgersAreTrue(when string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		inLedgers := map[int]string{}
		for name, rows := range t.ledgers() {
			for _, row := range rows {
				g.Expect(row.RoleAssignmentID).NotTo(BeZero(), "%s has a row in doubt: %+v", name, row)
				g.Expect(inLedgers).NotTo(HaveKey(int(row.RoleAssignmentID)), "two ledgers have one row")
				inLedgers[int(row.RoleAssignmentID)] = name
			}
		}
		for _, row := range t.kisi.State().Organizations[0].Assignments {
			if row.CreatedBy != "olga@acme.example" || row.Role != "group_basic" {
				continue
			}
			g.Expect(inLedgers).To(HaveKey(row.ID), "no ledger has the row of %s in %s", row.User, row.Name)
			delete(inLedgers, row.ID)
		}
		g.Expect(inLedgers).To(BeEmpty(), "these rows are not in Kisi")
	}).Should(Succeed(), when)
}

var _ = Describe("A process that is killed", func() {
	// Every tenant is a Kisi, a namespace and two operators of its own, so several can be tried at once.
	const atOnce = 3

	DescribeTable("at any of its writes, before or after it is carried out, loses nothing and doubles nothing",
		func(ctx SpecContext, c crashing) {
			steps := c.run(newTenant(ctx, "duplicates=AlwaysNew"), 0, false)
			GinkgoWriter.Printf("%d steps:\n%s\n", len(steps), strings.Join(steps, "\n"))
			Expect(len(steps)).To(BeNumerically(">=", 2), "%q", steps)
			var tries sync.WaitGroup
			free := make(chan struct{}, atOnce)
			for at := 1; at <= len(steps); at++ {
				if countsOnly(steps[at-1]) {
					continue // written at most every few seconds, so when is a matter of chance
				}
				for _, after := range []bool{false, true} {
					t := newTenant(ctx, "duplicates=AlwaysNew") // Kisi itself would not keep it from doubling
					tries.Go(func() {
						free <- struct{}{}
						defer func() { <-free }()
						defer GinkgoRecover()
						c.run(t, at, after)
						t.stop()
					})
				}
			}
			tries.Wait()
		},
		Entry("while it lets a new person in", crashing{
			act: func(t *tenant) { t.apply(ana) },
			ends: func(t *tenant, g Gomega) {
				member := t.member(g, "ana")
				g.Expect(readyOf(member)).To(Equal("True Granted"), messageOf(member))
				g.Expect(member.Status.Accounts).To(HaveExactElements(HaveField("Origin", v1alpha1.AccountCreated)))
				g.Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
			},
		}),
		Entry("while it takes back what a person had", crashing{
			prepare: func(t *tenant) { t.apply(ana); t.granted("ana") },
			act:     func(t *tenant) { t.delete(&v1alpha1.Member{}, "ana") },
			ends: func(t *tenant, g Gomega) {
				g.Expect(t.exists(&v1alpha1.Member{}, "ana")).To(BeFalse())
				g.Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
				g.Expect(t.kisi.Assignments("Members")).To(HaveLen(1), "an admin's own grant stays")
			},
		}),
		Entry("while it moves the end of a window that is open", crashing{
			prepare: func(t *tenant) {
				t.apply(boardroom)
				t.apply(bookingOf("b1", "-1m", "1h"))
				t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
			},
			act: func(t *tenant) { t.apply(bookingOf("b1", "-1m", "2h")) },
			ends: func(t *tenant, g Gomega) {
				g.Expect(readyOf(get(g, t, "b1", &v1alpha1.BookingGrant{}))).To(Equal("True Granted"))
				rows := t.rows("ana@example.com", "Boardroom")
				g.Expect(rows).To(HaveLen(1))
				g.Expect(*rows[0].ValidUntil).To(BeTemporally("==", get(g, t, "b1", &v1alpha1.BookingGrant{}).Spec.EndTime.Time))
			},
		}),
		Entry("while another Member comes to stand for the person", crashing{
			prepare: func(t *tenant) {
				t.apply(boardroom)
				t.apply(bookingOf("b1", "-1m", "1h"))
				t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
			},
			act: func(t *tenant) { t.apply(ana) },
			ends: func(t *tenant, g Gomega) {
				g.Expect(readyOf(t.member(g, "ana"))).To(Equal("True Granted"))
				g.Expect(t.member(g, "ana").Status.Grants).To(HaveLen(2))
				g.Expect(t.exists(&v1alpha1.Member{}, implicitName("ana@example.com"))).To(BeFalse())
				g.Expect(t.rows("ana@example.com", "Boardroom")).To(HaveLen(1))
				g.Expect(t.rows("ana@example.com", "Members")).To(HaveLen(1))
			},
		}),
		Entry("while it makes a managed group, with its door", crashing{
			act: func(t *tenant) {
				t.apply("kind: KisiGroup\nmetadata: {name: lab}\nspec: {managed: {name: Lab, doors: [{name: Entrance}]}}")
				t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, groupRefs: [{name: lab}]}")
			},
			ends: func(t *tenant, g Gomega) {
				g.Expect(readyOf(get(g, t, "lab", &v1alpha1.KisiGroup{}))).To(Equal("True Bound"))
				g.Expect(readyOf(t.member(g, "ana"))).To(Equal("True Granted"))
				groups := slices.DeleteFunc(t.kisi.State().Organizations[0].Groups, func(group simulator.GroupState) bool { return group.Name != "Lab" })
				g.Expect(groups).To(HaveLen(1), "groups called Lab")
				g.Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
			},
		}),
		Entry("while it takes everything back because its connection goes", crashing{
			prepare: func(t *tenant) {
				edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.DisconnectPolicy = v1alpha1.DisconnectRevoke })
				t.apply(ana)
				t.granted("ana")
			},
			act: func(t *tenant) { t.delete(&v1alpha1.KisiConnection{}, "default") },
			ends: func(t *tenant, g Gomega) {
				g.Expect(t.exists(&v1alpha1.KisiConnection{}, "default")).To(BeFalse())
				g.Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
				g.Expect(t.member(g, "ana").Status.Grants).To(BeEmpty())
			},
		}),
	)
})

// countsOnly tells the writes that do not belong to what is shown: counts, which follow when they follow.
func countsOnly(step string) bool {
	return strings.HasPrefix(step, "Kubernetes: PUT kisiconnections/") && strings.HasSuffix(step, "/status") ||
		strings.HasPrefix(step, "Kubernetes: PUT kisigroups/members/status")
}

// holds reports whether an assertion passes.
func holds(assertion func(Gomega)) (passes bool) {
	type failed struct{}
	defer func() {
		if reason := recover(); reason != nil {
			if _, expected := reason.(failed); !expected {
				panic(reason)
			}
		}
	}()
	assertion(NewGomega(func(string, ...int) { panic(failed{}) }))
	return true
}
