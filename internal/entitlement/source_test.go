package entitlement_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

func booking(from, until int) *v1alpha1.BookingGrant {
	b := &v1alpha1.BookingGrant{ObjectMeta: named("b")}
	b.Spec.State = v1alpha1.BookingConfirmed
	b.Spec.Organizer.Email = "ana@example.com"
	b.Spec.StartTime, b.Spec.EndTime = *when(at(from)), *when(at(until))
	return b
}

func bookable(name string, groups ...string) *v1alpha1.PlaceMapping {
	p := placeMapping(name)
	p.Spec.Bookings = &v1alpha1.PlaceBookings{GroupRefs: groupRefs(groups...), NonMembers: v1alpha1.NonMembersAllow}
	return p
}

func evaluateBooking(t *testing.T, w *world, b *v1alpha1.BookingGrant, now int) entitlement.Booking {
	t.Helper()
	got, err := entitlement.EvaluateBooking(w, b, at(now))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestABookingOpensHalfAnHourBeforeAndClosesHalfAnHourAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ start, end, from, until string }{
		{"2026-12-01T12:00:00Z", "2026-12-01T16:00:00Z", "2026-12-01T11:30:00Z", "2026-12-01T16:30:00Z"},
		{"2026-12-01T09:30:00Z", "2026-12-01T11:30:00Z", "2026-12-01T09:00:00Z", "2026-12-01T12:00:00Z"},
		// Clocks go back at 01:00 UTC: the booking lasts two hours on the wall and three in fact.
		{"2026-10-25T02:00:00+03:00", "2026-10-25T04:00:00+02:00", "2026-10-24T22:30:00Z", "2026-10-25T02:30:00Z"},
		{"2026-12-01T12:00:00.9Z", "2026-12-01T16:00:00.1Z", "2026-12-01T11:30:00Z", "2026-12-01T16:30:00Z"},
	} {
		b := booking(0, 1)
		b.Spec.GroupRefs = groupRefs("g")
		b.Spec.StartTime, b.Spec.EndTime = instant(t, c.start), instant(t, c.end)
		got := evaluateBooking(t, &world{groups: []*v1alpha1.KisiGroup{group("g")}}, b, 0)
		if got.Window.From.Format(time.RFC3339Nano) != c.from || got.Window.Until.Format(time.RFC3339Nano) != c.until {
			t.Errorf("%s to %s: %v", c.start, c.end, got.Window)
		}
	}
}

func instant(t *testing.T, text string) metav1.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return metav1.Time{Time: parsed}
}

