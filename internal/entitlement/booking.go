package entitlement

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// DefaultGrace is how long before and after a booking its people may enter when no place says otherwise.
const DefaultGrace = 30 * time.Minute

// Booking is what a BookingGrant comes to.
type Booking struct {
	Phase v1alpha1.BookingPhase
	// Window in which the booking's people may enter: the one known last where the place cannot be told now, zero if none is.
	Window Window
	// Known says that the window is certain: the place that the booking names is one, and says so without contradiction.
	Known bool
	// Groups that the booking gives; those that do not exist are among them, and named by Problem.
	Groups []v1alpha1.ObjectName
	// Terms is what status.terms should say, beside status.groups: with them an edit of the place no longer reaches a
	// booking that has started. Nil unless the place says `changes: BeforeStart`.
	Terms *v1alpha1.BookingTerms
	// People whom the booking names: the organizer first, then the attendees, each address once.
	People []Invitee
	// Excluded is set when a rule keeps everybody out: the organizer is no member and the place is for members.
	Excluded bool
	// Problem is why the booking gives less than it names, or nil.
	Problem *Problem
	// Next is when the answer changes for another reason than the window; zero if it does not.
	Next time.Time
}

// Invitee is a person whom a source names.
type Invitee struct {
	Address Address
	Email   v1alpha1.EmailAddress
	Name    v1alpha1.FullName
}

// Invitees lists everybody whom a booking names, each address once.
func Invitees(booking *v1alpha1.BookingGrant) []Invitee {
	people := make([]Invitee, 0, 1+len(booking.Spec.Attendees))
	seen := make(map[Address]bool, cap(people))
	add := func(p v1alpha1.Person) {
		address := Fold(p.Email)
		if address == "" || seen[address] {
			return
		}
		seen[address] = true
		people = append(people, Invitee{Address: address, Email: p.Email, Name: p.FullName})
	}
	add(booking.Spec.Organizer)
	for _, p := range booking.Spec.Attendees {
		add(p)
	}
	return people
}

// EvaluateBooking says what a booking gives to the people it names, at the time now.
func EvaluateBooking(objects Objects, booking *v1alpha1.BookingGrant, now time.Time) (Booking, error) {
	b := Booking{People: Invitees(booking)}
	agreed, err := b.agree(objects, booking, now)
	if err != nil {
		return b, err
	}
	if agreed.membersOnly {
		// Not now: the doors of a booking that is written to Kisi ahead open without this operator.
		member, err := isMember(objects, Fold(booking.Spec.Organizer.Email), instant(&booking.Spec.StartTime))
		if err != nil {
			return b, err
		}
		b.Excluded = !member
	}
	b.setWindow(booking, agreed, now)
	missing, err := groupsProblem(objects, agreed.field, b.Groups)
	if err != nil {
		return b, err
	}
	b.Problem = weightier(b.Problem, missing)
	b.Phase = b.phase(booking, now)
	return b, nil
}

// setWindow tells the booking's window. A contradiction leaves it as it was; a place that is missing says nothing of it.
func (b *Booking) setWindow(booking *v1alpha1.BookingGrant, agreed agreement, now time.Time) {
	b.Known = agreed.told && (b.Problem == nil || !b.Problem.Freezes)
	recorded := booking.Status.Window
	switch {
	case !b.Known && recorded != nil && booking.Status.ObservedGeneration == booking.Generation:
		b.Window = NewWindow(recorded.From, recorded.Until)
	case agreed.told:
		b.Window = Window{
			From:  instant(&booking.Spec.StartTime).Add(-agreed.lead),
			Until: instant(&booking.Spec.EndTime).Add(agreed.lag),
		}
	default:
		if start := instant(&booking.Spec.StartTime); start.After(now) {
			b.Next = Sooner(b.Next, start)
		}
	}
}

// agreement is what applies to one booking apart from its groups.
type agreement struct {
	lead, lag   time.Duration
	membersOnly bool
	// told says that the booking or its place says so, and nothing of it is only a default.
	told bool
	// field that names the groups.
	field string
}

