package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// windowChange is a change of what one person is given, while the person has it.
type windowChange struct {
	is string
	// bookings by name, as start and end; those not named stay as they are.
	bookings map[string][2]string
}

// windowChanges follow one another.
var windowChanges = []windowChange{
	{"extended", map[string][2]string{"b1": {"-30m", "90m"}}},
	{"shortened", map[string][2]string{"b1": {"-30m", "30m"}}},
	{"moved away from now", map[string][2]string{"b1": {"20m", "90m"}}},
	{"moved back", map[string][2]string{"b1": {"-10m", "60m"}}},
	{"moved to another time", map[string][2]string{"b1": {"2h", "3h"}}},
	{"moved from another time", map[string][2]string{"b1": {"-10m", "1h"}}},
	{"joined by another one", map[string][2]string{"b2": {"45m", "2h"}}},
	{"split in two", map[string][2]string{"b1": {"-10m", "30m"}}},
	{"joined again", map[string][2]string{"b1": {"-10m", "50m"}}},
}

// changeWatch is what is seen of a person at a door while something changes.
type changeWatch struct {
	t        *tenant
	old      []window
	began    time.Time
	requests int // so far
	rows     []window
	end      func()
}

// watchChange looks at Ana's rows in the boardroom after every request from now on.
func (t *tenant) watchChange() *changeWatch {
	c := &changeWatch{t: t, old: t.bookedWindows(), began: t.kisi.Clock().Now()}
	for _, r := range t.kisi.Requests(simulator.RequestFilter{}) {
		c.requests = r.ID
	}
	c.end = t.kisi.watch(func() {
		now := t.kisi.Clock().Now()
		for _, row := range t.rows("ana@example.com", "Boardroom") {
			c.rows = append(c.rows, windowOf(row, now))
		}
	})
	return c
}

// windowOf is what a row gives from now on.
func windowOf(row simulator.Assignment, now time.Time) window {
	w := window{now, now.AddDate(10, 0, 0)}
	if row.ValidFrom != nil && row.ValidFrom.After(now) {
		w.from = *row.ValidFrom
	}
	if row.ValidUntil != nil {
		w.until = *row.ValidUntil
	}
	return w
}

// bookedWindows are the windows of all bookings, joined where they overlap.
func (t *tenant) bookedWindows() []window {
	GinkgoHelper()
	var bookings v1alpha1.BookingGrantList
	Expect(admin.List(t.ctx, &bookings, client.InNamespace(t.namespace))).To(Succeed())
	var windows []window
	for _, b := range bookings.Items {
		windows = append(windows, window{b.Spec.StartTime.Time, b.Spec.EndTime.Time})
	}
	slices.SortFunc(windows, func(a, b window) int { return a.from.Compare(b.from) })
	var joined []window
	for _, w := range windows {
		if last := len(joined) - 1; last >= 0 && !w.from.After(joined[last].until) {
			if w.until.After(joined[last].until) {
				joined[last].until = w.until
			}
			continue
		}
		joined = append(joined, w)
	}
	return joined
}

// settledOn waits until Kisi and the ledger hold exactly the windows: where Kisi takes one row of a pair only, the first
// of them, and the others wait.
func (t *tenant) settledOn(wanted []window) {
	GinkgoHelper()
	inKisi := wanted
	if t.kisi.refusesOverlaps() {
		inKisi = wanted[:1]
	}
	Eventually(func(g Gomega) {
		now := t.kisi.Clock().Now()
		var rows []window
		for _, row := range t.rows("ana@example.com", "Boardroom") {
			if w := windowOf(row, now); w.until.After(now) {
				rows = append(rows, w)
			}
		}
		slices.SortFunc(rows, func(a, b window) int { return a.from.Compare(b.from) })
		g.Expect(rows).To(HaveLen(len(inKisi)), "rows in Kisi")
		member := t.implicit(g, "ana@example.com")
		grants := slices.DeleteFunc(member.Status.Grants, func(row v1alpha1.MemberGrant) bool { return row.State == v1alpha1.GrantEnded })
		g.Expect(grants).To(HaveLen(len(wanted)), "rows of the ledger")
		for i, w := range inKisi {
			g.Expect(rows[i].until).To(BeTemporally("==", w.until))
			if w.from.After(now) {
				g.Expect(rows[i].from).To(BeTemporally("==", w.from))
			}
			g.Expect(rows[i].contains(now)).To(Equal(w.contains(now)))
		}
		for _, row := range grants {
			g.Expect(row.State).To(BeElementOf(v1alpha1.GrantActive, v1alpha1.GrantScheduled, v1alpha1.GrantQueued))
			g.Expect(row.ChangingTo).To(BeNil())
		}
		g.Expect(readyOf(member)).To(HavePrefix("True "), messageOf(member))
	}).Should(Succeed())
}

