package simulation

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// history is what happens, in order. The same seed makes the same.
type history struct {
	Seed  uint64
	Began time.Time
	// Switches are what Kisi does otherwise than is likeliest.
	Switches map[string]string
	// Skew is how far Kisi's clock is ahead of the operator's.
	Skew time.Duration
	// Exclusive are the groups in which every assignment is the operator's.
	Exclusive []string
	// Disconnect is what becomes of the assignments when the connection goes.
	Disconnect v1alpha1.DisconnectPolicy
	// Ending is what is done at the end, if anything.
	Ending ending
	Steps  []step
}

// notDrawn are the switches that take away what this Kisi must do, or of which a history shows nothing.
var notDrawn = []string{
	"apiKeyCap", "apiKeyIdle", // the key stays the same, and in use
	"webhookSignature", "webhookDelivery", "webhookRetry", "webhookDisableAfter", // nothing listens
	"rangeHeader", // without it a list does not count as read, and nobody gets in
	"propagation", // doors would be late by what Kisi takes
	"eventSets",   // without them what others change is found hours later
	"validUntil",  // a door that opens a second longer is not the operator's doing
}

// addresses are those of everybody who appears in histories: who moves house takes the second of two.
func addresses() []string {
	var all []string
	for i := range people {
		all = append(all, address(i, 0), address(i, 1))
	}
	return all
}

const people = 7

func address(i, of int) string { return fmt.Sprintf("p%d%s@example.com", i, []string{"", "-new"}[of]) }

// generator draws histories.
type generator struct {
	*rand.Rand
	began time.Time
	at    time.Duration
}

// newHistory draws a history of so many days. began is when it will begin.
func newHistory(seed uint64, began time.Time, days int) history {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), // #nosec G404 -- repeatable
		began: began.Truncate(time.Second)}
	h := history{Seed: seed, Began: g.began, Switches: g.switches()}
	if g.IntN(4) == 0 {
		h.Skew = time.Duration(g.IntN(240)-120) * time.Second
	}
	if g.IntN(3) == 0 {
		h.Exclusive = g.some(groups)
	}
	h.Disconnect = []v1alpha1.DisconnectPolicy{v1alpha1.DisconnectRetain, v1alpha1.DisconnectRevoke}[g.IntN(2)]
	h.Ending = []ending{wiped, deleted}[g.IntN(2)]
	add := func(s step) {
		s.At = g.at
		h.Steps = append(h.Steps, s)
	}
	for i := range 2 {
		add(step{Do: "plan", Name: fmt.Sprintf("plan%d", i), Plan: &plan{g.some(groups)}})
		add(step{Do: "place", Name: fmt.Sprintf("room%d", i), Place: g.place()})
	}
	until := time.Duration(days) * 24 * time.Hour
	faults := g.IntN(3) > 0 // every third history is without
	for g.at < until {
		g.at += g.pause()
		switch draw := g.IntN(100); {
		case draw < 30:
			add(g.member())
		case draw < 45:
			add(g.subscription())
		case draw < 70:
			add(g.booking())
		case draw < 75:
			add(step{Do: "plan", Name: g.name("plan", 2), Plan: g.maybe(&plan{g.some(groups)})})
		case draw < 80:
			at := g.place()
			if g.IntN(8) == 0 {
				at = nil
			}
			add(step{Do: "place", Name: g.name("room", 2), Place: at})
		case draw < 82:
			add(step{Do: "group", Name: groups[g.IntN(len(groups))], Gone: g.IntN(2) == 0})
		case draw < 88:
			add(g.administrator())
		case faults:
			add(g.fault())
		}
	}
	return h
}

// switches draws up to three.
func (g *generator) switches() map[string]string {
	drawn := map[string]string{}
	all := simulator.DefaultSwitches().Describe()
	for range g.IntN(4) {
		if is := all[g.IntN(len(all))]; !slices.Contains(notDrawn, is.Name) {
			drawn[is.Name] = is.Values[g.IntN(len(is.Values))]
		}
	}
	return drawn
}

// pause is how long until the next step: often seconds, so that steps meet, and often hours.
func (g *generator) pause() time.Duration {
	switch g.IntN(5) {
	case 0:
		return time.Duration(g.IntN(3000)) * time.Millisecond
	case 1, 2:
		return time.Duration(g.IntN(300)) * time.Second
	}
	return time.Duration(g.IntN(8*3600)) * time.Second
}

func (g *generator) now() time.Time { return g.began.Add(g.at).Truncate(time.Second) }

func (g *generator) name(prefix string, n int) string { return fmt.Sprintf("%s%d", prefix, g.IntN(n)) }

// maybe is no plan now and then.
func (g *generator) maybe(p *plan) *plan {
	if g.IntN(6) == 0 {
		return nil
	}
	return p
}

// some draws one or two of a list.
func (g *generator) some(of []string) []string {
	var out []string
	for range 1 + g.IntN(2) {
		if is := of[g.IntN(len(of))]; !slices.Contains(out, is) {
			out = append(out, is)
		}
	}
	return out
}

// span draws a time near now: begun or not, over or not, with bounds or without.
func (g *generator) span() span {
	var s span
	if g.IntN(2) == 0 {
		s.From = g.now().Add(time.Duration(g.IntN(48*3600)-24*3600) * time.Second)
	}
	if g.IntN(2) == 0 {
		s.Until = g.now().Add(time.Duration(g.IntN(72*3600)-3600) * time.Second)
		if !s.From.IsZero() && !s.Until.After(s.From) {
			s.Until = s.From.Add(time.Duration(1+g.IntN(3600)) * time.Second)
		}
	}
	return s
}

