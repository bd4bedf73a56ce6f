package entitlement

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// PlaceProblem says what is wrong with a PlaceMapping itself: a group of another connection, or of another place.
// Groups that do not exist are no contradiction of the mapping; GroupsProblem reports them.
func PlaceProblem(objects Objects, place *v1alpha1.PlaceMapping) (*Problem, error) {
	wanted := kisiPlaceOf(place)
	for _, name := range PlaceGroups(place) {
		group, err := presentGroup(objects, name)
		if err != nil {
			return nil, err
		}
		if group == nil {
			continue
		}
		if group.Spec.ConnectionRef.Name != place.Spec.ConnectionRef.Name {
			return &Problem{
				Reason: v1alpha1.ReasonConnectionMismatch,
				Message: fmt.Sprintf("PlaceMapping %s: group %q belongs to connection %q, this mapping to %q; use groups of one connection",
					place.Name, name, group.Spec.ConnectionRef.Name, place.Spec.ConnectionRef.Name),
				Freezes: true,
			}, nil
		}
		if actual := group.Status.PlaceID; wanted != 0 && actual != 0 && wanted != actual {
			return &Problem{
				Reason: v1alpha1.ReasonPlaceMismatch,
				Message: fmt.Sprintf("PlaceMapping %s: group %q lies in the Kisi place %d, kisiPlace is %d; use a group of that place or an organization-wide one",
					place.Name, name, actual, wanted),
				Freezes: true,
			}, nil
		}
	}
	return nil, nil
}

// placeProblem is PlaceProblem, and that nobody knows yet which place in Kisi the mapping means. Until then it gives
// nothing new, and takes nothing back.
func placeProblem(objects Objects, place *v1alpha1.PlaceMapping) (*Problem, error) {
	contradiction, err := PlaceProblem(objects, place)
	if contradiction != nil || err != nil || place.Spec.KisiPlace == nil {
		return contradiction, err
	}
	if ready := meta.FindStatusCondition(place.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		switch ready.Reason {
		case v1alpha1.ReasonPlaceNotFound, v1alpha1.ReasonAmbiguousName: // of a mapping: of its kisiPlace
			return &Problem{Reason: ready.Reason, Message: fmt.Sprintf("PlaceMapping %s: %s", place.Name, ready.Message), Freezes: true}, nil
		}
	}
	if !placeVerified(place) {
		return &Problem{
			Reason:  v1alpha1.ReasonPlaceNotFound,
			Message: fmt.Sprintf("PlaceMapping %s: kisiPlace has not been found in Kisi yet; see its conditions", place.Name),
			Freezes: true,
		}, nil
	}
	return nil, nil
}

// kisiPlaceOf is the Kisi place that every group of the mapping must fit, or 0 if that is not known.
func kisiPlaceOf(place *v1alpha1.PlaceMapping) v1alpha1.KisiID {
	switch ref := place.Spec.KisiPlace; {
	case ref == nil:
		return 0
	case ref.ID != 0:
		return ref.ID
	case placeVerified(place):
		return place.Status.KisiPlaceID
	}
	return 0
}

// placeVerified reports whether the place in the status was found in Kisi by the very reference in the spec, whichever
// generation that was: an edit of anything else leaves it known, so that groups are compared with it at once.
func placeVerified(place *v1alpha1.PlaceMapping) bool {
	ref, found := place.Spec.KisiPlace, place.Status
	if ref == nil || found.KisiPlaceID == 0 {
		return ref == nil
	}
	if ref.ID != 0 {
		return found.KisiPlaceID == ref.ID
	}
	return found.KisiPlaceName == ref.Name
}

// ForgetOtherPlace takes the place in the status out unless it was found by the reference in the spec, and reports whether
// it stays.
func ForgetOtherPlace(place *v1alpha1.PlaceMapping) (known bool) {
	if place.Spec.KisiPlace != nil && placeVerified(place) {
		return true
	}
	FoundPlace(place, 0)
	return false
}

// FoundPlace notes in the status which place in Kisi the mapping means; 0 is none.
func FoundPlace(place *v1alpha1.PlaceMapping, id v1alpha1.KisiID) {
	place.Status.KisiPlaceID, place.Status.KisiPlaceName = id, ""
	if id != 0 && place.Spec.KisiPlace != nil {
		place.Status.KisiPlaceName = place.Spec.KisiPlace.Name
	}
}

// PlaceGroups lists every group that the mapping names, once.
func PlaceGroups(place *v1alpha1.PlaceMapping) []v1alpha1.ObjectName {
	var names []v1alpha1.ObjectName
	for _, a := range place.Spec.Access {
		names = appendGroups(names, a.GroupRefs)
	}
	if place.Spec.Bookings != nil {
		names = appendGroups(names, place.Spec.Bookings.GroupRefs)
	}
	return names
}

// audienceGroups returns what the mapping gives to one audience, and what is wrong with that. Under a contradiction it
// gives nothing.
func audienceGroups(objects Objects, place *v1alpha1.PlaceMapping, audience v1alpha1.Audience) ([]v1alpha1.ObjectName, *Problem, error) {
	if audience == "" {
		audience = v1alpha1.DefaultAudience
	}
	if contradiction, err := placeProblem(objects, place); contradiction != nil || err != nil {
		return nil, contradiction, err
	}
	for _, a := range place.Spec.Access {
		if a.Audience != audience && (a.Audience != "" || audience != v1alpha1.DefaultAudience) {
			continue
		}
		groups := appendGroups(nil, a.GroupRefs)
		missing, err := groupsProblem(objects, fmt.Sprintf("PlaceMapping %s, audience %q, groupRefs", place.Name, audience), groups)
		return groups, missing, err
	}
	return nil, &Problem{
		Reason: v1alpha1.ReasonAudienceNotFound,
		Message: fmt.Sprintf("audience: PlaceMapping %q has no audience %q in spec.access; add it there or correct the audience",
			place.Name, audience),
	}, nil
}
