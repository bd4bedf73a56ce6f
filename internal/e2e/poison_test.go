package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// aboutPerson tells the requests that are about one person: the user, by id or address, and role assignments of theirs.
func (t *tenant) aboutPerson(email string, assignments ...int) func(simulator.Request) bool {
	user, _ := t.kisi.User("acme", email)
	return func(r simulator.Request) bool {
		query, body := strings.Split(r.Query, "&"), string(r.Body)
		return r.Path == fmt.Sprintf("/users/%d", user.ID) || strings.Contains(body, email) || strings.Contains(r.Query, url.QueryEscape(email)) ||
			strings.Contains(body, fmt.Sprintf(`"assignee_id":%d,`, user.ID)) || slices.Contains(query, fmt.Sprintf("assignee_id=%d", user.ID)) ||
			slices.ContainsFunc(assignments, func(id int) bool { return r.Path == fmt.Sprintf("/role_assignments/%d", id) })
	}
}

// untilTry is how long it takes at least until something that may work at any moment is tried again so many times.
func untilTry(again int) (took time.Duration) {
	for wait := 250 * time.Millisecond; again > 0; again-- {
		took += wait
		wait *= 3
	}
	return took
}

var _ = Describe("A request that Kisi always fails", func() {
	const rate, people = 50, 200

	// Counted is all that is sent because of it: the request itself, looking whether it was carried out, and probes of the
	// key. With the interval its share falls below one in a hundred of what Kisi allows; before, it is a handful of requests.
	DescribeTable("costs the others next to nothing",
		func(ctx SpecContext, askers int, poison func(t *tenant, row string, user int) simulator.Fault, provoke func(t *tenant)) {
			t := newTenant(ctx)
			t.start()
			t.fixture()
			edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.RequestsPerSecond = rate })
			t.apply(ana)
			row := idOf(t.granted("ana"))
			user, _ := t.kisi.User("acme", "ana@example.com")
			connection := func() *v1alpha1.KisiConnection { return get(Default, t, "default", &v1alpha1.KisiConnection{}) }
			since := condition(connection(), v1alpha1.ConditionReady).LastTransitionTime
			fault := poison(t, row, user.ID)
			fault.Kind, fault.Status = simulator.FaultStatus, http.StatusInternalServerError
			t.kisi.fault(fault)
			t.kisi.ResetRequests()
			provoke(t)
			t.importMembers("crowd", people)

			failed := func() []simulator.Request { return t.kisi.Requests(simulator.RequestFilter{Status: fault.Status}) }
			crowd := func() (inside int) {
				for _, row := range t.kisi.Assignments("Members") {
					if strings.HasPrefix(row.User, "crowd-") {
						inside++
					}
				}
				return inside
			}
			Eventually(crowd, "60s", "50ms").Should(Equal(people))
			inside := t.kisi.Clock().Now()
			Eventually(failed, "90s", "50ms").Should(HaveLen(6 * askers))
			tries := failed()
			for i, try := range tries { // of so many tries, one of those who ask has made its share
				Expect(try.Time.Sub(tries[0].Time)).To(BeNumerically(">=", untilTry(i/askers)), "the try %d comes too soon", i+1)
			}
			about := t.aboutPerson("ana@example.com")
			costs := func(from, until time.Time) (costs, all int) {
				for _, r := range t.kisi.Requests(simulator.RequestFilter{}) {
					if !r.Time.Before(from) && r.Time.Before(until) {
						all++
						if about(r) || r.Status == fault.Status || r.Path == "/login" || r.Path == "/organization" {
							costs++
						}
					}
				}
				return costs, all
			}
			first, last, before := tries[0].Time, tries[len(tries)-1].Time, tries[len(tries)-1-askers].Time
			cost, all := costs(first, inside)
			meanwhile := 0
			for _, try := range tries {
				if try.Time.Before(inside) {
					meanwhile++
				}
			}
			AddReportEntry("measured", fmt.Sprintf("%d of %d requests while %d people were let in, in %d tries", cost, all, people, meanwhile))
			Expect(cost).To(BeNumerically("<=", 5*meanwhile), "with looking and a probe for each try")
			allowed := rate * last.Sub(before).Seconds()
			cost, _ = costs(before, last)
			Expect(float64(cost)).To(BeNumerically("<=", allowed/100), "of %.0f requests that Kisi allows from one try to the next", allowed)

			Expect(condition(connection(), v1alpha1.ConditionReady)).To(HaveField("LastTransitionTime", since), "of the connection: it is no outage")
			t.all("crowd", people, "True Granted")
		},
		Entry("to take somebody's access back", 1, func(_ *tenant, row string, _ int) simulator.Fault {
			return simulator.Fault{Method: "DELETE", Path: "/role_assignments/" + row}
		}, suspendAna),
		Entry("to change a name", 1, func(_ *tenant, _ string, user int) simulator.Fault {
			return simulator.Fault{Method: "PATCH", Path: fmt.Sprintf("/users/%d", user)}
		}, func(t *tenant) {
			edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.FullName = "Ana Popescu" })
		}),
		Entry("to read one user, which is asked for by two operations", 2, func(_ *tenant, _ string, user int) simulator.Fault {
			return simulator.Fault{Method: "GET", Path: fmt.Sprintf("/users/%d", user)}
		}, func(t *tenant) {
			t.kisi.act(simulator.Action{Action: simulator.ActionRevoke, User: "ana@example.com", Group: "Members"})
		}),
		Entry("to let one person in", 1, func(_ *tenant, _ string, user int) simulator.Fault {
			return simulator.Fault{Method: "POST", Path: "/role_assignments", Contains: fmt.Sprintf(`"assignee_id":%d,`, user)}
		}, func(t *tenant) {
			t.apply(boardroom)
			edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
				m.Spec.GroupRefs = append(m.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "uptown"})
			})
		}),
		Entry("to make one user", 1, func(*tenant, string, int) simulator.Fault {
			return simulator.Fault{Method: "POST", Path: "/users", Contains: "bob@example.com"}
		}, func(t *tenant) {
			t.apply("kind: Member\nmetadata: {name: bob}\nspec: {email: bob@example.com, groupRefs: [{name: members}]}")
		}),
	)

	// The probe is two requests; what a list does not show is concluded to be gone only after one.
	DescribeTable("of the probe leaves nobody in doubt, and is no outage",
		func(ctx SpecContext, path string) {
			t := newTenant(ctx)
			t.start()
			t.fixture()
			connection := func() *v1alpha1.KisiConnection { return get(Default, t, "default", &v1alpha1.KisiConnection{}) }
			since := condition(connection(), v1alpha1.ConditionReady).LastTransitionTime
			t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Path: path})
			t.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusBadGateway, Method: "POST", Path: "/role_assignments", Count: 1})
			t.apply(ana)
			t.granted("ana")
			Expect(t.kisi.CountRequests(simulator.RequestFilter{Path: path, Status: http.StatusInternalServerError})).To(BeNumerically(">", 0), "the key was probed")
			suspendAna(t)
			Eventually(func() []simulator.Assignment { return t.rows("ana@example.com", "Members") }).Should(BeEmpty())
			Expect(condition(connection(), v1alpha1.ConditionReady)).To(HaveField("LastTransitionTime", since), "of the connection")
			t.nothingDoubled()
		},
		Entry("GET /login", "/login"),
		Entry("GET /organization", "/organization"),
	)
})

func suspendAna(t *tenant) {
	edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
}
