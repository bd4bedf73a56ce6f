package entitlement_test

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// horizon is the number of minutes that the oracle looks at; every generated time lies within.
const horizon = 300

var (
	emails = []v1alpha1.EmailAddress{"ana@example.com", "Gil@Example.com", "ion@example.com"}
	zones  = []*time.Location{time.UTC, time.FixedZone("summer", 3*3600), time.FixedZone("winter", 2*3600), time.FixedZone("west", -9*3600)}
	states = []v1alpha1.MemberState{v1alpha1.MemberActive, v1alpha1.MemberActive, v1alpha1.MemberActive, v1alpha1.MemberPending, v1alpha1.MemberSuspended}
)

// draw makes small worlds in which everything meets everything.
type draw struct{ *rapid.T }

func pick[T any](d draw, label string, from []T) T { return rapid.SampledFrom(from).Draw(d.T, label) }

func (d draw) chance(label string, percent int) bool {
	return rapid.IntRange(1, 100).Draw(d.T, label) <= percent
}

func (d draw) count(label string, most int) int { return rapid.IntRange(0, most).Draw(d.T, label) }

// time is a minute with a fraction that does not count, written in some zone.
func (d draw) time(label string, least, most int) *metav1.Time {
	t := at(rapid.IntRange(least, most).Draw(d.T, label))
	if d.chance(label+" has a fraction", 20) {
		t = t.Add(time.Duration(rapid.IntRange(1, 999).Draw(d.T, "milliseconds")) * time.Millisecond)
	}
	return when(t.In(pick(d, "zone", zones)))
}

// span is a window with either end open now and then.
func (d draw) span(label string) (from, until *metav1.Time) {
	start := rapid.IntRange(60, 200).Draw(d.T, label)
	if d.chance(label+" has a start", 70) {
		from = d.time(label+" start", start, start)
	}
	if d.chance(label+" has an end", 70) {
		until = d.time(label+" end", start+1, 220)
	}
	return from, until
}

func (d draw) email(label string) v1alpha1.EmailAddress {
	email := pick(d, label, emails)
	if d.chance("in capitals", 20) {
		email = v1alpha1.EmailAddress([]byte{email[0] &^ 0x20}) + email[1:]
	}
	return email
}

func (d draw) maybeGone(o metav1.Object) {
	if d.chance("being deleted", 8) {
		o.SetDeletionTimestamp(when(at(0)))
	}
}

func (d draw) refs(label string, most int) []v1alpha1.GroupReference {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"g1", "g2", "g3", "lost"}), 0, most, rapid.ID[string]).Draw(d.T, label)
	return groupRefs(names...)
}

func (d draw) placeRef(label string) v1alpha1.PlaceReference {
	if d.chance(label+" by id", 50) {
		ref := v1alpha1.PlaceReference{ExternalID: pick(d, label, []v1alpha1.ExternalID{"1", "2"})}
		if d.chance("with kind", 40) {
			ref.Kind = pick(d, "kind", []v1alpha1.PlaceKind{v1alpha1.PlaceKindRoom, v1alpha1.PlaceKindDesk})
		}
		return ref
	}
	return v1alpha1.PlaceReference{Name: pick(d, label, []v1alpha1.ObjectName{"p1", "p2", "p3", "nowhere"})}
}

func (d draw) world() *world {
	w := &world{}
	for _, name := range []string{"g1", "g2", "g3"} {
		g := group(name)
		if d.chance("elsewhere", 5) {
			g.Spec.ConnectionRef.Name = "branch"
		}
		g.Status.PlaceID = pick(d, "lies in", []v1alpha1.KisiID{0, 0, 7, 7, 7, 8})
		d.maybeGone(g)
		w.groups = append(w.groups, g)
	}
	for i := range 3 {
		w.places = append(w.places, d.place(i+1))
	}
	for i := range 2 {
		p := &v1alpha1.AccessPlan{ObjectMeta: named(fmt.Sprintf("plan%d", i+1))}
		p.Spec.ExternalID = pick(d, "plan id", []v1alpha1.ExternalID{"a", "a", "b"})
		p.Spec.GroupRefs = d.refs("plan groups", 2)
		d.maybeGone(p)
		w.plans = append(w.plans, p)
	}
	for i := range d.count("members", 4) {
		w.members = append(w.members, d.member(i+1))
	}
	for i := range d.count("subscriptions", 4) {
		w.subscriptions = append(w.subscriptions, d.subscription(i+1))
	}
	for i := range d.count("bookings", 4) {
		w.bookings = append(w.bookings, d.booking(i+1))
	}
	return w
}

