package demo

// spacebring goes with config/samples/spacebring, of which it shows the organization by the river: a company has the
// quiet room for a few seconds.
var spacebring = &Story{
	System:       "spacebring",
	Organization: "hack/demo/spacebring.yaml",
	Endpoint:     "http://127.0.0.1:8180",
	KeyOwner:     "rosa@riverside.example",
	Admin:        "adam@riverside.example",
	Domain:       "riverside",
	Occasion:     "the company's trial",
	EventName:    "AccessSubscription/blue-whale-trial",
	Event: `apiVersion: access.kisi-operator.dev/v1alpha1
kind: AccessSubscription
metadata:
  name: blue-whale-trial
spec:
  planRef: {name: hot-desk}
  groupRefs: [{name: quiet-room}]
  subject: {team: blue-whale}
  startTime: "{{.Start}}"
  endTime: "{{.End}}"
`,
	Doors: []string{"Entrance", "Quiet Room", "Office 3", "Garage"},
	People: []Person{{
		Email: "carla@blue-whale.example", Name: "Carla Nunes", Role: "of the company Blue Whale",
		Opens: map[string]When{"Entrance": Always, "Office 3": Always, "Quiet Room": DuringEvent},
		New:   true, Windows: 3,
	}, {
		Email: "dan@blue-whale.example", Name: "Dan Berg", Role: "of the company Blue Whale",
		Opens: map[string]When{"Entrance": Always, "Office 3": Always, "Quiet Room": DuringEvent},
		New:   true, Windows: 3,
	}, {
		Email: "ana@example.com", Name: "Ana Pop", Role: "subscriber, rents a parking space",
		Opens: map[string]When{"Entrance": Always, "Garage": Always},
		New:   true, Windows: 2,
	}, {
		Email: "ed@example.com", Name: "Ed Vance", Role: "subscriber with a group of his own",
		Opens: map[string]When{"Entrance": Always, "Quiet Room": Always},
		New:   true, Windows: 1,
	}, {
		Email: "fay@example.com", Name: "Fay Ross", Role: "subscription canceled",
	}},
}
