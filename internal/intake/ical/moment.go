package ical

import (
	"fmt"
	"strings"
	"time"
)

const (
	dateLayout  = "20060102"
	clockLayout = "20060102T150405"
)

// moment is a date, or a date and a time of day, as clocks at a place show it.
type moment struct {
	wall time.Time // what the clock shows, with UTC as a mere carrier
	zone *time.Location
	date bool // a whole day, without a time of day
}

// parseMoment reads a DATE or DATE-TIME value. zone is that of a value that does not end with Z.
func parseMoment(value string, zone *time.Location) (moment, error) {
	value = strings.ToUpper(strings.TrimSpace(value))
	if len(value) == len(dateLayout) {
		wall, err := time.Parse(dateLayout, value)
		if err != nil {
			return moment{}, fmt.Errorf("%q is no date", value)
		}
		return moment{wall, zone, true}, nil
	}
	clock, utc := strings.CutSuffix(value, "Z")
	if utc {
		zone = time.UTC
	}
	// The leap second, which clocks here do not have.
	if strings.HasSuffix(clock, "60") {
		clock = clock[:len(clock)-2] + "59"
	}
	wall, err := time.Parse(clockLayout, clock)
	if err != nil {
		return moment{}, fmt.Errorf("%.40q is no date, nor a date and time", value)
	}
	return moment{wall, zone, false}, nil
}

// instant is when clocks show m. Of an hour that exists twice it is the first one; one that does not exist is as much later
// as the clocks were put forward (RFC 5545, 3.3.5).
func (m moment) instant() time.Time {
	shown := m.wall.Unix()
	at := func(offset int) time.Time { return time.Unix(shown-int64(offset), 0).In(m.zone) }
	_, before := time.Unix(shown, 0).Add(-24 * time.Hour).In(m.zone).Zone()
	_, after := time.Unix(shown, 0).Add(24 * time.Hour).In(m.zone).Zone()
	early, late := at(before), at(after)
	_, lateOffset := late.Zone()
	if _, offset := early.Zone(); offset != before && lateOffset == after {
		return late.UTC()
	}
	return early.UTC()
}

// key names m in an id: the same moment has the same key, in whatever zone it is written.
func (m moment) key() string {
	if m.date {
		return m.wall.Format(dateLayout)
	}
	return m.instant().Format(clockLayout) + "Z"
}

// day is the date that clocks show.
func (m moment) day() string { return m.wall.Format(dateLayout) }

// on is another time on the clocks of the same place.
func (m moment) on(wall time.Time) moment { return moment{wall, m.zone, m.date} }

// in is the same time on the clocks of another zone. A day stays the day.
func (m moment) in(zone *time.Location) moment {
	if m.date {
		return moment{m.wall, zone, true}
	}
	at := m.instant().In(zone)
	return moment{time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC), zone, false}
}

// length is how long an event lasts. Days are days on the calendar, which may have 23 or 25 hours; the rest is exact.
type length struct {
	days    int
	seconds int64 // more than a time.Duration takes, since calendars write 9999 for no end
}

// after is the moment at which something ends that begins at m.
func (l length) after(m moment) time.Time {
	return later(m.on(m.wall.AddDate(0, 0, l.days)).instant(), l.seconds)
}

// later is a time so many seconds after another.
func later(t time.Time, seconds int64) time.Time { return time.Unix(t.Unix()+seconds, 0).UTC() }

// parseLength reads a DURATION value, such as P1DT2H.
func parseLength(value string) (length, error) {
	bad := fmt.Errorf("%.40q is no duration such as PT1H30M or P2D", value)
	rest, found := strings.CutPrefix(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(value)), "+"), "P")
	if !found || rest == "" {
		return length{}, bad
	}
	var l length
	timed := false
	for rest != "" {
		if after, is := strings.CutPrefix(rest, "T"); is && !timed {
			timed, rest = true, after
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end <= 0 || end > 8 {
			return length{}, bad
		}
		var n int
		if _, err := fmt.Sscanf(rest[:end], "%d", &n); err != nil {
			return length{}, bad
		}
		switch unit := rest[end]; {
		case unit == 'W' && !timed:
			l.days += 7 * n
		case unit == 'D' && !timed:
			l.days += n
		case unit == 'H' && timed:
			l.seconds += int64(n) * 3600
		case unit == 'M' && timed:
			l.seconds += int64(n) * 60
		case unit == 'S' && timed:
			l.seconds += int64(n)
		default:
			return length{}, bad
		}
		rest = rest[end+1:]
	}
	const years = 366 * 10_000
	if l.days > years {
		return length{}, bad
	}
	return l, nil
}
