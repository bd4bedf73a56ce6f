// Package text writes what `kubectl kisi` has found for people: plain words, times as one says them.
package text

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Clock writes times as seen from an instant and a zone.
type Clock struct {
	Now  time.Time
	Zone *time.Location
}

// Moment writes an instant, such as "18:00 today".
func (c Clock) Moment(t time.Time) string { return c.Hour(t) + " " + c.day(t) }

// Hour writes the time of day, with seconds only where there are any.
func (c Clock) Hour(t time.Time) string {
	t = t.In(c.Zone)
	if t.Second() != 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// day writes the day of an instant as seen from now.
func (c Clock) day(t time.Time) string {
	switch days := c.dayNumber(t) - c.dayNumber(c.Now); days {
	case 0:
		return "today"
	case 1:
		return "tomorrow"
	case -1:
		return "yesterday"
	}
	return "on " + t.In(c.Zone).Format("Mon 2 Jan 2006")
}

// dayNumber counts calendar days in the zone.
func (c Clock) dayNumber(t time.Time) int {
	year, month, day := t.In(c.Zone).Date()
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// Span writes a window; a bound that is not set is open.
func (c Clock) Span(from, until *metav1.Time) string {
	switch {
	case from == nil && until == nil:
		return "always"
	case from == nil:
		return "until " + c.Moment(until.Time)
	case until == nil:
		return "from " + c.Moment(from.Time)
	case c.dayNumber(from.Time) == c.dayNumber(until.Time):
		return fmt.Sprintf("%s-%s %s", c.Hour(from.Time), c.Hour(until.Time), c.day(from.Time))
	}
	return fmt.Sprintf("%s - %s", c.Moment(from.Time), c.Moment(until.Time))
}

// Header names the instant in full, and the zone.
func (c Clock) Header(t time.Time) string {
	return t.In(c.Zone).Format("Monday 2 January 2006, 15:04") + " " + c.ZoneName(t)
}

// ZoneName names the zone as it is at an instant.
func (c Clock) ZoneName(t time.Time) string {
	if c.Zone == time.UTC {
		return "UTC"
	}
	name, offset := t.In(c.Zone).Zone()
	difference := fmt.Sprintf("UTC%+d", offset/3600)
	if minutes := offset % 3600 / 60; minutes != 0 {
		difference += fmt.Sprintf(":%02d", max(minutes, -minutes))
	}
	if offset == 0 {
		difference = "UTC"
	}
	if name == "" || name[0] == '+' || name[0] == '-' || name == difference {
		return difference
	}
	return fmt.Sprintf("%s (%s)", name, difference)
}

// Minutes writes a duration as people say it, such as "30 min".
func Minutes(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return d.String()
}
