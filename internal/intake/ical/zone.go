package ical

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the zones of every system, whatever the image has
)

// windows has the names that Windows, Outlook and Exchange have for zones, and what Unicode's CLDR says they are.
//
//go:embed windows.csv
var windows string

var windowsZones = sync.OnceValue(func() map[string]string {
	zones := map[string]string{}
	for line := range strings.Lines(windows) {
		if name, zone, found := strings.Cut(strings.TrimSpace(line), ","); found {
			zones[strings.ToLower(name)] = zone
		}
	}
	return zones
})

// zones are the time zones of one calendar.
type zones struct {
	place   *time.Location
	defined map[string]*component // VTIMEZONE, by TZID
	known   map[string]zoneResult
}

type zoneResult struct {
	zone *time.Location
	err  error
}

func newZones(place *time.Location, calendar *component) *zones {
	z := &zones{place: place, defined: map[string]*component{}, known: map[string]zoneResult{}}
	for _, child := range calendar.children {
		if child.name == "VTIMEZONE" {
			z.defined[child.text("TZID")] = child
		}
	}
	return z
}

// of is the zone in which a property's times are meant: that of its TZID, or else the place's.
func (z *zones) of(p property) (*time.Location, error) {
	id := p.param("TZID")
	if id == "" {
		return z.place, nil
	}
	result, known := z.known[id]
	if !known {
		result.zone, result.err = z.find(id)
		z.known[id] = result
	}
	return result.zone, result.err
}

// find knows a zone by its name before it trusts the definition that the calendar brings along, since exports often define
// a zone as it is this year.
func (z *zones) find(id string) (*time.Location, error) {
	defined := z.defined[id]
	names := []string{id}
	if defined != nil {
		names = append(names, defined.text("X-LIC-LOCATION"))
	}
	for _, name := range names {
		if zone := named(name); zone != nil {
			return zone, nil
		}
	}
	if defined == nil {
		return nil, fmt.Errorf("time zone %.80q is neither known nor defined in the calendar", id)
	}
	zone, err := defineZone(id, defined)
	if err != nil {
		return nil, fmt.Errorf("time zone %.80q: %w", id, err)
	}
	return zone, nil
}

// named is the zone of the tz database or of Windows with this name, or nil. Some exports put a prefix before it, such as
// /freeassociation.sourceforge.net/Europe/Berlin.
func named(name string) *time.Location {
	name = strings.TrimSpace(name)
	if name == "" || strings.EqualFold(name, "Local") {
		return nil
	}
	if zone, is := windowsZones()[strings.ToLower(name)]; is {
		name = zone
	}
	if strings.HasPrefix(name, "/") {
		parts := strings.Split(name, "/")
		for i := max(1, len(parts)-3); i < len(parts); i++ {
			if zone := named(strings.Join(parts[i:], "/")); zone != nil {
				return zone
			}
		}
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}
