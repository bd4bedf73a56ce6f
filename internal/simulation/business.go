package simulation

import (
	"maps"
	"slices"
	"time"
)

// business is what a small business wants, as the simulation knows it: the source of the objects that it writes, and of
// what the model expects of the doors. Its parts are never changed in place.
type business struct {
	People        map[string]person
	Subscriptions map[string]subscription
	Bookings      map[string]booking
	Plans         map[string]plan
	Places        map[string]place
	// Gone are the groups of which there is no object.
	Gone map[string]bool
	// Foreign are the assignments that an administrator has made in Kisi.
	Foreign []foreign
}

// span is a time, open to the right; a zero bound is none.
type span struct{ From, Until time.Time }

// person is a Member.
type person struct {
	Address string
	State   string // Active, Pending or Suspended
	Teams   []string
	Groups  map[string]span
	Places  map[string]span // with the audience members
}

type subscription struct {
	Plan                 string   // or
	Groups               []string // instead of the plan's
	Member, Team, Person string   // one of them; Person is an address
	Span                 span
	State                string // Active, Pending or Canceled
	Passes, Used         int32  // day passes; none if there are no Passes
}

type booking struct {
	Place     string
	Organizer string
	Attendees []string
	Span      span
	Canceled  bool
}

type plan struct{ Groups []string }

type place struct {
	Groups     []string // of bookings
	Members    []string // of those who are assigned to the place
	Lead, Lag  time.Duration
	NonMembers bool
}

// foreign is an assignment that is not the operator's.
type foreign struct {
	Address, Group string
	Span           span
}

func newBusiness() business {
	return business{
		People: map[string]person{}, Subscriptions: map[string]subscription{}, Bookings: map[string]booking{},
		Plans: map[string]plan{}, Places: map[string]place{}, Gone: map[string]bool{},
	}
}

// clone copies what a step may exchange.
func (b business) clone() business {
	return business{
		People: maps.Clone(b.People), Subscriptions: maps.Clone(b.Subscriptions), Bookings: maps.Clone(b.Bookings),
		Plans: maps.Clone(b.Plans), Places: maps.Clone(b.Places), Gone: maps.Clone(b.Gone), Foreign: slices.Clone(b.Foreign),
	}
}
