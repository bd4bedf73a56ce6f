package table

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// unix is the layout of seconds since 1970.
const unix = "Unix"

// parts of a layout, as Go writes them; the longer first.
var parts = strings.NewReplacer(
	"YYYY", "2006", "MMM", "Jan", "MM", "01", "DD", "02", "HH", "15", "hh", "03", "mm", "04", "ss", "05", "D", "2", "M", "1", "h", "3", "A", "PM",
)

// iso are the layouts of ISO 8601 that are read without being asked for.
var iso = []string{
	time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04", time.DateOnly,
}

// layoutOf returns a layout as Go writes it.
func layoutOf(layout string) (string, error) {
	if rest := strings.Trim(parts.Replace(layout), "0123456789JanPM /.,:-T"); rest != "" {
		return "", fmt.Errorf("%q is no layout: write it with YYYY, MM, DD, HH, mm and ss, such as DD/MM/YYYY HH:mm, or Unix", layout)
	}
	return parts.Replace(layout), nil
}

// clock reads the times of one value.
type clock struct {
	layouts []string
	unix    bool
	// zone of what names none; nil is a problem.
	zone *time.Location
	// end is set if a mere date means the end of that day.
	end bool
}

// moment returns what a text says, in UTC.
func (c clock) moment(text string) (time.Time, error) {
	if c.unix {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return time.Time{}, errors.New("is no number of seconds since 1970: correct it in the export, or set another layout")
		}
		return time.Unix(seconds, 0).UTC(), nil
	}
	for _, layout := range c.layouts {
		wall, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if strings.Contains(layout, "Z07") {
			return wall.UTC(), nil
		}
		if c.zone == nil {
			return time.Time{}, errors.New("has no time zone: set timeZone, such as Europe/Berlin")
		}
		if c.end && !strings.Contains(layout, "15") && !strings.Contains(layout, "3") {
			wall = wall.AddDate(0, 0, 1)
		}
		return bounded(shown(wall, c.zone)), nil
	}
	if len(c.layouts) == 1 {
		return time.Time{}, errors.New("is not written as the layout says: correct it in the export, or set another layout")
	}
	return time.Time{}, errors.New("is no date or time such as 2026-12-01 or 2026-12-01T09:00:00+01:00: correct it in the export, or set layout")
}

// latest is the last moment that the API takes.
var latest = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// bounded keeps a date that stands for no end, such as 9999-12-31, from being one that is refused.
func bounded(t time.Time) time.Time {
	if t.After(latest) {
		return latest
	}
	return t
}

// shown returns when clocks of a zone show what wall shows. Of an hour that they show twice it is the first; an hour that
// they leave out is as much later as they are put forward.
func shown(wall time.Time, zone *time.Location) time.Time {
	at := func(near time.Time) time.Time {
		_, offset := near.In(zone).Zone()
		return wall.Add(-time.Duration(offset) * time.Second)
	}
	shows := func(t time.Time) bool { return t.In(zone).Format(time.DateTime) == wall.Format(time.DateTime) }
	before, after := at(wall.AddDate(0, 0, -1)), at(wall.AddDate(0, 0, 1))
	if !shows(before) && shows(after) {
		return after
	}
	return before
}
