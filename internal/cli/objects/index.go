package objects

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Indexed finds the objects of a Set by what they name, without a scan.
type Indexed struct {
	*Set

	members       byKey[*v1alpha1.Member]
	bookings      byKey[*v1alpha1.BookingGrant]
	subscriptions byKey[*v1alpha1.AccessSubscription]
	places        byKey[*v1alpha1.PlaceMapping]
	plans         byKey[*v1alpha1.AccessPlan]
	groups        byKey[*v1alpha1.KisiGroup]
}

var _ entitlement.Objects = (*Indexed)(nil)

// key is a way to an object, such as its name or an address that it names.
type key struct{ by, value string }

const (
	byName       = "name"
	byExternalID = "externalID"
	byAddress    = "address"
	byTeam       = "team"
	byMemberName = "memberRef.name"
	byMemberID   = "memberRef.externalID"
)

type byKey[T metav1.Object] map[key][]T

// put adds an object under a value that it has once.
func (b byKey[T]) put(object T, by, value string) {
	if value != "" {
		b[key{by, value}] = append(b[key{by, value}], object)
	}
}

func (b byKey[T]) find(by, value string) []T { return b[key{by, value}] }

// Index indexes the Set as it is now.
func (s *Set) Index() *Indexed {
	i := &Indexed{
		Set: s, members: byKey[*v1alpha1.Member]{}, bookings: byKey[*v1alpha1.BookingGrant]{}, subscriptions: byKey[*v1alpha1.AccessSubscription]{},
		places: byKey[*v1alpha1.PlaceMapping]{}, plans: byKey[*v1alpha1.AccessPlan]{}, groups: byKey[*v1alpha1.KisiGroup]{},
	}
	for _, m := range s.Members {
		i.members.put(m, byName, m.Name)
		i.members.put(m, byExternalID, string(m.Spec.ExternalID))
		i.members.put(m, byAddress, string(entitlement.Fold(m.Spec.Email)))
		for _, team := range m.Spec.Teams {
			i.members.put(m, byTeam, string(team))
		}
	}
	for _, b := range s.Bookings {
		i.bookings.put(b, byName, b.Name)
		for _, person := range entitlement.Invitees(b) {
			i.bookings.put(b, byAddress, string(person.Address))
		}
	}
	for _, sub := range s.Subscriptions {
		i.subscriptions.put(sub, byName, sub.Name)
		subject := sub.Spec.Subject
		i.subscriptions.put(sub, byAddress, string(entitlement.Fold(subject.Email)))
		i.subscriptions.put(sub, byTeam, string(subject.Team))
		if ref := subject.MemberRef; ref != nil && ref.Name != "" {
			i.subscriptions.put(sub, byMemberName, string(ref.Name))
		} else if ref != nil {
			i.subscriptions.put(sub, byMemberID, string(ref.ExternalID))
		}
	}
	for _, p := range s.Places {
		i.places.put(p, byName, p.Name)
		i.places.put(p, byExternalID, string(p.Spec.ExternalID))
	}
	for _, p := range s.Plans {
		i.plans.put(p, byName, p.Name)
		i.plans.put(p, byExternalID, string(p.Spec.ExternalID))
	}
	for _, g := range s.Groups {
		i.groups.put(g, byName, g.Name)
	}
	return i
}

// Members returns the Members of an address.
func (i *Indexed) Members(address entitlement.Address) ([]*v1alpha1.Member, error) {
	return i.members.find(byAddress, string(address)), i.Readable(entitlement.KindMember)
}

// MembersByReference returns the Members that a reference means; by external id there may be several.
func (i *Indexed) MembersByReference(ref v1alpha1.MemberReference) ([]*v1alpha1.Member, error) {
	return find(i.members, ref.Name, ref.ExternalID), i.Readable(entitlement.KindMember)
}