// finish checks what was seen and returns how long the person was locked out of what both the old windows and the new
// ones give, and the requests about rows.
func (c *changeWatch) finish() (gap time.Duration, requests []string) {
	GinkgoHelper()
	wanted := c.t.bookedWindows()
	c.t.settledOn(wanted)
	c.end()
	ended := c.t.kisi.Clock().Now()
	allowed := append(slices.Clone(c.old), wanted...)
	for _, row := range c.rows {
		Expect(within(row, allowed)).To(BeTrue(), "a row [%s, %s) gives more than the old and the new windows, %v", row.from, row.until, allowed)
	}
	intervals, err := c.t.kisi.AccessIntervals("acme", "ana@example.com", "Boardroom", c.began, ended)
	Expect(err).NotTo(HaveOccurred())
	for _, interval := range intervals {
		Expect(within(window{interval.From, interval.Until}, allowed)).To(BeTrue(), "access from %s until %s, outside %v", interval.From, interval.Until, allowed)
	}
	if containing(c.old, c.began) && containing(wanted, c.began) {
		gap = ended.Sub(c.began)
		for _, interval := range intervals {
			gap -= interval.Until.Sub(interval.From)
		}
	}
	for _, r := range c.t.kisi.Requests(simulator.RequestFilter{Path: "/role_assignments*", AfterID: c.requests}) {
		if r.Method == http.MethodGet && strings.Contains(r.Query, "applies_to_id") {
			continue // the regular reading of a group
		}
		requests = append(requests, fmt.Sprintf("%s %d", r.Method, r.Status))
	}
	return gap, requests
}

func containing(windows []window, t time.Time) bool {
	return slices.ContainsFunc(windows, func(w window) bool { return w.contains(t) })
}

// within reports whether every instant of the window lies in one of the others.
func within(w window, others []window) bool {
	for moved := true; moved && w.from.Before(w.until); {
		moved = false
		for _, other := range others {
			if other.contains(w.from) {
				w.from, moved = other.until, true
			}
		}
	}
	return !w.from.Before(w.until)
}

