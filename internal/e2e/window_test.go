package e2e

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// bookingOf is a booking of the boardroom by Ana.
func bookingOf(name, start, end string) string {
	return strings.NewReplacer("NAME", name, "START", start, "END", end).Replace(`
kind: BookingGrant
metadata: {name: NAME}
spec:
  placeRef: {name: boardroom}
  organizer: {email: ana@example.com, fullName: Ana}
  startTime: '{{time "START"}}'
  endTime: '{{time "END"}}'
`)
}

var _ = Describe("A window", func() {
	It("is written grantAhead before it opens, with its exact bounds, and opens and ends by itself", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture("grantAhead: 3s")
		t.apply(boardroom)
		t.kisi.ResetRequests()
		t.apply(bookingOf("b1", "5s", "9s"))
		booking := &v1alpha1.BookingGrant{}
		t.eventually(booking, "b1", "True", "Scheduled")
		opens := booking.Spec.StartTime.Time
		Consistently(func(g Gomega) {
			if time.Now().Before(opens.Add(-3 * time.Second)) {
				g.Expect(t.writes()).To(BeEmpty(), "more than grantAhead before it opens")
			}
		}).Should(Succeed())
		var row simulator.Assignment
		Eventually(func(g Gomega) {
			rows := t.rows("ana@example.com", "Boardroom")
			g.Expect(rows).To(HaveLen(1))
			row = rows[0]
		}).Should(Succeed())
		Expect(time.Now()).To(BeTemporally("<", opens), "written before it opens")
		Expect(time.Now()).To(BeTemporally(">=", opens.Add(-3*time.Second)))
		Expect(*row.ValidFrom).To(BeTemporally("==", opens))
		Expect(*row.ValidUntil).To(BeTemporally("==", booking.Spec.EndTime.Time))
		Eventually(func(g Gomega) {
			member := t.implicit(g, "ana@example.com")
			g.Expect(member.Status.Grants).To(HaveLen(1))
			g.Expect(member.Status.Grants[0].State).To(Equal(v1alpha1.GrantScheduled))
			g.Expect(readyOf(member)).To(Equal("True Scheduled"))
		}).Should(Succeed())
		Eventually(func(g Gomega) {
			get(g, t, "b1", booking)
			g.Expect(booking.Status.State).To(Equal(v1alpha1.BookingPhaseActive))
			g.Expect(t.implicit(g, "ana@example.com").Status.Grants[0].State).To(Equal(v1alpha1.GrantActive))
		}).Should(Succeed())
		t.eventually(booking, "b1", "True", "Ended")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeFalse())
		Eventually(func(g Gomega) {
			g.Expect(t.implicit(g, "ana@example.com").Status.Grants[0].State).To(Equal(v1alpha1.GrantEnded))
		}).Should(Succeed())
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}), "it needs nobody to end")
	})

	It("in the past gives nothing and makes nobody", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
		t.kisi.ResetRequests()
		t.apply(bookingOf("b1", "-2h", "-1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Ended")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		Expect(t.exists(&v1alpha1.Member{}, implicitName("ana@example.com"))).To(BeFalse())
	})

	It("of two overlapping bookings is one row, and losing one of two sources costs nothing", Label("O8"), func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
		t.kisi.ResetRequests()
		t.apply(bookingOf("b1", "-1m", "2h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.apply(bookingOf("b2", "30m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Scheduled")
		Eventually(func(g Gomega) {
			member := t.implicit(g, "ana@example.com")
			g.Expect(member.Status.Grants).To(HaveLen(1))
			g.Expect(member.Status.Grants[0].Sources).To(Equal([]string{"BookingGrant/b1", "BookingGrant/b2"}))
			g.Expect(member.Status.Grants[0].SourceCount).To(BeEquivalentTo(2))
		}).Should(Succeed())
		t.delete(&v1alpha1.BookingGrant{}, "b2")
		Eventually(func(g Gomega) {
			g.Expect(t.implicit(g, "ana@example.com").Status.Grants[0].Sources).To(Equal([]string{"BookingGrant/b1"}))
		}).Should(Succeed())
		t.quiet()
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
		Expect(t.reads()).To(BeEmpty())
		Expect(t.rows("ana@example.com", "Boardroom")).To(HaveLen(1))
	})

	It("is written in GrantOnly, too, where a row that has ended stands in its way", func(ctx SpecContext) {
		t := newTenant(ctx, "duplicates=AlwaysConflict", "expiredRows=Kept")
		t.start()
		t.fixture("mode: GrantOnly")
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "3s"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Ended")
		t.apply(bookingOf("b2", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b2", "True", "Granted")
		Expect(t.opens("ana@example.com", "Boardroom", 0)).To(BeTrue())
		t.nothingDoubled()
	})
})

// window is half-open.
type window struct{ from, until time.Time }

func (w window) contains(t time.Time) bool { return !t.Before(w.from) && t.Before(w.until) }

// neverLockedOut says that the person could open the lock all the time since a moment of Kisi's clock.
func (t *tenant) neverLockedOut(email, lock string, since time.Time) {
	GinkgoHelper()
	until := t.kisi.Clock().Now()
	intervals, err := t.kisi.AccessIntervals("acme", email, lock, since, until)
	Expect(err).NotTo(HaveOccurred())
	Expect(continuous(intervals, since, until)).To(BeTrue(), "%s: %v has a gap", email, intervals)
}

// continuous reports whether the intervals leave out nothing between the instants.
func continuous(intervals []simulator.Interval, from, until time.Time) bool {
	for _, interval := range intervals {
		if interval.From.After(from) {
			return false
		}
		if interval.Until.After(from) {
			from = interval.Until
		}
	}
	return !from.Before(until)
}
