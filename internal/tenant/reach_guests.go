package tenant

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// booking reaches the people of a booking: where it only has other guests than before, those.
func (p *people) booking(before, after *v1alpha1.BookingGrant) {
	if before == nil || after == nil || !sameForGuests(before, after) {
		for _, state := range []*v1alpha1.BookingGrant{before, after} {
			if state != nil {
				p.guests(state)
			}
		}
		return
	}
	was, is := entitlement.Invitees(before), entitlement.Invitees(after)
	for _, invitee := range notIn(was, is) {
		p.person(invitee.Address)
	}
	for _, invitee := range notIn(is, was) {
		p.person(invitee.Address)
	}
}

// notIn returns the invitees that are not among the others, as they are.
func notIn(invitees, others []entitlement.Invitee) []entitlement.Invitee {
	known := make(map[entitlement.Invitee]bool, len(others))
	for _, other := range others {
		known[other] = true
	}
	return slices.DeleteFunc(slices.Clone(invitees), func(invitee entitlement.Invitee) bool { return known[invitee] })
}

// sameForGuests reports whether a booking gives whoever it names the same as before.
func sameForGuests(before, after *v1alpha1.BookingGrant) bool {
	was, is := before.Spec, after.Spec
	if entitlement.Fold(was.Organizer.Email) != entitlement.Fold(is.Organizer.Email) {
		return false
	}
	was.Organizer, is.Organizer, was.Attendees, is.Attendees = v1alpha1.Person{}, v1alpha1.Person{}, nil, nil
	return equality.Semantic.DeepEqual(was, is) && before.DeletionTimestamp.IsZero() == after.DeletionTimestamp.IsZero() && sameTerms(before, after)
}

// sameTerms reports whether the status of a booking says the same of its terms; without terms its groups decide nothing.
func sameTerms(before, after *v1alpha1.BookingGrant) bool {
	was, is := before.Status, after.Status
	return equality.Semantic.DeepEqual(was.Terms, is.Terms) && (is.Terms == nil || equality.Semantic.DeepEqual(was.Groups, is.Groups))
}

// guestsOf reaches everybody whom the bookings name that the person organizes, and that may be for members only.
func (p *people) guestsOf(organizer entitlement.Address) {
	for _, booking := range p.bookingsBy(ByAddress, string(organizer)) {
		if organizedFor(booking, organizer) {
			p.guests(booking)
		}
	}
}

// organizedFor reports whether a booking may depend on whether its organizer, who has this address, is a member.
func organizedFor(booking *v1alpha1.BookingGrant, address entitlement.Address) bool {
	return booking.Spec.PlaceRef != nil && booking.Spec.State != v1alpha1.BookingCanceled && entitlement.Fold(booking.Spec.Organizer.Email) == address
}

func (p *people) guests(bookings ...*v1alpha1.BookingGrant) {
	for _, booking := range bookings {
		for _, invitee := range entitlement.Invitees(booking) {
			p.person(invitee.Address)
		}
	}
}
