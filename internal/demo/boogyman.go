package demo

// boogyman goes with config/samples/boogyman, of which it shows the clubs: a customer tries the gold product for a few
// seconds.
var boogyman = &Story{
	System:       "boogyman",
	Organization: "hack/demo/boogyman.yaml",
	Endpoint:     "http://127.0.0.1:8180",
	KeyOwner:     "adam@iron-gym.example",
	Admin:        "adam@iron-gym.example",
	Domain:       "iron-gym",
	Occasion:     "the trial",
	EventName:    "AccessSubscription/ana-trial",
	Event: `apiVersion: access.kisi-operator.dev/v1alpha1
kind: AccessSubscription
metadata:
  name: ana-trial
spec:
  planRef: {name: north-gold}
  subject: {memberRef: {name: ana}}
  startTime: "{{.Start}}"
  endTime: "{{.End}}"
`,
	Doors: []string{"North Entrance", "North Sauna", "North Office"},
	People: []Person{{
		Email: "ana@example.com", Name: "Ana Pop", Role: "has a profile only, then a trial",
		Opens: map[string]When{"North Entrance": DuringEvent, "North Sauna": DuringEvent},
		New:   true, Windows: 1,
	}, {
		Email: "ben@example.com", Name: "Ben Roth", Role: "gold",
		Opens: map[string]When{"North Entrance": Always, "North Sauna": Always},
		New:   true, Windows: 1,
	}, {
		Email: "yara@example.com", Name: "Yara Nowak", Role: "basic; Kisi knew her",
		Opens: map[string]When{"North Entrance": Always},
		Found: true, Windows: 1,
	}, {
		Email: "zoe@example.com", Name: "Zoe Wit", Role: "former member; Kisi knew her",
		Found: true,
	}, {
		Email: "tom@iron-gym.example", Name: "Tom Trainer", Role: "trainer",
		Opens: map[string]When{"North Entrance": Always, "North Sauna": Always, "North Office": Always},
		New:   true, Windows: 1,
	}, {
		Email: "jan@iron-gym.example", Name: "Jan Janitor", Role: "let in by hand in Kisi",
		Opens: map[string]When{"North Entrance": Always, "North Sauna": Always, "North Office": Always},
	}},
	Also: []Cost{{For: "three groups", Writes: 3}, {For: "their six doors", Writes: 6}},
}
