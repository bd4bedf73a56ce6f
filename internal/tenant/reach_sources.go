package tenant

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// BookingsConcerned finds the bookings whose status a change of another object may change.
func BookingsConcerned(ctx context.Context, reader client.Reader, before, after client.Object) ([]*v1alpha1.BookingGrant, error) {
	r := reachIn(ctx, reader, before, after)
	var all []*v1alpha1.BookingGrant
	for _, object := range states(before, after) {
		switch o := object.(type) {
		case *v1alpha1.Member:
			all = append(all, r.bookingsBy(ByAddress, MemberAddress(o)...)...)
		case *v1alpha1.AccessSubscription:
			was, _ := before.(*v1alpha1.AccessSubscription)
			is, _ := after.(*v1alpha1.AccessSubscription)
			if subscribedOf(was) != subscribedOf(is) {
				all = append(all, r.bookingsOrganizedBy(subscriptionAddress(o)...)...)
			}
		case *v1alpha1.PlaceMapping:
			all = append(all, r.bookingsBy(byPlace, waysTo(o)...)...)
		case *v1alpha1.KisiGroup:
			all = append(all, r.bookingsIn(o.Name)...)
		case *v1alpha1.KisiConnection:
			all = append(all, r.bookingsIn(r.groupsOf(o)...)...)
		}
	}
	return all, r.Err
}

func (r *reach) bookingsOrganizedBy(addresses ...string) []*v1alpha1.BookingGrant {
	var organized []*v1alpha1.BookingGrant
	for _, address := range addresses {
		for _, booking := range r.bookingsBy(ByAddress, address) {
			if organizedFor(booking, entitlement.Address(address)) {
				organized = append(organized, booking)
			}
		}
	}
	return organized
}

func (r *reach) bookingsIn(groups ...string) []*v1alpha1.BookingGrant {
	var all []*v1alpha1.BookingGrant
	for _, group := range groups {
		all = append(all, r.bookingsBy(ByGroup, group)...)
		all = append(all, r.bookingsBy(byPlace, r.placesOf(group)...)...)
	}
	return all
}

// SubscriptionsConcerned finds the subscriptions whose status a change of another object may change.
func SubscriptionsConcerned(ctx context.Context, reader client.Reader, before, after client.Object) ([]*v1alpha1.AccessSubscription, error) {
	r := reachIn(ctx, reader, before, after)
	var all []*v1alpha1.AccessSubscription
	for _, object := range states(before, after) {
		switch o := object.(type) {
		case *v1alpha1.Member:
			all = append(all, r.subscriptionsOf(o)...)
			// What another Member of the address lists counts or not by who stands for it, and what it is referred to by means
			// the one who stands.
			for _, other := range r.membersBy(ByAddress, MemberAddress(o)...) {
				all = append(all, r.subscriptionsOf(other)...)
			}
		case *v1alpha1.AccessPlan:
			all = append(all, r.subscriptionsBy(byPlan, waysTo(o)...)...)
		case *v1alpha1.PlaceMapping:
			all = append(all, r.subscriptionsBy(byPlace, waysTo(o)...)...)
		case *v1alpha1.KisiGroup:
			all = append(all, r.subscriptionsIn(o.Name)...)
		case *v1alpha1.KisiConnection:
			all = append(all, r.subscriptionsIn(r.groupsOf(o)...)...)
		}
	}
	return all, r.Err
}

// subscriptionsOf returns the subscriptions of a Member: by address, by reference, and of its teams.
func (r *reach) subscriptionsOf(member *v1alpha1.Member) []*v1alpha1.AccessSubscription {
	all := r.subscriptionsBy(ByAddress, MemberAddress(member)...)
	all = append(all, r.subscriptionsBy(byMember, waysTo(member)...)...)
	return append(all, r.subscriptionsBy(byTeam, memberTeams(member)...)...)
}

func (r *reach) subscriptionsIn(groups ...string) []*v1alpha1.AccessSubscription {
	var all []*v1alpha1.AccessSubscription
	for _, group := range groups {
		all = append(all, r.subscriptionsBy(ByGroup, group)...)
		all = append(all, r.subscriptionsBy(byPlace, r.placesOf(group)...)...)
		all = append(all, r.subscriptionsBy(byPlan, r.plansOf(group)...)...)
	}
	return all
}