var _ = Describe("Changing an active window", func() {
	for _, duplicates := range []string{"AlwaysNew", "SameBoundsConflict", "AlwaysConflict", "Invalid"} {
		for _, update := range []string{"Accepted", "IgnoredWith204", "Invalid"} {
			It(fmt.Sprintf("gives never more than the old and the new one, where a second row means %s and a change of a row %s", duplicates, update), func(ctx SpecContext) {
				t := newTenant(ctx, "duplicates="+duplicates, "windowUpdate="+update)
				t.start()
				t.fixture()
				t.apply(boardroom)
				t.apply(bookingOf("b1", "-30m", "1h"))
				t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
				gapless := !t.kisi.refusesOverlaps() || t.kisi.changesWindows()
				for _, change := range windowChanges {
					t.makeChange(change, gapless)
				}
				t.nothingDoubled()
				t.saysWhatItLearned()
				refused := t.refusals()

				By("knowing what was learned after a restart")
				t.stop()
				t.start()
				t.makeChange(windowChange{"extended again", map[string][2]string{"b1": {"-10m", "55m"}, "b2": {"45m", "3h"}}}, gapless)
				Expect(t.refusals()).To(Equal(refused), "what was learned is not tried again")
				t.quiet()
			})
		}
	}

	for _, update := range []string{"Accepted", "IgnoredWith204"} {
		for _, expired := range []string{"Kept", "Purged"} {
			It(fmt.Sprintf("takes what has ended along, where Kisi takes one row only, a change of a row is %s and ended rows are %s", update, expired), func(ctx SpecContext) {
				t := newTenant(ctx, "duplicates=AlwaysConflict", "windowUpdate="+update, "expiredRows="+expired)
				t.start()
				t.fixture()
				t.apply(boardroom)
				t.apply(bookingOf("b0", "-1m", "6s"))
				t.asked("POST", "/role_assignments")
				t.apply(bookingOf("b1", "10m", "30m"))
				t.eventually(&v1alpha1.BookingGrant{}, "b0", "True", "Ended")
				t.delete(&v1alpha1.BookingGrant{}, "b0")
				t.settledOn(t.bookedWindows())
				t.makeChange(windowChange{"extended", map[string][2]string{"b1": {"-1s", "40m"}}}, true)
				t.makeChange(windowChange{"extended again", map[string][2]string{"b1": {"-1s", "50m"}}}, update == "Accepted")
			})
		}
	}

	for _, update := range []string{"Accepted", "IgnoredWith204", "Invalid"} {
		It("between one with an end and one without is no other, where Kisi takes one row only and a change of a row is "+update, func(ctx SpecContext) {
			t := newTenant(ctx, "duplicates=AlwaysConflict", "windowUpdate="+update)
			t.start()
			t.fixture()
			t.apply(ana)
			t.granted("ana")
			begin := t.kisi.Clock().Now()
			until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
			for _, end := range []*time.Time{&until, nil} {
				edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
					m.Spec.GroupRefs[0].EndTime = nil
					if end != nil {
						m.Spec.GroupRefs[0].EndTime = &metav1.Time{Time: *end}
					}
				})
				Eventually(func(g Gomega) {
					rows := t.rows("ana@example.com", "Members")
					g.Expect(rows).To(HaveLen(1))
					g.Expect(sameTime(rows[0].ValidUntil, end)).To(BeTrue(), "until %v", rows[0].ValidUntil)
					member := t.member(g, "ana")
					g.Expect(member.Status.Grants).To(HaveLen(1))
					g.Expect(idOf(member)).To(Equal(fmt.Sprint(rows[0].ID)))
					g.Expect(readyOf(member)).To(Equal("True Granted"))
				}).Should(Succeed())
			}
			ended := t.kisi.Clock().Now()
			intervals, err := t.kisi.AccessIntervals("acme", "ana@example.com", "Entrance", begin, ended)
			Expect(err).NotTo(HaveOccurred())
			if update == "Accepted" {
				Expect(continuous(intervals, begin, ended)).To(BeTrue(), "%v has a gap", intervals)
			}
			for _, body := range t.bodies("PATCH", "/role_assignments/*", "role_assignment") {
				Expect(body).To(HaveKeyWithValue("notify", false))
			}
			t.quiet()
		})
	}
})

// makeChange applies a change, waits until it has happened, and reports the gap and the requests.
func (t *tenant) makeChange(change windowChange, gapless bool) {
	GinkgoHelper()
	By("being " + change.is)
	seen := t.watchChange()
	for _, name := range []string{"b1", "b2"} {
		if times, changes := change.bookings[name]; changes {
			t.apply(bookingOf(name, times[0], times[1]))
		}
	}
	gap, requests := seen.finish()
	switches := t.kisi.Switches()
	AddReportEntry(fmt.Sprintf("%s/%s %s", switches.Duplicates, switches.WindowUpdate, change.is), fmt.Sprintf("gap %s, requests %v", gap, requests), ReportEntryVisibilityFailureOrVerbose)
	if gapless {
		Expect(gap).To(BeZero(), "locked out, by %v", requests)
	}
}

// refusals counts the writes that Kisi refused.
func (t *tenant) refusals() (n int) {
	for _, request := range t.kisi.Requests(simulator.RequestFilter{WritesOnly: true}) {
		if request.Status == http.StatusConflict || request.Status == http.StatusUnprocessableEntity {
			n++
		}
	}
	return n
}

// saysWhatItLearned checks status.api of the connection.
func (t *tenant) saysWhatItLearned() {
	GinkgoHelper()
	want := v1alpha1.APIBehaviour{OverlappingAssignments: v1alpha1.OverlapAccepted, WindowUpdate: v1alpha1.WindowUpdateUnknown}
	if t.kisi.refusesOverlaps() {
		want.OverlappingAssignments, want.WindowUpdate = v1alpha1.OverlapRejected, v1alpha1.WindowUpdateIgnored
		if t.kisi.changesWindows() {
			want.WindowUpdate = v1alpha1.WindowUpdateAccepted
		}
	}
	Eventually(func(g Gomega) {
		is := t.learned(g)
		g.Expect(is.RefusedTime != nil).To(Equal(t.kisi.refusesOverlaps()), "refusedTime %v", is.RefusedTime)
		is.RefusedTime = nil
		g.Expect(is).To(Equal(want))
	}).Should(Succeed())
}