// TeamMembers returns the Members of a team.
func (i *Indexed) TeamMembers(team v1alpha1.Team) ([]*v1alpha1.Member, error) {
	return i.members.find(byTeam, string(team)), i.Readable(entitlement.KindMember)
}

// Bookings returns the bookings that name an address.
func (i *Indexed) Bookings(address entitlement.Address) ([]*v1alpha1.BookingGrant, error) {
	return i.bookings.find(byAddress, string(address)), i.Readable(entitlement.KindBookingGrant)
}

// SubscriptionsOf returns the subscriptions of an address.
func (i *Indexed) SubscriptionsOf(address entitlement.Address) ([]*v1alpha1.AccessSubscription, error) {
	return i.subscriptions.find(byAddress, string(address)), i.Readable(entitlement.KindAccessSubscription)
}

// SubscriptionsOfMember returns the subscriptions that refer to the Member, by name or by external id.
func (i *Indexed) SubscriptionsOfMember(member *v1alpha1.Member) ([]*v1alpha1.AccessSubscription, error) {
	named := i.subscriptions.find(byMemberName, member.Name)
	identified := i.subscriptions.find(byMemberID, string(member.Spec.ExternalID))
	return slices.Concat(named, identified), i.Readable(entitlement.KindAccessSubscription)
}

// SubscriptionsOfTeam returns the subscriptions of a team.
func (i *Indexed) SubscriptionsOfTeam(team v1alpha1.Team) ([]*v1alpha1.AccessSubscription, error) {
	return i.subscriptions.find(byTeam, string(team)), i.Readable(entitlement.KindAccessSubscription)
}

// Places returns the mappings that a reference means; by external id there may be several.
func (i *Indexed) Places(ref v1alpha1.PlaceReference) ([]*v1alpha1.PlaceMapping, error) {
	var fitting []*v1alpha1.PlaceMapping
	for _, place := range find(i.places, ref.Name, ref.ExternalID) {
		if ref.Name != "" || ref.Kind == "" || place.Spec.Kind == ref.Kind {
			fitting = append(fitting, place)
		}
	}
	return fitting, i.Readable(entitlement.KindPlaceMapping)
}

// Plans returns the plans that a reference means; by external id there may be several.
func (i *Indexed) Plans(ref v1alpha1.PlanReference) ([]*v1alpha1.AccessPlan, error) {
	return find(i.plans, ref.Name, ref.ExternalID), i.Readable(entitlement.KindAccessPlan)
}

// Group returns the KisiGroup, or nil if there is none or it is being deleted.
func (i *Indexed) Group(name v1alpha1.ObjectName) (*v1alpha1.KisiGroup, error) {
	for _, group := range i.groups.find(byName, string(name)) {
		if group.DeletionTimestamp.IsZero() {
			return group, nil
		}
	}
	return nil, i.Readable(entitlement.KindKisiGroup)
}

// Named returns the object of a kind and name, or nil.
func (i *Indexed) Named(kind, name string) Object {
	switch kind {
	case entitlement.KindKisiConnection:
		if c := i.Connection(v1alpha1.ObjectName(name)); c != nil {
			return c
		}
	case entitlement.KindKisiGroup:
		return first(i.groups, name)
	case entitlement.KindPlaceMapping:
		return first(i.places, name)
	case entitlement.KindAccessPlan:
		return first(i.plans, name)
	case entitlement.KindMember:
		return first(i.members, name)
	case entitlement.KindAccessSubscription:
		return first(i.subscriptions, name)
	case entitlement.KindBookingGrant:
		return first(i.bookings, name)
	}
	return nil
}

func first[T Object](index byKey[T], name string) Object {
	if found := index.find(byName, name); len(found) > 0 {
		return found[0]
	}
	return nil
}

func find[T metav1.Object](index byKey[T], name v1alpha1.ObjectName, externalID v1alpha1.ExternalID) []T {
	if name != "" {
		return index.find(byName, string(name))
	}
	return index.find(byExternalID, string(externalID))
}