func (g *generator) state(other ...string) string {
	if g.IntN(5) == 0 {
		return other[g.IntN(len(other))]
	}
	return "Active"
}

func (g *generator) member() step {
	i := g.IntN(people)
	s := step{Do: "member", Name: fmt.Sprintf("p%d", i)}
	if g.IntN(6) == 0 {
		return s
	}
	moved := 0
	if g.IntN(6) == 0 {
		moved = 1
	}
	s.Person = &person{Address: address(i, moved), State: g.state("Pending", "Suspended"), Groups: map[string]span{}, Places: map[string]span{}}
	for _, group := range g.some(groups) {
		if g.IntN(3) > 0 {
			s.Person.Groups[group] = g.span()
		}
	}
	if g.IntN(3) == 0 {
		s.Person.Teams = []string{g.name("team", 2)}
	}
	if g.IntN(3) == 0 {
		s.Person.Places[g.name("room", 2)] = g.span()
	}
	return s
}

func (g *generator) subscription() step {
	s := step{Do: "subscription", Name: g.name("s", 5)}
	if g.IntN(5) == 0 {
		return s
	}
	is := &subscription{Span: g.span(), State: g.state("Pending", "Canceled")}
	if g.IntN(3) == 0 {
		is.Groups = g.some(groups)
	} else {
		is.Plan = g.name("plan", 2)
	}
	switch g.IntN(3) {
	case 0:
		is.Member = g.name("p", people)
	case 1:
		is.Team = g.name("team", 2)
	default:
		is.Person = address(g.IntN(people), g.IntN(2))
	}
	if g.IntN(5) == 0 {
		is.Passes, is.Used = 3, g.Int32N(4)
	}
	s.Subscription = is
	return s
}

func (g *generator) booking() step {
	s := step{Do: "booking", Name: g.name("b", 8)}
	if g.IntN(6) == 0 {
		return s
	}
	from := g.now().Add(time.Duration(g.IntN(30*3600)-2*3600) * time.Second)
	s.Booking = &booking{
		Place: g.name("room", 2), Organizer: address(g.IntN(people), g.IntN(2)), Canceled: g.IntN(8) == 0,
		Span: span{from, from.Add(time.Duration(60+g.IntN(4*3600)) * time.Second)},
	}
	for range g.IntN(3) {
		if is := address(g.IntN(people), 0); is != s.Booking.Organizer && !slices.Contains(s.Booking.Attendees, is) {
			s.Booking.Attendees = append(s.Booking.Attendees, is)
		}
	}
	return s
}

func (g *generator) place() *place {
	return &place{
		Groups: g.some(groups), Members: g.some(groups), NonMembers: g.IntN(2) == 0,
		Lead: time.Duration(g.IntN(3)) * 15 * time.Minute, Lag: time.Duration(g.IntN(3)) * 15 * time.Minute,
	}
}

func (g *generator) administrator() step {
	is := &foreign{Address: address(g.IntN(people), 0), Group: groups[g.IntN(len(groups))]}
	switch g.IntN(4) {
	case 0, 1:
		return step{Do: "revoke", Foreign: is}
	case 2:
		is.Span = g.span()
		return step{Do: "change window", Foreign: is}
	}
	if is.Span = g.span(); !is.Span.Until.After(g.now()) {
		is.Span.Until = time.Time{}
	}
	return step{Do: "grant", Foreign: is}
}

// fault draws what goes wrong. It lasts at most minutes, because what it excuses is not checked.
func (g *generator) fault() step {
	s := step{For: time.Duration(1+g.IntN(180)) * time.Second}
	switch g.IntN(9) {
	case 6:
		s.Do = "two at once"
	case 7:
		s.Do = "new key"
	case 8:
		s.Do, s.Name = "mode", []string{"Observe", "Paused", "GrantOnly"}[g.IntN(3)]
	case 0, 1:
		s.Do, s.N, s.For = "kill", g.IntN(12), time.Duration(g.IntN(60))*time.Second
	case 2:
		s.Do = []string{"kubernetes away", "kubernetes loses answers", "watches expire"}[g.IntN(3)]
	case 3:
		s.Do, s.Name = "watches late", []string{"members", "bookinggrants", "accesssubscriptions", "accessplans", "placemappings", "kisigroups", "kisiconnections"}[g.IntN(7)]
	default:
		s.Do = "kisi"
		s.Fault = &simulator.Fault{Chance: []float64{1, 0.3}[g.IntN(2)], Seed: g.Uint64()}
		kinds := []simulator.FaultKind{
			simulator.FaultStatus, simulator.FaultTooManyRequests, simulator.FaultDropBefore, simulator.FaultDropAfter, simulator.FaultLatency,
			simulator.FaultDelayBefore, simulator.FaultShortPage, simulator.FaultRepeatedRow, simulator.FaultGarbage, simulator.FaultEmptyPage, simulator.FaultNoRange,
		}
		switch s.Fault.Kind = kinds[g.IntN(len(kinds))]; s.Fault.Kind {
		case simulator.FaultStatus:
			s.Fault.Status = []int{500, 502, 503}[g.IntN(3)]
		case simulator.FaultLatency, simulator.FaultDelayBefore:
			s.Fault.Latency = simulator.Duration(time.Duration(1+g.IntN(25)) * time.Second)
		}
		if g.IntN(2) == 0 {
			s.Fault.Method = []string{http.MethodGet, http.MethodPost, http.MethodDelete}[g.IntN(3)]
		}
	}
	return s
}
