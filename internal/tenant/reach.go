package tenant

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// reach follows references from an object, as it was and as it is, to those whom the change concerns, through field indexes
// only and each entry once, so that a change costs its own size. before is nil for an object that is new, after for one that
// is gone.
type reach struct {
	in       Objects
	followed sets.Set[entry]
	// Err is the first error; what has been reached so far is concerned all the same.
	Err error
}

// entry of a field index.
type entry struct{ kind, field, value string }

func reachIn(ctx context.Context, reader client.Reader, before, after client.Object) reach {
	object := after
	if isNone(after) {
		object = before
	}
	return reach{in: In(ctx, reader, object.GetNamespace()), followed: sets.New[entry]()}
}

// isNone reports whether a state of an object is that there is none.
func isNone(object client.Object) bool { return object == nil }

func (r *reach) fail(err error) bool {
	if err != nil && r.Err == nil {
		r.Err = err
	}
	return err != nil
}

// first reports whether an index entry has not been followed yet.
func (r *reach) first(kind, field, value string) bool {
	e := entry{kind, field, value}
	if r.followed.Has(e) {
		return false
	}
	r.followed.Insert(e)
	return true
}

func (r *reach) membersBy(field string, values ...string) []*v1alpha1.Member {
	var all []*v1alpha1.Member
	for _, value := range values {
		var list v1alpha1.MemberList
		if r.first(entitlement.KindMember, field, value) && !r.fail(r.in.List(&list, field, value)) {
			all = append(all, Pointers(list.Items)...)
		}
	}
	return all
}

func (r *reach) bookingsBy(field string, values ...string) []*v1alpha1.BookingGrant {
	var all []*v1alpha1.BookingGrant
	for _, value := range values {
		var list v1alpha1.BookingGrantList
		if r.first(entitlement.KindBookingGrant, field, value) && !r.fail(r.in.List(&list, field, value)) {
			all = append(all, Pointers(list.Items)...)
		}
	}
	return all
}

func (r *reach) subscriptionsBy(field string, values ...string) []*v1alpha1.AccessSubscription {
	var all []*v1alpha1.AccessSubscription
	for _, value := range values {
		var list v1alpha1.AccessSubscriptionList
		if r.first(entitlement.KindAccessSubscription, field, value) && !r.fail(r.in.List(&list, field, value)) {
			all = append(all, Pointers(list.Items)...)
		}
	}
	return all
}

// placesOf lists the ways in which the PlaceMappings that name a group can be referred to.
func (r *reach) placesOf(group string) []string {
	var list v1alpha1.PlaceMappingList
	if !r.first(entitlement.KindPlaceMapping, ByGroup, group) || r.fail(r.in.List(&list, ByGroup, group)) {
		return nil
	}
	var references []string
	for i := range list.Items {
		references = append(references, waysTo(&list.Items[i])...)
	}
	return references
}

// plansOf lists the ways in which the AccessPlans that name a group can be referred to.
func (r *reach) plansOf(group string) []string {
	var list v1alpha1.AccessPlanList
	if !r.first(entitlement.KindAccessPlan, ByGroup, group) || r.fail(r.in.List(&list, ByGroup, group)) {
		return nil
	}
	var references []string
	for i := range list.Items {
		references = append(references, waysTo(&list.Items[i])...)
	}
	return references
}

// groupsOf lists the KisiGroups of a connection, and of the others that are one to the same organization: what one may not do
// does not happen through another.
func (r *reach) groupsOf(connection *v1alpha1.KisiConnection) []string {
	names := []string{connection.Name}
	if organization := connection.Status.Organization; organization != nil {
		all, err := r.in.Connections()
		r.fail(err)
		for i := range all {
			if other := all[i].Status.Organization; other != nil && other.ID == organization.ID && all[i].Name != connection.Name {
				names = append(names, all[i].Name)
			}
		}
	}
	var groups []string
	for _, name := range names {
		var list v1alpha1.KisiGroupList
		if r.first(entitlement.KindKisiGroup, ByConnection, name) && !r.fail(r.in.List(&list, ByConnection, name)) {
			for i := range list.Items {
				groups = append(groups, list.Items[i].Name)
			}
		}
	}
	return groups
}

// states returns the states of an object in which there is one.
func states(before, after client.Object) []client.Object {
	return slices.DeleteFunc([]client.Object{before, after}, isNone)
}

// waysTo lists the ways in which an object can be referred to.
func waysTo(object client.Object) []string {
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
