package plan

import "slices"

// WantedDoor is a door that the list of a managed group names, as it was looked up in Kisi.
type WantedDoor struct {
	// Lock is the door's lock; 0 if there is none.
	Lock int64
	// Gone says that Kisi does not find the lock any more: it is not added, nor taken off where the group shows it all the
	// same.
	Gone bool
	// Unknown says that no lock was ever found for the door, so that any lock of the group may be it.
	Unknown bool
}

// DoorChange is what makes the doors of a group those that its list names. Doors are added before others are taken off.
type DoorChange struct {
	Add, Remove []int64
}

// CompareDoors compares the locks that a group has with those that it should have. unlisted are locks that are known to be
// of doors which the list does not name any more.
//
// A lock that is not wanted is taken off, unless it may be the door of a name that is not known: a door that is taken off
// locks out everybody who has nothing but this group, and one that is left on lets in nobody new.
func CompareDoors(wanted []WantedDoor, present, unlisted []int64) DoorChange {
	var change DoorChange
	var keep []int64
	unknown := false
	for _, door := range wanted {
		unknown = unknown || door.Unknown
		if door.Lock == 0 || slices.Contains(keep, door.Lock) {
			continue
		}
		keep = append(keep, door.Lock)
		if !door.Gone && !slices.Contains(present, door.Lock) {
			change.Add = append(change.Add, door.Lock)
		}
	}
	for _, lock := range present {
		if !slices.Contains(keep, lock) && (!unknown || slices.Contains(unlisted, lock)) {
			change.Remove = append(change.Remove, lock)
		}
	}
	return change
}
