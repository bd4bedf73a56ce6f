package e2e

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
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

// A Kisi that answers badly all the time: one request in ten ends with a 5xx, one in twenty is carried out and its answer
// lost, pages fall short, and every twenty seconds it says for two that there are too many requests.
func badKisi(seed uint64) []simulator.Fault {
	return []simulator.Fault{
		{Kind: simulator.FaultTooManyRequests, Every: simulator.Duration(20 * time.Second), For: simulator.Duration(2 * time.Second)},
		{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError, Chance: 0.05, Seed: seed + 1},
		{Kind: simulator.FaultStatus, Status: http.StatusServiceUnavailable, Chance: 0.05, Seed: seed + 2},
		{Kind: simulator.FaultDropAfter, Chance: 0.05, Seed: seed + 3},
		{Kind: simulator.FaultShortPage, Chance: 0.1, Seed: seed + 4},
	}
}

// house is a tenant whose people come and go, and what its YAML said of them when.
type house struct {
	*tenant
	said map[atDoor][]word
	had  map[string][]int // role assignments by address, as far as they were seen
	// known are the guests and the members, whose turn was longest ago first; wasBooked and made who has an object.
	known                           [2][]int
	wasBooked, booked, made, joined map[int]bool
	// pace is how long one of the first changes took, one house alone.
	pace time.Duration
	// rate is how many requests a second were sent while there was more to do than that.
	rate float64
}

type atDoor struct{ email, lock string }

// word is what YAML says from a moment on.
type word struct {
	at time.Time
	in bool
}

func openHouse(ctx SpecContext) *house {
	GinkgoHelper()
	h := &house{tenant: newTenant(ctx), said: map[atDoor][]word{}, had: map[string][]int{},
		wasBooked: map[int]bool{}, booked: map[int]bool{}, made: map[int]bool{}, joined: map[int]bool{}}
	h.start()
	h.fixture()
	h.apply(boardroom)
	h.eventually(&v1alpha1.PlaceMapping{}, "boardroom", "True", "Resolved")
	edit(h.tenant, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.RequestsPerSecond = 50 })
	begun := time.Now()
	for i := range 60 {
		h.known[i%2] = append(h.known[i%2], i/2)
		h.turn(i/2, i%2 == 0)
	}
	h.settled()
	h.pace = time.Since(begun) / 60
	clear(h.said) // only what comes now is measured
	return h
}

func (h *house) say(email, lock string, in bool) {
	door := atDoor{email, lock}
	h.said[door] = append(h.said[door], word{time.Now(), in})
	for _, group := range []string{"Uptown", "Boardroom"} {
		for _, row := range h.rows(email, group) {
			h.had[email] = append(h.had[email], row.ID)
		}
	}
}

// fill makes many Members at once and measures how many requests a second are sent until most of them are in.
func (h *house) fill(people int) {
	GinkgoHelper()
	h.kisi.ResetRequests()
	begun := time.Now()
	h.importMembers("crowd", people)
	inside := func() (inside int) {
		for i := range people {
			if h.opens(fmt.Sprintf("crowd-%d@example.com", i), "Entrance", 0) {
				inside++
			}
		}
		return inside
	}
	Eventually(inside, "120s", "50ms").Should(BeNumerically(">=", people*8/10))
	h.rate = float64(h.kisi.CountRequests(simulator.RequestFilter{})) / time.Since(begun).Seconds()
	Eventually(inside, "120s", "50ms").Should(Equal(people))
}

// stir has people come and go for a while, in an order that the seed decides. One in four of them is new. Nobody has their
// turn again soon, so that what takes seconds is not cut short by the next word, and there is much less to do than Kisi
// allows, and than the machine can take, so that nobody waits long for others.
func (h *house) stir(seed uint64, changes int, pause time.Duration) {
	GinkgoHelper()
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range changes {
		next := time.Now().Add(pause)
		people := &h.known[i%2]
		who := len(*people)
		if i/2%4 > 0 {
			at := random.IntN(who / 3)
			who = (*people)[at]
			*people = slices.Delete(*people, at, at+1)
		}
		*people = append(*people, who)
		h.turn(who, i%2 == 0)
		time.Sleep(time.Until(next)) // the pace of the changes is part of what is measured
	}
	h.settled()
}

// turn has YAML say of one person the contrary of what it has said: of Members that they are Active or Suspended, of
// bookings that open now that they are Confirmed or Canceled; which is obeyed at once, and never held.
func (h *house) turn(who int, byBooking bool) {
	GinkgoHelper()
	name := fmt.Sprintf("person-%d", who)
	if byBooking {
		name = fmt.Sprintf("guest-%d", who)
	}
	email := name + "@example.com"
	booking := &v1alpha1.BookingGrant{ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: name}}
	switch {
	case byBooking && h.booked[who]:
		edit(h.tenant, name, booking, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
		h.say(email, "Boardroom", false)
		h.booked[who] = false
	case byBooking && h.wasBooked[who]:
		edit(h.tenant, name, booking, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingConfirmed })
		h.say(email, "Boardroom", true)
		h.booked[who] = true
	case byBooking:
		booking.Spec = v1alpha1.BookingGrantSpec{
			PlaceRef: &v1alpha1.PlaceReference{Name: "boardroom"}, Organizer: v1alpha1.Person{Email: v1alpha1.EmailAddress(email)},
			StartTime: metav1.NewTime(time.Now().Add(-time.Minute)), EndTime: metav1.NewTime(time.Now().Add(time.Hour)),
		}
		Expect(admin.Create(h.ctx, booking)).To(Succeed())
		h.say(email, "Boardroom", true)
		h.booked[who], h.wasBooked[who] = true, true
	case !h.made[who]:
		member := &v1alpha1.Member{
			ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: name},
			Spec:       v1alpha1.MemberSpec{Email: v1alpha1.EmailAddress(email), GroupRefs: []v1alpha1.MemberGroupReference{{Name: "uptown"}}},
		}
		Expect(admin.Create(h.ctx, member)).To(Succeed())
		h.say(email, "Uptown Door", true)
		h.made[who], h.joined[who] = true, true
	default:
		h.joined[who] = !h.joined[who]
		edit(h.tenant, name, &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.State = v1alpha1.MemberSuspended
			if h.joined[who] {
				m.Spec.State = v1alpha1.MemberActive
			}
		})
		h.say(email, "Uptown Door", h.joined[who])
	}
}

