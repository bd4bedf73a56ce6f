package simulator

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func eventTypesOf(set map[string]any) []string {
	var out []string
	events, _ := set["events"].([]any)
	for _, e := range events {
		out = append(out, fmt.Sprint(e.(map[string]any)["type"]))
	}
	return out
}

func TestAnEventSetIsPolledAndPaged(t *testing.T) {
	s := simulated(t)
	_ = s.Clock().Advance(time.Hour)
	for i := range 7 {
		send(t, s, ownerKey, "POST", "/teams", fmt.Sprintf(`{"team":{"name":"t%d"}}`, i)).want(200)
	}
	send(t, s, ownerKey, "POST", "/groups", `{"group":{"name":"g"}}`).want(200)
	body := `{"event_set":{"event_type":"team.create,user.create","interval":"2026-12-01T12:30:00Z/2026-12-01T14:00:00Z"}}`
	set := send(t, s, ownerKey, "POST", "/event_sets", body).want(200)
	if set.object()["status"] != "in_progress" || len(eventTypesOf(set.object())) != 0 {
		t.Errorf("at first: %v", set.object())
	}
	var types []string
	cursor, pages := "", 0
	for {
		page := send(t, s, ownerKey, "GET", fmt.Sprintf("/event_sets/%d?limit=3&cursor=%s", set.id(), cursor), "").want(200).object()
		if page["status"] != "finished" {
			t.Fatalf("status %v", page["status"])
		}
		types, pages = append(types, eventTypesOf(page)...), pages+1
		if page["cursor"] == nil {
			break
		}
		cursor = fmt.Sprint(page["cursor"])
	}
	if pages != 3 || len(types) != 7 || slices.Contains(types, "group.create") {
		t.Errorf("%d pages: %v", pages, types)
	}
	send(t, s, ownerKey, "GET", fmt.Sprintf("/event_sets/%d?cursor=nonsense", set.id()), "").want(400)
	send(t, s, otherKey, "GET", fmt.Sprintf("/event_sets/%d", set.id()), "").want(404)
	_ = s.Clock().Advance(25 * time.Hour)
	send(t, s, ownerKey, "GET", fmt.Sprintf("/event_sets/%d", set.id()), "").want(404)
}

func TestEventSetsUnderTheirSwitches(t *testing.T) {
	first := func(value string) []string {
		s := simulated(t, "eventSets="+value)
		set := send(t, s, ownerKey, "POST", "/event_sets", `{"event_set":{}}`).want(200)
		states := []string{fmt.Sprint(set.object()["status"])}
		for range 2 {
			states = append(states, fmt.Sprint(send(t, s, ownerKey, "GET", fmt.Sprintf("/event_sets/%d", set.id()), "").want(200).object()["status"]))
		}
		return states
	}
	for value, want := range map[string][]string{
		"Polled": {"in_progress", "finished", "finished"}, "Slow": {"in_progress", "in_progress", "finished"},
		"Immediate": {"finished", "finished", "finished"}, "Failed": {"failed", "failed", "failed"},
	} {
		if got := first(value); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", value, got, want)
		}
	}
}

func TestEventFilters(t *testing.T) {
	s := simulated(t, "eventSets=Immediate", "eventOrder=OldestFirst")
	send(t, s, memberKey, "POST", fmt.Sprintf("/locks/%d/unlock", lockID(t, s, "Boardroom")), "").want(403)
	for filter, want := range map[string]int{
		`"event_type":"lock.unlock"`: 1, `"event_success":false`: 1, `"event_object_type":"Lock","event_success":true`: 0,
		fmt.Sprintf(`"event_actor_id":%d`, userID(t, s, "mara@acme.example")): 1, `"event_type":"lock.unlock","event_actor_id":1`: 0,
	} {
		set := send(t, s, ownerKey, "POST", "/event_sets", `{"event_set":{`+filter+`}}`).want(200).object()
		if got := len(eventTypesOf(set)); got != want {
			t.Errorf("%s: %d events, want %d", filter, got, want)
		}
	}
	for _, interval := range []string{"2026-01-01T00:00:00Z/2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z/2026-12-01T00:00:00Z", "x/y", "2026-12-02T00:00:00Z"} {
		send(t, s, ownerKey, "POST", "/event_sets", `{"event_set":{"interval":"`+interval+`"}}`).want(422)
	}
	send(t, s, memberKey, "POST", "/event_sets", `{"event_set":{}}`).want(403)
}

func TestEventsMayCarryTheirObjectAndComeInEitherOrder(t *testing.T) {
	for _, order := range []string{"NewestFirst", "OldestFirst"} {
		s := simulated(t, "eventSets=Immediate", "eventObject=Present", "eventOrder="+order)
		_ = s.Clock().Advance(time.Minute)
		group := groupID(t, s, "Yard")
		mara := userID(t, s, "mara@acme.example")
		row := send(t, s, ownerKey, "POST", "/role_assignments", grantBody(mara, group, "")).want(200).id()
		_ = s.Clock().Advance(time.Minute)
		send(t, s, ownerKey, "DELETE", fmt.Sprintf("/role_assignments/%d", row), "").want(204)
		set := send(t, s, ownerKey, "POST", "/event_sets", `{"event_set":{"interval":"2026-12-01T12:00:30Z/2026-12-01T13:00:00Z"}}`).want(200).object()
		types := eventTypesOf(set)
		if order == "NewestFirst" {
			slices.Reverse(types)
		}
		if !slices.Equal(types, []string{"role_assignment.create", "role_assignment.destroy"}) {
			t.Errorf("%s: %v", order, types)
		}
		object, _ := set["events"].([]any)[0].(map[string]any)["object"].(map[string]any)
		if object["assignee_id"] != float64(mara) || object["applies_to_id"] != float64(group) {
			t.Errorf("object %v", object)
		}
	}
}
