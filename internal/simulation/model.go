package simulation

import (
	"slices"
	"time"
)

// This is the rule of who may enter, written anew from its description: nothing of it is shared with the operator, so that
// one mistake is not made twice.

// wanted is when somebody is to be let into a group by what a business says at one moment, in order, without overlaps.
func (b business) wanted(address, group string) []span { return union(b.sources(address, group)) }

// sources are the times that each of what the business says gives somebody in a group.
func (b business) sources(address, group string) []span {
	person, explicit := b.person(address)
	if explicit && person.State != "Active" || b.Gone[group] {
		return nil
	}
	var spans []span
	if explicit {
		if is, has := person.Groups[group]; has {
			spans = append(spans, is)
		}
		for name, is := range person.Places {
			if slices.Contains(b.Places[name].Members, group) {
				spans = append(spans, is)
			}
		}
	}
	for _, s := range b.Subscriptions {
		if b.concerns(s, address) && slices.Contains(b.groupsOf(s), group) {
			spans = append(spans, s.Span)
		}
	}
	for _, is := range b.Bookings {
		at, exists := b.Places[is.Place]
		if !exists || is.Canceled || !slices.Contains(at.Groups, group) || is.Organizer != address && !slices.Contains(is.Attendees, address) {
			continue
		}
		if at.NonMembers || b.isMember(is.Organizer, is.Span.From) {
			spans = append(spans, span{is.Span.From.Add(-at.Lead), is.Span.Until.Add(at.Lag)})
		}
	}
	return spans
}

// allowed is wanted, and what an administrator has granted.
func (b business) allowed(address, group string) []span {
	spans := b.wanted(address, group)
	for _, is := range b.Foreign {
		if is.Address == address && is.Group == group {
			spans = append(spans, is.Span)
		}
	}
	return union(spans)
}

func (b business) person(address string) (person, bool) {
	for _, is := range b.People {
		if is.Address == address {
			return is, true
		}
	}
	return person{}, false
}

func (b business) concerns(s subscription, address string) bool {
	if s.State != "Active" || s.Passes > 0 && s.Used >= s.Passes {
		return false
	}
	is, explicit := b.person(address)
	switch {
	case s.Person != "":
		return s.Person == address
	case s.Team != "":
		return explicit && slices.Contains(is.Teams, s.Team)
	}
	named, exists := b.People[s.Member]
	return exists && named.Address == address
}

func (b business) groupsOf(s subscription) []string {
	if len(s.Groups) > 0 {
		return s.Groups
	}
	return b.Plans[s.Plan].Groups
}

// isMember tells whether somebody counts as a member where a booking begins.
func (b business) isMember(address string, at time.Time) bool {
	if is, explicit := b.person(address); explicit {
		return is.State == "Active"
	}
	for _, s := range b.Subscriptions {
		if s.Person == address && s.State == "Active" && (s.Span.Until.IsZero() || s.Span.Until.After(at)) {
			return true
		}
	}
	return false
}

// union is the same time without overlaps, in order.
func union(spans []span) []span {
	spans = slices.DeleteFunc(slices.Clone(spans), func(s span) bool { return !s.Until.IsZero() && !s.From.Before(s.Until) })
	slices.SortFunc(spans, func(a, b span) int { return a.From.Compare(b.From) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && (out[n-1].Until.IsZero() || !s.From.After(out[n-1].Until)) {
			if s.Until.IsZero() || !out[n-1].Until.IsZero() && s.Until.After(out[n-1].Until) {
				out[n-1].Until = s.Until
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// within is the part of spans inside a bounded one.
func within(spans []span, bounds span) []span {
	var out []span
	for _, s := range spans {
		if s.From.Before(bounds.From) {
			s.From = bounds.From
		}
		if s.Until.IsZero() || s.Until.After(bounds.Until) {
			s.Until = bounds.Until
		}
		if s.From.Before(s.Until) {
			out = append(out, s)
		}
	}
	return out
}

// without is what of bounded spans is in none of those taken away.
func without(spans, taken []span) []span {
	out := slices.Clone(spans)
	for _, away := range taken {
		var next []span
		for _, s := range out {
			if !away.From.Before(s.Until) || !away.Until.IsZero() && !s.From.Before(away.Until) {
				next = append(next, s)
				continue
			}
			if s.From.Before(away.From) {
				next = append(next, span{s.From, away.From})
			}
			if !away.Until.IsZero() && away.Until.Before(s.Until) {
				next = append(next, span{away.Until, s.Until})
			}
		}
		out = next
	}
	return out
}
