package entitlement

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// what says how a kind is spoken of when a reference to it fails.
type what struct {
	kind   string
	reason string
	// narrower is one more way out of ambiguity than naming one of the objects.
	narrower string
}

var (
	aPlace  = what{kind: "PlaceMapping", reason: v1alpha1.ReasonPlaceNotFound, narrower: ", or add its kind"}
	aPlan   = what{kind: "AccessPlan", reason: v1alpha1.ReasonPlanNotFound}
	aMember = what{kind: "Member", reason: v1alpha1.ReasonMemberNotFound}
)

func (w what) missing(field, described string) *Problem {
	return &Problem{
		Reason:  w.reason,
		Message: fmt.Sprintf("%s: there is no %s %s in this namespace; create it or correct the reference", field, w.kind, described),
	}
}

func (w what) ambiguous(field, described string, names []string) *Problem {
	return &Problem{
		Reason: v1alpha1.ReasonAmbiguousReference,
		Message: fmt.Sprintf("%s: %s fits %d %ss (%s); refer to one of them by name%s, or make the ids differ",
			field, described, len(names), w.kind, strings.Join(firstFew(names), ", "), w.narrower),
		Freezes: true,
	}
}

// present leaves out what is being deleted and orders the rest by name, so that messages do not change with the order
// in which a cache lists.
func present[T metav1.Object](found []T) []T {
	kept := make([]T, 0, len(found))
	for _, object := range found {
		if object.GetDeletionTimestamp().IsZero() {
			kept = append(kept, object)
		}
	}
	slices.SortFunc(kept, func(a, b T) int { return strings.Compare(a.GetName(), b.GetName()) })
	return kept
}

func namesOf[T metav1.Object](objects []T) []string {
	names := make([]string, 0, len(objects))
	for _, object := range objects {
		names = append(names, object.GetName())
	}
	return names
}

// findPlaces returns every PlaceMapping that the reference means, and the problem unless it is exactly one.
func findPlaces(objects Objects, field string, ref v1alpha1.PlaceReference) ([]*v1alpha1.PlaceMapping, *Problem, error) {
	found, err := objects.Places(ref)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the place %s: %w", describePlace(ref), err)
	}
	found = present(found)
	switch len(found) {
	case 0:
		return nil, aPlace.missing(field, describePlace(ref)), nil
	case 1:
		return found, nil, nil
	}
	return found, aPlace.ambiguous(field, describePlace(ref), namesOf(found)), nil
}

// resolvePlace returns the one PlaceMapping that the reference means, or why there is none.
func resolvePlace(objects Objects, field string, ref v1alpha1.PlaceReference) (*v1alpha1.PlaceMapping, *Problem, error) {
	found, problem, err := findPlaces(objects, field, ref)
	if problem != nil || err != nil {
		return nil, problem, err
	}
	return found[0], nil, nil
}

// resolvePlan returns the one AccessPlan that the reference means, or why there is none.
func resolvePlan(objects Objects, field string, ref v1alpha1.PlanReference) (*v1alpha1.AccessPlan, *Problem, error) {
	described := describe(ref.Name, ref.ExternalID)
	found, err := objects.Plans(ref)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the plan %s: %w", described, err)
	}
	found = present(found)
	switch len(found) {
	case 0:
		return nil, aPlan.missing(field, described), nil
	case 1:
		return found[0], nil, nil
	}
	return nil, aPlan.ambiguous(field, described, namesOf(found)), nil
}

// resolveMember returns a Member that the reference means, or why there is none. Members of one address are one person,
// so only different addresses make a reference ambiguous.
func resolveMember(objects Objects, field string, ref v1alpha1.MemberReference) (*v1alpha1.Member, *Problem, error) {
	described := describe(ref.Name, ref.ExternalID)
	found, err := objects.MembersByReference(ref)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the Member %s: %w", described, err)
	}
	found = present(found)
	if len(found) == 0 {
		return nil, aMember.missing(field, described), nil
	}
	for _, other := range found[1:] {
		if Fold(other.Spec.Email) != Fold(found[0].Spec.Email) {
			return nil, aMember.ambiguous(field, described, namesOf(found)), nil
		}
	}
	return found[0], nil, nil
}

func describePlace(ref v1alpha1.PlaceReference) string {
	if ref.Kind != "" {
		return fmt.Sprintf("of kind %s with externalID %q", ref.Kind, ref.ExternalID)
	}
	return describe(ref.Name, ref.ExternalID)
}

func describe(name v1alpha1.ObjectName, externalID v1alpha1.ExternalID) string {
	if name != "" {
		return fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("with externalID %q", externalID)
}

func firstFew(names []string) []string {
	const few = 5
	if len(names) <= few {
		return names
	}
	return append(names[:few:few], fmt.Sprintf("and %d more", len(names)-few))
}