func TestABookingOfANonMember(t *testing.T) {
	t.Parallel()
	subscription := func(state v1alpha1.SubscriptionState, end int) *v1alpha1.AccessSubscription {
		s := &v1alpha1.AccessSubscription{ObjectMeta: named("s")}
		s.Spec.Subject.Email, s.Spec.State, s.Spec.EndTime = "ANA@example.com", state, when(at(end))
		return s
	}
	suspended := explicitMember("ana", "ana@example.com")
	suspended.Spec.State = v1alpha1.MemberSuspended
	usedUp := subscription(v1alpha1.SubscriptionActive, 500)
	usedUp.Spec.DayPasses = &v1alpha1.DayPasses{Total: 1, Used: 1}
	toCome := subscription(v1alpha1.SubscriptionActive, 500)
	toCome.Spec.StartTime = when(at(90))
	ofTeam := subscription(v1alpha1.SubscriptionActive, 500)
	ofTeam.Spec.Subject = v1alpha1.Subject{Team: "acme"}
	const active = v1alpha1.SubscriptionActive
	for _, c := range []struct {
		name     string
		world    world
		excluded bool
	}{
		{name: "nobody knows the organizer", excluded: true},
		{name: "an Active Member", world: world{members: []*v1alpha1.Member{explicitMember("ana", "Ana@example.com")}}},
		{name: "an implicit Member is nobody", world: world{members: []*v1alpha1.Member{implicitMember("ana@example.com")}}, excluded: true},
		{name: "a suspended Member with a subscription", world: world{members: []*v1alpha1.Member{suspended}, subscriptions: []*v1alpha1.AccessSubscription{usedUp}}, excluded: true},
		{name: "a Member that is being deleted", world: world{members: []*v1alpha1.Member{deleting(explicitMember("ana", "ana@example.com"))}}, excluded: true},
		{name: "a subscription that outlasts the booking", world: world{subscriptions: []*v1alpha1.AccessSubscription{subscription(active, 500)}}},
		{name: "a subscription that ends during the booking", world: world{subscriptions: []*v1alpha1.AccessSubscription{subscription(active, 150)}}},
		{name: "a subscription that ends a minute after the start", world: world{subscriptions: []*v1alpha1.AccessSubscription{subscription(active, 101)}}},
		{name: "a subscription that ends as the booking starts", world: world{subscriptions: []*v1alpha1.AccessSubscription{subscription(active, 100)}}, excluded: true},
		{name: "a subscription that ends after the lead has opened the door", world: world{subscriptions: []*v1alpha1.AccessSubscription{subscription(active, 80)}}, excluded: true},
		{name: "a subscription that ends long before", world: world{subscriptions: []*v1alpha1.AccessSubscription{subscription(active, 10)}}, excluded: true},
		{name: "one that ends long before, and one that comes then", world: world{subscriptions: []*v1alpha1.AccessSubscription{subscription(active, 10), toCome}}},
		{name: "one that is canceled, and one that lasts", world: world{subscriptions: []*v1alpha1.AccessSubscription{subscription(v1alpha1.SubscriptionCanceled, 500), subscription(active, 300)}}},
		{name: "day passes used up", world: world{subscriptions: []*v1alpha1.AccessSubscription{usedUp}}},
		{name: "a subscription not accepted yet", world: world{subscriptions: []*v1alpha1.AccessSubscription{subscription(v1alpha1.SubscriptionPending, 500)}}, excluded: true},
		{name: "a subscription of a team", world: world{subscriptions: []*v1alpha1.AccessSubscription{ofTeam}}, excluded: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			place := bookable("room", "g")
			c.world.places, c.world.groups = []*v1alpha1.PlaceMapping{place}, []*v1alpha1.KisiGroup{group("g")}
			b := booking(100, 200)
			b.Spec.PlaceRef = byName("room")
			for _, now := range []int{-5000, 5, 79, 99, 100, 149, 150, 199} { // the day before, and whenever else
				place.Spec.Bookings.NonMembers = v1alpha1.NonMembersDeny
				got := evaluateBooking(t, &c.world, b, now)
				if got.Excluded != c.excluded || got.Open() == c.excluded || !got.Next.IsZero() || got.Problem != nil {
					t.Errorf("at %d: %+v", now, got)
				}
				place.Spec.Bookings.NonMembers = v1alpha1.NonMembersAllow
				if got := evaluateBooking(t, &c.world, b, now); got.Excluded {
					t.Error("excluded where non-members are let in")
				}
			}
		})
	}
}

// record does what the controller does: it keeps in the status what the evaluation says.
func record(b *v1alpha1.BookingGrant, got entitlement.Booking) {
	b.Status.Terms, b.Status.Groups = got.Terms, got.Groups
}

func TestAnEditOfAPlaceDoesNotReachABookingThatHasStarted(t *testing.T) {
	t.Parallel()
	for _, changes := range []v1alpha1.BookingChangePolicy{v1alpha1.BookingChangesBeforeStart, v1alpha1.BookingChangesImmediate} {
		for _, edited := range []int{-20, 99, 100, 150} { // minutes; the lead opens the door at 70
			place := bookable("room", "g")
			place.Spec.Bookings.Changes = changes
			w := &world{places: []*v1alpha1.PlaceMapping{place}, groups: []*v1alpha1.KisiGroup{group("g"), group("h")}}
			b := booking(100, 200)
			b.Spec.PlaceRef = byName("room")
			for minute := -30; minute < 200; minute++ {
				if minute == edited {
					place.Spec.Bookings = &v1alpha1.PlaceBookings{
						GroupRefs: groupRefs("h"), LeadTime: &metav1.Duration{Duration: time.Hour}, LagTime: &metav1.Duration{},
						NonMembers: v1alpha1.NonMembersDeny,
					}
				}
				record(b, evaluateBooking(t, w, b, minute))
			}
			got := evaluateBooking(t, w, b, 199)
			kept := changes == v1alpha1.BookingChangesBeforeStart && edited >= 100
			want := entitlement.Window{From: at(40), Until: at(200)}
			if kept {
				want = entitlement.Window{From: at(70), Until: at(230)}
			}
			if got.Window != want || got.Groups[0] == "g" != kept || got.Excluded == kept {
				t.Errorf("%s, edited at %d: %+v", changes, edited, got)
			}
		}
	}
}

