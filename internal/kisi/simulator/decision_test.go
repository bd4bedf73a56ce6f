package simulator

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWhatTheDoorDecides(t *testing.T) {
	from, until := at(time.Hour), at(2*time.Hour)
	inside := at(90 * time.Minute)
	known := person{exists: true, accessEnabled: true, scimAccessEnabled: true}
	good := door{exists: true, configured: true, online: true, location: &Point{46.77, 23.59}}
	open := right{through: "Members", window: window{&from, &until}, appsAllowed: true}
	with := func(r restrictions) right { o := open; o.restrictions = r; return o }
	doorWith := func(change func(*door)) door { d := good; change(&d); return d }

	tests := map[string]struct {
		person  person
		door    door
		rights  []right
		attempt Attempt
		at      time.Time
		code    string // "" for opens
		status  int
	}{
		"a right inside its window opens":                    {known, good, []right{open}, Attempt{}, inside, "", 200},
		"the first instant is inside":                        {known, good, []right{open}, Attempt{}, from, "", 200},
		"the last instant is outside":                        {known, good, []right{open}, Attempt{}, until, "f35ade", 403},
		"before the window":                                  {known, good, []right{open}, Attempt{}, at(0), "f358de", 403},
		"no right at all":                                    {known, good, nil, Attempt{}, inside, "fcd8ef", 403},
		"an unbounded right opens":                           {known, good, []right{{appsAllowed: true}}, Attempt{}, inside, "", 200},
		"an expired right beside an open one does not harm":  {known, good, []right{{window: window{until: &from}, appsAllowed: true}, open}, Attempt{}, inside, "", 200},
		"not yet is told before no longer":                   {known, good, []right{{window: window{until: &from}, appsAllowed: true}, {window: window{from: &until}, appsAllowed: true}}, Attempt{}, inside, "f358de", 403},
		"nobody":                                             {person{}, good, []right{open}, Attempt{}, inside, "000401", 401},
		"suspended":                                          {person{true, false, true}, good, []right{open}, Attempt{}, inside, "fcd8ff", 403},
		"suspended by the directory":                         {person{true, true, false}, good, []right{open}, Attempt{}, inside, "fcd8ff", 403},
		"no such door":                                       {known, door{}, []right{open}, Attempt{}, inside, "fad10e", 404},
		"locked down":                                        {known, doorWith(func(d *door) { d.lockedDown = true }), []right{open}, Attempt{}, inside, "fad001", 403},
		"place locked down":                                  {known, doorWith(func(d *door) { d.placeLockedDown = true }), []right{open}, Attempt{}, inside, "fad002", 403},
		"a lockdown is not told to strangers":                {known, doorWith(func(d *door) { d.lockedDown = true }), nil, Attempt{}, inside, "fcd8ef", 403},
		"no controller":                                      {known, doorWith(func(d *door) { d.configured = false }), []right{open}, Attempt{}, inside, "ff420a", 503},
		"controller offline":                                 {known, doorWith(func(d *door) { d.online = false }), []right{open}, Attempt{}, inside, "fac001", 503},
		"group without apps":                                 {known, good, []right{{}}, Attempt{}, inside, "f01337", 403},
		"group without apps, with a card":                    {known, good, []right{{}}, Attempt{AtTheDoor: true}, inside, "", 200},
		"reader restriction from afar":                       {known, good, []right{with(restrictions{Reader: true})}, Attempt{}, inside, "bb4faa", 403},
		"reader restriction at the reader":                   {known, good, []right{with(restrictions{Reader: true})}, Attempt{ProximityProof: true}, inside, "", 200},
		"geofence without a location":                        {known, good, []right{with(restrictions{Geofence: true, GeofenceRadius: 100})}, Attempt{}, inside, "a3995f", 403},
		"geofence from the next town":                        {known, good, []right{with(restrictions{Geofence: true, GeofenceRadius: 100})}, Attempt{Location: &Point{46.5, 23.6}}, inside, "a3995f", 403},
		"geofence 50 metres away":                            {known, good, []right{with(restrictions{Geofence: true, GeofenceRadius: 100})}, Attempt{Location: &Point{46.77045, 23.59}}, inside, "", 200},
		"primary device restriction":                         {known, good, []right{with(restrictions{PrimaryDevice: true})}, Attempt{}, inside, "34bd8f", 403},
		"primary device restriction with it":                 {known, good, []right{with(restrictions{PrimaryDevice: true})}, Attempt{PrimaryDevice: true}, inside, "", 200},
		"managed device restriction":                         {known, good, []right{with(restrictions{ManagedDevice: true})}, Attempt{}, inside, "fcd8ef", 403},
		"tap to access":                                      {known, good, []right{with(restrictions{TapToAccess: true})}, Attempt{ProximityProof: true}, inside, "bbc93f", 403},
		"tap to access, tapping":                             {known, good, []right{with(restrictions{TapToAccess: true})}, Attempt{AtTheDoor: true}, inside, "", 200},
		"time restriction binds at the door too":             {known, good, []right{with(restrictions{Time: true})}, Attempt{AtTheDoor: true}, inside, "34ffaa", 403},
		"a group without the restriction lifts it":           {known, good, []right{with(restrictions{Reader: true}), open}, Attempt{}, inside, "", 200},
		"a group whose window has ended does not lift it":    {known, good, []right{with(restrictions{Reader: true}), {window: window{until: &from}, appsAllowed: true}}, Attempt{}, inside, "bb4faa", 403},
		"the door's own restriction binds everybody":         {known, doorWith(func(d *door) { d.restrictions.Reader = true }), []right{open}, Attempt{}, inside, "bb4faa", 403},
		"the door's own restriction with proof of proximity": {known, doorWith(func(d *door) { d.restrictions.Reader = true }), []right{open}, Attempt{ProximityProof: true}, inside, "", 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := decide(test.person, test.door, test.rights, test.attempt, test.at)
			if got.Allowed != (test.code == "") || got.Code != test.code || got.Status != test.status {
				t.Errorf("got %+v, want code %q status %d", got, test.code, test.status)
			}
		})
	}
}

