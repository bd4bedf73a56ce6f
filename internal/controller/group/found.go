package group

import (
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
	if group.PlaceID != nil && kisi.IsID(*group.PlaceID) {
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
