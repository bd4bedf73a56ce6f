package kisi

import "container/list"

// level holds what waits at one priority: first the calls of tasks under way, then one lane per connection, which take
// turns. All operations take constant time.
type level struct {
	further lane
	turns   list.List // of *lane, next first; only lanes with entries
	lanes   map[string]*lane
	size    int
	callers int // of these, calls
}

// lane holds entries, first come first served.
type lane struct {
	entries list.List // of *entry
	element *list.Element
}

func (l *level) push(e *entry) {
	l.size++
	if e.call != nil {
		l.callers++
	}
	e.lane = l.laneOf(e)
	e.element = e.lane.entries.PushBack(e)
}

func (l *level) laneOf(e *entry) *lane {
	if e.further {
		return &l.further
	}
	if l.lanes == nil {
		l.lanes = map[string]*lane{}
	}
	waiting, exists := l.lanes[e.class.Connection]
	if !exists {
		waiting = &lane{}
		waiting.element = l.turns.PushBack(waiting)
		l.lanes[e.class.Connection] = waiting
	}
	return waiting
}

// first is the next entry, nil if there is none.
func (l *level) first() *entry {
	from := l.next()
	if from == nil {
		return nil
	}
	return from.entries.Front().Value.(*entry)
}

// next is the lane whose turn it is, nil if nothing waits.
func (l *level) next() *lane {
	if l.further.entries.Len() > 0 {
		return &l.further
	}
	if front := l.turns.Front(); front != nil {
		return front.Value.(*lane)
	}
	return nil
}

// pop takes out the next entry, nil if there is none. The connection it came from goes to the end of the line.
func (l *level) pop() *entry {
	next := l.next()
	if next == nil {
		return nil
	}
	if next != &l.further {
		l.turns.MoveToBack(next.element)
	}
	e := next.entries.Front().Value.(*entry)
	l.remove(e)
	return e
}

func (l *level) remove(e *entry) {
	l.size--
	if e.call != nil {
		l.callers--
	}
	from := e.lane
	from.entries.Remove(e.element)
	e.lane, e.element = nil, nil
	if from != &l.further && from.entries.Len() == 0 {
		l.turns.Remove(from.element)
		delete(l.lanes, e.class.Connection)
	}
}

// calls lists the entries that are calls, not tasks. It takes time only where there are any.
func (l *level) calls() []*entry {
	if l.callers == 0 {
		return nil
	}
	var calls []*entry
	collect := func(from *lane) {
		for element := from.entries.Front(); element != nil; element = element.Next() {
			if e := element.Value.(*entry); e.call != nil {
				calls = append(calls, e)
			}
		}
	}
	collect(&l.further)
	for element := l.turns.Front(); element != nil; element = element.Next() {
		collect(element.Value.(*lane))
	}
	return calls
}
