package controller

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

// reach follows references from an object to the sources and the people that it bears on, through field indexes only,
// so that a change costs its own size.
type reach struct {
	in            objects
	people        map[access.Address]bool
	bookings      map[string]*v1alpha1.BookingGrant
	subscriptions map[string]*v1alpha1.AccessSubscription
	err           error
}

func reachFrom(ctx context.Context, reader client.Reader, object client.Object) *reach {
	return &reach{
		in:            objectsIn(ctx, reader, object.GetNamespace()),
		people:        map[access.Address]bool{},
		bookings:      map[string]*v1alpha1.BookingGrant{},
		subscriptions: map[string]*v1alpha1.AccessSubscription{},
	}
}

// fail keeps the first error; what has been reached so far is still woken.
func (r *reach) fail(err error) bool {
	if err != nil && r.err == nil {
		r.err = err
	}
	return err != nil
}

func (r *reach) person(address access.Address) { r.people[address] = true }

func (r *reach) booking(booking *v1alpha1.BookingGrant) {
	r.bookings[booking.Name] = booking
	for _, invitee := range access.Invitees(booking) {
		r.person(invitee.Address)
	}
}

func (r *reach) bookingsBy(field string, values ...string) {
	for _, value := range values {
		var list v1alpha1.BookingGrantList
		if r.fail(r.in.list(&list, field, value)) {
			return
		}
		for i := range list.Items {
			r.booking(&list.Items[i])
		}
	}
}

// subscription reaches its people, and through them the bookings that they organize: being named makes them members.
func (r *reach) subscription(subscription *v1alpha1.AccessSubscription) {
	r.subscriptions[subscription.Name] = subscription
	subject := subscription.Spec.Subject
	switch {
	case subject.Email != "":
		r.person(access.Fold(subject.Email))
	case subject.MemberRef != nil:
		members, err := r.in.MembersByReference(*subject.MemberRef)
		r.fail(err)
		for _, member := range members {
			r.person(access.Fold(member.Spec.Email))
		}
	case subject.Team != "":
		members, err := r.in.TeamMembers(subject.Team)
		r.fail(err)
		for _, member := range members {
			r.person(access.Fold(member.Spec.Email))
		}
	}
}

func (r *reach) subscriptionsBy(field string, values ...string) {
	for _, value := range values {
		var list v1alpha1.AccessSubscriptionList
		if r.fail(r.in.list(&list, field, value)) {
			return
		}
		for i := range list.Items {
			r.subscription(&list.Items[i])
		}
	}
}

func (r *reach) membersBy(field string, values ...string) {
	for _, value := range values {
		var list v1alpha1.MemberList
		if r.fail(r.in.list(&list, field, value)) {
			return
		}
		for i := range list.Items {
			r.person(access.Fold(list.Items[i].Spec.Email))
		}
	}
}

// from reaches everything that the object bears on.
func (r *reach) from(object client.Object) *reach {
	indexes := indexesOf(object)
	switch o := object.(type) {
	case *v1alpha1.Member:
		r.person(access.Fold(o.Spec.Email))
		r.bookingsBy(byAddress, memberAddress(o)...)
		r.subscriptionsBy(byAddress, memberAddress(o)...)
		r.subscriptionsBy(byMember, indexes...)
		r.subscriptionsBy(byTeam, memberTeams(o)...)
	case *v1alpha1.BookingGrant:
		r.booking(o)
	case *v1alpha1.AccessSubscription:
		r.subscription(o)
		r.bookingsBy(byAddress, subscriptionAddress(o)...)
	case *v1alpha1.PlaceMapping:
		r.bookingsBy(byPlace, indexes...)
		r.subscriptionsBy(byPlace, indexes...)
		r.membersBy(byPlace, indexes...)
	case *v1alpha1.AccessPlan:
		r.subscriptionsBy(byPlan, indexes...)
	case *v1alpha1.KisiGroup:
		r.group(o.Name)
	}
	return r
}

func (r *reach) group(name string) {
	r.membersBy(byLedgerGroup, name)
	r.membersBy(byGroup, name)
	r.bookingsBy(byGroup, name)
	r.subscriptionsBy(byGroup, name)
	var places v1alpha1.PlaceMappingList
	if !r.fail(r.in.list(&places, byGroup, name)) {
		for i := range places.Items {
			r.from(&places.Items[i])
		}
	}
	var plans v1alpha1.AccessPlanList
	if !r.fail(r.in.list(&plans, byGroup, name)) {
		for i := range plans.Items {
			r.from(&plans.Items[i])
		}
	}
}

// indexesOf lists the ways in which an object can be referred to.
func indexesOf(object client.Object) []string {
	var externalID v1alpha1.ExternalID
	switch o := object.(type) {
	case *v1alpha1.PlaceMapping:
		externalID = o.Spec.ExternalID
	case *v1alpha1.AccessPlan:
		externalID = o.Spec.ExternalID
	case *v1alpha1.Member:
		externalID = o.Spec.ExternalID
	}
	return referenceIndexes(object.GetName(), externalID)
}

// members returns every Member of the people reached.
func (r *reach) members() []*v1alpha1.Member {
	var all []*v1alpha1.Member
	for address := range r.people {
		members, err := r.in.Members(address)
		if r.fail(err) {
			break
		}
		all = append(all, members...)
	}
	return all
}
