package simulator

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxEventInterval   = 90 * day
	eventSetLifetime   = day
	eventSetPage       = 50
	eventSetInProgress = "in_progress"
	eventSetFinished   = "finished"
	eventSetFailed     = "failed"
)

// eventSet is a query over the audit trail, answered once and then paged.
type eventSet struct {
	id             int
	organizationID int
	createdAt      time.Time
	interval       string
	status         string
	polled         bool
	filter         map[string]json.RawMessage // as it was sent
	events         []event
}

// eventSetFilters are the filters besides interval.
var eventSetFilters = []string{
	"event_actor_id", "event_actor_type", "event_authenticated_by_id", "event_authenticated_by_type", "event_object_id",
	"event_object_type", "event_place_id", "event_success", "event_sequence", "event_type", "event_uuid", "place_id",
}

func listEventTypes(*call) answer { return ok(eventTypes) }

func createEventSet(c *call) answer {
	s := c.s
	f, refused := c.root("event_set")
	if refused != nil {
		return *refused
	}
	if !c.mayAnywhere("events_read") {
		return forbidden()
	}
	from, until := f.interval(c.now)
	filter := map[string]json.RawMessage{}
	for _, name := range eventSetFilters {
		if f.has(name) && !f.isNull(name) {
			filter[name] = f.raw[name]
		}
	}
	matches := f.eventFilter()
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	events := slices.DeleteFunc(s.events.between(c.org.ID, from, until), func(e event) bool {
		return !c.may("events_read", target{placeID: e.placeID}) || !matches(s.eventJSON(e))
	})
	if s.switches.EventOrder == EventOrderNewestFirst {
		slices.Reverse(events)
	}
	s.events.lastSet++
	set := &eventSet{
		id: s.events.lastSet, organizationID: c.org.ID, createdAt: c.now, filter: filter, events: events,
		interval: from.UTC().Format(time.RFC3339) + "/" + until.UTC().Format(time.RFC3339),
		status:   eventSetInProgress,
	}
	switch s.switches.EventSets {
	case EventSetsImmediate:
		set.status = eventSetFinished
	case EventSetsFailed:
		set.status = eventSetFailed
	}
	s.events.sets[set.id] = set
	return ok(c.eventSetJSON(set, eventSetPage, 0))
}

// interval reads start/end; the default is the last 90 days.
func (f *fields) interval(now time.Time) (from, until time.Time) {
	from, until = now.Add(-maxEventInterval), now
	text := f.text("interval")
	if text == "" {
		return from, until
	}
	start, end, found := strings.Cut(text, "/")
	var errStart, errEnd error
	from, errStart = time.Parse(time.RFC3339Nano, start)
	until, errEnd = time.Parse(time.RFC3339Nano, end)
	switch {
	case !found || errStart != nil || errEnd != nil:
		f.fail("interval", "must be start/end in ISO 8601")
	case until.Before(from):
		f.fail("interval", "must end after it starts")
	case until.Sub(from) > maxEventInterval:
		f.fail("interval", "must not be longer than 90 days")
	}
	return from, until
}

// eventFilter compares events as they are shown, so that a filter and what it
// filters can never drift apart.
func (f *fields) eventFilter() func(eventJSON) bool {
	var checks []func(eventJSON) bool
	text := func(name string, of func(eventJSON) *string) {
		var wanted string
		if read(f, name, &wanted) {
			checks = append(checks, func(e eventJSON) bool { v := of(e); return v != nil && *v == wanted })
		}
	}
	number := func(name string, of func(eventJSON) *int) {
		var wanted int
		if read(f, name, &wanted) {
			checks = append(checks, func(e eventJSON) bool { v := of(e); return v != nil && *v == wanted })
		}
	}
	number("event_actor_id", func(e eventJSON) *int { return e.ActorID })
	text("event_actor_type", func(e eventJSON) *string { return e.ActorType })
	number("event_authenticated_by_id", func(e eventJSON) *int { return e.AuthenticatedByID })
	text("event_authenticated_by_type", func(e eventJSON) *string { return e.AuthenticatedByType })
	number("event_object_id", func(e eventJSON) *int { return &e.ObjectID })
	text("event_object_type", func(e eventJSON) *string { return &e.ObjectType })
	number("event_place_id", func(e eventJSON) *int { return e.PlaceID })
	number("place_id", func(e eventJSON) *int { return e.PlaceID })
	text("event_uuid", func(e eventJSON) *string { return &e.UUID })
	text("event_sequence", func(e eventJSON) *string { return &e.Sequence })
	var success bool
	if read(f, "event_success", &success) {
		checks = append(checks, func(e eventJSON) bool { return e.Success == success })
	}
	var types string
	if read(f, "event_type", &types) && types != "" {
		wanted := strings.Split(types, ",")
		checks = append(checks, func(e eventJSON) bool { return slices.Contains(wanted, e.Type) })
	}
	return func(e eventJSON) bool {
		for _, check := range checks {
			if !check(e) {
				return false
			}
		}
		return true
	}
}

// largest is the largest limit of a page.
func (p EventSetPage) largest() int {
	if p == EventSetPage50 {
		return 50
	}
	return 250
}

func getEventSet(c *call) answer {
	s := c.s
	set, found := s.events.sets[c.id()]
	if !found || set.organizationID != c.org.ID {
		return notFound()
	}
	if c.now.Sub(set.createdAt) > eventSetLifetime {
		delete(s.events.sets, set.id)
		return notFound()
	}
	if !c.mayAnywhere("events_read") {
		return forbidden()
	}
	page, refused := c.page(pageSize{eventSetPage, s.switches.EventSetPage.largest()})
	if refused != nil {
		return *refused
	}
	limit, start := page.limit, 0
	if cursor := c.query.Get("cursor"); cursor != "" {
		at, err := decodeCursor(cursor)
		if err != nil || at > len(set.events) {
			return badRequest("cursor is invalid")
		}
		start = at
	}
	if set.status == eventSetInProgress {
		if s.switches.EventSets != EventSetsSlow || set.polled {
			set.status = eventSetFinished
		}
		set.polled = true
	}
	return ok(c.eventSetJSON(set, limit, start))
}

func (c *call) eventSetJSON(set *eventSet, limit, start int) map[string]any {
	out := map[string]any{
		"id": set.id, "created_at": seconds(set.createdAt), "status": set.status, "interval": set.interval, "cursor": nil,
	}
	for _, name := range eventSetFilters {
		out[name] = nil
		if raw, given := set.filter[name]; given {
			out[name] = raw
		}
	}
	events := []eventJSON{}
	if set.status == eventSetFinished {
		end := min(start+limit, len(set.events))
		for _, e := range set.events[start:end] {
			events = append(events, c.s.eventJSON(e))
		}
		if end < len(set.events) {
			out["cursor"] = encodeCursor(end)
		}
	}
	out["events"] = events
	return out
}

// Cursors are opaque on purpose: a client must not compute one.
func encodeCursor(at int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + strconv.Itoa(at)))
}

func decodeCursor(cursor string) (int, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	at, err := strconv.Atoi(strings.TrimPrefix(string(text), "after:"))
	if err == nil && at < 0 {
		return 0, strconv.ErrRange
	}
	return at, err
}
