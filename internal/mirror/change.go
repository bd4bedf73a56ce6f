package mirror

import (
	"maps"
	"slices"
)

// Change is what turned out to be different in Kisi from what was known, by nobody's hand in this process.
type Change struct {
	// Users whose rows differ, or who themselves may: see Doubted.
	Users []int64
	// Addresses of users whom Kisi has made or changed and whom nobody here is known to stand for.
	Addresses []string
	// Groups whose rows differ.
	Groups []int64
	// FirstRead are groups of which nothing was known before: whatever was believed of them is to be compared.
	FirstRead []int64
	// DoubtedGroups are groups that may themselves be other than they were found, or whose rows have to be read again.
	DoubtedGroups []int64
}

// Empty reports whether nothing changed.
func (c Change) Empty() bool {
	return len(c.Users)+len(c.Addresses)+len(c.Groups)+len(c.FirstRead)+len(c.DoubtedGroups) == 0
}

// Watch has changes reported from now on. The report is called without the mirror's lock, and must not block.
func (m *Mirror) Watch(report func(Change)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.report = report
}

// Report tells whoever watches of a change.
func (m *Mirror) Report(change Change) {
	m.mu.RLock()
	report := m.report
	m.mu.RUnlock()
	if report != nil && !change.Empty() {
		report(change)
	}
}

// See records a row that was read by itself, and reports whether it differs from what was known.
func (m *Mirror) See(row Row) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[row.GroupID]
	if g == nil {
		m.put(row)
		return false
	}
	before, known := g.rows[row.ID]
	m.put(row)
	return !known || before != row
}

// Lose records that a row is gone, and returns it if it was known.
func (m *Mirror) Lose(id int64) (Row, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, known := m.row(id)
	if known {
		m.remove(row.GroupID, id)
		return row, true
	}
	for r := range m.readings { // it may be on a page that was read already
		r.removed[id] = true
		delete(r.put, id)
	}
	return Row{}, false
}

// Row returns a row by its id, if one of the groups is known to have it.
func (m *Mirror) Row(id int64) (Row, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.row(id)
}

func (m *Mirror) row(id int64) (Row, bool) {
	for _, g := range m.groups {
		if row, known := g.rows[id]; known {
			return row, true
		}
	}
	return Row{}, false
}

// Groups lists the groups that were read completely.
func (m *Mirror) Groups() []int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Sorted(maps.Keys(m.groups))
}

// DoubtUser records that an event or a full read says of a user that he may be gone, suspended or changed.
func (m *Mirror) DoubtUser(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.doubtedUsers == nil {
		m.doubtedUsers = map[int64]struct{}{}
	}
	m.doubtedUsers[id] = struct{}{}
}

// Doubted reports whether the user has to be read again before what is recorded of him is relied on.
func (m *Mirror) Doubted(id int64) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, doubted := m.doubtedUsers[id]
	return doubted
}

// SettleUser records that the user has been read, or that nobody relies on him.
func (m *Mirror) SettleUser(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.doubtedUsers, id)
}

// DoubtGroup has the group's rows read again: what is known of them may lack something.
func (m *Mirror) DoubtGroup(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g := m.groups[id]; g != nil {
		g.doubted = true
	}
}

// DoubtedGroup reports whether the group's rows have to be read again.
func (m *Mirror) DoubtedGroup(id int64) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g := m.groups[id]
	return g != nil && g.doubted
}
