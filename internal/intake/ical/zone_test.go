package ical

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestClocksThatAreSetForwardAndBack(t *testing.T) {
	for _, is := range []struct{ zone, wall, want string }{
		{"Europe/Berlin", "20260329T015959", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "20260329T020000", "2026-03-29T01:00:00Z"}, // does not exist: as 3:00
		{"Europe/Berlin", "20260329T023000", "2026-03-29T01:30:00Z"}, // as 3:30
		{"Europe/Berlin", "20260329T030000", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "20261025T015959", "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "20261025T020000", "2026-10-25T00:00:00Z"}, // exists twice: the first
		{"Europe/Berlin", "20261025T025959", "2026-10-25T00:59:59Z"},
		{"Europe/Berlin", "20261025T030000", "2026-10-25T02:00:00Z"},
		{"America/New_York", "20260308T023000", "2026-03-08T07:30:00Z"},
		{"America/New_York", "20261101T013000", "2026-11-01T05:30:00Z"},
		{"Australia/Lord_Howe", "20261004T021500", "2026-10-03T15:45:00Z"}, // half an hour is skipped
		{"Pacific/Apia", "20111230T120000", "2011-12-30T22:00:00Z"},        // a day that was not
		{"America/Havana", "20260308T000000", "2026-03-08T05:00:00Z"},      // no midnight
		{"Asia/Kathmandu", "20260101T000000", "2025-12-31T18:15:00Z"},
	} {
		m, err := parseMoment(is.wall, location(t, is.zone))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.instant().Format(time.RFC3339); got != is.want {
			t.Errorf("%s in %s is %s, want %s", is.wall, is.zone, got, is.want)
		}
	}
}

// Whatever the zone and the time, clocks show the moment that was meant, or it does not exist and they show a later one.
func TestMomentsAreShownByClocks(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Casablanca", "Asia/Kolkata", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		wall := time.Unix(rapid.Int64Range(1_000_000_000, 2_500_000_000).Draw(t, "wall"), 0).UTC()
		at := moment{wall: wall, zone: zone}.instant()
		shown := at.In(zone)
		_, offset := shown.Zone()
		if difference := at.Add(time.Duration(offset) * time.Second).Sub(wall); difference < 0 || difference > 24*time.Hour {
			t.Errorf("%s is shown as %s", wall.Format(clockLayout), shown)
		} else if difference > 0 {
			for early := at.Add(-26 * time.Hour); early.Before(at.Add(26 * time.Hour)); early = early.Add(15 * time.Minute) {
				_, offset := early.In(zone).Zone()
				if early.Add(time.Duration(offset) * time.Second).Equal(wall.Truncate(15 * time.Minute)) {
					t.Errorf("%s exists, and is taken for %s", wall.Format(clockLayout), shown)
				}
			}
		}
	})
}

// A zone that a calendar defines is, for as long as it has the rules of today, the one of the tz database.
func TestZonesThatTheCalendarDefines(t *testing.T) {
	for name, definition := range map[string]string{
		"Europe/Berlin": `BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT`,
		"America/New_York": `BEGIN:DAYLIGHT
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
END:STANDARD`,
		"Asia/Kolkata": "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0530\nTZOFFSETTO:+0530\nEND:STANDARD",
	} {
		calendars, err := parse([]byte("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Ours\n" + definition + "\nEND:VTIMEZONE\nEND:VCALENDAR\n"))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := newZones(time.UTC, calendars[0]).find("Ours")
		if err != nil {
			t.Fatal(err)
		}
		theirs := location(t, name)
		wrong := 0
		for at := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2095; at = at.Add(6 * time.Hour) {
			_, got := at.In(ours).Zone()
			_, want := at.In(theirs).Zone()
			if got != want {
				wrong++
				if wrong < 4 {
					t.Errorf("%s: at %s the offset is %d, want %d", name, at, got, want)
				}
			}
		}
	}
}

func TestNamesOfZones(t *testing.T) {
	for name, want := range map[string]string{
		"W. Europe Standard Time": "Europe/Berlin",
		"gmt standard time":       "Europe/London",
		"Eastern Standard Time":   "America/New_York",
		"UTC":                     "Etc/UTC",
		"Europe/Paris":            "Europe/Paris",
		"/freeassociation.sourceforge.net/Europe/Paris":          "Europe/Paris",
		"/mozilla.org/20050126_1/America/Argentina/Buenos_Aires": "America/Argentina/Buenos_Aires",
		"": "", "Local": "", "Customized Time Zone": "", "../../etc/passwd": "",
	} {
		got := ""
		if zone := named(name); zone != nil {
			got = zone.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	for name, zone := range windowsZones() {
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(windowsZones()); n < 140 {
		t.Errorf("%d zones of Windows", n)
	}
}

func TestDefinitionsThatAreWrong(t *testing.T) {
	for definition, why := range map[string]string{
		"": "neither STANDARD nor DAYLIGHT",
		"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+9900\nTZOFFSETTO:+0100\nEND:STANDARD":                    "TZOFFSETFROM",
		"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nEND:STANDARD":                                      "TZOFFSETTO",
		"BEGIN:STANDARD\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD":                                             "DTSTART",
		"BEGIN:STANDARD\nDTSTART:19700101T000000\nRRULE:FREQ=HOURLY\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD": "repeats more than",
	} {
		calendars, err := parse([]byte("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Ours\n" + definition + "\nEND:VTIMEZONE\nEND:VCALENDAR\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newZones(time.UTC, calendars[0]).find("Ours"); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", definition, err, why)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]length{
		"PT1H30M": {0, 5400}, "P1D": {1, 0}, "P2W": {14, 0}, "P1DT12H": {1, 43200}, "+PT90S": {0, 90}, "pt5m": {0, 300},
	} {
		if got, err := parseLength(text); err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "P", "1H", "-PT1H", "PT1X", "P1H", "PT1D", "PT", "P999999999999D", "P99999999D"} {
		if got, err := parseLength(text); err == nil && text != "PT" {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}
