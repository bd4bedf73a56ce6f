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
	next := &l.further
	if next.entries.Len() == 0 {
		front := l.turns.Front()
		if front == nil {
			return nil
		}
		next = front.Value.(*lane)
	}
	return next.entries.Front().Value.(*entry)
}

// pop takes out the next entry, nil if there is none. The connection it came from goes to the end of the line.
func (l *level) pop() *entry {
	e := l.first()
	if e == nil {
		return nil
	}
	if !e.further {
		l.turns.MoveToBack(e.lane.element)
	}
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

// waitingFor counts the entries of a connection.
func (l *level) waitingFor(connection string) int {
	count := 0
	if lane := l.lanes[connection]; lane != nil {
		count = lane.entries.Len()
	}
	for element := l.further.entries.Front(); element != nil; element = element.Next() {
		if element.Value.(*entry).class.Connection == connection {
			count++
		}
	}
	return count
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
