package demo

// officernd goes with config/samples/officernd: somebody whose day passes are used up gets one that lasts a few seconds.
var officernd = &Story{
	System:       "officernd",
	Organization: "hack/demo/officernd.yaml",
	Endpoint:     "http://127.0.0.1:8180",
	KeyOwner:     "olga@flexhouse.example",
	Admin:        "adam@flexhouse.example",
	Domain:       "flexhouse",
	Occasion:     "the day pass",
	EventName:    "AccessSubscription/emil-one-more",
	Event: `apiVersion: access.kisi-operator.dev/v1alpha1
kind: AccessSubscription
metadata:
  name: emil-one-more
spec:
  planRef: {name: day-pass}
  subject: {email: emil@example.com, fullName: Emil Hass}
  dayPasses: {total: 1, used: 0}
  startTime: "{{.Start}}"
  endTime: "{{.End}}"
`,
	Doors: []string{"Entrance", "Lounge", "Floor 2", "Office 21"},
	People: []Person{{
		Email: "emil@example.com", Name: "Emil Hass", Role: "ten day passes used, one more",
		Opens: map[string]When{"Entrance": DuringEvent, "Lounge": DuringEvent},
		New:   true, Windows: 1,
	}, {
		Email: "ana@example.com", Name: "Ana Pop", Role: "on a plan, with day passes too",
		Opens: map[string]When{"Entrance": Always, "Lounge": Always},
		New:   true, Windows: 2,
	}, {
		Email: "ben@northwind.example", Name: "Ben Iliev", Role: "team with a plan and an office",
		Opens: map[string]When{"Entrance": Always, "Lounge": Always, "Floor 2": Always, "Office 21": Always},
		New:   true, Windows: 2,
	}, {
		Email: "cleo@northwind.example", Name: "Cleo Marin", Role: "same team, and the floor",
		Opens: map[string]When{"Entrance": Always, "Lounge": Always, "Floor 2": Always, "Office 21": Always},
		New:   true, Windows: 3,
	}, {
		Email: "gus@contoso.example", Name: "Gus Lind", Role: "team that shares day passes",
		Opens: map[string]When{"Entrance": Always, "Lounge": Always},
		New:   true, Windows: 1,
	}, {
		Email: "flora@example.com", Name: "Flora Voss", Role: "day passes no longer valid",
	}},
}
