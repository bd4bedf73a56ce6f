package controller

import (
	"context"
	"fmt"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

func notFound(message string) groupFound {
	problem := waiting(v1alpha1.ReasonGroupNotFound, message)
	return groupFound{problem: &problem}
}

func foundGroup(group kisi.Group) groupFound {
	found := groupFound{id: v1alpha1.KisiID(group.ID), name: group.Name, users: group.UsersCount, restrictions: &v1alpha1.GroupRestrictions{
		Geofence:      restriction(group.GeofenceRestrictionEnabled),
		Reader:        restriction(group.ReaderRestrictionEnabled),
		PrimaryDevice: restriction(group.PrimaryDeviceRestrictionEnabled),
		ManagedDevice: restriction(group.ManagedDeviceRestrictionEnabled),
		TapToAccess:   restriction(group.TapToAccessRestrictionEnabled),
	}}
	if group.PlaceID != nil {
		found.placeID = v1alpha1.KisiID(*group.PlaceID)
	}
	found.appAccess = v1alpha1.AppAccessDisabled
	if group.LoginEnabled {
		found.appAccess = v1alpha1.AppAccessEnabled
	}
	return found
}

func restriction(enabled bool) v1alpha1.Restriction {
	if enabled {
		return v1alpha1.RestrictionEnabled
	}
	return v1alpha1.RestrictionDisabled
}

// findPlace finds the one place in Kisi that the reference means; field names the reference in what goes wrong.
func findPlace(ctx context.Context, client *kisi.Client, ref v1alpha1.KisiPlaceReference, field string) (v1alpha1.KisiID, *verdict, error) {
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
	switch {
	case len(matches) > 1:
		problem := stalled(v1alpha1.ReasonAmbiguousName, fmt.Sprintf("%s: %d places in Kisi are called %q; point at one by id", field, len(matches), ref.Name))
		return 0, &problem, nil
	case !listing.Complete():
		return 0, nil, fmt.Errorf("finding the place: %s", listing.Incomplete)
	case len(matches) == 1:
		return matches[0], nil, nil
	}
	what := fmt.Sprintf("called %q", ref.Name)
	if ref.ID != 0 {
		what = fmt.Sprintf("with id %d", ref.ID)
	}
	problem := waiting(v1alpha1.ReasonPlaceNotFound, fmt.Sprintf("%s: there is no place %s in Kisi; correct it, or make the place", field, what))
	return 0, &problem, nil
}
