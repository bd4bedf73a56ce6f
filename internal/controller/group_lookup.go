package controller

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// groupFound is what Kisi says of an existing group; problem is why there is no single one.
type groupFound struct {
	id, placeID  v1alpha1.KisiID
	restrictions *v1alpha1.GroupRestrictions
	problem      *verdict
}

// lookUp asks Kisi for the group that spec.existing means.
func (r *GroupReconciler) lookUp(s *session.Session, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) (groupFound, bool, error) {
	existing := *group.Spec.Existing.DeepCopy()
	request := requestFor(group)
	maxAge := connection.Spec.ResyncInterval.Duration
	if !isReady(group.Status.Conditions) {
		maxAge = min(retryFailedLookup, connection.Spec.ChangePollInterval.Duration)
	}
	return r.found.ask(s, kisi.Class{Priority: kisi.Grant, Connection: client.ObjectKeyFromObject(connection).String()}, question[groupFound]{
		Key: request.String(),
		Version: fmt.Sprintf("%s/%d/%s/%p", group.UID, group.Generation,
			group.Annotations[v1alpha1.ReconcileAtAnnotation], s),
		MaxAge: maxAge,
		Read: func(ctx context.Context, kisi *kisi.Client) (groupFound, error) {
			return findGroup(ctx, kisi, existing)
		},
		Wake: func() { r.Wakers.Groups.wake(request) },
	})
}

// findGroup reads one group by id, or finds the one of exactly that name. An incomplete list proves nothing.
func findGroup(ctx context.Context, client *kisi.Client, existing v1alpha1.ExistingGroup) (groupFound, error) {
	if existing.ID != 0 {
		group, err := client.Group(ctx, int64(existing.ID))
		if kisi.IsNotFound(err) {
			return notFound(fmt.Sprintf("spec.existing.id: there is no group %d in Kisi; correct the id, or make the group", existing.ID)), nil
		}
		if err != nil {
			return groupFound{}, err
		}
		return foundGroup(*group), nil
	}
	filter := kisi.GroupFilter{Query: string(existing.Name)}
	if existing.Place != nil {
		placeID, problem, err := findPlace(ctx, client, *existing.Place, "spec.existing.place")
		if err != nil || problem != nil {
			return groupFound{problem: problem}, err
		}
		filter.PlaceID = int64(placeID)
	}
	listing, err := client.ListGroups(ctx, filter)
	if err != nil {
		return groupFound{}, err
	}
	var matches []kisi.Group
	for _, group := range listing.Items { // Kisi's query is a free-text search
		samePlace := filter.PlaceID == 0 || (group.PlaceID != nil && *group.PlaceID == filter.PlaceID)
		if group.Name == string(existing.Name) && samePlace {
			matches = append(matches, group)
		}
	}
	switch {
	case len(matches) > 1:
		problem := stalled(v1alpha1.ReasonAmbiguousName,
			fmt.Sprintf("spec.existing.name: %d groups in Kisi are called %q; add place, or point at one by id", len(matches), existing.Name))
		return groupFound{problem: &problem}, nil
	case !listing.Complete():
		return groupFound{}, fmt.Errorf("finding the group by name: %s", listing.Incomplete)
	case len(matches) == 0:
		return notFound(fmt.Sprintf("spec.existing.name: no group in Kisi is called %q; correct the name, or make the group", existing.Name)), nil
	}
	return foundGroup(matches[0]), nil
}

func notFound(message string) groupFound {
	problem := waiting(v1alpha1.ReasonGroupNotFound, message)
	return groupFound{problem: &problem}
}

func foundGroup(group kisi.Group) groupFound {
	found := groupFound{id: v1alpha1.KisiID(group.ID), restrictions: &v1alpha1.GroupRestrictions{
		Geofence:      restriction(group.GeofenceRestrictionEnabled),
		Reader:        restriction(group.ReaderRestrictionEnabled),
		PrimaryDevice: restriction(group.PrimaryDeviceRestrictionEnabled),
		ManagedDevice: restriction(group.ManagedDeviceRestrictionEnabled),
		TapToAccess:   restriction(group.TapToAccessRestrictionEnabled),
	}}
	if group.PlaceID != nil {
		found.placeID = v1alpha1.KisiID(*group.PlaceID)
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
