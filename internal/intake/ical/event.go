package ical

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// status is where an event stands.
type status string

const (
	confirmed status = "CONFIRMED"
	tentative status = "TENTATIVE"
	canceled  status = "CANCELLED"
)

// event is a VEVENT.
type event struct {
	line     int
	uid      string
	sequence int64
	stamp    string // DTSTAMP, which is in UTC, so that it sorts
	status   status

	start    moment
	lasts    length
	rules    []string
	also     []listed // RDATE
	excluded []listed // EXDATE

	// changes is the repetition that this event is in place of, or nil; onward if it is in place of all later ones, too.
	changes *moment
	onward  bool

	component *component // for its people
}

// newEvent reads a VEVENT. Of one that cannot be read it returns the uid and the changed repetition as far as they are known.
func newEvent(c *component, zones *zones) (event, error) {
	e := event{line: c.line, component: c, uid: strings.TrimSpace(c.text("UID")), stamp: c.text("DTSTAMP"), status: confirmed}
	if e.uid == "" {
		return e, errors.New("the event has no UID, so it cannot be told from others")
	}
	if p := c.get("RECURRENCE-ID"); p != nil {
		m, err := zones.moment(*p)
		if err != nil {
			return e, fmt.Errorf("RECURRENCE-ID: %w", err)
		}
		e.changes, e.onward = &m, strings.EqualFold(p.param("RANGE"), "THISANDFUTURE")
	}
	if c.err != nil {
		return e, c.err
	}
	if s := c.text("SEQUENCE"); s != "" {
		var err error
		if e.sequence, err = strconv.ParseInt(s, 10, 64); err != nil {
			return e, fmt.Errorf("SEQUENCE: %.20q is no number", s)
		}
	}
	switch s := status(strings.ToUpper(c.text("STATUS"))); s {
	case canceled, tentative:
		e.status = s
	case "CANCELED":
		e.status = canceled
	}
	if err := e.readTimes(c, zones); err != nil {
		return e, err
	}
	if c.get("EXRULE") != nil {
		return e, errors.New("the event has an EXRULE, which RFC 5545 has no more; have the calendar write EXDATE")
	}
	for _, rule := range c.all("RRULE") {
		e.rules = append(e.rules, rule.Value)
	}
	var err error
	if e.also, err = zones.listed(c.all("RDATE")); err != nil {
		return e, fmt.Errorf("RDATE: %w", err)
	}
	if e.excluded, err = zones.listed(c.all("EXDATE")); err != nil {
		return e, fmt.Errorf("EXDATE: %w", err)
	}
	return e, nil
}

func (e *event) readTimes(c *component, zones *zones) error {
	p := c.get("DTSTART")
	if p == nil {
		return errors.New("the event has no DTSTART")
	}
	var err error
	if e.start, err = zones.moment(*p); err != nil {
		return fmt.Errorf("DTSTART: %w", err)
	}
	switch end, duration := c.get("DTEND"), c.get("DURATION"); {
	case end != nil:
		m, err := zones.moment(*end)
		if err != nil {
			return fmt.Errorf("DTEND: %w", err)
		}
		if e.start.date && m.date {
			e.lasts = length{days: int(m.wall.Sub(e.start.wall) / (24 * time.Hour))}
		} else {
			e.lasts = length{seconds: m.instant().Unix() - e.start.instant().Unix()}
		}
	case duration != nil:
		if e.lasts, err = parseLength(duration.Value); err != nil {
			return fmt.Errorf("DURATION: %w", err)
		}
	case e.start.date:
		e.lasts = length{days: 1}
	}
	if e.lasts.days <= 0 && e.lasts.seconds <= 0 {
		return errors.New("the event does not end after it begins; a booking needs DTEND or DURATION")
	}
	return nil
}

// moment reads a property with one date, or date and time.
func (z *zones) moment(p property) (moment, error) {
	zone, err := z.of(p)
	if err != nil {
		return moment{}, err
	}
	return parseMoment(p.Value, zone)
}

func (z *zones) listed(properties []property) ([]listed, error) {
	var all []listed
	for _, p := range properties {
		more, err := parseMoments(p, z.of)
		if err != nil {
			return nil, err
		}
		if all = append(all, more...); len(all) > maxListed {
			return nil, fmt.Errorf("more than %d dates", maxListed)
		}
	}
	return all, nil
}

// newer says whether e is a later version than other of the same event.
func (e *event) newer(other *event) bool {
	return cmp.Or(cmp.Compare(e.sequence, other.sequence), cmp.Compare(e.stamp, other.stamp), cmp.Compare(e.line, other.line)) > 0
}
