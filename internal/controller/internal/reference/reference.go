// Package reference finds the one thing in Kisi that a spec names by its id or its name.
package reference

import (
	"context"
	"fmt"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// FindPlace finds the one place in Kisi that the reference means; field names the reference in what goes wrong.
func FindPlace(ctx context.Context, client *kisi.Client, ref v1alpha1.KisiPlaceReference, field string) (v1alpha1.KisiID, *conditions.Verdict, error) {
	filter := kisi.PlaceFilter{Query: string(ref.Name)}
	if ref.ID != 0 {
		filter = kisi.PlaceFilter{IDs: []int64{int64(ref.ID)}}
	}
	listing, err := client.ListPlaces(ctx, filter)
	if err != nil {
		return 0, nil, err
	}
	var matches []v1alpha1.KisiID
	for _, place := range listing.Items {
		if (ref.ID != 0 && place.ID == int64(ref.ID)) || (ref.Name != "" && place.Name == string(ref.Name)) {
			matches = append(matches, v1alpha1.KisiID(place.ID))
		}
	}
	return Place.Only(matches, listing.Incomplete, field, ref.ID, ref.Name)
}

// Kind is a kind of thing in Kisi that a spec names by its id or its name.
type Kind struct {
	noun string
	// missing is the reason where there is none, and remedy what else to do then than to correct the spec.
	missing, remedy string
}

var (
	// Place is a place in Kisi.
	Place = Kind{"place", v1alpha1.ReasonPlaceNotFound, "make the place"}
	// Door is a lock in Kisi.
	Door = Kind{"door", v1alpha1.ReasonDoorNotFound, "add the door"}
)

// Only returns the one thing that fits a reference, or why there is no single one; field names the reference. That there is
// no other is believed of a complete list only: incomplete is empty then.
func (r Kind) Only(matches []v1alpha1.KisiID, incomplete, field string, id v1alpha1.KisiID, name v1alpha1.KisiName) (v1alpha1.KisiID, *conditions.Verdict, error) {
	switch {
	case len(matches) > 1:
		problem := conditions.Stalled(v1alpha1.ReasonAmbiguousName, fmt.Sprintf("%s: %d %ss in Kisi are called %q; point at one by id", field, len(matches), r.noun, name))
		return 0, &problem, nil
	case incomplete != "":
		return 0, nil, fmt.Errorf("finding the %s: %s", r.noun, incomplete)
	case len(matches) == 1:
		return matches[0], nil, nil
	}
	what := fmt.Sprintf("called %q", name)
	if id != 0 {
		what = fmt.Sprintf("with id %d", id)
	}
	problem := conditions.Waiting(r.missing, fmt.Sprintf("%s: there is no %s %s in Kisi; correct it, or %s", field, r.noun, what, r.remedy))
	return 0, &problem, nil
}