// settled waits until the doors follow all that YAML has said.
func (h *house) settled() {
	GinkgoHelper()
	Eventually(func() (wrong []string) {
		for door, words := range h.said {
			if in := words[len(words)-1].in; h.opens(door.email, door.lock, 0) != in {
				wrong = append(wrong, fmt.Sprintf("%s at %s should be in: %v", door.email, door.lock, in))
			}
		}
		return wrong
	}, "60s", "50ms").Should(BeEmpty())
}

// change is one word, and how long the door said something else than it, until YAML said something else again: how long
// the person was out, or in, too long.
type change struct {
	word
	atDoor
	wrong time.Duration
}

// changes lists all that YAML has said, what the doors were slowest to follow first.
func (h *house) changes() (changes []change) {
	GinkgoHelper()
	for door, words := range h.said {
		now := h.kisi.Clock().Now()
		open, err := h.kisi.AccessIntervals("", door.email, door.lock, words[0].at, now)
		Expect(err).NotTo(HaveOccurred())
		for i, said := range words {
			until := now
			if i+1 < len(words) {
				until = words[i+1].at
			}
			inside := time.Duration(0)
			for _, interval := range open {
				begin, end := interval.From, interval.Until
				if begin.Before(said.at) {
					begin = said.at
				}
				if end.After(until) {
					end = until
				}
				inside += max(0, end.Sub(begin))
			}
			if said.in {
				inside = until.Sub(said.at) - inside
			}
			changes = append(changes, change{said, door, inside})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(b.wrong, a.wrong) })
	return changes
}

// percentile99 is what 99 of 100 changes do not exceed, of a list that begins with the worst.
func percentile99(changes []change) time.Duration { return changes[len(changes)/100].wrong }

// course tells what was asked of Kisi on the way to a change, as far as it is known to be about the person or about the
// rate, and what came of it.
func (h *house) course(c change) string {
	lines := []string{fmt.Sprintf("in: %v, wrong for %s", c.in, c.wrong)}
	about := h.aboutPerson(c.email, h.had[c.email]...)
	for _, r := range h.kisi.Requests(simulator.RequestFilter{}) {
		at := r.Time.Sub(c.at)
		if at >= 0 && at <= c.wrong+time.Second && (about(r) || r.Path == "/login" || r.Path == "/organization" || r.Status == http.StatusTooManyRequests) {
			lines = append(lines, fmt.Sprintf("  %6.2f s %s %s?%s: %d %s %v", at.Seconds(), r.Method, r.Path, r.Query, r.Status, r.Fault, r.Dropped))
		}
	}
	return strings.Join(lines, "\n")
}

var _ = Describe("With a Kisi that answers badly all the time", func() {
	// Beside a run of the same seed with a Kisi that answers well, at the same time on the same machine.
	DescribeTable("doors follow within seconds, and the rate is used", Serial,
		func(ctx SpecContext, seed uint64, crowd int) {
			clean, bad := openHouse(ctx), openHouse(ctx)
			for _, fault := range badKisi(seed) {
				bad.kisi.fault(fault)
			}
			pause := max(110*time.Millisecond, 2*max(clean.pace, bad.pace))
			var both sync.WaitGroup
			for _, h := range []*house{clean, bad} {
				both.Go(func() {
					defer GinkgoRecover()
					if crowd > 0 {
						h.fill(crowd)
					}
					h.stir(seed, 400, pause)
				})
			}
			both.Wait()
			was, is := clean.changes(), bad.changes()
			limit := percentile99(was) + 5*time.Second
			AddReportEntry("measured", fmt.Sprintf("of %d changes 99 in 100 were followed within %s by the clean Kisi (at most %s) and within %s by the bad one (at most %s), at %.1f and %.1f requests a second; a change every %s",
				len(was), percentile99(was), was[0].wrong, percentile99(is), is[0].wrong, clean.rate, bad.rate, pause))
			for _, worst := range is[:3] {
				AddReportEntry("among the worst", bad.course(worst))
			}
			Expect(percentile99(is)).To(BeNumerically("<=", limit), "out or in too long, of 100 changes the second worst")
			Expect(is[0].wrong).To(BeNumerically("<=", was[0].wrong+20*time.Second), "out or in too long")
			Expect(bad.rate).To(BeNumerically(">=", 0.8*clean.rate), "requests a second")
			bad.nothingDoubled()
		},
		Entry("seed 1, after an import", uint64(1), 200),
		Entry("seed 2", uint64(2), 0),
	)
})
