package demo

// quickstart goes with config/samples/quickstart.
var quickstart = &Story{
	System:       "quickstart",
	Organization: "hack/demo/organization.yaml",
	Endpoint:     "http://127.0.0.1:8180",
	KeyOwner:     "olga@acme.example",
	Admin:        "adam@acme.example",
	Domain:       "acme",
	Occasion:     "the booking",
	EventName:    "BookingGrant/board-meeting",
	Event: `apiVersion: access.kisi-operator.dev/v1alpha1
kind: BookingGrant
metadata:
  name: board-meeting
spec:
  placeRef: {name: boardroom}
  organizer: {email: ana@example.com, fullName: Ana Pop}
  attendees: [{email: gil@example.com, fullName: Gil Ott}]
  startTime: "{{.Start}}"
  endTime: "{{.End}}"
`,
	Calendar: &Calendar{
		File: "hack/demo/boardroom.ics", Place: "boardroom",
		Line: "ATTENDEE;CN=Gil Ott:mailto:gil@example.com", Guest: "gil@example.com", Door: "Boardroom",
	},
	Doors: []string{"Entrance", "Boardroom"},
	People: []Person{{
		Email: "ana@example.com", Name: "Ana Pop", Role: "member, organizer",
		Opens: map[string]When{"Entrance": Always, "Boardroom": DuringEvent},
		New:   true, Windows: 2,
	}, {
		Email: "mia@example.com", Name: "Mia Rusu", Role: "member, not invited",
		Opens: map[string]When{"Entrance": Always},
		New:   true, Windows: 1,
	}, {
		Email: "gil@example.com", Name: "Gil Ott", Role: "visitor, attendee",
		Opens: map[string]When{"Entrance": DuringEvent, "Boardroom": DuringEvent},
		New:   true, Windows: 1,
	}, {
		Email: "mara@acme.example", Name: "Mara Frontdesk", Role: "let in by hand in Kisi",
		Opens: map[string]When{"Entrance": Always},
	}},
}
