// Package config reads the configuration of kisi-feed.
package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/intake/ical"
	"github.com/kisi-operator/kisi-operator/internal/intake/table"
)

// Config is the file that --config names.
type Config struct {
	// Feeds are the exports that are followed.
	Feeds []Feed `json:"feeds"`
}

// Feed is one export, and what becomes of it.
type Feed struct {
	// Name of the feed: a DNS label of at most 40 characters. It is in the names of the feed's objects, and their label; a feed
	// that is renamed leaves its objects behind.
	Name string `json:"name"`
	// Interval between two reads; default 5m, at least 1m, at most 24h.
	Interval Duration `json:"interval,omitzero"`
	// Horizon is how far ahead bookings are written; default 168h. It is to be longer than grantAhead of the connection.
	Horizon Duration `json:"horizon,omitzero"`
	// From is where the export is.
	From From `json:"from"`
	// Calendar says that the export is an iCalendar file, whose events are bookings.
	Calendar *Calendar `json:"calendar,omitempty"`
	// Table says that the export is a table, and what its rows are.
	Table *table.Mapping `json:"table,omitempty"`
	// Guard bounds what one reading may take away.
	Guard Guard `json:"guard,omitzero"`
}

// Duration is one such as 5m. What is none is found by its field, not while decoding.
type Duration struct {
	time.Duration

	bad string // what is no duration
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(content []byte) error {
	text := strings.Trim(string(content), `"`)
	var err error
	if d.Duration, err = time.ParseDuration(text); err != nil {
		d.bad = text
	}
	return nil
}

// check sets the default and says whether the duration is within bounds.
func (d *Duration) check(path *field.Path, usual, least, most time.Duration) field.ErrorList {
	switch {
	case d.bad != "":
		return field.ErrorList{field.Invalid(path, d.bad, "must be a duration such as 5m or 24h")}
	case d.Duration == 0:
		d.Duration = usual
	case d.Duration < least || d.Duration > most:
		return field.ErrorList{field.Invalid(path, d.String(), fmt.Sprintf("must be within %s and %s", least, most))}
	}
	return nil
}

// From is a file or an address.
type From struct {
	// File is a path.
	File string `json:"file,omitempty"`
	// URL is an https address.
	URL string `json:"url,omitempty"`
	// URLFile is a file that has the address, such as a mounted Secret: some calendars have a secret in it.
	URLFile string `json:"urlFile,omitempty"`
	// Header is sent along, but to no other host.
	Header *Header `json:"header,omitempty"`
	// PlainHTTP is Allow for an http address, which anybody on the way can read and change; default Deny.
	PlainHTTP string `json:"plainHTTP,omitempty"`
}

// Header is a header of a request, with its value in a file.
type Header struct {
	// Name of the header, such as Authorization.
	Name string `json:"name"`
	// File has the value, such as a mounted Secret. It is read anew each time.
	File string `json:"file"`
	// Prefix comes before it, such as "Bearer ".
	Prefix string `json:"prefix,omitempty"`
}

// Calendar says how events become bookings.
type Calendar struct {
	// TimeZone is the place's, such as Europe/Berlin: that of whole days, and of times without a zone.
	TimeZone string `json:"timeZone"`
	// PlaceRef or GroupRefs are what is booked.
	PlaceRef  *v1alpha1.PlaceReference  `json:"placeRef,omitempty"`
	GroupRefs []v1alpha1.GroupReference `json:"groupRefs,omitempty"`
	// Tentative is whether events that are not confirmed let people in: Deny or Allow; default Deny.
	Tentative ical.TentativePolicy `json:"tentative,omitempty"`
	// Room is the room's address as an attendee. If set, only events that invite it count.
	Room string `json:"room,omitempty"`
	// Organizer stands in for events that have none.
	Organizer *v1alpha1.Person `json:"organizer,omitempty"`
	// NotPeople are addresses, or domains such as "@rooms.example.com", that are no people.
	NotPeople []string `json:"notPeople,omitempty"`
}

// Guard bounds what readings may take away.
type Guard struct {
	// Percent of the bookings that may leave the export within an hour; default 20. One may always.
	Percent *int `json:"percent,omitempty"`
}

// The defaults.
const (
	DefaultInterval = 5 * time.Minute
	DefaultHorizon  = 7 * 24 * time.Hour
	DefaultPercent  = 20

	maxName = 40
)

// Parse reads a configuration, sets the defaults, and says all that is wrong with it, by field. The addresses in it are not
// repeated in errors, since they may have keys in them.
func Parse(content []byte) (*Config, error) {
	asJSON, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		return nil, err
	}
	var c Config
	strict, err := kjson.UnmarshalStrict(asJSON, &c)
	if err = errors.Join(append(strict, err)...); err != nil {
		return nil, err
	}
	var wrong field.ErrorList
	if len(c.Feeds) == 0 {
		wrong = append(wrong, field.Required(field.NewPath("feeds"), "name at least one feed"))
	}
	names := map[string]bool{}
	for i := range c.Feeds {
		path := field.NewPath("feeds").Index(i)
		if names[c.Feeds[i].Name] {
			wrong = append(wrong, field.Duplicate(path.Child("name"), c.Feeds[i].Name))
		}
		names[c.Feeds[i].Name] = true
		wrong = append(wrong, c.Feeds[i].check(path)...)
	}
	return &c, wrong.ToAggregate()
}