func TestWhatReachesABookingThatHasStarted(t *testing.T) {
	t.Parallel()
	start := func() (*world, *v1alpha1.PlaceMapping, *v1alpha1.BookingGrant) {
		place := bookable("room", "g")
		place.Spec.Bookings.Changes = v1alpha1.BookingChangesBeforeStart
		w := &world{places: []*v1alpha1.PlaceMapping{place, bookable("other", "h")}, groups: []*v1alpha1.KisiGroup{group("g"), group("h")}}
		b := booking(100, 200)
		b.Spec.PlaceRef = byName("room")
		record(b, evaluateBooking(t, w, b, 100))
		return w, place, b
	}
	t.Run("an edit of the booking, with the recorded groups", func(t *testing.T) {
		w, place, b := start()
		place.Spec.Bookings.GroupRefs = groupRefs("h")
		b.Spec.EndTime = *when(at(300))
		if got := evaluateBooking(t, w, b, 150); got.Window.Until != at(330) || got.Groups[0] != "g" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("another room", func(t *testing.T) {
		w, _, b := start()
		b.Spec.PlaceRef = byName("other")
		if got := evaluateBooking(t, w, b, 150); got.Groups[0] != "h" || got.Terms != nil {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a later start, for which the place counts again", func(t *testing.T) {
		w, place, b := start()
		place.Spec.Bookings.GroupRefs = groupRefs("h")
		b.Spec.StartTime = *when(at(180))
		if got := evaluateBooking(t, w, b, 150); got.Groups[0] != "h" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("not the deletion of the place", func(t *testing.T) {
		w, _, b := start()
		w.places = nil
		if got := evaluateBooking(t, w, b, 150); got.Problem != nil || got.Groups[0] != "g" || got.Terms == nil {
			t.Errorf("%+v", got)
		}
	})
	t.Run("the deletion of a group", func(t *testing.T) {
		w, _, b := start()
		w.groups = nil
		got := evaluateBooking(t, w, b, 150)
		if got.Problem == nil || got.Problem.Reason != v1alpha1.ReasonGroupNotFound || !strings.Contains(got.Problem.Message, "status.groups") {
			t.Errorf("%+v", got.Problem)
		}
	})
}

func TestAContradictionIsNotRecorded(t *testing.T) {
	t.Parallel()
	place := bookable("room", "g")
	place.Spec.Bookings.Changes = v1alpha1.BookingChangesBeforeStart
	w := &world{places: []*v1alpha1.PlaceMapping{place}, groups: []*v1alpha1.KisiGroup{group("g"), group("h")}}
	w.groups[0].Spec.ConnectionRef.Name = "branch"
	b := booking(100, 200)
	b.Spec.PlaceRef = byName("room")
	record(b, evaluateBooking(t, w, b, 90))
	place.Spec.Bookings.GroupRefs = groupRefs("h") // put right after the start
	if got := evaluateBooking(t, w, b, 150); got.Problem != nil || got.Groups[0] != "h" || got.Terms == nil {
		t.Errorf("%+v", got)
	}
}

// The lag of an ambiguous place is not known, so the default must not end the freeze.
func TestAFrozenBookingStaysFrozenPastItsDefaultWindow(t *testing.T) {
	t.Parallel()
	one, two := bookable("one", "g"), bookable("two", "g")
	one.Spec.ExternalID, two.Spec.ExternalID = "42", "42"
	b := booking(100, 200)
	b.Spec.PlaceRef = &v1alpha1.PlaceReference{ExternalID: "42"}
	w := &world{places: []*v1alpha1.PlaceMapping{one, two}, groups: []*v1alpha1.KisiGroup{group("g")}, bookings: []*v1alpha1.BookingGrant{b}}
	m := implicitMember("ana@example.com")
	if e := forPerson(t, w, m, at(250)); len(e.Frozen) != 1 {
		t.Errorf("frozen after the default lag: %v", e.Frozen)
	}
	b.Spec.State = v1alpha1.BookingCanceled
	if e := forPerson(t, w, m, at(150)); len(e.Frozen) != 0 {
		t.Errorf("a canceled booking is frozen: %v", e.Frozen)
	}
}

// What is known of a booking's window decides when it is over and may delete itself, so nothing is taken for it that nobody
// has said.
func TestWhatIsKnownOfABookingsWindow(t *testing.T) {
	t.Parallel()
	lag := &metav1.Duration{Duration: 4 * time.Hour}
	room := func(name string) *v1alpha1.PlaceMapping {
		p := bookable(name, "g")
		p.Spec.ExternalID, p.Spec.Bookings.LagTime = "42", lag
		return p
	}
	mismatched := room("room")
	mismatched.Spec.ConnectionRef.Name = "branch"
	unbookable := room("room")
	unbookable.Spec.Bookings = nil
	unfound := room("room")
	unfound.Spec.KisiPlace = &v1alpha1.KisiPlaceReference{Name: "Main St"}
	lost := room("room")
	lost.Spec.Bookings.GroupRefs = groupRefs("lost")
	whole := entitlement.Window{From: at(70), Until: at(440)} // with the lag of the mapping
	one, two := []*v1alpha1.PlaceMapping{room("room")}, []*v1alpha1.PlaceMapping{room("room"), room("twin")}
	const scheduled, active, ended, canceled = v1alpha1.BookingPhaseScheduled, v1alpha1.BookingPhaseActive, v1alpha1.BookingPhaseEnded, v1alpha1.BookingPhaseCanceled
	for _, c := range []struct {
		name   string
		places []*v1alpha1.PlaceMapping
		// recorded is the window in the status; stale says that it is of an earlier generation of the booking.
		recorded entitlement.Window
		stale    bool
		canceled bool
		now      int
		want     entitlement.Window
		known    bool
		phase    v1alpha1.BookingPhase
	}{
		{name: "a place", places: one, now: 300, want: whole, known: true, phase: active},
		{name: "a place, over", places: one, now: 440, want: whole, known: true, phase: ended},
		{name: "a place without its groups", places: []*v1alpha1.PlaceMapping{lost}, now: 440, want: whole, known: true, phase: ended},
		{name: "an ambiguous place after the default lag", places: two, recorded: whole, now: 300, want: whole, phase: active},
		{name: "an ambiguous place after what was known last", places: two, recorded: whole, now: 440, want: whole, phase: ended},
		{name: "an ambiguous place from the beginning", places: two, now: 50, phase: scheduled},
		{name: "an ambiguous place from the beginning, begun", places: two, now: 100, phase: active},
		{name: "an ambiguous place from the beginning, long after", places: two, now: 690, phase: active},
		{name: "an ambiguous place, and the booking has been edited since", places: two, recorded: whole, stale: true, now: 690, phase: active},
		{name: "an ambiguous place of a canceled booking", places: two, now: 300, canceled: true, phase: canceled},
		{name: "a place that is away after the default lag", recorded: whole, now: 300, want: whole, phase: active},
		{name: "a place that is away from the beginning", now: 690, phase: active},
		{name: "a place that cannot be booked", places: []*v1alpha1.PlaceMapping{unbookable}, now: 690, phase: active},
		{name: "a group of another connection", places: []*v1alpha1.PlaceMapping{mismatched}, now: 440, want: whole, phase: ended},
		{name: "a group of another connection, and another window before", places: []*v1alpha1.PlaceMapping{mismatched}, recorded: entitlement.Window{From: at(70), Until: at(500)}, now: 440, want: entitlement.Window{From: at(70), Until: at(500)}, phase: active},
		{name: "a place that Kisi has not been asked for", places: []*v1alpha1.PlaceMapping{unfound}, now: 300, want: whole, phase: active},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := booking(100, 200)
			b.Spec.PlaceRef = &v1alpha1.PlaceReference{ExternalID: "42"}
			b.Generation, b.Status.ObservedGeneration = 2, 2
			if c.stale {
				b.Status.ObservedGeneration = 1
			}
			if c.canceled {
				b.Spec.State = v1alpha1.BookingCanceled
			}
			if c.recorded != (entitlement.Window{}) {
				recorded := c.recorded.API()
				b.Status.Window = &recorded
			}
			got := evaluateBooking(t, &world{places: c.places, groups: []*v1alpha1.KisiGroup{group("g")}}, b, c.now)
			if got.Window != c.want || got.Known != c.known || got.Phase != c.phase {
				t.Errorf("%s, known %t, %s", got.Window, got.Known, got.Phase)
			}
			if !got.Next.IsZero() && !got.Next.After(at(c.now)) {
				t.Errorf("looks again at %s", got.Next)
			}
		})
	}
}

func TestTheStateOfASubscriptionIsTheFirstThatHolds(t *testing.T) {
	t.Parallel()
	const (
		canceled  = v1alpha1.SubscriptionPhaseCanceled
		pending   = v1alpha1.SubscriptionPhasePending
		ended     = v1alpha1.SubscriptionPhaseEnded
		exhausted = v1alpha1.SubscriptionPhaseExhausted
		scheduled = v1alpha1.SubscriptionPhaseScheduled
		active    = v1alpha1.SubscriptionPhaseActive
	)
	passes := func(total, used int32, openUntil *metav1.Time) *v1alpha1.DayPasses {
		return &v1alpha1.DayPasses{Total: total, Used: used, OpenUntil: openUntil}
	}
	for _, c := range []struct {
		name       string
		state      v1alpha1.SubscriptionState
		start, end *metav1.Time
		passes     *v1alpha1.DayPasses
		want       v1alpha1.SubscriptionPhase
		until      time.Time
		next       time.Time
	}{
		{name: "canceled goes before ended", state: v1alpha1.SubscriptionCanceled, end: when(at(50)), want: canceled, until: at(50)},
		{name: "pending goes before ended", state: v1alpha1.SubscriptionPending, end: when(at(50)), want: pending, until: at(50)},
		{name: "ended goes before exhausted", end: when(at(100)), passes: passes(1, 1, nil), want: ended, until: at(100)},
		{name: "exhausted goes before scheduled", start: when(at(200)), passes: passes(1, 1, nil), want: exhausted},
		{name: "exhausted until it ends", end: when(at(200)), passes: passes(1, 1, nil), want: exhausted, until: at(200), next: at(200)},
		{name: "eleven of ten used", passes: passes(10, 11, nil), want: exhausted},
		{name: "no passes at all", passes: passes(0, 0, nil), want: exhausted},
		{name: "nine of ten used", passes: passes(10, 9, nil), want: active},
		{name: "the last pass's day is open", end: when(at(300)), passes: passes(1, 1, when(at(200))), want: active, until: at(200)},
		{name: "the last pass's day is over", passes: passes(1, 1, when(at(100))), want: exhausted, until: at(100)},
		{name: "the end comes before the last pass's", end: when(at(150)), passes: passes(1, 1, when(at(200))), want: active, until: at(150)},
		{name: "openUntil means nothing while passes are left", passes: passes(2, 1, when(at(50))), want: active},
		{name: "the last pass's day is over before the start", start: when(at(200)), passes: passes(1, 1, when(at(150))), want: exhausted, until: at(150)},
		{name: "scheduled", start: when(at(101)), want: scheduled},
		{name: "it begins this very second", start: when(at(100)), want: active},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &v1alpha1.AccessSubscription{ObjectMeta: named("s")}
			s.Spec.State = c.state
			if c.state == "" {
				s.Spec.State = v1alpha1.SubscriptionActive
			}
			s.Spec.Subject.Email = "ana@example.com"
			s.Spec.GroupRefs = groupRefs("g")
			s.Spec.StartTime, s.Spec.EndTime, s.Spec.DayPasses = c.start, c.end, c.passes
			got := evaluateSubscription(t, &world{groups: []*v1alpha1.KisiGroup{group("g")}}, s, 100)
			if got.Phase != c.want || !got.Window.Until.Equal(c.until) || !got.Next.Equal(c.next) || got.Problem != nil {
				t.Errorf("%+v", got)
			}
		})
	}
}

func evaluateSubscription(t *testing.T, w *world, s *v1alpha1.AccessSubscription, now int) entitlement.Subscription {
	t.Helper()
	got, err := entitlement.EvaluateSubscription(w, s, at(now))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhatASubscriptionGives(t *testing.T) {
	t.Parallel()
	place := placeMapping("floor")
	place.Spec.Access = []v1alpha1.PlaceAccess{{Audience: "members", GroupRefs: groupRefs("floor")}, {Audience: "staff", GroupRefs: groupRefs("staff", "lost")}}
	elsewhere := group("elsewhere")
	elsewhere.Spec.ConnectionRef.Name = "branch"
	plan := func(name, id string, groups ...string) *v1alpha1.AccessPlan {
		p := &v1alpha1.AccessPlan{ObjectMeta: named(name)}
		p.Spec.ExternalID, p.Spec.GroupRefs = v1alpha1.ExternalID(id), groupRefs(groups...)
		return p
	}
	w := &world{
		places: []*v1alpha1.PlaceMapping{place},
		plans:  []*v1alpha1.AccessPlan{plan("gold", "1", "desk", "elsewhere"), plan("twin", "2"), plan("twin2", "2"), plan("holey", "3", "lost")},
		groups: []*v1alpha1.KisiGroup{group("desk"), elsewhere, group("floor"), group("staff"), group("own")},
	}
	for _, c := range []struct {
		name    string
		spec    v1alpha1.AccessSubscriptionSpec
		groups  []v1alpha1.ObjectName
		reason  string
		message string
		freezes bool
	}{
		{name: "a plan whose groups lie in two connections", spec: v1alpha1.AccessSubscriptionSpec{PlanRef: &v1alpha1.PlanReference{ExternalID: "1"}}, groups: []v1alpha1.ObjectName{"desk", "elsewhere"}},
		{name: "its own groups instead of the plan's", spec: v1alpha1.AccessSubscriptionSpec{PlanRef: &v1alpha1.PlanReference{Name: "gold"}, GroupRefs: groupRefs("own")}, groups: []v1alpha1.ObjectName{"own"}},
		{name: "its own groups, though the plan is missing", spec: v1alpha1.AccessSubscriptionSpec{PlanRef: &v1alpha1.PlanReference{Name: "none"}, GroupRefs: groupRefs("own")}, groups: []v1alpha1.ObjectName{"own"},
			reason: v1alpha1.ReasonPlanNotFound, message: `planRef: there is no AccessPlan "none" in this namespace; create it or correct the reference`},
		{name: "a plan that is missing beside a place", spec: v1alpha1.AccessSubscriptionSpec{PlanRef: &v1alpha1.PlanReference{ExternalID: "9"}, PlaceRef: byName("floor")}, groups: []v1alpha1.ObjectName{"floor"},
			reason: v1alpha1.ReasonPlanNotFound, message: `with externalID "9"`},
		{name: "an ambiguous plan", spec: v1alpha1.AccessSubscriptionSpec{PlanRef: &v1alpha1.PlanReference{ExternalID: "2"}},
			reason: v1alpha1.ReasonAmbiguousReference, message: `planRef: with externalID "2" fits 2 AccessPlans (twin, twin2)`, freezes: true},
		{name: "a group of the plan that is missing", spec: v1alpha1.AccessSubscriptionSpec{PlanRef: &v1alpha1.PlanReference{Name: "holey"}}, groups: []v1alpha1.ObjectName{"lost"},
			reason: v1alpha1.ReasonGroupNotFound, message: `AccessPlan holey, groupRefs: there is no KisiGroup "lost"`},
		{name: "members are the default audience", spec: v1alpha1.AccessSubscriptionSpec{PlaceRef: byName("floor")}, groups: []v1alpha1.ObjectName{"floor"}},
		{name: "another audience, beside own groups", spec: v1alpha1.AccessSubscriptionSpec{PlaceRef: byName("floor"), Audience: "staff", GroupRefs: groupRefs("own")}, groups: []v1alpha1.ObjectName{"own", "staff", "lost"},
			reason: v1alpha1.ReasonGroupNotFound, message: `PlaceMapping floor, audience "staff", groupRefs: there is no KisiGroup "lost"`},
		{name: "an audience that the place does not know", spec: v1alpha1.AccessSubscriptionSpec{PlaceRef: byName("floor"), Audience: "cats"},
			reason: v1alpha1.ReasonAudienceNotFound, message: `audience: PlaceMapping "floor" has no audience "cats" in spec.access; add it there or correct the audience`},
		{name: "a place that is missing", spec: v1alpha1.AccessSubscriptionSpec{PlaceRef: byName("attic")},
			reason: v1alpha1.ReasonPlaceNotFound, message: `placeRef: there is no PlaceMapping "attic" in this namespace`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &v1alpha1.AccessSubscription{ObjectMeta: named("s"), Spec: c.spec}
			s.Spec.State, s.Spec.Subject.Email = v1alpha1.SubscriptionActive, "ana@example.com"
			got := evaluateSubscription(t, w, s, 0)
			if !slices.Equal(got.Groups, c.groups) {
				t.Errorf("groups %v", got.Groups)
			}
			switch {
			case (got.Problem == nil) != (c.reason == ""):
				t.Errorf("problem %+v", got.Problem)
			case got.Problem != nil && (got.Problem.Reason != c.reason || !strings.Contains(got.Problem.Message, c.message) || got.Problem.Freezes != c.freezes):
				t.Errorf("problem %+v", *got.Problem)
			}
		})
	}
}

func TestWhoHoldsASubscription(t *testing.T) {
	t.Parallel()
	inTeam := func(m *v1alpha1.Member, created int) *v1alpha1.Member {
		m.Spec.Teams, m.CreationTimestamp = []v1alpha1.Team{"acme"}, *when(at(created))
		return m
	}
	withID := func(m *v1alpha1.Member, id string) *v1alpha1.Member {
		m.Spec.ExternalID = v1alpha1.ExternalID(id)
		return m
	}
	w := &world{members: []*v1alpha1.Member{
		inTeam(withID(explicitMember("gil", "gil@example.com"), "7"), 1),
		inTeam(withID(explicitMember("ana", "ana@example.com"), "8"), 1),
		inTeam(explicitMember("ana-again", "ANA@example.com"), 2),
		inTeam(deleting(explicitMember("ion", "ion@example.com")), 1),
		withID(explicitMember("twin1", "one@example.com"), "9"), withID(explicitMember("twin2", "two@example.com"), "9"),
		withID(explicitMember("same1", "same@example.com"), "10"), withID(explicitMember("same2", "Same@example.com"), "10"),
		explicitMember("late", "late@example.com"), implicitMember("late@example.com"),
	}}
	for _, c := range []struct {
		name    string
		subject v1alpha1.Subject
		want    []entitlement.Address
		reason  string
	}{
		{name: "a team, each person once, without those who leave", subject: v1alpha1.Subject{Team: "acme"}, want: []entitlement.Address{"ana@example.com", "gil@example.com"}},
		{name: "a team that nobody is in", subject: v1alpha1.Subject{Team: "zeta"}},
		{name: "an address", subject: v1alpha1.Subject{Email: "Zoe@Example.com"}, want: []entitlement.Address{"zoe@example.com"}},
		{name: "a Member by name, though another stands for the address", subject: v1alpha1.Subject{MemberRef: &v1alpha1.MemberReference{Name: "ana-again"}}, want: []entitlement.Address{"ana@example.com"}},
		{name: "a Member by id", subject: v1alpha1.Subject{MemberRef: &v1alpha1.MemberReference{ExternalID: "7"}}, want: []entitlement.Address{"gil@example.com"}},
		{name: "a Member that is being deleted", subject: v1alpha1.Subject{MemberRef: &v1alpha1.MemberReference{Name: "ion"}}, reason: v1alpha1.ReasonMemberNotFound},
		{name: "two people of one id", subject: v1alpha1.Subject{MemberRef: &v1alpha1.MemberReference{ExternalID: "9"}}, reason: v1alpha1.ReasonAmbiguousReference},
		{name: "two Members of one id who are one person", subject: v1alpha1.Subject{MemberRef: &v1alpha1.MemberReference{ExternalID: "10"}}, want: []entitlement.Address{"same@example.com"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &v1alpha1.AccessSubscription{ObjectMeta: named("s")}
			s.Spec.State, s.Spec.Subject = v1alpha1.SubscriptionActive, c.subject
			got := evaluateSubscription(t, w, s, 0)
			var people []entitlement.Address
			for _, p := range got.People {
				people = append(people, p.Address)
			}
			reason := ""
			if got.Problem != nil {
				reason = got.Problem.Reason
			}
			if !slices.Equal(people, c.want) || reason != c.reason {
				t.Errorf("people %v, problem %+v", people, got.Problem)
			}
		})
	}
}

func TestProblemsOfAMembersOwnSpec(t *testing.T) {
	t.Parallel()
	one, two := placeMapping("one"), placeMapping("two")
	one.Spec.ExternalID, two.Spec.ExternalID = "42", "42"
	wrong := placeMapping("wrong")
	wrong.Spec.Access = []v1alpha1.PlaceAccess{{Audience: "members", GroupRefs: groupRefs("g")}}
	wrong.Spec.KisiPlace = &v1alpha1.KisiPlaceReference{ID: 8}
	g := group("g")
	g.Status.PlaceID = 7
	w := &world{places: []*v1alpha1.PlaceMapping{one, two, wrong}, groups: []*v1alpha1.KisiGroup{g}}
	m := explicitMember("ana", "ana@example.com")
	m.Spec.GroupRefs = []v1alpha1.MemberGroupReference{{Name: "lost"}, {Name: "past", EndTime: when(at(5))}}
	m.Spec.Places = []v1alpha1.MemberPlace{
		{PlaceRef: *byName("attic"), Audience: "members"},
		{PlaceRef: *byName("one"), Audience: "cats"},
		{PlaceRef: v1alpha1.PlaceReference{ExternalID: "42"}, Audience: "members"},
		{PlaceRef: *byName("wrong"), Audience: "members"},
		{PlaceRef: *byName("gone"), EndTime: when(at(5))},
	}
	w.members = []*v1alpha1.Member{m}
	got := forPerson(t, w, m, at(10))
	want := []struct{ reason, message string }{
		{v1alpha1.ReasonAmbiguousReference, `places[2].placeRef: with externalID "42" fits 2 PlaceMappings (one, two); refer to one of them by name, or add its kind, or make the ids differ`},
		{v1alpha1.ReasonPlaceMismatch, `places[3]: PlaceMapping wrong: group "g" lies in the Kisi place 7, kisiPlace is 8; use a group of that place or an organization-wide one`},
		{v1alpha1.ReasonGroupNotFound, `groupRefs: there is no KisiGroup "lost" in this namespace; create it or correct the reference`},
		{v1alpha1.ReasonPlaceNotFound, `places[0].placeRef: there is no PlaceMapping "attic" in this namespace; create it or correct the reference`},
		{v1alpha1.ReasonAudienceNotFound, `places[1]: audience: PlaceMapping "one" has no audience "cats" in spec.access; add it there or correct the audience`},
	}
	if len(got.Problems) != len(want) {
		t.Fatalf("%d problems: %+v", len(got.Problems), got.Problems)
	}
	for i, p := range got.Problems {
		if p.Reason != want[i].reason || p.Message != want[i].message {
			t.Errorf("%d: %+v", i, p)
		}
	}
	for _, source := range []string{"PlaceMapping/one", "PlaceMapping/two", "PlaceMapping/wrong"} {
		if _, frozen := got.Frozen[source]; !frozen {
			t.Errorf("%s is not frozen: %v", source, got.Frozen)
		}
	}
}

func TestAPlaceInKisiCountsOnlyOnceVerified(t *testing.T) {
	t.Parallel()
	const main, high = v1alpha1.KisiName("Main St"), v1alpha1.KisiName("High St")
	const notFound, mismatch = v1alpha1.ReasonPlaceNotFound, v1alpha1.ReasonPlaceMismatch
	for _, c := range []struct {
		name   string
		ref    v1alpha1.KisiPlaceReference
		id     v1alpha1.KisiID
		found  v1alpha1.KisiName
		itself string // what is wrong with the mapping itself
		gives  string // why it gives nothing
	}{
		{name: "by name, verified", ref: v1alpha1.KisiPlaceReference{Name: main}, id: 7, found: main},
		{name: "by name, and the group lies elsewhere", ref: v1alpha1.KisiPlaceReference{Name: main}, id: 8, found: main, itself: mismatch, gives: mismatch},
		{name: "by name, not looked up yet", ref: v1alpha1.KisiPlaceReference{Name: main}, gives: notFound},
		{name: "by name, which was another before", ref: v1alpha1.KisiPlaceReference{Name: main}, id: 7, found: high, gives: notFound},
		{name: "by name, where there was an id before", ref: v1alpha1.KisiPlaceReference{Name: main}, id: 7, gives: notFound},
		{name: "by id, verified", ref: v1alpha1.KisiPlaceReference{ID: 7}, id: 7},
		{name: "by id, and the group lies elsewhere", ref: v1alpha1.KisiPlaceReference{ID: 8}, id: 8, itself: mismatch, gives: mismatch},
		{name: "by id, not looked up yet, and the group lies elsewhere", ref: v1alpha1.KisiPlaceReference{ID: 8}, itself: mismatch, gives: mismatch},
		{name: "by id, not looked up yet", ref: v1alpha1.KisiPlaceReference{ID: 7}, gives: notFound},
		{name: "by id, which was another before", ref: v1alpha1.KisiPlaceReference{ID: 7}, id: 8, found: main, gives: notFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := group("g")
			g.Status.PlaceID = 7
			p := bookable("room", "g")
			p.Spec.KisiPlace, p.Status.KisiPlaceID, p.Status.KisiPlaceName = &c.ref, c.id, c.found
			w := &world{groups: []*v1alpha1.KisiGroup{g}, places: []*v1alpha1.PlaceMapping{p}}
			b := booking(100, 200)
			b.Spec.PlaceRef = byName("room")
			reason := func(problem *entitlement.Problem) string {
				if problem == nil {
					return ""
				}
				return problem.Reason
			}
			for _, observed := range []int64{1, 2, 3} { // an edit of anything else of the mapping says nothing about the reference
				p.Generation, p.Status.ObservedGeneration = 2, observed
				itself, err := entitlement.PlaceProblem(w, p)
				if err != nil || reason(itself) != c.itself {
					t.Errorf("itself, status of generation %d: %+v %v", observed, itself, err)
				}
				if got := evaluateBooking(t, w, b, 100).Problem; reason(got) != c.gives {
					t.Errorf("gives, status of generation %d: %+v", observed, got)
				}
			}
		})
	}
}
