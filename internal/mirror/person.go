package mirror

import (
	"maps"
	"time"
)

// BeginPerson starts a reading of one person's rows in a group, which may have more rows than Kisi lists.
func (m *Mirror) BeginPerson(groupID, userID int64) *Reading { return m.begin(groupID, userID) }

// PersonReadAt returns when a person's rows in a group were last read completely, alone or with the group; the zero time
// if they never were, or are to be read again.
func (m *Mirror) PersonReadAt(groupID, userID int64) time.Time {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g := m.groups[groupID]
	if g == nil {
		return time.Time{}
	}
	at := g.people[userID]
	if !g.doubted && g.readAt.After(at) {
		return g.readAt
	}
	return at
}

// finishPerson is Finish for a reading of one person. Whoever was not known before is reported: what was believed of them
// is to be compared.
func (r *Reading) finishPerson(rows []Row, at time.Time) Change {
	m := r.mirror
	g := m.groups[r.groupID]
	if g == nil {
		g = newGroup(time.Time{})
		if m.groups == nil {
			m.groups = map[int64]*group{}
		}
		m.groups[r.groupID] = g
	}
	is := map[int64]Row{}
	for _, row := range rows {
		if row.UserID == r.userID && !r.removed[row.ID] {
			is[row.ID] = row
		}
	}
	maps.Copy(is, r.put)
	was := map[int64]Row{}
	for id := range g.byUser[r.userID] {
		was[id] = g.rows[id]
	}
	known := g.knows(r.userID)
	for id := range was {
		g.remove(id)
	}
	for _, row := range is {
		g.put(row)
	}
	if r.doubted {
		at = time.Time{}
	}
	g.people[r.userID] = at
	switch {
	case !maps.Equal(was, is):
		return Change{Users: []int64{r.userID}, Groups: []int64{r.groupID}}
	case !known:
		return Change{Users: []int64{r.userID}}
	}
	return Change{}
}

// complete reports whether the group has been read as a whole.
func (g *group) complete() bool { return g != nil && !g.readAt.IsZero() }

// knows reports whether a person's rows in the group are known.
func (g *group) knows(userID int64) bool {
	if g == nil {
		return false
	}
	_, read := g.people[userID]
	return read || g.complete()
}
