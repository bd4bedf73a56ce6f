package kisi

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAnEventIsReadFieldByField(t *testing.T) {
	var e Event
	body := `{"uuid":7,"type":"role_assignment.create","object_type":"RoleAssignment","object_id":"9001","created_at":"yesterday",
		"actor_id":12,"object":["?"],"place_id":{},"success":"yes","sequence":3}`
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != "role_assignment.create" || e.ObjectType != "RoleAssignment" || e.ActorID == nil || *e.ActorID != 12 {
		t.Errorf("what can be read was not: %+v", e)
	}
	if e.UUID != "" || e.ObjectID != 0 || !e.CreatedAt.IsZero() || e.PlaceID != nil || !e.Success {
		t.Errorf("what cannot be read is not empty: %+v", e)
	}
}

func TestAnEventThatFailedSaysSo(t *testing.T) {
	var e Event
	if err := json.Unmarshal([]byte(`{"uuid":"a","success":false,"created_at":"2026-01-02T03:04:05Z","object":{"applies_to_id":7,"assignee_id":"x"}}`), &e); err != nil {
		t.Fatal(err)
	}
	if e.Success || !e.CreatedAt.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) || e.Object.AppliesToID != 7 || e.Object.AssigneeID != 0 {
		t.Errorf("%+v", e)
	}
}

// What an event names by a number that is no id can be neither read nor found.
func TestAnEventNamesNothingByWhatIsNoID(t *testing.T) {
	var e Event
	body := `{"uuid":"a","type":"user.update","object_type":"User","object_id":-5,"actor_id":-1,"organization_id":-9,
		"object":{"applies_to_id":-7,"assignee_id":9007199254740992,"group_id":-1}}`
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatal(err)
	}
	if e.ObjectID != 0 || e.ActorID != nil || e.OrganizationID != -9 || e.Object.AppliesToID != 0 || e.Object.AssigneeID != 0 || e.Object.GroupID != 0 {
		t.Errorf("%+v", e)
	}
}

// Whatever JSON stands in the place of an event, the set it is in is read.
func TestNoEventMakesItsSetUnreadable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{`null`, `7`, `"text"`, `[]`, `{}`, `{"uuid":[]}`, `{"object":7,"object_id":1.5}`, `[[{"type":null}]]`}).Draw(t, "event")
		var set EventSet
		if err := json.Unmarshal([]byte(`{"id":1,"status":"finished","events":[`+value+`,{"uuid":"a"}],"cursor":null}`), &set); err != nil {
			t.Fatal(err)
		}
		if len(set.Events) != 2 || set.Events[1].UUID != "a" {
			t.Fatalf("%+v", set.Events)
		}
	})
}
