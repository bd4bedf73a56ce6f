package ical

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// maxAttendees is how many people a BookingGrant takes beside its organizer.
const maxAttendees = 500

// address is what a BookingGrant takes as an e-mail address.
var address = regexp.MustCompile(`^[^\x00-\x20\x7f-\xa0@<>()\[\]{},;:"\\]+@[^\x00-\x20\x7f-\xa0@<>()\[\]{},;:"\\.]+(\.[^\x00-\x20\x7f-\xa0@<>()\[\]{},;:"\\.]+)+$`)

// calendarsOfGoogle are domains whose addresses are calendars.
var calendarsOfGoogle = []string{"@resource.calendar.google.com", "@group.calendar.google.com", "@import.calendar.google.com"}

// people are those of an event.
type people struct {
	organizer v1alpha1.Person
	attendees []v1alpha1.Person // sorted, so that another order in the export changes nothing
	unknown   int               // attendees without an address
	room      bool              // whether the room is invited, if only events that it attends count
	refused   bool              // whether the room declined
}

// people reads ORGANIZER and ATTENDEE. Who declined or delegated the invitation is not let in, nor who is only told of it;
// who has not answered is.
func (r *reader) people(e *event) (people, error) {
	var found people
	found.room = r.options.Room == ""
	var attendees []v1alpha1.Person
	for _, p := range e.component.all("ATTENDEE") {
		person, known := personOf(p)
		declined := strings.EqualFold(p.param("PARTSTAT"), "DECLINED")
		if r.options.Room != "" && strings.EqualFold(string(person.Email), r.options.Room) {
			found.room, found.refused = true, declined
			continue
		}
		switch {
		case declined, strings.EqualFold(p.param("PARTSTAT"), "DELEGATED"), strings.EqualFold(p.param("ROLE"), "NON-PARTICIPANT"), notPerson(p):
		case !known:
			found.unknown++
		case !r.notPeople(person):
			attendees = append(attendees, person)
		}
	}
	if !found.room {
		return found, nil
	}
	var organized bool
	if p := e.component.get("ORGANIZER"); p != nil && !notPerson(*p) {
		found.organizer, organized = personOf(*p)
		organized = organized && !r.notPeople(found.organizer)
	}
	if !organized {
		if r.options.Organizer == nil {
			return found, errors.New("the event has no ORGANIZER who is a person; set organizer, who stands in for such events")
		}
		found.organizer = *r.options.Organizer
	}
	slices.SortStableFunc(attendees, func(a, b v1alpha1.Person) int { return cmp.Compare(fold(a), fold(b)) })
	attendees = slices.CompactFunc(attendees, func(a, b v1alpha1.Person) bool { return fold(a) == fold(b) })
	found.attendees = slices.DeleteFunc(attendees, func(p v1alpha1.Person) bool { return fold(p) == fold(found.organizer) })
	if len(found.attendees) > maxAttendees {
		return found, errors.New("the event has more than 500 attendees, which a BookingGrant does not take; invite them by several events")
	}
	return found, nil
}

// fold is the address as the operator tells people apart.
func fold(p v1alpha1.Person) string { return string(entitlement.Fold(p.Email)) }

// notPerson says whether the calendar says that an attendee is a room, a thing or a list.
func notPerson(p property) bool {
	switch strings.ToUpper(p.param("CUTYPE")) {
	case "ROOM", "RESOURCE", "GROUP":
		return true
	}
	return false
}

// notPeople says whether the configuration, or a well-known domain, says that an address is of no person.
func (r *reader) notPeople(p v1alpha1.Person) bool {
	folded := fold(p)
	is := func(one string) bool {
		one = string(entitlement.Fold(v1alpha1.EmailAddress(one)))
		return folded == one || strings.HasPrefix(one, "@") && strings.HasSuffix(folded, one)
	}
	return slices.ContainsFunc(r.options.NotPeople, is) || slices.ContainsFunc(calendarsOfGoogle, is) || r.options.Room != "" && is(r.options.Room)
}

// personOf reads an address and a name. The address is that of the EMAIL parameter, if the value is another kind of URI.
func personOf(p property) (_ v1alpha1.Person, known bool) {
	email := strings.TrimSpace(p.Value)
	if scheme, rest, found := strings.Cut(email, ":"); found && strings.EqualFold(scheme, "mailto") {
		email = strings.TrimSpace(rest)
	}
	if !address.MatchString(email) {
		email = strings.TrimSpace(p.param("EMAIL"))
	}
	if !address.MatchString(email) || len(email) > 254 {
		return v1alpha1.Person{}, false
	}
	return v1alpha1.Person{Email: v1alpha1.EmailAddress(email), FullName: nameOf(p.param("CN"), email)}, true
}

// nameOf is a name as a BookingGrant takes it. Calendars without a name write the address again.
func nameOf(name, email string) v1alpha1.FullName {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.Trim(name, `"' `))
	if runes := []rune(name); len(runes) > 200 {
		name = string(runes[:200])
	}
	if strings.EqualFold(name, email) {
		return ""
	}
	return v1alpha1.FullName(name)
}
