package access

import (
	"fmt"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// DefaultGrace is how long before and after a booking its people may enter when no place says otherwise.
const DefaultGrace = 30 * time.Minute

// Booking is what a BookingGrant comes to.
type Booking struct {
	Phase  v1alpha1.BookingPhase
	Window Window
	// Groups that the booking gives; those that do not exist are among them, and named by Problem.
	Groups []v1alpha1.ObjectName
	// People whom the booking names: the organizer first, then the attendees, each address once.
	People []Invitee
	// Excluded is set when a rule keeps everybody out: the organizer is no member and the place is for members.
	Excluded bool
	// Problem is why the booking gives less than it names, or nil.
	Problem *Problem
	// Next is when the answer changes for another reason than the window; zero if it does not.
	Next time.Time
}

// Invitee is a person whom a booking names.
type Invitee struct {
	Address Address
	Email   v1alpha1.EmailAddress
	Name    v1alpha1.FullName
}

// Names reports whether the booking is about the person.
func (b Booking) Names(address Address) bool {
	for _, p := range b.People {
		if p.Address == address {
			return true
		}
	}
	return false
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
	lead, lag := DefaultGrace, DefaultGrace
	var place *v1alpha1.PlaceMapping
	if ref := booking.Spec.PlaceRef; ref != nil {
		var err error
		if place, b.Problem, err = resolvePlace(objects, *ref); err != nil {
			return b, err
		}
	} else {
		b.Groups = appendGroups(nil, booking.Spec.GroupRefs)
	}
	if place != nil {
		terms := place.Spec.Bookings
		if terms == nil {
			b.Problem = &Problem{
				Reason:  v1alpha1.ReasonPlaceNotBookable,
				Message: fmt.Sprintf("placeRef: PlaceMapping %q says nothing about bookings; add spec.bookings to it", place.Name),
			}
		} else {
			b.Groups = appendGroups(nil, terms.GroupRefs)
			if terms.LeadTime != nil {
				lead = terms.LeadTime.Duration
			}
			if terms.LagTime != nil {
				lag = terms.LagTime.Duration
			}
			contradiction, err := PlaceProblem(objects, place)
			if err != nil {
				return b, err
			}
			b.Problem = contradiction
			if terms.NonMembers != v1alpha1.NonMembersAllow {
				member, until, err := isMember(objects, Fold(booking.Spec.Organizer.Email), now)
				if err != nil {
					return b, err
				}
				b.Excluded, b.Next = !member, until
			}
		}
	}
	b.Window = Window{
		From:  instant(&booking.Spec.StartTime).Add(-lead).Truncate(time.Second),
		Until: instant(&booking.Spec.EndTime).Add(lag).Truncate(time.Second),
	}
	if b.Problem == nil {
		missing, err := GroupsProblem(objects, b.Groups)
		if err != nil {
			return b, err
		}
		b.Problem = missing
	}
	b.Phase = bookingPhase(booking, b.Window, now)
	return b, nil
}

func bookingPhase(booking *v1alpha1.BookingGrant, window Window, now time.Time) v1alpha1.BookingPhase {
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

// isMember reports whether the person counts as a member, and until when: by an Active explicit Member, or, without an
// explicit Member, by being named in a subscription that is Active and has not ended. A zero until means no end is known.
func isMember(objects Objects, address Address, now time.Time) (member bool, until time.Time, err error) {
	members, err := objects.Members(address)
	if err != nil {
		return false, until, fmt.Errorf("finding the organizer's Member: %w", err)
	}
	if explicit := Explicit(members); explicit != nil {
		return explicit.Spec.State == v1alpha1.MemberActive, until, nil
	}
	subscriptions, err := objects.SubscriptionsOf(address)
	if err != nil {
		return false, until, fmt.Errorf("finding the organizer's subscriptions: %w", err)
	}
	for _, s := range subscriptions {
		window := NewWindow(nil, s.Spec.EndTime)
		if !s.DeletionTimestamp.IsZero() || s.Spec.State != v1alpha1.SubscriptionActive || window.Ended(now) {
			continue
		}
		if window.Until.IsZero() {
			return true, time.Time{}, nil
		}
		member = true
		if window.Until.After(until) {
			until = window.Until
		}
	}
	return member, until, nil
}
