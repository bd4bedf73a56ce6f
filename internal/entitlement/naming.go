package entitlement

import (
	"fmt"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Naming lists, by KisiGroup, the sources that name the person for it, whether or not their own state and dates let them
// give anything. What such a source does not give any more, it takes back by its own word; what a source gave that does
// not name the person or the group any more is lost because something disappeared.
type Naming map[v1alpha1.ObjectName]map[string]bool

// Names reports whether the source names the person for the group.
func (n Naming) Names(source string, group v1alpha1.ObjectName) bool { return n[group][source] }

func (n *Naming) add(source string, groups ...v1alpha1.ObjectName) {
	if *n == nil {
		*n = Naming{}
	}
	for _, group := range groups {
		if (*n)[group] == nil {
			(*n)[group] = map[string]bool{}
		}
		(*n)[group][source] = true
	}
}

// namePlace notes what an entry of Member.spec.places names. Under a contradiction nobody knows which mapping is meant,
// so all of them are named: the entry's own state and dates are obeyed all the same.
func (c *collection) namePlace(found []*v1alpha1.PlaceMapping, audience v1alpha1.Audience) {
	for _, place := range found {
		c.Naming.add(SourceName(KindPlaceMapping, place.Name), listedFor(place, audience)...)
	}
}

// nameSubscription notes what a subscription of the person names.
func (c *collection) nameSubscription(source string, subscription *v1alpha1.AccessSubscription, verdict Subscription) error {
	c.Naming.add(source, verdict.Groups...)
	if verdict.Problem == nil || !verdict.Problem.Freezes {
		return nil
	}
	spec := &subscription.Spec // the verdict leaves out what contradicts itself
	if spec.PlanRef != nil && len(spec.GroupRefs) == 0 {
		plans, err := c.objects.Plans(*spec.PlanRef)
		if err != nil {
			return fmt.Errorf("finding the plans that AccessSubscription %s may mean: %w", subscription.Name, err)
		}
		for _, plan := range present(plans) {
			c.Naming.add(source, appendGroups(nil, plan.Spec.GroupRefs)...)
		}
	}
	if spec.PlaceRef != nil {
		places, err := c.objects.Places(*spec.PlaceRef)
		if err != nil {
			return fmt.Errorf("finding the places that AccessSubscription %s may mean: %w", subscription.Name, err)
		}
		for _, place := range present(places) {
			c.Naming.add(source, listedFor(place, spec.Audience)...)
		}
	}
	return nil
}

// nameBooking notes what a booking that names the person names. Where its organizer is no member, the groups are lost by
// somebody's own word only if there is somebody left to say it; named reports whether there is.
func (c *collection) nameBooking(source string, booking *v1alpha1.BookingGrant, verdict Booking) (named bool, err error) {
	if verdict.Excluded && verdict.Phase != v1alpha1.BookingPhaseCanceled && verdict.Phase != v1alpha1.BookingPhaseEnded {
		known, err := isKnown(c.objects, Fold(booking.Spec.Organizer.Email))
		if err != nil || !known {
			return false, err
		}
	}
	c.Naming.add(source, verdict.Groups...)
	if verdict.Problem == nil || !verdict.Problem.Freezes || booking.Spec.PlaceRef == nil {
		return true, nil
	}
	places, err := c.objects.Places(*booking.Spec.PlaceRef)
	if err != nil {
		return false, fmt.Errorf("finding the places that BookingGrant %s may mean: %w", booking.Name, err)
	}
	for _, place := range present(places) {
		if place.Spec.Bookings != nil {
			c.Naming.add(source, appendGroups(nil, place.Spec.Bookings.GroupRefs)...)
		}
	}
	return true, nil
}

// isKnown reports whether there is an object that says of itself whether the person is a member: an explicit Member, or a
// subscription of the address.
func isKnown(objects Objects, address Address) (bool, error) {
	members, err := objects.Members(address)
	if err != nil {
		return false, fmt.Errorf("finding the organizer's Member: %w", err)
	}
	if Explicit(members) != nil {
		return true, nil
	}
	subscriptions, err := objects.SubscriptionsOf(address)
	if err != nil {
		return false, fmt.Errorf("finding the organizer's subscriptions: %w", err)
	}
	return len(present(subscriptions)) > 0, nil
}

// listedFor returns the groups that the mapping lists for an audience, whatever is wrong with them.
func listedFor(place *v1alpha1.PlaceMapping, audience v1alpha1.Audience) []v1alpha1.ObjectName {
	if audience == "" {
		audience = v1alpha1.DefaultAudience
	}
	for _, a := range place.Spec.Access {
		if a.Audience == audience || a.Audience == "" && audience == v1alpha1.DefaultAudience {
			return appendGroups(nil, a.GroupRefs)
		}
	}
	return nil
}
