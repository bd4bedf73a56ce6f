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

// Reading is a complete read of a group under way, or of one person's rows in it. Own writes made meanwhile are applied
// on top of what it brings, because a list that takes several pages may show them or not.
type Reading struct {
	mirror  *Mirror
	groupID int64
	userID  int64 // 0: everybody
	put     map[int64]Row
	removed map[int64]bool
	doubted bool // meanwhile: a page that was read before may not show why
	counted bool
	count   int
}

// Begin starts a reading of a group.
func (m *Mirror) Begin(groupID int64) *Reading { return m.begin(groupID, 0) }

func (m *Mirror) begin(groupID, userID int64) *Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &Reading{mirror: m, groupID: groupID, userID: userID, put: map[int64]Row{}, removed: map[int64]bool{}}
	if m.readings == nil {
		m.readings = map[*Reading]struct{}{}
	}
	m.readings[r] = struct{}{}
	return r
}

// Abandon ends a reading that failed or fell short, and why. What was known before stays.
func (r *Reading) Abandon(why string) {
	m := r.mirror
	m.mu.Lock()
	defer m.mu.Unlock()
	if !r.end() || r.userID != 0 { // of one person it says nothing of the group
		return
	}
	if m.unread == nil {
		m.unread = map[int64]string{}
	}
	m.unread[r.groupID] = why
}

// Cancel ends a reading that nobody wants any more. It says nothing of the group.
func (r *Reading) Cancel() {
	r.mirror.mu.Lock()
	defer r.mirror.mu.Unlock()
	r.end()
}

// end reports whether the reading still counts: it counts once, and not after its group was forgotten. m.mu is held.
func (r *Reading) end() bool {
	_, counts := r.mirror.readings[r]
	delete(r.mirror.readings, r)
	return counts
}

// Finish ends a reading that is complete, and reports what it has shown to differ. It returns the users whose rows differ
// from what was known before, sorted. At the first reading of a group nothing was known, so nobody differs; that it was
// read is reported.
func (r *Reading) Finish(rows []Row, at time.Time) []int64 {
	change := r.finish(rows, at)
	r.mirror.Report(change)
	return change.Users
}

func (r *Reading) finish(rows []Row, at time.Time) Change {
	m := r.mirror
	m.mu.Lock()
	defer m.mu.Unlock()
	if !r.end() {
		return Change{}
	}
	if r.userID != 0 {
		return r.finishPerson(rows, at)
	}
	delete(m.unread, r.groupID)
	fresh := newGroup(at)
	for _, row := range rows {
		if !r.removed[row.ID] {
			fresh.put(row)
		}
	}
	for _, row := range r.put {
		fresh.put(row)
	}
	fresh.doubted = r.doubted
	before := m.groups[r.groupID]
	if before != nil {
		fresh.touched = before.touched
	}
	// A row of ours that was made or deleted meanwhile may be counted or not: then the next comparison sets the mark.
	if r.counted && len(r.put)+len(r.removed) == 0 {
		fresh.counted, fresh.count, fresh.tallied = true, r.count, fresh.tally(at)
	}
	if m.groups == nil {
		m.groups = map[int64]*group{}
	}
	m.groups[r.groupID] = fresh
	if !before.complete() {
		return Change{FirstRead: []int64{r.groupID}}
	}
	users, addresses, differs := differing(before, fresh)
	if !differs {
		return Change{}
	}
	return Change{Users: users, Addresses: addresses, Groups: []int64{r.groupID}}
}

// differing lists the users, and their addresses, of whom one of the groups has a row that the other has not, or otherwise.
// That the rows of a team or a guest differ is told by differs alone.
func differing(a, b *group) (users []int64, addresses []string, differs bool) {
	ids, known := map[int64]bool{}, map[string]bool{}
	compare := func(x, y *group) {
		for id, row := range x.rows {
			if other, exists := y.rows[id]; !exists || other != row {
				ids[row.UserID], known[row.Address] = true, true
			}
		}
	}
	compare(a, b)
	compare(b, a)
	differs = len(ids) > 0
	delete(ids, 0)
	delete(known, "")
	return slices.Sorted(maps.Keys(ids)), slices.Sorted(maps.Keys(known)), differs
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
