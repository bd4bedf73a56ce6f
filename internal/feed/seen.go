package feed

import (
	"fmt"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// mostSeen bounds what is remembered of events that were taken. One that is forgotten and comes again costs a look.
const mostSeen = 20_000

// seen remembers the events that were taken, the latest of them.
type seen struct {
	known map[string]struct{}
	order []string // oldest first
}

// fresh returns the events that were not taken before, each once.
func (s *seen) fresh(events []kisi.Event) []kisi.Event {
	var fresh []kisi.Event
	among := map[string]struct{}{}
	for _, event := range events {
		id := identity(event)
		if _, known := s.known[id]; known {
			continue
		}
		if _, twice := among[id]; twice {
			continue
		}
		among[id] = struct{}{}
		fresh = append(fresh, event)
	}
	return fresh
}

// mark remembers events as taken.
func (s *seen) mark(events []kisi.Event) {
	if s.known == nil {
		s.known = map[string]struct{}{}
	}
	for _, event := range events {
		id := identity(event)
		if _, known := s.known[id]; known {
			continue
		}
		s.known[id] = struct{}{}
		s.order = append(s.order, id)
	}
	if excess := len(s.order) - mostSeen; excess > 0 {
		for _, id := range s.order[:excess] {
			delete(s.known, id)
		}
		s.order = append([]string(nil), s.order[excess:]...)
	}
}

// identity is the event's uuid, or what else it says where it has none.
func identity(e kisi.Event) string {
	if e.UUID != "" {
		return e.UUID
	}
	return fmt.Sprintf("%s/%s/%d/%s/%s", e.Type, e.ObjectType, e.ObjectID, e.Sequence, e.CreatedAt)
}