// check sets the defaults of a feed and says what is wrong with it.
func (f *Feed) check(path *field.Path) field.ErrorList {
	var wrong field.ErrorList
	if why := validation.IsDNS1123Label(f.Name); len(why) > 0 || len(f.Name) > maxName {
		wrong = append(wrong, field.Invalid(path.Child("name"), f.Name, fmt.Sprintf("must be at most %d lowercase letters, digits and '-'", maxName)))
	}
	wrong = append(wrong, f.Interval.check(path.Child("interval"), DefaultInterval, time.Minute, 24*time.Hour)...)
	wrong = append(wrong, f.Horizon.check(path.Child("horizon"), DefaultHorizon, time.Hour, 366*24*time.Hour)...)
	wrong = append(wrong, f.From.check(path.Child("from"))...)
	if (f.Calendar == nil) == (f.Table == nil) {
		wrong = append(wrong, field.Required(path, "set exactly one of calendar and table, which say what the export is"))
	}
	if f.Calendar != nil {
		wrong = append(wrong, f.Calendar.check(path.Child("calendar"))...)
	}
	if f.Table != nil {
		if _, err := table.New(*f.Table); err != nil {
			wrong = append(wrong, field.Forbidden(path.Child("table"), err.Error()))
		}
	}
	if f.Guard.Percent == nil {
		percent := DefaultPercent
		f.Guard.Percent = &percent
	}
	if *f.Guard.Percent < 0 || *f.Guard.Percent > 100 {
		wrong = append(wrong, field.Invalid(path.Child("guard", "percent"), *f.Guard.Percent, "must be within 0 and 100"))
	}
	return wrong
}

// headerName is a token of HTTP.
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

func (f *From) check(path *field.Path) field.ErrorList {
	var wrong field.ErrorList
	named := 0
	for _, is := range []string{f.File, f.URL, f.URLFile} {
		if is != "" {
			named++
		}
	}
	if named != 1 {
		wrong = append(wrong, field.Required(path, "set exactly one of file, url and urlFile"))
	}
	switch f.PlainHTTP {
	case "", "Allow", "Deny":
	default:
		wrong = append(wrong, field.NotSupported(path.Child("plainHTTP"), f.PlainHTTP, []string{"Allow", "Deny"}))
	}
	if f.URL != "" {
		if _, err := f.Address(f.URL); err != nil {
			wrong = append(wrong, field.Forbidden(path.Child("url"), err.Error()))
		}
	}
	if f.Header != nil {
		switch {
		case f.File != "":
			wrong = append(wrong, field.Forbidden(path.Child("header"), "a file is read without one"))
		case !headerName.MatchString(f.Header.Name):
			wrong = append(wrong, field.Invalid(path.Child("header", "name"), f.Header.Name, "must be the name of a header, such as Authorization"))
		case f.Header.File == "":
			wrong = append(wrong, field.Required(path.Child("header", "file"), "name the file that has the value"))
		}
	}
	return wrong
}

// Address reads the address of an export. Its errors do not repeat it.
func (f *From) Address(text string) (*url.URL, error) {
	address, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || address.Host == "":
		return nil, errors.New("must be an address such as https://calendar.example.com/room.ics")
	case address.Scheme == "https", address.Scheme == "http" && f.PlainHTTP == "Allow":
		return address, nil
	case address.Scheme == "http":
		return nil, errors.New("must be an https address; set plainHTTP: Allow if nobody else is on the way")
	case address.Scheme == "webcal":
		return nil, errors.New("must be an https address; write https: instead of webcal")
	}
	return nil, errors.New("must be an https address")
}

func (c *Calendar) check(path *field.Path) field.ErrorList {
	var wrong field.ErrorList
	if _, err := time.LoadLocation(c.TimeZone); err != nil || c.TimeZone == "" || c.TimeZone == "Local" {
		wrong = append(wrong, field.Invalid(path.Child("timeZone"), c.TimeZone, "must be the place's time zone, such as Europe/Berlin"))
	}
	if (c.PlaceRef != nil) == (len(c.GroupRefs) > 0) {
		wrong = append(wrong, field.Required(path, "set exactly one of placeRef and groupRefs"))
	}
	switch c.Tentative {
	case "":
		c.Tentative = ical.TentativeDeny
	case ical.TentativeDeny, ical.TentativeAllow:
	default:
		wrong = append(wrong, field.NotSupported(path.Child("tentative"), c.Tentative, []ical.TentativePolicy{ical.TentativeDeny, ical.TentativeAllow}))
	}
	if c.Organizer != nil && !strings.Contains(string(c.Organizer.Email), "@") {
		wrong = append(wrong, field.Invalid(path.Child("organizer", "email"), c.Organizer.Email, "must be an e-mail address"))
	}
	return wrong
}
