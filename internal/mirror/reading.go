package mirror

import (
	"maps"
	"slices"
	"time"
)

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
