package simulator

import (
	"os"
	"strings"
	"testing"
)

func TestAWrongSeedNamesFieldAndValueAndChangesNothing(t *testing.T) {
	for want, change := range map[string][2]string{
		`unknown field "organizations[0].ownr"`:             {"    owner: olga", "    ownr: olga"},
		`organizations[0].owner: "nobody@acme.example"`:     {"owner: olga@acme.example", "owner: nobody@acme.example"},
		`organizations[0].groups[0].locks[0]: "Entrnce"`:    {"{name: Members, locks: [Entrance]}", "{name: Members, locks: [Entrnce]}"},
		`organizations[0].locks[2].place: "Midtown"`:        {"{name: Gate, place: Uptown}", "{name: Gate, place: Midtown}"},
		`organizations[0].groups[2].locks[0]: "Boardroom"`:  {"locks: [Gate, Unwired]", "locks: [Boardroom]"},
		`organizations[0].users[1].email: "adam"`:           {"{email: adam@acme.example, name: Adam}", "{email: adam, name: Adam}"},
		`organizations[0].roleAssignments[1].role: "king"`:  {"role: place_access_manager", "role: king"},
		`organizations[0].roleAssignments[2].group: "Mems"`: {"{user: mara@acme.example, group: Members", "{user: mara@acme.example, group: Mems"},
		`organizations[0].roles[0].permissions[0]: "fly"`:   {"permissions: [groups_read]", "permissions: [fly]"},
		`organizations[1].keys[0].secret: is already`:       {"secret: other-organization-key", "secret: owner-key"},
		`organizations[1].domain: "acme"`:                   {"domain: other", "domain: acme"},
		`organizations[0].places[0].timeZone: "Mars"`:       {"timeZone: Europe/Bucharest", "timeZone: Mars"},
		`exactly one of user, team and guest`:               {"{team: Crew, group: Board}", "{team: Crew, user: mara@acme.example, group: Board}"},
		`"Members" is the name of 2 groups`:                 {"{name: Yard,", "{name: Members,"},
		`locks[1].restrictions: a lock knows only`:          {"{name: Boardroom, place: Downtown}", "{name: Boardroom, place: Downtown, restrictions: {tapToAccess: true}}"},
	} {
		s, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		document := strings.Replace(testSeed, change[0], change[1], 1)
		if document == testSeed {
			t.Fatalf("%q is not in the seed", change[0])
		}
		err = s.LoadSeed([]byte(document))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %s", err, want)
		}
		if got := len(s.State().Organizations); got != 0 {
			t.Errorf("%d organizations after a refused seed", got)
		}
	}
}

func TestASecretIsNotInASeedsError(t *testing.T) {
	s := simulated(t)
	err := s.LoadSeed([]byte(`{organizations: [{name: A, domain: a, owner: o@a.example, users: [{email: o@a.example}], keys: [{user: o@a.example, secret: owner-key}]}]}`))
	if err == nil || strings.Contains(err.Error(), "owner-key") {
		t.Errorf("got %v", err)
	}
}

func TestASeedSetsSwitches(t *testing.T) {
	s := simulated(t)
	if err := s.LoadSeed([]byte("switches: {duplicates: AlwaysNew}\norganizations: []\n")); err != nil {
		t.Fatal(err)
	}
	if got := s.Switches().Duplicates; got != DuplicatesAlwaysNew {
		t.Errorf("duplicates is %s", got)
	}
	err := s.LoadSeed([]byte("switches: {duplicates: Sometimes}\norganizations: []\n"))
	if err == nil || !strings.Contains(err.Error(), `"Sometimes" is not one of SameBoundsConflict, AlwaysNew`) {
		t.Errorf("got %v", err)
	}
}

func TestTheDemosOrganizationLoads(t *testing.T) {
	document, err := os.ReadFile("../../../hack/demo/organization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.LoadSeed(document); err != nil {
		t.Fatal(err)
	}
	if rows := s.Assignments("Members"); len(rows) != 1 || rows[0].CreatedBy == "olga@acme.example" {
		t.Errorf("the hand-made row: %+v", rows)
	}
}

func TestIdsMayBeGiven(t *testing.T) {
	s := simulated(t)
	if err := s.LoadSeed([]byte(`
organizations:
  - {name: A, domain: a, id: 77, owner: o@a.example, users: [{email: o@a.example, id: 5}], groups: [{name: G, id: 45274}]}
`)); err != nil {
		t.Fatal(err)
	}
	if u, _ := s.User("a", "o@a.example"); u.ID != 5 {
		t.Errorf("user id %d", u.ID)
	}
	err := s.LoadSeed([]byte(`{organizations: [{name: B, domain: b, owner: o@b.example, users: [{email: o@b.example, id: 5}]}]}`))
	if err == nil || !strings.Contains(err.Error(), "users[0].id: 5 is already") {
		t.Errorf("got %v", err)
	}
}
