package kisi

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Event is one entry of Kisi's audit trail, or the body of a webhook call. The same event may be delivered more than
// once: UUID tells.
//
// Its fields are read one by one, and one of an unexpected type, or an id that cannot be one, stays empty: what an event
// says is a hint of what to look at, so a trail with one odd entry is better read than refused.
type Event struct {
	UUID           string    `json:"uuid"`
	Type           string    `json:"type"` // "role_assignment.create"; Action is its second half
	Action         string    `json:"action"`
	ActorType      string    `json:"actor_type"`
	ActorID        *int64    `json:"actor_id"`
	ActorName      string    `json:"actor_name"`
	ActorEmail     string    `json:"actor_email"`
	ObjectType     string    `json:"object_type"`
	ObjectID       int64     `json:"object_id"`
	ObjectName     string    `json:"object_name"`
	CreatedAt      time.Time `json:"created_at"`
	Success        bool      `json:"success"` // true where the event does not say
	Message        string    `json:"message"`
	Sequence       string    `json:"sequence"`
	OrganizationID int64     `json:"organization_id"`
	PlaceID        *int64    `json:"place_id"`
	ErrorCode      string    `json:"error_code"`
	ErrorMessage   string    `json:"error_message"`
	// Object says more about what the event is about; its fields are nowhere described, and mostly absent.
	Object EventObject `json:"object,omitempty"`
}

// Events are those of one page.
type Events []Event

// mostEvents bounds the events of a page. What the largest is that Kisi gives, it does not say; a poll takes fewer.
const mostEvents = 20_000

// UnmarshalJSON fails for more events than can be of one page, and for what is no list.
func (e *Events) UnmarshalJSON(data []byte) error {
	raw, err := itemsIn(data, mostEvents)
	if errors.Is(err, errTooManyItems) {
		return fmt.Errorf("a page of events holds more than %d", mostEvents)
	}
	if err != nil {
		return err
	}
	if *e = nil; raw == nil {
		return nil
	}
	*e = make(Events, len(raw))
	for i := range raw {
		_ = (*e)[i].UnmarshalJSON(raw[i]) // never fails
	}
	return nil
}

// EventObject holds the ids that the object of an event may carry.
type EventObject struct {
	AssigneeType  string `json:"assignee_type,omitempty"`
	AssigneeID    int64  `json:"assignee_id,omitempty"`
	AppliesToType string `json:"applies_to_type,omitempty"`
	AppliesToID   int64  `json:"applies_to_id,omitempty"`
	GroupID       int64  `json:"group_id,omitempty"`
}

// UnmarshalJSON never fails: see Event.
func (e *Event) UnmarshalJSON(data []byte) error {
	*e = Event{Success: true}
	fields := fieldsOf(data)
	for name, target := range map[string]any{
		"uuid": &e.UUID, "type": &e.Type, "action": &e.Action, "actor_type": &e.ActorType, "actor_id": &e.ActorID,
		"actor_name": &e.ActorName, "actor_email": &e.ActorEmail, "object_type": &e.ObjectType, "object_id": &e.ObjectID,
		"object_name": &e.ObjectName, "created_at": &e.CreatedAt, "success": &e.Success, "message": &e.Message,
		"sequence": &e.Sequence, "organization_id": &e.OrganizationID, "place_id": &e.PlaceID, "error_code": &e.ErrorCode,
		"error_message": &e.ErrorMessage, "object": &e.Object,
	} {
		fields.read(name, target)
	}
	e.ObjectID = orNone(e.ObjectID)
	if e.ActorID != nil && !IsID(*e.ActorID) {
		e.ActorID = nil
	}
	return nil
}

// UnmarshalJSON never fails: see Event.
func (o *EventObject) UnmarshalJSON(data []byte) error {
	*o = EventObject{}
	fields := fieldsOf(data)
	for name, target := range map[string]any{
		"assignee_type": &o.AssigneeType, "assignee_id": &o.AssigneeID,
		"applies_to_type": &o.AppliesToType, "applies_to_id": &o.AppliesToID, "group_id": &o.GroupID,
	} {
		fields.read(name, target)
	}
	o.AssigneeID, o.AppliesToID, o.GroupID = orNone(o.AssigneeID), orNone(o.AppliesToID), orNone(o.GroupID)
	return nil
}

type rawFields map[string]json.RawMessage

func fieldsOf(data []byte) rawFields {
	var fields rawFields
	if json.Unmarshal(data, &fields) != nil {
		return nil // not an object: nothing is known
	}
	return fields
}

// read leaves the target alone if the field is absent, null or of another type.
func (f rawFields) read(name string, target any) {
	raw, present := f[name]
	if !present {
		return
	}
	value := reflect.ValueOf(target).Elem()
	before := reflect.ValueOf(value.Interface())
	if json.Unmarshal(raw, target) != nil {
		value.Set(before) // it may have been read halfway
	}
}
