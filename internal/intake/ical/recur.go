package ical

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// What a rule may cost. A year of hours has 8,760 repetitions, twenty years of days 7,300.
const (
	maxRule     = 4096    // characters
	maxInterval = 10_000  // of a rule
	maxSteps    = 300_000 // repetitions from the start of an event until the horizon
	maxADay     = 288     // times of day: one every five minutes
)

// span is a time from and until, [from, until).
type span struct{ from, until time.Time }

// recur returns the moments at which a rule has an event repeat that first starts at start, as far as they are within a day
// of the span. The clocks of the place decide: a rule of 9:00 is at 9:00 in summer and in winter. At most most moments are
// returned; more are an error, as is a rule that takes too long to follow.
func recur(value string, start moment, within span, most int) (moments []moment, err error) {
	option, err := parseRule(value, start)
	if err != nil {
		return nil, err
	}
	defer func() { // whatever the library makes of a strange rule
		if recover() != nil {
			moments, err = nil, fmt.Errorf("the rule %.80q cannot be followed", value)
		}
	}()
	rule, err := rrule.NewRRule(option)
	if err != nil {
		return nil, fmt.Errorf("the rule %.80q: %w", value, err)
	}
	first, last := within.from.AddDate(0, 0, -2).UTC(), within.until.AddDate(0, 0, 2).UTC() // no zone is further from UTC
	next := rule.Iterator()
	for steps := 0; ; steps++ {
		wall, more := next()
		if !more || wall.After(last) {
			return moments, nil
		}
		if steps == maxSteps {
			return nil, fmt.Errorf("the rule %.80q repeats more than %d times until now; have it start later", value, maxSteps)
		}
		if wall.Before(first) {
			continue
		}
		if len(moments) == most {
			return nil, fmt.Errorf("the rule %.80q repeats more than %d times until the horizon", value, most)
		}
		moments = append(moments, start.on(wall))
	}
}

// parseRule reads a RRULE as clocks at the event's place show it, and refuses what no door is booked by, and what would
// keep the library busy for ever.
func parseRule(value string, start moment) (rrule.ROption, error) {
	none := rrule.ROption{}
	bad := func(why string) error { return fmt.Errorf("the rule %.80q %s", value, why) }
	if len(value) > maxRule {
		return none, bad(fmt.Sprintf("has more than %d characters", maxRule))
	}
	var parts []string
	var until time.Time
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(value)), ";") {
		if end, is := strings.CutPrefix(part, "UNTIL="); is {
			var err error
			if until, err = lastRepetition(end, start); err != nil {
				return none, bad("has an UNTIL that is no date, nor a date and time")
			}
			continue
		}
		if part != "" && !strings.HasPrefix(part, "X-") {
			parts = append(parts, part)
		}
	}
	option, err := rrule.StrToROption(strings.Join(parts, ";"))
	if err != nil {
		return none, bad("is not understood: " + err.Error())
	}
	option.Dtstart, option.Until = start.wall, until
	anHour := max(len(option.Byminute), 1) * max(len(option.Bysecond), 1)
	switch times := max(len(option.Byhour), 1) * anHour; {
	case option.Freq == rrule.SECONDLY || option.Freq == rrule.MINUTELY:
		return none, bad("repeats every second or minute; a booking repeats hourly at most")
	case option.Interval > maxInterval:
		return none, bad(fmt.Sprintf("has an INTERVAL of more than %d", maxInterval))
	case times > maxADay, option.Freq == rrule.HOURLY && 24*times > maxADay:
		return none, bad(fmt.Sprintf("repeats more than %d times a day", maxADay))
	case option.Freq == rrule.HOURLY && !reachable(start.wall.Hour(), max(option.Interval, 1), option.Byhour):
		return none, bad("never comes to an hour of its BYHOUR")
	case option.Freq == rrule.DAILY && beyond(option.Bysetpos, times), option.Freq == rrule.HOURLY && beyond(option.Bysetpos, anHour):
		return none, bad("has a BYSETPOS beyond the times of a day or an hour")
	case slices.ContainsFunc(option.Byweekday, func(d rrule.Weekday) bool { return !numbered(d, *option) }):
		return none, bad("numbers weekdays beyond the five of a month")
	}
	return *option, nil
}

// beyond says whether a position, from either end, is beyond so many.
func beyond(positions []int, of int) bool {
	return slices.ContainsFunc(positions, func(n int) bool { return max(n, -n) > of })
}

// reachable says whether steps from an hour ever come to one of the hours.
func reachable(from, step int, hours []int) bool {
	if len(hours) == 0 {
		return true
	}
	for range 24 {
		if slices.Contains(hours, from) {
			return true
		}
		from = (from + step) % 24
	}
	return false
}

// numbered says whether a weekday such as -1FR can be within the rule's month or year.
func numbered(d rrule.Weekday, option rrule.ROption) bool {
	most := 5
	if option.Freq == rrule.YEARLY && len(option.Bymonth) == 0 {
		most = 53
	}
	return -most <= d.N() && d.N() <= most
}

// lastRepetition is what UNTIL says, as clocks at the place show it. A date includes that day.
func lastRepetition(value string, start moment) (time.Time, error) {
	m, err := parseMoment(value, start.zone)
	if err != nil {
		return time.Time{}, err
	}
	switch {
	case m.date:
		return m.wall.Add(24*time.Hour - time.Second), nil
	case start.date: // many exports give a whole day a time of day here
		return m.wall, nil
	}
	return m.in(start.zone).wall, nil
}

// listed is a value of RDATE: a moment, and a length if it is a PERIOD.
type listed struct {
	moment

	length *length
}

// maxListed bounds the values of all RDATE and EXDATE of an event.
const maxListed = 10_000

// parseMoments reads the values of RDATE or EXDATE.
func parseMoments(p property, zoneOf func(property) (*time.Location, error)) ([]listed, error) {
	zone, err := zoneOf(p)
	if err != nil {
		return nil, err
	}
	var moments []listed
	for value := range strings.SplitSeq(p.Value, ",") {
		if strings.TrimSpace(value) == "" {
			continue
		}
		if len(moments) == maxListed {
			return nil, fmt.Errorf("more than %d dates", maxListed)
		}
		begin, end, period := strings.Cut(value, "/")
		m, err := parseMoment(begin, zone)
		if err != nil {
			return nil, err
		}
		one := listed{moment: m}
		if period {
			if one.length, err = periodLength(m, end, zone); err != nil {
				return nil, err
			}
		}
		moments = append(moments, one)
	}
	return moments, nil
}

// periodLength reads the second half of a PERIOD: an end or a duration.
func periodLength(begin moment, end string, zone *time.Location) (*length, error) {
	if strings.HasPrefix(strings.TrimLeft(strings.ToUpper(end), "+ "), "P") {
		l, err := parseLength(end)
		return &l, err
	}
	m, err := parseMoment(end, zone)
	if err != nil {
		return nil, err
	}
	l := length{seconds: m.instant().Unix() - begin.instant().Unix()}
	if l.seconds <= 0 {
		return nil, errors.New("a period ends before it begins")
	}
	return &l, nil
}
