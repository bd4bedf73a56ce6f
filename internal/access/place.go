package access

import (
	"fmt"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// resolvePlace returns the one PlaceMapping that the reference means, or why there is none.
func resolvePlace(objects Objects, ref v1alpha1.PlaceReference) (*v1alpha1.PlaceMapping, *Problem, error) {
	found, err := objects.Places(ref)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the place %s: %w", describePlace(ref), err)
	}
	switch len(found) {
	case 1:
		return found[0], nil, nil
	case 0:
		return nil, &Problem{
			Reason:  v1alpha1.ReasonPlaceNotFound,
			Message: fmt.Sprintf("placeRef: there is no PlaceMapping %s in this namespace; create it or correct the reference", describePlace(ref)),
		}, nil
	}
	names := make([]string, 0, len(found))
	for _, p := range found {
		names = append(names, p.Name)
	}
	return nil, &Problem{
		Reason:  v1alpha1.ReasonAmbiguousReference,
		Message: fmt.Sprintf("placeRef: %s fits %d PlaceMappings (%s); name one of them by name, or add its kind", describePlace(ref), len(found), strings.Join(firstFew(names), ", ")),
		Freezes: true,
	}, nil
}

func describePlace(ref v1alpha1.PlaceReference) string {
	switch {
	case ref.Name != "":
		return fmt.Sprintf("%q", ref.Name)
	case ref.Kind != "":
		return fmt.Sprintf("of kind %s with externalID %q", ref.Kind, ref.ExternalID)
	}
	return fmt.Sprintf("with externalID %q", ref.ExternalID)
}

func firstFew(names []string) []string {
	const few = 5
	if len(names) <= few {
		return names
	}
	return append(names[:few:few], fmt.Sprintf("and %d more", len(names)-few))
}

// PlaceProblem says what is wrong with a PlaceMapping itself: a group of another connection, or of another place.
// Missing groups are no problem of the mapping's contradiction kind; they are reported by GroupsProblem.
func PlaceProblem(objects Objects, place *v1alpha1.PlaceMapping) (*Problem, error) {
	for _, name := range placeGroups(place) {
		group, err := objects.Group(name)
		if err != nil {
			return nil, fmt.Errorf("reading KisiGroup %s: %w", name, err)
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
		wanted, actual := place.Status.KisiPlaceID, group.Status.PlaceID
		if wanted != 0 && actual != 0 && wanted != actual {
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

// GroupsProblem says which of the named groups do not exist.
func GroupsProblem(objects Objects, names []v1alpha1.ObjectName) (*Problem, error) {
	var missing []string
	for _, name := range names {
		group, err := objects.Group(name)
		if err != nil {
			return nil, fmt.Errorf("reading KisiGroup %s: %w", name, err)
		}
		if group == nil {
			missing = append(missing, string(name))
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return &Problem{
		Reason:  v1alpha1.ReasonGroupNotFound,
		Message: fmt.Sprintf("groupRefs: there is no KisiGroup %s in this namespace; create it or correct the reference", strings.Join(firstFew(missing), ", ")),
	}, nil
}

// placeGroups lists every group that the mapping names, once.
func placeGroups(place *v1alpha1.PlaceMapping) []v1alpha1.ObjectName {
	var names []v1alpha1.ObjectName
	for _, a := range place.Spec.Access {
		names = appendGroups(names, a.GroupRefs)
	}
	if place.Spec.Bookings != nil {
		names = appendGroups(names, place.Spec.Bookings.GroupRefs)
	}
	return names
}

// PlaceGroups lists every group that the mapping names, once.
func PlaceGroups(place *v1alpha1.PlaceMapping) []v1alpha1.ObjectName { return placeGroups(place) }

func appendGroups(names []v1alpha1.ObjectName, refs []v1alpha1.GroupReference) []v1alpha1.ObjectName {
	for _, ref := range refs {
		known := false
		for _, name := range names {
			known = known || name == ref.Name
		}
		if !known {
			names = append(names, ref.Name)
		}
	}
	return names
}
