package demo

// optix goes with config/samples/optix: somebody whose plan starts in years tries the venue for a few seconds.
var optix = &Story{
	System:       "optix",
	Organization: "hack/demo/optix.yaml",
	Endpoint:     "http://127.0.0.1:8180",
	KeyOwner:     "lena@the-loft.example",
	Admin:        "adam@the-loft.example",
	Domain:       "the-loft",
	Occasion:     "the trial",
	EventName:    "AccessSubscription/fritz-trial",
	Event: `apiVersion: access.kisi-operator.dev/v1alpha1
kind: AccessSubscription
metadata:
  name: fritz-trial
spec:
  planRef: {name: full-time}
  subject: {email: fritz@example.com, fullName: Fritz Baum}
  startTime: "{{.Start}}"
  endTime: "{{.End}}"
`,
	Doors: []string{"Entrance", "Team Room"},
	People: []Person{{
		Email: "fritz@example.com", Name: "Fritz Baum", Role: "on trial",
		Opens: map[string]When{"Entrance": DuringEvent},
		New:   true, Windows: 1,
	}, {
		Email: "ana@example.com", Name: "Ana Pop", Role: "on a plan",
		Opens: map[string]When{"Entrance": Always},
		New:   true, Windows: 1,
	}, {
		Email: "bo@studio-nine.example", Name: "Bo Lind", Role: "of a team on a plan",
		Opens: map[string]When{"Entrance": Always, "Team Room": Always},
		New:   true, Windows: 1,
	}, {
		Email: "cy@studio-nine.example", Name: "Cy Adler", Role: "of a team on a plan",
		Opens: map[string]When{"Entrance": Always, "Team Room": Always},
		New:   true, Windows: 1,
	}, {
		Email: "dora@example.com", Name: "Dora Quinn", Role: "plan canceled",
	}, {
		Email: "eli@example.com", Name: "Eli Stone", Role: "plan not accepted yet",
	}, {
		Email: "pia@example.com", Name: "Pia Storm", Role: "on a plan, suspended in Kisi",
		Found: true,
	}},
}