func (d draw) place(i int) *v1alpha1.PlaceMapping {
	p := placeMapping(fmt.Sprintf("p%d", i))
	p.Spec.Kind = pick(d, "kind", []v1alpha1.PlaceKind{v1alpha1.PlaceKindRoom, v1alpha1.PlaceKindDesk})
	p.Spec.ExternalID = pick(d, "place id", []v1alpha1.ExternalID{"1", "2", "3"})
	if d.chance("has a Kisi place", 40) {
		p.Spec.KisiPlace = pick(d, "Kisi place", []*v1alpha1.KisiPlaceReference{{ID: 7}, {Name: "Main St"}})
		p.Status.KisiPlaceID = pick(d, "found", []v1alpha1.KisiID{7, 7, 7, 8, 0})
		p.Status.KisiPlaceName = pick(d, "found by", []v1alpha1.KisiName{"Main St", "Main St", "High St", ""})
		p.Generation, p.Status.ObservedGeneration = 2, int64(d.count("observed", 2))
	}
	for _, audience := range rapid.SliceOfNDistinct(rapid.SampledFrom([]v1alpha1.Audience{"members", "parents"}), 0, 2, rapid.ID[v1alpha1.Audience]).Draw(d.T, "audiences") {
		p.Spec.Access = append(p.Spec.Access, v1alpha1.PlaceAccess{Audience: audience, GroupRefs: d.refs("audience groups", 2)})
	}
	if d.chance("bookable", 75) {
		b := &v1alpha1.PlaceBookings{GroupRefs: d.refs("booking groups", 2)}
		b.NonMembers = pick(d, "non-members", []v1alpha1.NonMemberPolicy{v1alpha1.NonMembersDeny, v1alpha1.NonMembersAllow})
		b.Changes = pick(d, "changes", []v1alpha1.BookingChangePolicy{v1alpha1.BookingChangesImmediate, v1alpha1.BookingChangesBeforeStart})
		for _, grace := range []**metav1.Duration{&b.LeadTime, &b.LagTime} {
			if d.chance("own grace", 50) {
				*grace = &metav1.Duration{Duration: time.Duration(d.count("grace", 40))*time.Minute + 300*time.Millisecond}
			}
		}
		p.Spec.Bookings = b
	}
	d.maybeGone(p)
	return p
}

func (d draw) member(i int) *v1alpha1.Member {
	email := d.email("email")
	m := explicitMember(fmt.Sprintf("m%d", i), string(email))
	m.CreationTimestamp = *when(at(-1000 + d.count("created", 3)))
	m.Spec.ExternalID = pick(d, "member id", []v1alpha1.ExternalID{"", "x", "y"})
	m.Spec.State = pick(d, "state", states)
	if d.chance("in a team", 60) {
		m.Spec.Teams = []v1alpha1.Team{pick(d, "team", []v1alpha1.Team{"acme", "zeta"})}
	}
	for _, ref := range d.refs("own groups", 2) {
		own := v1alpha1.MemberGroupReference{Name: ref.Name}
		own.StartTime, own.EndTime = d.span("own group")
		m.Spec.GroupRefs = append(m.Spec.GroupRefs, own)
	}
	for range d.count("places", 2) {
		entry := v1alpha1.MemberPlace{PlaceRef: d.placeRef("place"), Audience: pick(d, "audience", []v1alpha1.Audience{"members", "parents"})}
		entry.State = pick(d, "place state", []v1alpha1.MemberPlaceState{v1alpha1.MemberPlaceActive, v1alpha1.MemberPlaceActive, v1alpha1.MemberPlacePending})
		entry.StartTime, entry.EndTime = d.span("place")
		m.Spec.Places = append(m.Spec.Places, entry)
	}
	d.maybeGone(m)
	return m
}

