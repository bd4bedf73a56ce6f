package simulator

import (
	"fmt"
	"strings"
	"testing"
)

func TestAnExistingAddress(t *testing.T) {
	body := `{"user":{"email":"MARA@acme.example"}}`
	send(t, simulated(t), ownerKey, "POST", "/users", body).want(409)
	r := send(t, simulated(t, "existingEmail=Invalid422"), ownerKey, "POST", "/users", body).want(422)
	if !contains(r.body, `"email":["has already been taken"]`) {
		t.Errorf("body %s", r.body)
	}
	send(t, simulated(t, "emailCase=Distinct"), ownerKey, "POST", "/users", body).want(200)
}

func TestTheCaseOfAddresses(t *testing.T) {
	for value, want := range map[string]string{"Lowered": "new@acme.example", "Preserved": "New@Acme.Example", "Distinct": "New@Acme.Example"} {
		s := simulated(t, "emailCase="+value)
		got := send(t, s, ownerKey, "POST", "/users", `{"user":{"email":"New@Acme.Example"}}`).want(200).object()["email"]
		if got != want {
			t.Errorf("%s: %v, want %s", value, got, want)
		}
	}
}

func TestTheEmailFilter(t *testing.T) {
	for value, want := range map[string][3]int{"Exact": {1, 1, 0}, "CaseSensitive": {1, 0, 0}, "Partial": {1, 1, 6}} {
		s := simulated(t, "usersEmailFilter="+value)
		for i, email := range []string{"mara@acme.example", "Mara@Acme.example", "acme.ex"} {
			if got := len(send(t, s, ownerKey, "GET", "/users?email="+email, "").want(200).rows()); got != want[i] {
				t.Errorf("%s, %s: %d users, want %d", value, email, got, want[i])
			}
		}
	}
}

func TestUsersOfAGroup(t *testing.T) {
	for value, want := range map[string]int{"Direct": 0, "WithTeams": 1, "WithTeamsAndRoles": 2} {
		s := simulated(t, "groupUsers="+value)
		rows := send(t, s, ownerKey, "GET", fmt.Sprintf("/users?group_id=%d", groupID(t, s, "Board")), "").want(200).rows()
		if len(rows) != want {
			t.Errorf("%s: %v, want %d", value, names(rows), want)
		}
	}
}

func TestDeletingUsersMayBeRefused(t *testing.T) {
	for value, want := range map[string][2]int{"RefusesOwner": {422, 204}, "RefusesHolders": {422, 422}, "Accepts": {204, 204}} {
		s := simulated(t, "deleteUser="+value)
		mara := userID(t, s, "mara@acme.example")
		send(t, s, ownerKey, "DELETE", fmt.Sprintf("/users/%d", mara), "").want(want[1])
		send(t, s, ownerKey, "DELETE", fmt.Sprintf("/users/%d", userID(t, s, "olga@acme.example")), "").want(want[0])
	}
}

func TestMetadataIsKeptAsGivenAndBounded(t *testing.T) {
	s := simulated(t)
	create := func(metadata string) reply {
		return send(t, s, ownerKey, "POST", "/users", `{"user":{"email":"m@acme.example","metadata":`+metadata+`}}`)
	}
	create(`{"nested":{"a":1}}`).want(422)
	create(`{"` + strings.Repeat("k", 51) + `":"v"}`).want(422)
	create(`{"k":"` + strings.Repeat("v", 501) + `"}`).want(422)
	create(`"text"`).want(422)
	got := create(`{"someKey":"v","n":1.5,"b":true,"z":null}`).want(200).object()["metadata"]
	if fmt.Sprint(got) != "map[b:true n:1.5 someKey:v z:<nil>]" {
		t.Errorf("metadata %v", got)
	}
}

func TestTheAddressCannotBePatched(t *testing.T) {
	s := simulated(t)
	path := fmt.Sprintf("/users/%d", userID(t, s, "mara@acme.example"))
	send(t, s, ownerKey, "PATCH", path, `{"user":{"email":"new@acme.example","name":"M"}}`).want(204)
	user := send(t, s, ownerKey, "GET", path, "").want(200).object()
	if user["email"] != "mara@acme.example" || user["name"] != "M" {
		t.Errorf("got %v", user)
	}
}

func TestMembersAreUsersUnderOtherIDs(t *testing.T) {
	s := simulated(t)
	member := send(t, s, ownerKey, "POST", "/members", `{"member":{"email":"old@acme.example","name":"Old"}}`).want(200).object()
	if member["id"] == member["user_id"] {
		t.Error("member and user share an id")
	}
	if got := userID(t, s, "old@acme.example"); float64(got) != member["user_id"] {
		t.Errorf("user_id %v, want %d", member["user_id"], got)
	}
	send(t, s, ownerKey, "POST", "/members", `{"member":{"email":"a@acme.example","place_id":501}}`).want(422)
}

func TestBadBodiesNameTheField(t *testing.T) {
	s := simulated(t)
	for body, want := range map[string]string{
		`{"user":{}}`: `"email":["can't be blank"]`, `{"user":{"email":7}}`: `"email":["is invalid"]`, `{}`: `"user":["can't be blank"]`,
		`{"user":{"email":"Mara <m@x.example>"}}`:                `"email":["is invalid"]`,
		`{"user":{"email":"a@b.example","access_enabled":null}}`: `"access_enabled":["can't be blank"]`,
	} {
		if r := send(t, s, ownerKey, "POST", "/users", body).want(422); !contains(r.body, want) {
			t.Errorf("%s: %s, want %s", body, r.body, want)
		}
	}
	send(t, s, ownerKey, "POST", "/users", `not json`).want(400)
}
