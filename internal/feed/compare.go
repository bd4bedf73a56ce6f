package feed

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// shape is what a listing shows of a group, beside its users.
type shape struct {
	texts                                  [sha256.Size]byte // a digest of its name and description
	geofence, primaryDevice, managedDevice bool
	reader, tapToAccess, apps              bool
	locks                                  int
	missing                                bool
}

func shapeOf(g kisi.Group) shape {
	return shape{
		texts:    sha256.Sum256([]byte(g.Name + "\x00" + g.Description)),
		geofence: g.GeofenceRestrictionEnabled, primaryDevice: g.PrimaryDeviceRestrictionEnabled,
		managedDevice: g.ManagedDeviceRestrictionEnabled, reader: g.ReaderRestrictionEnabled,
		tapToAccess: g.TapToAccessRestrictionEnabled, apps: g.LoginEnabled, locks: g.LocksCount,
	}
}

// compare lists the groups, and has those read again whose number of users, or themselves, are other than they were. It
// finds what the audit trail does not tell, or may not be asked.
func (f *Feed) compare(ctx context.Context, by follower) error {
	f.compared = time.Now()
	m := f.options.Mirror
	followed := m.Groups()
	maps.DeleteFunc(f.shapes, func(id int64, _ shape) bool { return !slices.Contains(followed, id) })
	if len(followed) == 0 {
		return nil
	}
	listing, err := by.client.ListGroups(ctx, kisi.GroupFilter{})
	if err != nil {
		return err
	}
	if !listing.Complete() {
		return errors.New("comparing the groups: " + listing.Incomplete)
	}
	listed := map[int64]kisi.Group{}
	for _, group := range listing.Items {
		listed[group.ID] = group
	}
	var change mirror.Change
	for _, id := range followed {
		group, exists := listed[id]
		now := shape{missing: true}
		if exists {
			now = shapeOf(group)
		}
		before, known := f.shapes[id]
		f.shapes[id] = now
		counts := exists && m.CountDiffers(id, group.UsersCount, time.Now())
		if counts {
			m.DoubtGroup(id)
		}
		if counts || (known && before != now) || (!known && !exists) {
			change.DoubtedGroups = append(change.DoubtedGroups, id)
		}
	}
	m.Report(change)
	return nil
}
