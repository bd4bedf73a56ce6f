package demo

// kangarootime goes with config/samples/kangarootime: a parent's second child is looked after for a few seconds.
var kangarootime = &Story{
	System:       "kangarootime",
	Organization: "hack/demo/kangarootime.yaml",
	MoreRights:   "config/rbac-logins",
	Endpoint:     "http://127.0.0.1:8180",
	KeyOwner:     "olga@sunny-childcare.example",
	Admin:        "adam@sunny-childcare.example",
	Domain:       "sunny-childcare",
	Occasion:     "the contract",
	EventName:    "AccessSubscription/enrolment-503",
	Event: `apiVersion: access.kisi-operator.dev/v1alpha1
kind: AccessSubscription
metadata:
  name: enrolment-503
spec:
  placeRef: {name: maple-street}
  audience: parents
  subject: {email: eva@example.com, fullName: Eva Lund}
  startTime: "{{.Start}}"
  endTime: "{{.End}}"
`,
	Doors: []string{"Maple Entrance", "Maple Staff Room", "Oak Entrance"},
	People: []Person{{
		Email: "eva@example.com", Name: "Eva Lund", Role: "parent at Oak Lane, for a while at Maple Street",
		Opens: map[string]When{"Oak Entrance": Always, "Maple Entrance": DuringEvent},
		New:   true, Windows: 2,
	}, {
		Email: "ana@example.com", Name: "Ana Pop", Role: "parent at Maple Street",
		Opens: map[string]When{"Maple Entrance": Always},
		New:   true, Windows: 1,
	}, {
		Email: "ben@example.com", Name: "Ben Roth", Role: "parent; second child not enrolled yet",
		Opens: map[string]When{"Maple Entrance": Always},
		New:   true, Windows: 1,
	}, {
		Email: "chloe@example.com", Name: "Chloe Diaz", Role: "parent; nobody enrolled yet",
	}, {
		Email: "dev@example.com", Name: "Dev Shah", Role: "parent; contract over",
	}, {
		Email: "emma@sunny-childcare.example", Name: "Emma Teacher", Role: "employee",
		Opens: map[string]When{"Maple Entrance": Always, "Maple Staff Room": Always},
		New:   true, Windows: 1,
	}, {
		Email: "grace@sunny-childcare.example", Name: "Grace Director", Role: "runs both centres; Oak Lane asks for a reader",
		Opens: map[string]When{"Maple Entrance": Always, "Maple Staff Room": Always},
		New:   true, Windows: 2,
	}, {
		Email: "nina@sunny-childcare.example", Name: "Nina Nurse", Role: "let in by hand in Kisi",
		Opens: map[string]When{"Maple Entrance": Always, "Maple Staff Room": Always},
	}},
	Also: []Cost{{For: "a login for each who was let in, so that an app can unlock in their name", Writes: 5}},
}
