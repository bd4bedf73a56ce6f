package ical

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Of a zone that only the calendar defines, the changes of these years are known. Before them it is as at their beginning.
var (
	zoneFrom  = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	zoneUntil = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// maxOnsets bounds what one definition of a zone may cost.
const maxOnsets = 10_000

// onset is a change of the clocks.
type onset struct {
	at       time.Time
	from, to int // seconds east of UTC
	summer   bool
}

// defineZone makes a zone of a VTIMEZONE.
func defineZone(id string, c *component) (*time.Location, error) {
	var onsets []onset
	for _, observance := range c.children {
		if observance.name != "STANDARD" && observance.name != "DAYLIGHT" {
			continue
		}
		more, err := observance.onsets()
		if err != nil {
			return nil, fmt.Errorf("%s on line %d: %w", observance.name, observance.line, err)
		}
		onsets = append(onsets, more...)
	}
	if len(onsets) == 0 {
		return nil, errors.New("it has neither STANDARD nor DAYLIGHT")
	}
	slices.SortStableFunc(onsets, func(a, b onset) int { return a.at.Compare(b.at) })
	return time.LoadLocationFromTZData(id, tzdata(onsets))
}

// onsets are the times at which a STANDARD or DAYLIGHT begins, by its start, rules and dates.
func (c *component) onsets() ([]onset, error) {
	if c.err != nil {
		return nil, c.err
	}
	from, err := parseOffset(c.text("TZOFFSETFROM"))
	if err != nil {
		return nil, fmt.Errorf("TZOFFSETFROM: %w", err)
	}
	to, err := parseOffset(c.text("TZOFFSETTO"))
	if err != nil {
		return nil, fmt.Errorf("TZOFFSETTO: %w", err)
	}
	// Clocks show the time of the offset that ends.
	old := time.FixedZone("", from)
	start, err := parseMoment(c.text("DTSTART"), old)
	if err != nil {
		return nil, fmt.Errorf("DTSTART: %w", err)
	}
	start.date = false
	moments := []moment{start}
	for _, rule := range c.all("RRULE") {
		// A rule from 1601, as Windows has them, is the same rule from 1970 on.
		begin := start
		if begin.wall.Year() < zoneFrom.Year() {
			begin.wall = begin.wall.AddDate(zoneFrom.Year()-begin.wall.Year(), 0, 0)
		}
		more, err := recur(rule.Value, begin, span{zoneFrom, zoneUntil}, maxOnsets)
		if err != nil {
			return nil, err
		}
		moments = append(moments, more...)
	}
	for _, dates := range c.all("RDATE") {
		more, err := parseMoments(dates, func(property) (*time.Location, error) { return old, nil })
		if err != nil {
			return nil, err
		}
		for _, m := range more {
			moments = append(moments, m.moment)
		}
	}
	onsets := make([]onset, 0, len(moments))
	for _, m := range moments {
		onsets = append(onsets, onset{m.instant(), from, to, c.name == "DAYLIGHT"})
	}
	return onsets, nil
}

// parseOffset reads a UTC-OFFSET such as +0100 or -023015, and returns seconds.
func parseOffset(value string) (int, error) {
	bad := fmt.Errorf("%.20q is no offset from UTC such as +0100", value)
	if len(value) != 5 && len(value) != 7 || value[0] != '+' && value[0] != '-' {
		return 0, bad
	}
	n, err := strconv.ParseUint((value[1:] + "00")[:6], 10, 32)
	if err != nil || n/100%100 > 59 || n%100 > 59 || n/10_000 > 15 {
		return 0, bad
	}
	seconds := int(n/10_000)*3600 + int(n/100%100)*60 + int(n%100) // #nosec G115 -- at most 15 hours
	if value[0] == '-' {
		seconds = -seconds
	}
	return seconds, nil
}

// tzdata writes changes, which must be in order, in the form of the tz database (TZif, RFC 8536).
func tzdata(onsets []onset) []byte {
	type kind struct {
		offset int
		summer bool
	}
	kinds := []kind{{onsets[0].from, false}} // the first is what holds before any change
	index := func(k kind) uint8 {
		at := slices.Index(kinds, k)
		if at < 0 {
			at, kinds = len(kinds), append(kinds, k)
		}
		return uint8(min(at, 255)) // #nosec G115 -- bounded here
	}
	var times []int64
	var types []uint8
	for _, o := range onsets {
		at := o.at.Unix()
		if n := len(times); n > 0 && times[n-1] >= at {
			types[n-1] = index(kind{o.to, o.summer})
			continue
		}
		times, types = append(times, at), append(types, index(kind{o.to, o.summer}))
	}
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.BigEndian, v) // a buffer takes everything
		}
	}
	header := func(times, kinds, names int) {
		b.WriteString("TZif2")
		b.Write(make([]byte, 15))
		put(uint32(0), uint32(0), uint32(0), uint32(times), uint32(kinds), uint32(names)) // #nosec G115 -- bounded by maxOnsets
	}
	const name = "VTZ\x00"
	header(0, 0, 0) // what is read where times have 32 bits
	header(len(times), len(kinds), len(name))
	put(times, types)
	for _, k := range kinds {
		put(int32(k.offset), k.summer, uint8(0)) // #nosec G115 -- at most 15 hours
	}
	b.WriteString(name + "\n\n")
	return b.Bytes()
}
