// Package mirror keeps what Kisi holds in the groups of one organization: as it was last read completely, with the
// process's own writes applied since. It knows what it does not know, and nothing of what is wanted.
package mirror

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Row is one role assignment of a group.
type Row struct {
	ID      int64
	GroupID int64
	// UserID is 0 for the row of a team or a guest.
	UserID int64
	// Address of the user, folded so that equal addresses are equal strings; empty if Kisi does not say. It is personal
	// data: never logged.
	Address string
	// Basic is set for the plain membership of a user; managers, teams and guests are somebody else's business.
	Basic bool
	// Manager is set for a user who manages the group.
	Manager bool
	// From and Until are zero where the row is not bounded.
	From, Until time.Time
	// CreatedBy is the user who made the row; 0 if Kisi does not say.
	CreatedBy int64
}

// Mirror holds groups by id. Its zero value knows nothing. It is safe for concurrent use.
type Mirror struct {
	mu       sync.RWMutex
	groups   map[int64]*group
	unread   map[int64]string
	readings map[*Reading]struct{}

	report       func(Change)
	doubtedUsers map[int64]time.Time // since when
	doors        map[int64]int64     // group lock → group
	actors       recent[Subject, int64]
	written      recent[Subject, []write]
	removed      recent[int64, struct{}] // rows that this process has deleted
	gone         recent[int64, struct{}] // rows of which Kisi has said so
	// sound are users, sorted, by the group whose last list of users showed them so; see Sound.
	sound        map[int64][]int64
	userReadings map[*UserReading]struct{}
}

type group struct {
	readAt  time.Time // zero: never completely; then only the people are known who were read by themselves
	doubted bool
	// people are those who were read by themselves, and when; the zero time: to be read again.
	people  map[int64]time.Time
	touched time.Time // when this process last wrote to it
	// count is what Kisi said the number of users was at the time of the tallies; counted says that it has.
	counted bool
	count   int
	tallied tallies
	rows    map[int64]Row
	byUser  map[int64]map[int64]struct{}
	// users are the users whose rows have an address.
	users map[string]map[int64]struct{}
}

// Put records a row that the process has made, or changed. What somebody else has made is seen: see See.
func (m *Mirror) Put(row Row) {
	m.mu.Lock()
	defer m.mu.Unlock()
	act := Changed
	if _, known := m.row(row.ID); !known {
		act = Made
	}
	m.noteWrite(Subject{Kind: Assignment, ID: row.ID}, act)
	m.touch(row.GroupID)
	m.put(row)
}

// Confirm records a row that was read by its id while nothing in this process could be changing it. It is no write: what
// its maker changes next is news.
func (m *Mirror) Confirm(row Row) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(row)
}

func (m *Mirror) put(row Row) {
	for r := range m.readings {
		if r.groupID == row.GroupID && (r.userID == 0 || r.userID == row.UserID) {
			r.put[row.ID] = row
			delete(r.removed, row.ID)
		}
	}
	if g := m.groups[row.GroupID]; g.knows(row.UserID) {
		g.put(row)
	}
}

// Remove records that the process has deleted a row, or found it gone when it wanted to.
func (m *Mirror) Remove(groupID, id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noteWrite(Subject{Kind: Assignment, ID: id}, Removed)
	m.removed.put(id, struct{}{})
	m.touch(groupID)
	m.remove(groupID, id)
}

func (m *Mirror) remove(groupID, id int64) {
	for r := range m.readings {
		if r.groupID == groupID {
			r.removed[id] = true
			delete(r.put, id)
		}
	}
	if g := m.groups[groupID]; g != nil {
		g.remove(id)
	}
}

func (m *Mirror) touch(groupID int64) {
	if g := m.groups[groupID]; g != nil {
		g.touched = time.Now()
	}
}

// Forget drops all that is known of a group. Readings of it that are under way count no more, else they would bring it back.
func (m *Mirror) Forget(groupID int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.groups, groupID)
	delete(m.unread, groupID)
	maps.DeleteFunc(m.doors, func(_, of int64) bool { return of == groupID })
	maps.DeleteFunc(m.readings, func(r *Reading, _ struct{}) bool { return r.groupID == groupID })
	maps.DeleteFunc(m.userReadings, func(r *UserReading, _ struct{}) bool { return r.groupID == groupID })
	delete(m.sound, groupID)
}

// ReadAt returns when the group was last read completely; the zero time if it never was.
func (m *Mirror) ReadAt(groupID int64) time.Time {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if g := m.groups[groupID]; g != nil {
		return g.readAt
	}
	return time.Time{}
}

// Unread returns why the latest reading of the group was abandoned; empty if it was not.
func (m *Mirror) Unread(groupID int64) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.unread[groupID]
}

// Pair returns a user's rows in a group, by id, and whether they are known.
func (m *Mirror) Pair(groupID, userID int64) (rows []Row, known bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g := m.groups[groupID]
	if !g.knows(userID) {
		return nil, false
	}
	for id := range g.byUser[userID] {
		rows = append(rows, g.rows[id])
	}
	slices.SortFunc(rows, byID)
	return rows, true
}

// Rows returns every row of a group, by id, and whether the group is known as a whole.
func (m *Mirror) Rows(groupID int64) (rows []Row, known bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g := m.groups[groupID]
	if !g.complete() {
		return nil, false
	}
	rows = make([]Row, 0, len(g.rows))
	for _, row := range g.rows {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, byID)
	return rows, true
}

func byID(a, b Row) int { return cmp.Compare(a.ID, b.ID) }

func newGroup(at time.Time) *group {
	return &group{readAt: at, people: map[int64]time.Time{}, rows: map[int64]Row{}, byUser: map[int64]map[int64]struct{}{}, users: map[string]map[int64]struct{}{}}
}

func (g *group) put(row Row) {
	g.remove(row.ID)
	g.rows[row.ID] = row
	ids := g.byUser[row.UserID]
	if ids == nil {
		ids = map[int64]struct{}{}
		g.byUser[row.UserID] = ids
	}
	ids[row.ID] = struct{}{}
	if row.Address == "" {
		return
	}
	if g.users[row.Address] == nil {
		g.users[row.Address] = map[int64]struct{}{}
	}
	g.users[row.Address][row.UserID] = struct{}{}
}

func (g *group) remove(id int64) {
	row, known := g.rows[id]
	if !known {
		return
	}
	delete(g.rows, id)
	ids := g.byUser[row.UserID]
	delete(ids, id)
	if len(ids) > 0 {
		return
	}
	delete(g.byUser, row.UserID)
	delete(g.users[row.Address], row.UserID)
	if len(g.users[row.Address]) == 0 {
		delete(g.users, row.Address)
	}
}
