package mirror

import (
	"maps"
	"slices"
)

// UsersOf returns the users of an address who have rows in a group, and whether the group is known as a whole. There is
// one, unless Kisi knows two users by one address, or their address was changed between two reads.
func (m *Mirror) UsersOf(groupID int64, address string) (users []int64, known bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g := m.groups[groupID]
	if g == nil {
		return nil, false
	}
	return slices.Sorted(maps.Keys(g.users[address])), g.complete()
}
