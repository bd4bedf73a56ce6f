package entitlement_test

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// world holds the objects of one namespace and finds them by looking at each.
type world struct {
	members       []*v1alpha1.Member
	bookings      []*v1alpha1.BookingGrant
	subscriptions []*v1alpha1.AccessSubscription
	places        []*v1alpha1.PlaceMapping
	plans         []*v1alpha1.AccessPlan
	groups        []*v1alpha1.KisiGroup
}

var _ entitlement.Objects = (*world)(nil)

func filter[T any](all []T, fits func(T) bool) []T {
	var found []T
	for _, object := range all {
		if fits(object) {
			found = append(found, object)
		}
	}
	return found
}

func (w *world) Members(address entitlement.Address) ([]*v1alpha1.Member, error) {
	return filter(w.members, func(m *v1alpha1.Member) bool { return entitlement.Fold(m.Spec.Email) == address }), nil
}

func (w *world) MembersByReference(ref v1alpha1.MemberReference) ([]*v1alpha1.Member, error) {
	return filter(w.members, func(m *v1alpha1.Member) bool { return memberFits(m, ref) }), nil
}

func memberFits(m *v1alpha1.Member, ref v1alpha1.MemberReference) bool {
	if ref.Name != "" {
		return m.Name == string(ref.Name)
	}
	return m.Spec.ExternalID == ref.ExternalID
}

func (w *world) TeamMembers(team v1alpha1.Team) ([]*v1alpha1.Member, error) {
	return filter(w.members, func(m *v1alpha1.Member) bool {
		for _, t := range m.Spec.Teams {
			if t == team {
				return true
			}
		}
		return false
	}), nil
}

func (w *world) Bookings(address entitlement.Address) ([]*v1alpha1.BookingGrant, error) {
	return filter(w.bookings, func(b *v1alpha1.BookingGrant) bool {
		for _, p := range append([]v1alpha1.Person{b.Spec.Organizer}, b.Spec.Attendees...) {
			if entitlement.Fold(p.Email) == address {
				return true
			}
		}
		return false
	}), nil
}

func (w *world) SubscriptionsOf(address entitlement.Address) ([]*v1alpha1.AccessSubscription, error) {
	return filter(w.subscriptions, func(s *v1alpha1.AccessSubscription) bool {
		return s.Spec.Subject.Email != "" && entitlement.Fold(s.Spec.Subject.Email) == address
	}), nil
}

func (w *world) SubscriptionsOfMember(m *v1alpha1.Member) ([]*v1alpha1.AccessSubscription, error) {
	return filter(w.subscriptions, func(s *v1alpha1.AccessSubscription) bool {
		ref := s.Spec.Subject.MemberRef
		return ref != nil && (ref.Name != "" || ref.ExternalID == m.Spec.ExternalID && ref.ExternalID != "") && memberFits(m, *ref)
	}), nil
}

func (w *world) SubscriptionsOfTeam(team v1alpha1.Team) ([]*v1alpha1.AccessSubscription, error) {
	return filter(w.subscriptions, func(s *v1alpha1.AccessSubscription) bool { return s.Spec.Subject.Team == team }), nil
}

func (w *world) Places(ref v1alpha1.PlaceReference) ([]*v1alpha1.PlaceMapping, error) {
	return filter(w.places, func(p *v1alpha1.PlaceMapping) bool {
		if ref.Name != "" {
			return p.Name == string(ref.Name)
		}
		return p.Spec.ExternalID == ref.ExternalID && (ref.Kind == "" || ref.Kind == p.Spec.Kind)
	}), nil
}

func (w *world) Plans(ref v1alpha1.PlanReference) ([]*v1alpha1.AccessPlan, error) {
	return filter(w.plans, func(p *v1alpha1.AccessPlan) bool {
		if ref.Name != "" {
			return p.Name == string(ref.Name)
		}
		return p.Spec.ExternalID == ref.ExternalID
	}), nil
}

func (w *world) Group(name v1alpha1.ObjectName) (*v1alpha1.KisiGroup, error) {
	for _, g := range w.groups {
		if g.Name == string(name) {
			return g, nil
		}
	}
	return nil, nil
}

// at is a moment of a night in which clocks in Europe go back: 2026-10-25 00:00 UTC and so many minutes.
func at(minutes int) time.Time {
	return time.Date(2026, 10, 25, 0, minutes, 0, 0, time.UTC)
}

func when(t time.Time) *metav1.Time { return &metav1.Time{Time: t} }

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "acme", Name: name} }

func group(name string) *v1alpha1.KisiGroup {
	g := &v1alpha1.KisiGroup{ObjectMeta: named(name)}
	g.Spec.ConnectionRef.Name = "hq"
	return g
}

func groupRefs(names ...string) []v1alpha1.GroupReference {
	var refs []v1alpha1.GroupReference
	for _, name := range names {
		refs = append(refs, v1alpha1.GroupReference{Name: v1alpha1.ObjectName(name)})
	}
	return refs
}

func explicitMember(name, email string) *v1alpha1.Member {
	m := &v1alpha1.Member{ObjectMeta: named(name)}
	m.Spec.Email, m.Spec.State = v1alpha1.EmailAddress(email), v1alpha1.MemberActive
	return m
}

func implicitMember(email string) *v1alpha1.Member {
	m := explicitMember(entitlement.ImplicitName(entitlement.Fold(v1alpha1.EmailAddress(email))), email)
	m.Labels = map[string]string{v1alpha1.ImplicitLabel: "true"}
	return m
}

func deleting[T metav1.Object](object T) T {
	object.SetDeletionTimestamp(when(at(-600)))
	return object
}

func placeMapping(name string) *v1alpha1.PlaceMapping {
	p := &v1alpha1.PlaceMapping{ObjectMeta: named(name)}
	p.Spec.ConnectionRef.Name = "hq"
	p.Spec.Kind = v1alpha1.PlaceKindRoom
	return p
}

func byName(name string) *v1alpha1.PlaceReference {
	return &v1alpha1.PlaceReference{Name: v1alpha1.ObjectName(name)}
}
