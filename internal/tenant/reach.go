package tenant

import (
	"context"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Reach follows references from an object to the sources and the people that it bears on, through field indexes only,
// so that a change costs its own size.
type Reach struct {
	in            Objects
	people        sets.Set[entitlement.Address]
	Bookings      map[string]*v1alpha1.BookingGrant
	Subscriptions map[string]*v1alpha1.AccessSubscription
	Err           error
}

// ReachFrom begins in the namespace of an object, with nothing reached.
func ReachFrom(ctx context.Context, reader client.Reader, object client.Object) *Reach {
	return &Reach{
		in:            In(ctx, reader, object.GetNamespace()),
		people:        sets.New[entitlement.Address](),
		Bookings:      map[string]*v1alpha1.BookingGrant{},
		Subscriptions: map[string]*v1alpha1.AccessSubscription{},
	}
}

// fail keeps the first error; what has been reached so far is still woken.
func (r *Reach) fail(err error) bool {
	if err != nil && r.Err == nil {
		r.Err = err
	}
	return err != nil
}

// Person reaches a person by address.
func (r *Reach) Person(address entitlement.Address) { r.people.Insert(address) }

func (r *Reach) booking(booking *v1alpha1.BookingGrant) {
	r.Bookings[booking.Name] = booking
	for _, invitee := range entitlement.Invitees(booking) {
		r.Person(invitee.Address)
	}
}

func (r *Reach) bookingsBy(field string, values ...string) {
	for _, value := range values {
		var list v1alpha1.BookingGrantList
		if r.fail(r.in.List(&list, field, value)) {
			return
		}
		for i := range list.Items {
			r.booking(&list.Items[i])
		}
	}
}

// subscription reaches its people, and through them the bookings that they organize: being named makes them members.
func (r *Reach) subscription(subscription *v1alpha1.AccessSubscription) {
	r.Subscriptions[subscription.Name] = subscription
	subject := subscription.Spec.Subject
	switch {
	case subject.Email != "":
		r.Person(entitlement.Fold(subject.Email))
	case subject.MemberRef != nil:
		members, err := r.in.MembersByReference(*subject.MemberRef)
		r.fail(err)
		for _, member := range members {
			r.Person(entitlement.Fold(member.Spec.Email))
		}
	case subject.Team != "":
		members, err := r.in.TeamMembers(subject.Team)
		r.fail(err)
		for _, member := range members {
			r.Person(entitlement.Fold(member.Spec.Email))
		}
	}
}

func (r *Reach) subscriptionsBy(field string, values ...string) {
	for _, value := range values {
		var list v1alpha1.AccessSubscriptionList
		if r.fail(r.in.List(&list, field, value)) {
			return
		}
		for i := range list.Items {
			r.subscription(&list.Items[i])
		}
	}
}

func (r *Reach) membersBy(field string, values ...string) {
	for _, value := range values {
		var list v1alpha1.MemberList
		if r.fail(r.in.List(&list, field, value)) {
			return
		}
		for i := range list.Items {
			r.Person(entitlement.Fold(list.Items[i].Spec.Email))
		}
	}
}

// From reaches everything that the object bears on.
func (r *Reach) From(object client.Object) *Reach {
	indexes := indexesOf(object)
	switch o := object.(type) {
	case *v1alpha1.Member:
		r.Person(entitlement.Fold(o.Spec.Email))
		r.bookingsBy(ByAddress, MemberAddress(o)...)
		r.subscriptionsBy(ByAddress, MemberAddress(o)...)
		r.subscriptionsBy(byMember, indexes...)
		r.subscriptionsBy(byTeam, memberTeams(o)...)
	case *v1alpha1.BookingGrant:
		r.booking(o)
	case *v1alpha1.AccessSubscription:
		r.subscription(o)
		r.bookingsBy(ByAddress, subscriptionAddress(o)...)
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

func (r *Reach) group(name string) {
	r.membersBy(ByLedgerGroup, name)
	r.membersBy(ByGroup, name)
	r.bookingsBy(ByGroup, name)
	r.subscriptionsBy(ByGroup, name)
	var places v1alpha1.PlaceMappingList
	if !r.fail(r.in.List(&places, ByGroup, name)) {
		for i := range places.Items {
			r.From(&places.Items[i])
		}
	}
	var plans v1alpha1.AccessPlanList
	if !r.fail(r.in.List(&plans, ByGroup, name)) {
		for i := range plans.Items {
			r.From(&plans.Items[i])
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

// Members returns every Member of the people reached.
func (r *Reach) Members() []*v1alpha1.Member {
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
