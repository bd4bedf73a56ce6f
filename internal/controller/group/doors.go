package group

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/reference"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// doorsFound are the doors of spec.managed.doors as they were looked up in Kisi.
type doorsFound struct {
	wanted []plan.WantedDoor
	// locks are those of the doors that the spec names, for the status.
	locks []v1alpha1.BoundDoor
	// unlisted are locks of doors that the spec does not name any more.
	unlisted []int64
	// problem is what is wrong with the first door that has a problem; it concerns no other.
	problem *conditions.Verdict
}

func (d *doorsFound) trouble(problem *conditions.Verdict) {
	if d.problem == nil {
		d.problem = problem
	}
}

// lookUpDoors finds the lock of every door. A lock that was found for a name before is the door's as long as it exists,
// whatever it is called by now: another one that takes the name is another door.
func (m managedGroup) lookUpDoors(ctx context.Context, client *kisi.Client, placeID v1alpha1.KisiID) (doorsFound, error) {
	var found doorsFound
	for i, door := range m.spec.Doors {
		before := m.lockOf(door.Name)
		lock, problem, err := findDoor(ctx, client, door, before, placeID, fmt.Sprintf("spec.managed.doors[%d]", i))
		if err != nil {
			return found, err
		}
		found.trouble(problem)
		wanted := plan.WantedDoor{Lock: int64(lock)}
		if lock == 0 {
			lock = cmp.Or(before, door.ID)
			wanted = plan.WantedDoor{Lock: int64(lock), Gone: lock != 0, Unknown: lock == 0}
		}
		found.wanted = append(found.wanted, wanted)
		if door.Name != "" && lock != 0 { // of a lock that is gone it stays known that it is
			found.locks = append(found.locks, v1alpha1.BoundDoor{Name: door.Name, ID: lock})
		}
	}
	for _, known := range m.locks {
		if !slices.ContainsFunc(m.spec.Doors, func(door v1alpha1.DoorReference) bool { return door.Name == known.Name }) {
			found.unlisted = append(found.unlisted, int64(known.ID))
		}
	}
	return found, nil
}

// lockOf is the lock that was found for a name before; 0 if none was.
func (m managedGroup) lockOf(name v1alpha1.KisiName) v1alpha1.KisiID {
	for _, known := range m.locks {
		if known.Name == name {
			return known.ID
		}
	}
	return 0
}

// findDoor finds the one lock that the reference means; in a place, if one is given. before is the lock that it was found
// to mean before, 0 if it was not.
func findDoor(ctx context.Context, client *kisi.Client, ref v1alpha1.DoorReference, before, placeID v1alpha1.KisiID, field string) (v1alpha1.KisiID, *conditions.Verdict, error) {
	filter := kisi.LockFilter{Query: string(ref.Name), PlaceID: int64(placeID)}
	if ref.ID != 0 {
		filter = kisi.LockFilter{IDs: []int64{int64(ref.ID)}}
	}
	listing, err := client.ListLocks(ctx, filter)
	if err != nil {
		return 0, nil, err
	}
	var matches []v1alpha1.KisiID
	for _, lock := range listing.Items {
		inPlace := placeID == 0 || lock.PlaceID == int64(placeID)
		if (ref.ID != 0 && lock.ID == int64(ref.ID)) || (ref.Name != "" && lock.Name == string(ref.Name) && inPlace) {
			matches = append(matches, v1alpha1.KisiID(lock.ID))
		}
	}
	if before != 0 {
		if slices.Contains(matches, before) {
			return before, nil, nil
		}
		if renamed, problem, err := findRenamed(ctx, client, ref, before, len(matches) > 0, field); renamed != 0 || err != nil {
			return renamed, problem, err
		}
	}
	return reference.Door.Only(matches, listing.Incomplete, field, ref.ID, ref.Name)
}

// findRenamed looks for a lock that does not have its name any more. It returns 0 if the lock is gone.
func findRenamed(ctx context.Context, client *kisi.Client, ref v1alpha1.DoorReference, before v1alpha1.KisiID, taken bool, field string) (v1alpha1.KisiID, *conditions.Verdict, error) {
	lock, err := client.Lock(ctx, int64(before))
	if kisi.IsNotFound(err) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	message := fmt.Sprintf("%s: the door %d is called %q in Kisi now, not %q, and stays in the group; correct its name here or in Kisi", field, before, lock.Name, ref.Name)
	if taken {
		message += fmt.Sprintf("; another door has that name: to use it instead, annotate with %s=<new value>", v1alpha1.RebindAnnotation)
	}
	problem := conditions.Waiting(v1alpha1.ReasonDoorNotFound, message)
	return before, &problem, nil
}

// correctDoors makes the group's locks those that are wanted, and reports whether they differed, and what the mode leaves as
// it is. A door that Kisi refuses concerns no other.
func (m managedGroup) correctDoors(ctx context.Context, client *kisi.Client, groupID int64, doors *doorsFound) (differed bool, left []string, err error) {
	listing, err := client.ListGroupLocks(ctx, groupID)
	if err != nil {
		return false, nil, err
	}
	var present, kept []int64
	for _, groupLock := range listing.Items {
		present = append(present, groupLock.LockID)
	}
	change := plan.CompareDoors(doors.wanted, present, doors.unlisted)
	if len(change.Add) > 0 && !listing.Complete() {
		return false, nil, fmt.Errorf("reading the group's doors: %s", listing.Incomplete)
	}
	if len(change.Add) > 0 && !m.may(false) {
		left = append(left, fmt.Sprintf("%d door(s) of spec.managed.doors that are not in the group", len(change.Add)))
		change.Add = nil
	}
	if len(change.Remove) > 0 && !m.may(true) {
		left = append(left, fmt.Sprintf("%d door(s) that spec.managed.doors does not list", len(change.Remove)))
		change.Remove = nil
	}
	for _, door := range change.Add {
		made, err := client.CreateGroupLock(ctx, groupID, door)
		switch {
		case kisi.IsInvalid(err), kisi.IsNotFound(err):
			problem := conditions.Waiting(v1alpha1.ReasonDoorNotFound, fmt.Sprintf("spec.managed.doors: Kisi does not take the door %d into the Kisi group %d; a group of a place opens doors of that place only: correct the list", door, groupID))
			doors.trouble(&problem)
			continue
		case err != nil:
			return differed, left, err
		}
		m.wrote(mirror.Door, made.ID, mirror.Made)
		differed = true
		kept = append(kept, made.ID)
	}
	for _, groupLock := range listing.Items {
		if !slices.Contains(change.Remove, groupLock.LockID) {
			kept = append(kept, groupLock.ID)
			continue
		}
		if err := client.DeleteGroupLock(ctx, groupLock.ID); err != nil && !kisi.IsNotFound(err) {
			return differed, left, err
		}
		m.wrote(mirror.Door, groupLock.ID, mirror.Removed)
		differed = true
	}
	if m.mirror != nil {
		m.mirror.NoteDoors(groupID, kept...)
	}
	return differed, left, nil
}
