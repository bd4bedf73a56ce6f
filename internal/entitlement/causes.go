package entitlement

import (
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Causes names, as Kind/name, the way from each of the sources to the group: the source, the PlaceMapping or AccessPlan
// that gives the group for it, if there is one, and the KisiGroup. Of a source that is not there any more only itself and the
// group are known.
func Causes(objects Objects, member *v1alpha1.Member, sources []string, group v1alpha1.ObjectName) ([][]string, error) {
	causes := make([][]string, 0, len(sources))
	for _, source := range sources {
		through, err := through(objects, member, source, group)
		if err != nil {
			return nil, err
		}
		causes = append(causes, slices.Concat([]string{source}, through, []string{SourceName(KindKisiGroup, string(group))}))
	}
	return causes, nil
}

// through names what lies between a source and the group.
func through(objects Objects, member *v1alpha1.Member, source string, group v1alpha1.ObjectName) ([]string, error) {
	kind, name, _ := strings.Cut(source, "/")
	switch kind {
	case KindBookingGrant:
		bookings, err := objects.Bookings(Fold(member.Spec.Email))
		i := slices.IndexFunc(bookings, func(b *v1alpha1.BookingGrant) bool { return b.Name == name })
		if err != nil || i < 0 || bookings[i].Spec.PlaceRef == nil {
			return nil, err
		}
		return throughPlace(objects, *bookings[i].Spec.PlaceRef)
	case KindAccessSubscription:
		subscription, err := subscriptionNamed(objects, member, name)
		if err != nil || subscription == nil {
			return nil, err
		}
		return throughPlan(objects, subscription, group)
	}
	return nil, nil
}

func throughPlace(objects Objects, ref v1alpha1.PlaceReference) ([]string, error) {
	place, _, err := resolvePlace(objects, "placeRef", ref)
	if err != nil || place == nil {
		return nil, err
	}
	return []string{SourceName(KindPlaceMapping, place.Name)}, nil
}

// throughPlan names the plan or place by which a subscription gives the group; neither where it names the group itself.
func throughPlan(objects Objects, subscription *v1alpha1.AccessSubscription, group v1alpha1.ObjectName) ([]string, error) {
	spec := subscription.Spec
	if slices.Contains(appendGroups(nil, spec.GroupRefs), group) {
		return nil, nil
	}
	if spec.PlanRef != nil && len(spec.GroupRefs) == 0 {
		plan, _, err := resolvePlan(objects, "planRef", *spec.PlanRef)
		if err != nil {
			return nil, err
		}
		if plan != nil && slices.Contains(appendGroups(nil, plan.Spec.GroupRefs), group) {
			return []string{SourceName(KindAccessPlan, plan.Name)}, nil
		}
	}
	if spec.PlaceRef == nil {
		return nil, nil
	}
	return throughPlace(objects, *spec.PlaceRef)
}

// subscriptionNamed finds a subscription by which the person has access: one of theirs, or of one of their teams.
func subscriptionNamed(objects Objects, member *v1alpha1.Member, name string) (*v1alpha1.AccessSubscription, error) {
	finders := []func() ([]*v1alpha1.AccessSubscription, error){
		func() ([]*v1alpha1.AccessSubscription, error) {
			return objects.SubscriptionsOf(Fold(member.Spec.Email))
		},
		func() ([]*v1alpha1.AccessSubscription, error) { return objects.SubscriptionsOfMember(member) },
	}
	for _, team := range member.Spec.Teams {
		finders = append(finders, func() ([]*v1alpha1.AccessSubscription, error) { return objects.SubscriptionsOfTeam(team) })
	}
	for _, find := range finders {
		found, err := find()
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(found, func(s *v1alpha1.AccessSubscription) bool { return s.Name == name }); i >= 0 {
			return found[i], nil
		}
	}
	return nil, nil
}
