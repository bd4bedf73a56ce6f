package simulator

import (
	"math"
	"net/http"
	"time"
)

// Decision is what the door does for a person at an instant, and why.
type Decision struct {
	Allowed bool `json:"allowed"`
	// Status and Code are what POST /locks/{id}/unlock would answer. The codes
	// are Kisi's published ones; Kisi does not publish their HTTP statuses.
	Status int    `json:"status"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason"`
	// Through names the groups and roles that open the door.
	Through []string `json:"through,omitempty"`
}

// Attempt says how a person tries a door.
type Attempt struct {
	ProximityProof bool   `json:"proximityProof,omitempty"` // stands at the reader
	Location       *Point `json:"location,omitempty"`       // nil: not told
	PrimaryDevice  bool   `json:"primaryDevice,omitempty"`
	ManagedDevice  bool   `json:"managedDevice,omitempty"`
	// AtTheDoor is a person who stands before the door with a card and the
	// right phone: no restriction on the way of unlocking is in the way.
	AtTheDoor bool `json:"atTheDoor,omitempty"`
}

// Point is a place on earth in degrees.
type Point struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// The unlock errors that Kisi publishes. Where several could apply, the one
// nearest to success is given.
var (
	refusedDenied        = Decision{Status: http.StatusForbidden, Code: "fcd8ef", Reason: "Access denied."}
	refusedDisabled      = Decision{Status: http.StatusForbidden, Code: "fcd8ff", Reason: "Access disabled."}
	refusedExpired       = Decision{Status: http.StatusForbidden, Code: "f35ade", Reason: "Your access is no longer valid."}
	refusedNotYet        = Decision{Status: http.StatusForbidden, Code: "f358de", Reason: "Your access is not yet valid."}
	refusedTime          = Decision{Status: http.StatusForbidden, Code: "34ffaa", Reason: "Access is not allowed at this moment."}
	refusedTooFar        = Decision{Status: http.StatusForbidden, Code: "a3995f", Reason: "You are too far away from the door."}
	refusedNotClose      = Decision{Status: http.StatusForbidden, Code: "bb4faa", Reason: "You are not close enough to the door."}
	refusedTap           = Decision{Status: http.StatusForbidden, Code: "bbc93f", Reason: "In-app access is disabled, please tap the reader."}
	refusedApp           = Decision{Status: http.StatusForbidden, Code: "f01337", Reason: "Your access rights do not include apps."}
	refusedDevice        = Decision{Status: http.StatusForbidden, Code: "34bd8f", Reason: "This is not your primary device."}
	refusedLockedDown    = Decision{Status: http.StatusForbidden, Code: "fad001", Reason: "The door is locked down."}
	refusedPlaceDown     = Decision{Status: http.StatusForbidden, Code: "fad002", Reason: "The place is locked down."}
	refusedNoDoor        = Decision{Status: http.StatusNotFound, Code: "fad10e", Reason: "The door was not found."}
	refusedNoController  = Decision{Status: http.StatusServiceUnavailable, Code: "ff420a", Reason: "The door has no controller."}
	refusedNoConnection  = Decision{Status: http.StatusServiceUnavailable, Code: "fac001", Reason: "The controller is unavailable."}
	refusedManagedDevice = Decision{Status: http.StatusForbidden, Code: "fcd8ef", Reason: "Access denied: this is not a managed device."}
)

// person, door and right are the facts of one decision at one instant.
type person struct {
	exists, accessEnabled, scimAccessEnabled bool
}

type door struct {
	exists, configured, online  bool
	lockedDown, placeLockedDown bool
	restrictions                restrictions
	location                    *Point
}

// right is one way of a person to a door: a group that has the lock, or a role
// over the place or organization that may unlock (which no group restricts).
type right struct {
	through      string
	window       window
	appsAllowed  bool
	restrictions restrictions
}

// rules are the switches that a decision depends on.
type rules struct {
	untilInclusive bool
}