// agree finds the groups and terms of the booking: its own, those recorded when it started, or the place's of now.
func (b *Booking) agree(objects Objects, booking *v1alpha1.BookingGrant, now time.Time) (agreement, error) {
	agreed := agreement{lead: DefaultGrace, lag: DefaultGrace, field: "groupRefs"}
	ref := booking.Spec.PlaceRef
	if ref == nil {
		b.Groups = appendGroups(nil, booking.Spec.GroupRefs)
		agreed.told = true
		return agreed, nil
	}
	if terms := booking.Status.Terms; terms != nil && terms.PlaceRef == *ref {
		start := instant(&booking.Spec.StartTime)
		if !now.Before(start) {
			return b.recorded(booking), nil
		}
		b.Next = start // from then on what is recorded decides
	}
	place, problem, err := resolvePlace(objects, "placeRef", *ref)
	if problem != nil || err != nil {
		b.Problem = problem
		return agreed, err
	}
	offer := place.Spec.Bookings
	if offer == nil {
		b.Problem = &Problem{
			Reason:  v1alpha1.ReasonPlaceNotBookable,
			Message: fmt.Sprintf("placeRef: PlaceMapping %q says nothing about bookings; add spec.bookings to it", place.Name),
		}
		return agreed, nil
	}
	b.Groups = appendGroups(nil, offer.GroupRefs)
	agreed.lead, agreed.lag, agreed.told = grace(offer.LeadTime), grace(offer.LagTime), true
	agreed.membersOnly = offer.NonMembers != v1alpha1.NonMembersAllow
	agreed.field = fmt.Sprintf("PlaceMapping %s, bookings.groupRefs", place.Name)
	if b.Problem, err = placeProblem(objects, place); err != nil {
		return agreed, err
	}
	// A contradiction is not recorded: what is put right later would not reach the booking.
	if offer.Changes == v1alpha1.BookingChangesBeforeStart && b.Problem == nil {
		b.Terms = termsOf(*ref, agreed)
	}
	return agreed, nil
}

// recorded takes the groups and terms that were recorded when the booking started.
func (b *Booking) recorded(booking *v1alpha1.BookingGrant) agreement {
	b.Terms, b.Groups = booking.Status.Terms, booking.Status.Groups
	return agreement{
		lead:        time.Duration(b.Terms.LeadSeconds) * time.Second,
		lag:         time.Duration(b.Terms.LagSeconds) * time.Second,
		membersOnly: b.Terms.NonMembers != v1alpha1.NonMembersAllow,
		told:        true,
		field:       "status.groups, recorded when the booking started",
	}
}

func termsOf(ref v1alpha1.PlaceReference, agreed agreement) *v1alpha1.BookingTerms {
	terms := &v1alpha1.BookingTerms{
		PlaceRef:    ref,
		LeadSeconds: int64(agreed.lead / time.Second),
		LagSeconds:  int64(agreed.lag / time.Second),
		NonMembers:  v1alpha1.NonMembersDeny,
	}
	if !agreed.membersOnly {
		terms.NonMembers = v1alpha1.NonMembersAllow
	}
	return terms
}

// grace drops fractions of seconds, so that a window is the same whether its terms were recorded or not.
func grace(d *metav1.Duration) time.Duration {
	if d == nil {
		return DefaultGrace
	}
	return d.Truncate(time.Second)
}

// phase says where the booking stands. One whose window nobody has told has begun at its start, and is not known to be over.
func (b *Booking) phase(booking *v1alpha1.BookingGrant, now time.Time) v1alpha1.BookingPhase {
	window := b.Window
	if window == (Window{}) {
		window.From = instant(&booking.Spec.StartTime)
	}
	switch {
	case booking.Spec.State == v1alpha1.BookingCanceled:
		return v1alpha1.BookingPhaseCanceled
	case window.Ended(now):
		return v1alpha1.BookingPhaseEnded
	case !window.Opened(now):
		return v1alpha1.BookingPhaseScheduled
	}
	return v1alpha1.BookingPhaseActive
}

// Open reports whether the booking lets in the people it names, now or later.
func (b Booking) Open() bool {
	return (b.Phase == v1alpha1.BookingPhaseScheduled || b.Phase == v1alpha1.BookingPhaseActive) && !b.Excluded
}

// frozen reports whether rows that the booking gave stay as they are. What the place gave is not known under a
// contradiction, so neither the default window nor the default rule for non-members ends it; the rows end by themselves.
func (b Booking) frozen() bool {
	return b.Problem != nil && b.Problem.Freezes && b.Phase != v1alpha1.BookingPhaseCanceled
}

// isMember reports whether the person counts as a member at the time t, with the dates and states known now: by an Active
// explicit Member, or, without an explicit Member, by being named in a subscription that is Active and has not ended by t.
func isMember(objects Objects, address Address, t time.Time) (bool, error) {
	members, err := objects.Members(address)
	if err != nil {
		return false, fmt.Errorf("finding the organizer's Member: %w", err)
	}
	if explicit := Explicit(members); explicit != nil {
		return explicit.Spec.State == v1alpha1.MemberActive, nil
	}
	subscriptions, err := objects.SubscriptionsOf(address)
	if err != nil {
		return false, fmt.Errorf("finding the organizer's subscriptions: %w", err)
	}
	for _, s := range present(subscriptions) {
		if s.Spec.State == v1alpha1.SubscriptionActive && !NewWindow(nil, s.Spec.EndTime).Ended(t) {
			return true, nil
		}
	}
	return false, nil
}
