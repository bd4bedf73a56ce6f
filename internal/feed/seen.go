package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// mostSeen bounds what is remembered of events that were taken. One that is forgotten and comes again costs a look.
const mostSeen = 20_000

// seen remembers the events that were taken, the latest of them.
type seen struct {
	known map[eventID]struct{}
	order []eventID // oldest first
}

// eventID tells events apart, in so many bytes whatever an event says.
type eventID [16]byte

// fresh returns the events that were not taken before, each once.
func (s *seen) fresh(events []kisi.Event) []kisi.Event {
	var fresh []kisi.Event
	among := map[eventID]struct{}{}
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
		s.known = map[eventID]struct{}{}
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
		s.order = append([]eventID(nil), s.order[excess:]...)
	}
}

// identity digests the event's uuid, or what else it says where it has none.
func identity(e kisi.Event) (id eventID) {
	text := e.UUID
	if text == "" {
		text = fmt.Sprintf("%s/%s/%d/%s/%s", e.Type, e.ObjectType, e.ObjectID, e.Sequence, e.CreatedAt)
	}
	digest := sha256.Sum256([]byte(text))
	copy(id[:], digest[:])
	return id
}

// longestText is what is kept of a text in an event: more than Kisi's own words, and than a digest in hexadecimal.
const longestText = 64

// kept returns what is kept of an event while it waits: what it is about, without what people and things are called and
// without more than some hundred bytes, because a signed call may say anything. An event that was kept is kept as it is.
func kept(e kisi.Event) kisi.Event {
	return kisi.Event{
		UUID: bounded(e.UUID), Type: bounded(e.Type), Sequence: bounded(e.Sequence), CreatedAt: e.CreatedAt, Success: e.Success,
		ActorType: bounded(e.ActorType), ActorID: e.ActorID, ObjectType: bounded(e.ObjectType), ObjectID: e.ObjectID,
		OrganizationID: e.OrganizationID,
		Object: kisi.EventObject{
			AssigneeType: bounded(e.Object.AssigneeType), AssigneeID: e.Object.AssigneeID,
			AppliesToType: bounded(e.Object.AppliesToType), AppliesToID: e.Object.AppliesToID, GroupID: e.Object.GroupID,
		},
	}
}

func allKept(events []kisi.Event) []kisi.Event {
	all := make([]kisi.Event, len(events))
	for i := range events {
		all[i] = kept(events[i])
	}
	return all
}

// bounded returns a text, or a digest of a long one, which is no word of Kisi's.
func bounded(text string) string {
	if len(text) <= longestText {
		return text
	}
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:longestText/2])
}
