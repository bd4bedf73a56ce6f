package metrics

import (
	"container/heap"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// LateAfter is how long a window may be open and wanted before it is late: what is asked for right now is under way.
const LateAfter = 10 * time.Second

// Missing is a window that should be in Kisi and is not.
type Missing struct {
	Connection types.NamespacedName
	Group      string
	// From is when it opens; zero: it is open. Until is when it ends; zero: never.
	From, Until time.Time
}

// Late counts the windows that are late. What is missing is told when it changes; windows open and end while nothing is told.
// A count costs what has opened and ended since the one before, however many people there are. The zero value is ready.
type Late struct {
	mu      sync.Mutex
	missing map[types.NamespacedName][]*missing // by Member
	agenda  agenda
	dead    int // of the agenda
	counts  map[types.NamespacedName]int
}

// missing is a window that is not in Kisi, as long as a Member misses it.
type missing struct {
	Missing
	at   time.Time // when it changes next: is late, or ends
	late bool
	gone bool // nobody misses it any more
	// planned says that it is in the agenda.
	planned bool
}

// Set says what a Member misses from now on.
func (l *Late) Set(member types.NamespacedName, windows []Missing, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.missing[member]
	if len(known)+len(windows) == 0 {
		return
	}
	var kept []*missing
	for _, window := range windows {
		i := slices.IndexFunc(known, func(m *missing) bool { return m.same(window) })
		if i >= 0 {
			kept, known = append(kept, known[i]), slices.Delete(known, i, i+1)
			continue
		}
		m := &missing{Missing: window, at: later(window.From, now).Add(LateAfter)}
		heap.Push(&l.agenda, m)
		kept = append(kept, m)
	}
	for _, m := range known {
		l.drop(m)
	}
	if l.missing == nil {
		l.missing = map[types.NamespacedName][]*missing{}
	}
	l.missing[member] = kept
	if len(kept) == 0 {
		delete(l.missing, member)
	}
	l.tidy()
}

// Count says how many windows of a connection are late.
func (l *Late) Count(connection types.NamespacedName, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.agenda) > 0 && !l.agenda[0].at.After(now) {
		m := heap.Pop(&l.agenda).(*missing)
		switch {
		case m.gone:
			l.dead--
		case m.late:
			l.over(m)
		case m.Until.IsZero():
			l.count(m, 1)
		case m.Until.After(now):
			l.count(m, 1)
			m.at = m.Until
			heap.Push(&l.agenda, m)
		}
	}
	return l.counts[connection]
}

// count makes a window late, or no longer so.
func (l *Late) count(m *missing, change int) {
	if l.counts == nil {
		l.counts = map[types.NamespacedName]int{}
	}
	m.late = change > 0
	l.counts[m.Connection] += change
	if l.counts[m.Connection] == 0 {
		delete(l.counts, m.Connection)
	}
}

func (l *Late) over(m *missing) { l.count(m, -1) }

// drop forgets a window that nobody misses any more. In the agenda it stays until its time comes, or there are too many.
func (l *Late) drop(m *missing) {
	if m.late {
		l.over(m)
	}
	m.gone = true
	if m.planned {
		l.dead++
	}
}

// tidy takes out of the agenda what is gone, if that is most of it.
func (l *Late) tidy() {
	if l.dead <= len(l.agenda)/2 {
		return
	}
	l.agenda = slices.DeleteFunc(l.agenda, func(m *missing) bool { return m.gone })
	l.dead = 0
	heap.Init(&l.agenda)
}

func (m *missing) same(window Missing) bool {
	return m.Connection == window.Connection && m.Group == window.Group && m.From.Equal(window.From) && m.Until.Equal(window.Until)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// agenda holds what changes by time, the next first.
type agenda []*missing

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *agenda) Push(m any) {
	*a = append(*a, m.(*missing))
	m.(*missing).planned = true
}

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	m := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	m.planned = false
	return m
}
