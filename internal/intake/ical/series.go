package ical

import (
	"fmt"
	"slices"
	"time"
)

// maxInstances is how many bookings one event may make within the horizon.
const maxInstances = 2_000

// series is all that a calendar has of one UID.
type series struct {
	uid     string
	master  *event            // nil if the calendar has single repetitions only
	changed map[string]*event // by the key of the repetition
	onward  []*event          // changes of a repetition and all later ones, in order
}

// instance is one repetition of an event, or an event that does not repeat.
type instance struct {
	key         string // of the original start; empty if the event does not repeat
	from, until time.Time
	status      status
	event       *event
}

// add takes a version of the event, or of one of its repetitions, if it is the newest.
func (s *series) add(e *event) {
	switch {
	case e.changes == nil:
		if s.master == nil || e.newer(s.master) {
			s.master = e
		}
	case e.onward:
		at := slices.IndexFunc(s.onward, func(o *event) bool { return o.changes.key() == e.changes.key() })
		if at < 0 {
			s.onward = append(s.onward, e)
		} else if e.newer(s.onward[at]) {
			s.onward[at] = e
		}
	default:
		if was := s.changed[e.changes.key()]; was == nil || e.newer(was) {
			s.changed[e.changes.key()] = e
		}
	}
}

// line is where the series begins.
func (s *series) line() int {
	if s.master != nil {
		return s.master.line
	}
	first := 0
	for _, change := range s.changed {
		if first == 0 || change.line < first {
			first = change.line
		}
	}
	return first
}

// repeats says whether the event is one of many.
func (s *series) repeats() bool {
	return s.master == nil || len(s.master.rules)+len(s.master.also)+len(s.changed)+len(s.onward) > 0
}

// instances are the repetitions that lie within the span, before they were changed or after.
func (s *series) instances(within span) ([]instance, error) {
	var all []instance
	if s.master != nil {
		starts, err := s.master.starts(within)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(s.onward, func(a, b *event) int { return a.changes.instant().Compare(b.changes.instant()) })
		for _, at := range starts {
			if one := s.instance(at); s.change(at.moment) == nil && one.within(within) {
				all = append(all, one)
			}
		}
	}
	for key, change := range s.changed {
		one := instance{key: key, from: change.start.instant(), until: change.lasts.after(change.start), status: change.status, event: change}
		if s.master != nil && s.master.status == canceled {
			one.status = canceled
		}
		// What has moved out of the span is told as well, so that the booking goes along.
		original := change.changes.instant()
		if one.within(within) || !original.Before(within.from) && original.Before(within.until) {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b instance) int { return a.from.Compare(b.from) })
	if len(all) > maxInstances {
		return nil, fmt.Errorf("the event makes %d bookings until the horizon, more than %d", len(all), maxInstances)
	}
	return all, nil
}

// change is the event that is in place of a repetition, or nil.
func (s *series) change(m moment) *event {
	if change := s.changed[m.key()]; change != nil {
		return change
	}
	for _, change := range s.changed { // of a whole day by a time, or of a time by its day
		if change.changes.date != m.date && change.changes.day() == m.day() {
			return change
		}
	}
	return nil
}

// instance is a repetition as the master, or the latest change of it and all later ones, has it.
func (s *series) instance(at repetition) instance {
	one := instance{status: at.status, event: s.master}
	if s.repeats() {
		one.key = at.key()
	}
	begin, lasts := at.moment, at.lasts
	for _, change := range s.onward {
		if change.changes.instant().After(at.instant()) {
			break
		}
		one.event, lasts = change, change.lasts
		zone := change.start.zone
		moved := change.start.wall.Sub(change.changes.in(zone).wall)
		begin = change.start.on(at.in(zone).wall.Add(moved))
		if one.status = change.status; at.status == canceled {
			one.status = canceled
		}
	}
	one.from, one.until = begin.instant(), lasts.after(begin)
	return one
}

func (i instance) within(s span) bool { return i.until.After(s.from) && i.from.Before(s.until) }

// repetition is one start of a series, with how long this one lasts.
type repetition struct {
	moment

	lasts  length
	status status
}

// starts are the repetitions of an event around a span, without changes. Those that EXDATE takes out are canceled.
func (e *event) starts(within span) ([]repetition, error) {
	// What began before the span may last into it.
	early := e.lasts
	for _, more := range e.also {
		if more.length != nil && more.length.seconds > early.seconds {
			early.seconds = more.length.seconds
		}
	}
	around := span{later(within.from.AddDate(0, 0, -early.days), -early.seconds), within.until}

	all := map[string]repetition{}
	add := func(m moment, lasts length) {
		all[m.key()] = repetition{m, lasts, e.status}
	}
	add(e.start, e.lasts)
	for _, rule := range e.rules {
		moments, err := recur(rule, e.start, around, maxInstances)
		if err != nil {
			return nil, err
		}
		for _, m := range moments {
			add(m, e.lasts)
		}
	}
	for _, more := range e.also {
		lasts := e.lasts
		if more.length != nil {
			lasts = *more.length
		}
		m := more.moment
		m.date = e.start.date && m.date
		add(m, lasts)
	}
	for _, not := range e.excluded {
		if one, is := all[not.key()]; is {
			one.status = canceled
			all[not.key()] = one
			continue
		}
		for key, one := range all {
			if one.date != not.date && one.day() == not.day() {
				one.status = canceled
				all[key] = one
			}
		}
	}
	repetitions := make([]repetition, 0, len(all))
	for _, one := range all {
		repetitions = append(repetitions, one)
	}
	slices.SortFunc(repetitions, func(a, b repetition) int { return a.instant().Compare(b.instant()) })
	return repetitions, nil
}
