package mirror

import "slices"

// UserReading is a list of a group's users under way.
type UserReading struct {
	mirror  *Mirror
	groupID int64
	heard   map[int64]bool // of whom something was heard meanwhile
}

// BeginUsers starts a list of a group's users.
func (m *Mirror) BeginUsers(groupID int64) *UserReading {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &UserReading{mirror: m, groupID: groupID, heard: map[int64]bool{}}
	if m.userReadings == nil {
		m.userReadings = map[*UserReading]struct{}{}
	}
	m.userReadings[r] = struct{}{}
	return r
}

// Finish ends a list, and remembers those whom it showed to be sound instead of the ones whom the list before it did. Whoever
// was doubted or written to meanwhile may be otherwise by now.
func (r *UserReading) Finish(sound []int64) {
	m := r.mirror
	m.mu.Lock()
	defer m.mu.Unlock()
	_, counts := m.userReadings[r]
	delete(m.userReadings, r)
	if !counts { // its group was forgotten
		return
	}
	delete(m.sound, r.groupID)
	sound = slices.DeleteFunc(slices.Clone(sound), func(id int64) bool { return r.heard[id] })
	if len(sound) == 0 {
		return
	}
	slices.Sort(sound)
	if m.sound == nil {
		m.sound = map[int64][]int64{}
	}
	m.sound[r.groupID] = slices.Clip(sound)
}

// Sound reports whether the last list of a group's users showed the user enabled and under the address of their rows, and
// nothing has been heard of the user since.
func (m *Mirror) Sound(userID int64) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, users := range m.sound {
		if _, sound := slices.BinarySearch(users, userID); sound {
			return true
		}
	}
	return false
}

// unsound forgets that a user was sound. m.mu is held.
func (m *Mirror) unsound(userID int64) {
	for group, users := range m.sound {
		if i, sound := slices.BinarySearch(users, userID); sound {
			m.sound[group] = slices.Delete(users, i, i+1)
		}
	}
	for r := range m.userReadings {
		r.heard[userID] = true
	}
}
