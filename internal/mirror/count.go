package mirror

import "time"

// settleTime is how long a group is left alone after this process has written to it: a request may be under way that its
// count shows already.
const settleTime = 10 * time.Second

// tallies are the ways in which Kisi may count a group's users. It does not say whether expired rows count.
type tallies struct{ rows, people, unexpired, open int }

func (g *group) tally(now time.Time) tallies {
	t := tallies{rows: len(g.rows)}
	for user, ids := range g.byUser {
		if user == 0 {
			continue // of teams and guests nothing is known but that they have a row
		}
		unexpired, open := false, false
		for id := range ids {
			row := g.rows[id]
			if row.Until.IsZero() || row.Until.After(now) {
				unexpired = true
				open = open || !row.From.After(now)
			}
		}
		t.people++
		if unexpired {
			t.unexpired++
		}
		if open {
			t.open++
		}
	}
	return t
}

// Counted records how many users Kisi said the group has, at the time of the reading.
func (r *Reading) Counted(count int) {
	r.mirror.mu.Lock()
	defer r.mirror.mu.Unlock()
	r.count, r.counted = count, true
}

// CountDiffers reports whether the number of users that Kisi says a group has cannot be explained by what it was at the
// last complete reading and what is known to have changed since. How Kisi counts is not documented, so the numbers are
// not compared with the rows, and a change is believed if any way of counting explains it.
func (m *Mirror) CountDiffers(groupID int64, count int, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[groupID]
	if !g.complete() || now.Sub(g.touched) < settleTime {
		return false
	}
	if !g.counted {
		g.counted, g.count, g.tallied = true, count, g.tally(now)
		return false
	}
	is, was, more := g.tally(now), g.tallied, count-g.count
	return more != is.rows-was.rows && more != is.people-was.people && more != is.unexpired-was.unexpired && more != is.open-was.open
}