func (d draw) subscription(i int) *v1alpha1.AccessSubscription {
	s := &v1alpha1.AccessSubscription{ObjectMeta: named(fmt.Sprintf("s%d", i))}
	s.Spec.State = pick(d, "state", []v1alpha1.SubscriptionState{v1alpha1.SubscriptionActive, v1alpha1.SubscriptionActive, v1alpha1.SubscriptionPending, v1alpha1.SubscriptionCanceled})
	s.Spec.StartTime, s.Spec.EndTime = d.span("subscription")
	switch d.count("subject", 3) {
	case 0:
		s.Spec.Subject.Team = pick(d, "team", []v1alpha1.Team{"acme", "zeta"})
	case 1:
		s.Spec.Subject.MemberRef = &v1alpha1.MemberReference{Name: pick(d, "member", []v1alpha1.ObjectName{"m1", "m2", "m3"})}
	case 2:
		s.Spec.Subject.MemberRef = &v1alpha1.MemberReference{ExternalID: pick(d, "member id", []v1alpha1.ExternalID{"x", "y"})}
	default:
		s.Spec.Subject.Email = d.email("subject")
	}
	if d.chance("own groups", 40) {
		s.Spec.GroupRefs = d.refs("own groups", 2)
	}
	if d.chance("of a plan", 60) {
		s.Spec.PlanRef = &v1alpha1.PlanReference{Name: pick(d, "plan", []v1alpha1.ObjectName{"plan1", "plan2", "plan3"})}
		if d.chance("plan by id", 50) {
			s.Spec.PlanRef = &v1alpha1.PlanReference{ExternalID: pick(d, "plan id", []v1alpha1.ExternalID{"a", "b"})}
		}
	}
	if d.chance("at a place", 40) {
		ref := d.placeRef("place")
		s.Spec.PlaceRef, s.Spec.Audience = &ref, pick(d, "audience", []v1alpha1.Audience{"", "members", "parents"})
	}
	if d.chance("day passes", 40) {
		s.Spec.DayPasses = &v1alpha1.DayPasses{Total: int32(d.count("total", 2)), Used: int32(d.count("used", 3))}
		if d.chance("open until", 50) {
			s.Spec.DayPasses.OpenUntil = d.time("open until", 0, 220)
		}
	}
	d.maybeGone(s)
	return s
}

func (d draw) booking(i int) *v1alpha1.BookingGrant {
	b := &v1alpha1.BookingGrant{ObjectMeta: named(fmt.Sprintf("b%d", i))}
	b.Spec.State = pick(d, "state", []v1alpha1.BookingState{v1alpha1.BookingConfirmed, v1alpha1.BookingConfirmed, v1alpha1.BookingConfirmed, v1alpha1.BookingCanceled})
	b.Spec.Organizer.Email = d.email("organizer")
	for range d.count("attendees", 2) {
		b.Spec.Attendees = append(b.Spec.Attendees, v1alpha1.Person{Email: d.email("attendee")})
	}
	start := rapid.IntRange(60, 180).Draw(d.T, "booked")
	b.Spec.StartTime, b.Spec.EndTime = *d.time("start", start, start), *d.time("end", start+1, 220)
	if d.chance("without a place", 30) {
		b.Spec.GroupRefs = d.refs("groups", 2)
	} else {
		ref := d.placeRef("booked place")
		b.Spec.PlaceRef = &ref
	}
	if d.chance("recorded", 30) {
		b.Status.Terms = &v1alpha1.BookingTerms{
			PlaceRef: d.placeRef("recorded place"), LeadSeconds: int64(d.count("lead", 40)) * 60, LagSeconds: int64(d.count("lag", 40)) * 60,
			NonMembers: pick(d, "recorded rule", []v1alpha1.NonMemberPolicy{v1alpha1.NonMembersDeny, v1alpha1.NonMembersAllow}),
		}
		if b.Spec.PlaceRef != nil && d.chance("of the same place", 70) {
			b.Status.Terms.PlaceRef = *b.Spec.PlaceRef
		}
		b.Status.Groups = []v1alpha1.ObjectName{pick(d, "recorded group", []v1alpha1.ObjectName{"g1", "g2", "lost"})}
	}
	d.maybeGone(b)
	return b
}
