package controller

import (
	"context"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// findPlace finds the one place in Kisi that the reference means; field names the reference in what goes wrong.
func findPlace(ctx context.Context, client *kisi.Client, ref v1alpha1.KisiPlaceReference, field string) (v1alpha1.KisiID, *conditions.Verdict, error) {
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
	return aPlace.only(matches, listing.Incomplete, field, ref.ID, ref.Name)
}
