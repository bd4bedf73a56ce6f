package mirror

import (
	"maps"
	"slices"
	"time"
)

// MadeUser is a user who is new in Kisi.
type MadeUser struct {
	ID            int64
	Address, Name string
	Enabled       bool
	// OffInDirectory says that a directory, if the organization has one, has switched the user off.
	OffInDirectory bool
}

// Change is what turned out to be different in Kisi from what was known, by nobody's hand in this process.
type Change struct {
	// Made are users who are new.
	Made []MadeUser
	// Users whose rows differ, or who themselves may: see Doubted.
	Users []int64
	// Addresses of users whom Kisi has made, or whose rows differ: somebody may stand for them who has no account yet.
	Addresses []string
	// Groups whose rows differ.
	Groups []int64
	// FirstRead are groups of which nothing was known before: whatever was believed of them is to be compared.
	FirstRead []int64
	// DoubtedGroups are groups that may themselves be other than they were found, or whose rows have to be read again.
	DoubtedGroups []int64
	// GroupsNamed says that a group was made, or changed, so that a name which no group had may have one now.
	GroupsNamed bool
	// WebhookDisabled says that Kisi has switched a webhook of the organization off.
	WebhookDisabled bool
}

// Empty reports whether nothing changed.
func (c Change) Empty() bool {
	return len(c.Made)+len(c.Users)+len(c.Addresses)+len(c.Groups)+len(c.FirstRead)+len(c.DoubtedGroups) == 0 && !c.WebhookDisabled && !c.GroupsNamed
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

// See records a row that was read by itself, by a request begun at a time, and reports whether it differs from what was
// known. What the process itself has written since is newer.
func (m *Mirror) See(row Row, asked time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, deleted := m.removed.get(row.ID); deleted {
		return false
	}
	if m.wrote(Subject{Kind: Assignment, ID: row.ID}).After(asked) {
		return false
	}
	var before Row
	known := false
	g := m.groups[row.GroupID]
	if g != nil {
		before, known = g.rows[row.ID]
	}
	m.put(row)
	return g.knows(row.UserID) && (!known || before != row)
}

// Gone reports whether Kisi has said of the row itself, by an event or an answer about it, that it is gone. That a list of its
// group does not show it is less: the row may be younger than the list.
func (m *Mirror) Gone(id int64) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, gone := m.gone.get(id)
	_, known := m.row(id)
	return gone && !known
}

// Lose records that Kisi has said of a row that it is gone, and returns it if it was known.
func (m *Mirror) Lose(id int64) (Row, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone.put(id, struct{}{})
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

// RowsOf returns a user's rows in every group.
func (m *Mirror) RowsOf(userID int64) []Row {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var rows []Row
	for _, g := range m.groups {
		for id := range g.byUser[userID] {
			rows = append(rows, g.rows[id])
		}
	}
	slices.SortFunc(rows, byID)
	return rows
}

// NoteDoors records which group locks are a group's doors, so that of one that is gone it is known where it was.
func (m *Mirror) NoteDoors(groupID int64, groupLocks ...int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.doors == nil {
		m.doors = map[int64]int64{}
	}
	maps.DeleteFunc(m.doors, func(_, of int64) bool { return of == groupID })
	for _, id := range groupLocks {
		m.doors[id] = groupID
	}
}

// Door returns the group of a group lock, if it was noted.
func (m *Mirror) Door(groupLock int64) (groupID int64, known bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	groupID, known = m.doors[groupLock]
	return groupID, known
}

// Groups lists the groups of which anything is known.
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
		m.doubtedUsers = map[int64]time.Time{}
	}
	m.doubtedUsers[id] = time.Now()
	m.unsound(id)
}

// SettleStrangers settles the users whom nobody is known to stand for, and who were doubted longer ago than it takes until
// whoever has just begun to is known.
func (m *Mirror) SettleStrangers(known func(id int64) bool, after time.Duration) {
	m.mu.RLock()
	var doubted []int64
	for id, since := range m.doubtedUsers {
		if time.Since(since) >= after {
			doubted = append(doubted, id)
		}
	}
	m.mu.RUnlock()
	for _, id := range doubted {
		if !known(id) {
			m.SettleUser(id)
		}
	}
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

// DoubtGroup has the group's rows read again: what is known of them, or is being read, may lack something.
func (m *Mirror) DoubtGroup(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g := m.groups[id]; g != nil {
		g.doubted = true
		for user := range g.people {
			g.people[user] = time.Time{}
		}
	}
	for r := range m.readings {
		if r.groupID == id {
			r.doubted = true
		}
	}
}

// DoubtedGroup reports whether the group's rows have to be read again.
func (m *Mirror) DoubtedGroup(id int64) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g := m.groups[id]
	return g != nil && g.doubted
}
