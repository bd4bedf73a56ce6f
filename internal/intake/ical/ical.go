// Package ical makes bookings of a calendar in iCalendar form (RFC 5545), such as the one of a room. It is pure: the time
// and the zone of the place are arguments.
package ical

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/intake"
)

// TentativePolicy says whether people of an event that is not confirmed yet may enter.
type TentativePolicy string

// The values of TentativePolicy.
const (
	TentativeDeny  TentativePolicy = "Deny"
	TentativeAllow TentativePolicy = "Allow"
)

// Options say how a calendar is understood.
type Options struct {
	// Zone is that of the place, in which whole days are meant, and times without a zone.
	Zone *time.Location
	// From and Until bound the bookings: those that last into [From, Until).
	From, Until time.Time
	// Tentative says what an event with STATUS:TENTATIVE gives; Deny if empty.
	Tentative TentativePolicy
	// Room is the address of the room as an attendee. If set, only events that it is invited to count, and one that it declined is canceled.
	Room string
	// Organizer stands in for that of an event without one; nil: such an event is a problem.
	Organizer *v1alpha1.Person
	// NotPeople are addresses, or domains such as "@resources.example.com", of rooms and the like.
	NotPeople []string
	// PlaceRef or GroupRefs are what each booking is of.
	PlaceRef  *v1alpha1.PlaceReference
	GroupRefs []v1alpha1.GroupReference
}

// maxEntries is how many bookings one calendar may make.
const maxEntries = 20_000

// Read makes a BookingGrant of each event of a calendar, or of each repetition of it, that lies within the options' span. name
// is that of the file, for messages. It fails if the content is not a whole calendar, or ctx ends: then nothing is known.
func Read(ctx context.Context, name string, content []byte, o Options) (intake.Reading, error) {
	calendars, err := parse(content)
	if err != nil {
		return intake.Reading{}, fmt.Errorf("%s: %w", name, err)
	}
	r := reader{name: name, options: o, within: span{o.From, o.Until}, series: map[string]*series{}, told: map[*event]bool{}}
	for _, calendar := range calendars {
		if err := r.collect(ctx, calendar); err != nil {
			return intake.Reading{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, uid := range r.order {
		if err := ctx.Err(); err != nil {
			return intake.Reading{}, fmt.Errorf("%s: reading the calendar: %w", name, context.Cause(ctx))
		}
		r.expand(r.series[uid])
		if len(r.reading.Entries) > maxEntries {
			return intake.Reading{}, fmt.Errorf("%s: the calendar makes more than %d bookings until the horizon; choose a nearer one", name, maxEntries)
		}
	}
	return r.reading, nil
}

type reader struct {
	name    string
	options Options
	within  span
	series  map[string]*series // by UID
	order   []string           // the UIDs as they stand in the file
	told    map[*event]bool    // of attendees without an address
	reading intake.Reading
}

func (r *reader) where(line int) string { return fmt.Sprintf("%s:%d", r.name, line) }

// collect reads the events of a calendar.
func (r *reader) collect(ctx context.Context, calendar *component) error {
	zones := newZones(r.options.Zone, calendar)
	recalled := strings.EqualFold(calendar.text("METHOD"), "CANCEL") // all that it has
	for _, c := range calendar.children {
		if c.name != "VEVENT" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		r.reading.Rows++
		e, err := newEvent(c, zones)
		if recalled {
			e.status = canceled
		}
		if err != nil {
			r.problem(&e, err)
			continue
		}
		s := r.series[e.uid]
		if s == nil {
			s = &series{uid: e.uid, changed: map[string]*event{}}
			r.series[e.uid], r.order = s, append(r.order, e.uid)
		}
		s.add(&e)
	}
	return nil
}

// problem reports an event. What is there for it stays: the one repetition if it is about one, otherwise all of them.
func (r *reader) problem(e *event, err error) {
	problem := intake.Problem{Where: r.where(e.line), Err: err}
	switch {
	case e.uid == "":
	case e.changes != nil && !e.onward:
		problem.ID = id(e.uid, e.changes.key())
	default:
		problem.ID, problem.Series = id(e.uid, ""), id(e.uid, "")
	}
	r.reading.Problems = append(r.reading.Problems, problem)
}

// expand makes the entries of a series.
func (r *reader) expand(s *series) {
	instances, err := s.instances(r.within)
	if err != nil {
		r.reading.Problems = append(r.reading.Problems, intake.Problem{
			Where: r.where(s.line()), ID: id(s.uid, ""), Series: id(s.uid, ""), Err: err,
		})
		return
	}
	inRoom := false
	for _, one := range instances {
		entry, present, err := r.entry(s, one)
		switch {
		case err != nil:
			inRoom = true
			r.reading.Problems = append(r.reading.Problems, intake.Problem{Where: r.where(one.event.line), ID: id(s.uid, one.key), Err: err})
		case present:
			inRoom = true
			r.reading.Entries = append(r.reading.Entries, entry)
		}
	}
	if inRoom || len(instances) == 0 {
		r.reading.Series = append(r.reading.Series, id(s.uid, ""))
	}
}

// entry makes the booking of an instance. It is not present if the room does not attend it.
func (r *reader) entry(s *series, one instance) (_ intake.Entry, present bool, _ error) {
	people, err := r.people(one.event)
	if err != nil || !people.room {
		return intake.Entry{}, false, err
	}
	if people.unknown > 0 && !r.told[one.event] {
		r.told[one.event] = true
		r.reading.Problems = append(r.reading.Problems, intake.Problem{
			Where: r.where(one.event.line), Err: fmt.Errorf("%d attendees have no e-mail address and are left out", people.unknown),
		})
	}
	state := v1alpha1.BookingConfirmed
	if people.refused || one.status == canceled || one.status == tentative && r.options.Tentative != TentativeAllow {
		state = v1alpha1.BookingCanceled
	}
	from, until := storable(one.from), storable(one.until)
	if !until.After(from) {
		return intake.Entry{}, false, errors.New("the event lies outside the years 1970 to 9998")
	}
	entry := intake.Entry{ID: id(s.uid, one.key), Where: r.where(one.event.line)}
	if one.key != "" {
		entry.Series = id(s.uid, "")
	}
	entry.Object = &v1alpha1.BookingGrant{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: entitlement.KindBookingGrant},
		Spec: v1alpha1.BookingGrantSpec{
			ExternalID: v1alpha1.ExternalID(entry.ID), PlaceRef: r.options.PlaceRef, GroupRefs: slices.Clone(r.options.GroupRefs),
			Organizer: people.organizer, Attendees: people.attendees,
			StartTime: metav1.NewTime(from), EndTime: metav1.NewTime(until), State: state,
		},
	}
	return entry, true, nil
}

// id of a repetition, or of an event if key is empty.
func id(uid, key string) string {
	if key != "" {
		uid += "/" + key
	}
	return intake.BoundedID(uid)
}

// storable brings a time into the years that a BookingGrant takes. Calendars write 1601 and 9999 for none.
func storable(t time.Time) time.Time {
	first, last := time.Unix(0, 0).UTC(), time.Date(9998, 12, 31, 23, 59, 59, 0, time.UTC)
	switch {
	case t.Before(first):
		return first
	case t.After(last):
		return last
	}
	return t
}