func (s *Server) rules() rules {
	return rules{untilInclusive: s.switches.ValidUntil == ValidUntilInclusive}
}

// window is [from, until); nil is unbounded. Inclusive windows are stored with
// their end a second later, since whole seconds are all that Kisi compares.
type window struct{ from, until *time.Time }

func (r rules) window(from, until *time.Time) window {
	if until != nil && r.untilInclusive {
		end := until.Truncate(time.Second).Add(time.Second)
		until = &end
	}
	return window{from, until}
}

func (w window) contains(t time.Time) bool { return !w.opensAfter(t) && !w.endedBy(t) }

func (w window) opensAfter(t time.Time) bool { return w.from != nil && t.Before(*w.from) }

func (w window) endedBy(t time.Time) bool { return w.until != nil && !t.Before(*w.until) }

// decide is the door's decision. It is pure: all facts are arguments. A person
// gets in if any one right lets them in; restrictions of one group do not bind
// a person whom another group lets in without them.
func decide(p person, d door, rights []right, attempt Attempt, at time.Time) Decision {
	if !p.exists {
		return Decision{Status: http.StatusUnauthorized, Code: "000401", Reason: "There is no such user."}
	}
	if !d.exists {
		return refusedNoDoor
	}
	if !p.accessEnabled || !p.scimAccessEnabled {
		return refusedDisabled
	}
	refusal, nearest := refusedDenied, 0
	var through []string
	for _, r := range rights {
		outcome, nearness := r.decide(d, attempt, at)
		if outcome.Allowed {
			through = append(through, r.through)
		} else if nearness > nearest {
			refusal, nearest = outcome, nearness
		}
	}
	switch {
	case len(through) == 0:
		return refusal
	case d.lockedDown:
		return refusedLockedDown
	case d.placeLockedDown:
		return refusedPlaceDown
	}
	if refused, restricted := d.restrictions.refuse(d.location, attempt); restricted {
		return refused
	}
	switch {
	case !d.configured:
		return refusedNoController
	case !d.online:
		return refusedNoConnection
	}
	return Decision{Allowed: true, Status: http.StatusOK, Reason: "Unlocked!", Through: through}
}

// decide also says how near the right came to letting the person in.
func (r right) decide(d door, attempt Attempt, at time.Time) (Decision, int) {
	switch {
	case r.window.endedBy(at):
		return refusedExpired, 1
	case r.window.opensAfter(at):
		return refusedNotYet, 2
	case !r.appsAllowed && !attempt.AtTheDoor:
		return refusedApp, 3
	}
	if refused, restricted := r.restrictions.refuse(d.location, attempt); restricted {
		return refused, 3
	}
	return Decision{Allowed: true}, 0
}

// refuse applies restrictions on when and how. The simulator holds no
// schedules: a time restriction means that the time is never right.
func (r restrictions) refuse(door *Point, attempt Attempt) (Decision, bool) {
	switch {
	case r.Time:
		return refusedTime, true
	case attempt.AtTheDoor:
		return Decision{}, false
	case r.TapToAccess:
		return refusedTap, true
	case r.PrimaryDevice && !attempt.PrimaryDevice:
		return refusedDevice, true
	case r.ManagedDevice && !attempt.ManagedDevice:
		return refusedManagedDevice, true
	case r.Geofence && !withinFence(door, attempt.Location, r.GeofenceRadius):
		return refusedTooFar, true
	case r.Reader && !attempt.ProximityProof:
		return refusedNotClose, true
	}
	return Decision{}, false
}

func withinFence(door, person *Point, radius float64) bool {
	if door == nil || person == nil {
		return false
	}
	return metresBetween(*door, *person) <= radius
}

func metresBetween(a, b Point) float64 {
	const earth, degree = 6371000, math.Pi / 180
	dLat, dLon := (b.Latitude-a.Latitude)*degree, (b.Longitude-a.Longitude)*degree
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Latitude*degree)*math.Cos(b.Latitude*degree)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earth * math.Asin(math.Min(1, math.Sqrt(h)))
}
