package group

import (
	"context"

	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

func (m managedGroup) create(placeID v1alpha1.KisiID) kisi.GroupCreate {
	create := kisi.GroupCreate{Name: string(m.spec.Name), Description: m.description(), LoginEnabled: wantedAppAccess(m.spec.AppAccess)}
	if placeID != 0 {
		create.PlaceID = ptr.To(int64(placeID))
	}
	if r := m.spec.Restrictions; r != nil {
		create.GeofenceRestrictionEnabled = wantedRestriction(r.Geofence)
		create.ReaderRestrictionEnabled = wantedRestriction(r.Reader)
		create.PrimaryDeviceRestrictionEnabled = wantedRestriction(r.PrimaryDevice)
		create.ManagedDeviceRestrictionEnabled = wantedRestriction(r.ManagedDevice)
		create.TapToAccessRestrictionEnabled = wantedRestriction(r.TapToAccess)
	}
	return create
}

// correct changes what differs of name, description, restrictions and appAccess, in one request, and reads the result into
// group. It returns the fields that differed, and those that the mode leaves as they are.
func (m managedGroup) correct(ctx context.Context, client *kisi.Client, group *kisi.Group) (differs, left []string, err error) {
	var update kisi.GroupUpdate
	differ := func(field string, taking bool) bool {
		if m.may(taking) {
			differs = append(differs, field)
			return true
		}
		left = append(left, field)
		return false
	}
	text := func(field string, actual *string, wanted string) *string {
		if *actual == wanted || !differ(field, false) {
			return nil
		}
		*actual = wanted
		return &wanted
	}
	flag := func(field string, actual, wanted *bool, taking bool) *bool {
		if wanted == nil || *actual == *wanted || !differ(field, taking == *wanted) {
			return nil
		}
		*actual = *wanted
		return wanted
	}
	update.Name = text("name", &group.Name, string(m.spec.Name))
	update.Description = text("description", &group.Description, m.description())
	if r := m.spec.Restrictions; r != nil {
		restriction := func(field string, actual *bool, wanted v1alpha1.Restriction) *bool {
			return flag("restrictions."+field, actual, wantedRestriction(wanted), true)
		}
		update.GeofenceRestrictionEnabled = restriction("geofence", &group.GeofenceRestrictionEnabled, r.Geofence)
		update.ReaderRestrictionEnabled = restriction("reader", &group.ReaderRestrictionEnabled, r.Reader)
		update.PrimaryDeviceRestrictionEnabled = restriction("primaryDevice", &group.PrimaryDeviceRestrictionEnabled, r.PrimaryDevice)
		update.ManagedDeviceRestrictionEnabled = restriction("managedDevice", &group.ManagedDeviceRestrictionEnabled, r.ManagedDevice)
		update.TapToAccessRestrictionEnabled = restriction("tapToAccess", &group.TapToAccessRestrictionEnabled, r.TapToAccess)
	}
	update.LoginEnabled = flag("appAccess", &group.LoginEnabled, wantedAppAccess(m.spec.AppAccess), false)
	if len(differs) == 0 {
		return nil, left, nil
	}
	if err := client.UpdateGroup(ctx, group.ID, update); err != nil {
		return nil, nil, err
	}
	m.wrote(mirror.Group, group.ID, mirror.Changed)
	return differs, left, nil
}

// wantedRestriction is nil where the spec leaves a restriction as it is.
func wantedRestriction(r v1alpha1.Restriction) *bool {
	if r == "" {
		return nil
	}
	return ptr.To(r == v1alpha1.RestrictionEnabled)
}

// wantedAppAccess is nil where the spec leaves it as it is.
func wantedAppAccess(a v1alpha1.AppAccess) *bool {
	if a == "" {
		return nil
	}
	return ptr.To(a == v1alpha1.AppAccessEnabled)
}
