package controller

import (
	"fmt"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

func notFound(message string) groupFound {
	problem := conditions.Waiting(v1alpha1.ReasonGroupNotFound, message)
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

// referent is a kind of thing in Kisi that a spec names by its id or its name.
type referent struct {
	noun string
	// missing is the reason where there is none, and remedy what else to do then than to correct the spec.
	missing, remedy string
}

var (
	aPlace = referent{"place", v1alpha1.ReasonPlaceNotFound, "make the place"}
	aDoor  = referent{"door", v1alpha1.ReasonDoorNotFound, "add the door"}
)

// only returns the one thing that fits a reference, or why there is no single one; field names the reference. That there is
// no other is believed of a complete list only: incomplete is empty then.
func (r referent) only(matches []v1alpha1.KisiID, incomplete, field string, id v1alpha1.KisiID, name v1alpha1.KisiName) (v1alpha1.KisiID, *conditions.Verdict, error) {
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