func TestAnInclusiveEndLastsOneSecondLonger(t *testing.T) {
	until := at(0)
	exclusive, inclusive := rules{}.window(nil, &until), rules{untilInclusive: true}.window(nil, &until)
	for offset, want := range map[time.Duration][2]bool{
		-time.Nanosecond: {true, true}, 0: {false, true}, 999 * time.Millisecond: {false, true}, time.Second: {false, false},
	} {
		if got := [2]bool{exclusive.contains(at(offset)), inclusive.contains(at(offset))}; got != want {
			t.Errorf("at %s: exclusive, inclusive = %v, want %v", offset, got, want)
		}
	}
}

// A person gets in exactly if one of the rights taken alone lets them in.
func TestRightsAreAUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := func(name string) *time.Time {
			minutes := rapid.IntRange(-1, 5).Draw(t, name)
			if minutes < 0 {
				return nil
			}
			instant := at(time.Duration(minutes) * time.Minute)
			return &instant
		}
		var rights []right
		for i := range rapid.IntRange(0, 4).Draw(t, "rights") {
			rights = append(rights, right{
				through: fmt.Sprint(i), window: window{bound("from"), bound("until")}, appsAllowed: rapid.Bool().Draw(t, "apps"),
				restrictions: restrictions{Reader: rapid.Bool().Draw(t, "reader"), TapToAccess: rapid.Bool().Draw(t, "tap")},
			})
		}
		attempt := Attempt{ProximityProof: rapid.Bool().Draw(t, "proof"), AtTheDoor: rapid.Bool().Draw(t, "door")}
		now := at(time.Duration(rapid.IntRange(0, 5).Draw(t, "at")) * time.Minute)
		ask := func(rights []right) bool {
			return decide(person{true, true, true}, door{exists: true, configured: true, online: true}, rights, attempt, now).Allowed
		}
		alone := false
		for _, r := range rights {
			alone = alone || ask([]right{r})
		}
		if together := ask(rights); together != alone {
			t.Fatalf("together %v, one by one %v", together, alone)
		}
	})
}
