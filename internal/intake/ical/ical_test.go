package ical

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/intake"
)

// berlin are options for a room there in the week in which summer time ends.
func berlin(t *testing.T) Options {
	return Options{
		Zone: location(t, "Europe/Berlin"),
		From: time.Date(2026, 10, 22, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 6, 0, 0, 0, 0, time.UTC),
		PlaceRef: &v1alpha1.PlaceReference{Name: "room"},
	}
}

// said are the entries of a reading, a line each, by time.
func said(r intake.Reading) []string {
	var lines []string
	for _, e := range r.Entries {
		b := e.Object.(*v1alpha1.BookingGrant)
		people := []string{string(b.Spec.Organizer.Email)}
		for _, a := range b.Spec.Attendees {
			people = append(people, string(a.Email))
		}
		line := fmt.Sprintf("%s %s %s %s", b.Spec.StartTime.UTC().Format("Jan 2 15:04"), b.Spec.EndTime.UTC().Format("15:04"), e.ID, strings.Join(people, " "))
		if b.Spec.State == v1alpha1.BookingCanceled {
			line += " canceled"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func TestCalendarsOfThreeSystems(t *testing.T) {
	for file, want := range map[string][]string{
		"google.ics": {
			"Oct 23 06:00 07:00 standup@google.com/20261023T060000Z ana@acme.example gil@acme.example",
			"Oct 24 06:00 07:00 standup@google.com/20261024T060000Z ana@acme.example gil@acme.example",
			"Oct 24 21:00 05:00 night@google.com gil@acme.example mia@acme.example",
			"Oct 25 07:00 08:00 standup@google.com/20261025T070000Z ana@acme.example gil@acme.example",
			"Oct 26 09:00 10:30 standup@google.com/20261026T070000Z ana@acme.example",
			"Oct 27 07:00 08:00 standup@google.com/20261027T070000Z ana@acme.example gil@acme.example canceled",
			"Oct 28 07:00 08:00 standup@google.com/20261028T070000Z ana@acme.example gil@acme.example",
		},
		"outlook.ics": {
			"Oct 23 06:00 08:00 040000008200E00074C5B7101A82E00800000000B0A1/20261023T060000Z ana@acme.example gil@acme.example mia@acme.example",
			"Oct 24 22:00 23:00 040000008200E00074C5B7101A82E00800000000B0A2 gil@acme.example", // 25 hours
			"Oct 25 00:30 02:30 040000008200E00074C5B7101A82E00800000000B0A3 mia@acme.example",
			"Oct 25 13:00 14:00 040000008200E00074C5B7101A82E00800000000B0A1/20261026T070000Z ana@acme.example gil@acme.example",
			"Oct 30 07:00 09:00 040000008200E00074C5B7101A82E00800000000B0A1/20261030T070000Z ana@acme.example canceled",
			"Nov 2 07:00 09:00 040000008200E00074C5B7101A82E00800000000B0A1/20261102T070000Z ana@acme.example gil@acme.example mia@acme.example",
		},
		"caldav.ics": {
			"Oct 24 16:00 18:00 5E1F8C3A-0001/20261024T160000Z ana@acme.example gil@acme.example",
			"Oct 25 17:00 19:00 5E1F8C3A-0001/20261025T170000Z ana@acme.example gil@acme.example",
			"Oct 26 17:00 19:00 5E1F8C3A-0001/20261026T170000Z ana@acme.example gil@acme.example",
			"Oct 27 08:00 09:00 5E1F8C3A-0002 Mia@acme.example canceled",
			"Oct 27 09:00 10:00 5E1F8C3A-0003 mia@acme.example",
			"Oct 28 06:00 08:00 5E1F8C3A-0001/20261028T060000Z ana@acme.example gil@acme.example",
		},
	} {
		content, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		reading, err := Read(t.Context(), file, content, berlin(t))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		if d := cmp.Diff(want, said(reading)); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
		if len(reading.Problems) > 0 {
			t.Errorf("%s: %v", file, reading.Problems)
		}
	}
}

// calendar wraps events.
func calendar(events ...string) []byte {
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
	for _, e := range events {
		text += "BEGIN:VEVENT\r\n" + strings.ReplaceAll(strings.TrimSpace(e), "\n", "\r\n") + "\r\nEND:VEVENT\r\n"
	}
	return []byte(text + "END:VCALENDAR\r\n")
}

const byAna = "ORGANIZER:mailto:ana@acme.example\n"

func TestWhatEventsMean(t *testing.T) {
	for _, is := range []struct {
		name    string
		change  func(*Options)
		events  []string
		want    []string
		problem string // part of the only one
	}{
		{
			name:   "times without a zone are the place's",
			events: []string{byAna + "UID:a\nDTSTART:20261101T090000\nDTEND:20261101T100000"},
			want:   []string{"Nov 1 08:00 09:00 a ana@acme.example"},
		},
		{
			name:   "a whole day ends with it, in the place's zone",
			events: []string{byAna + "UID:a\nDTSTART;VALUE=DATE:20261101"},
			want:   []string{"Oct 31 23:00 23:00 a ana@acme.example"},
		},
		{
			name: "the highest SEQUENCE counts, wherever it stands",
			events: []string{
				byAna + "UID:a\nSEQUENCE:2\nDTSTART:20261101T090000Z\nDTEND:20261101T100000Z",
				byAna + "UID:a\nSEQUENCE:1\nDTSTART:20261101T110000Z\nDTEND:20261101T120000Z",
			},
			want: []string{"Nov 1 09:00 10:00 a ana@acme.example"},
		},
		{
			name: "of the same SEQUENCE the later DTSTAMP counts",
			events: []string{
				byAna + "UID:a\nDTSTAMP:20261010T000000Z\nDTSTART:20261101T090000Z\nDTEND:20261101T100000Z",
				byAna + "UID:a\nDTSTAMP:20261009T000000Z\nDTSTART:20261101T110000Z\nDTEND:20261101T120000Z",
			},
			want: []string{"Nov 1 09:00 10:00 a ana@acme.example"},
		},
		{
			name:   "an event that is not confirmed lets nobody in",
			events: []string{byAna + "UID:a\nSTATUS:TENTATIVE\nDTSTART:20261101T090000Z\nDTEND:20261101T100000Z"},
			want:   []string{"Nov 1 09:00 10:00 a ana@acme.example canceled"},
		},
		{
			name:   "unless the configuration says so",
			change: func(o *Options) { o.Tentative = TentativeAllow },
			events: []string{byAna + "UID:a\nSTATUS:TENTATIVE\nDTSTART:20261101T090000Z\nDTEND:20261101T100000Z"},
			want:   []string{"Nov 1 09:00 10:00 a ana@acme.example"},
		},
		{
			name: "a canceled series has no repetition left, changed ones neither",
			events: []string{
				byAna + "UID:a\nSTATUS:CANCELLED\nDTSTART:20261101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2",
				byAna + "UID:a\nRECURRENCE-ID:20261102T090000Z\nDTSTART:20261102T110000Z\nDURATION:PT1H",
			},
			want: []string{"Nov 1 09:00 10:00 a/20261101T090000Z ana@acme.example canceled", "Nov 2 11:00 12:00 a/20261102T090000Z ana@acme.example canceled"},
		},
		{
			name: "this and all that follow",
			events: []string{
				byAna + "UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3",
				"ORGANIZER:mailto:gil@acme.example\nUID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261102T090000Z\nDTSTART:20261102T100000Z\nDURATION:PT2H",
			},
			want: []string{
				"Nov 1 09:00 10:00 a/20261101T090000Z ana@acme.example", "Nov 2 10:00 12:00 a/20261102T090000Z gil@acme.example",
				"Nov 3 10:00 12:00 a/20261103T090000Z gil@acme.example",
			},
		},
		{
			name:   "this and all that follow, by times of other zones",
			change: func(o *Options) { o.From = time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC) },
			events: []string{
				byAna + "UID:a\nDTSTART;TZID=Europe/Berlin:20261023T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4",
				byAna + "UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261024T070000Z\nDTSTART;TZID=Europe/Berlin:20261024T100000\nDURATION:PT2H",
			},
			want: []string{
				"Oct 24 08:00 10:00 a/20261024T070000Z ana@acme.example", "Oct 25 09:00 11:00 a/20261025T080000Z ana@acme.example",
				"Oct 26 09:00 11:00 a/20261026T080000Z ana@acme.example",
			},
		},
		{
			name:   "a repetition without its series",
			events: []string{byAna + "UID:a\nRECURRENCE-ID:20261102T090000Z\nDTSTART:20261102T110000Z\nDURATION:PT1H"},
			want:   []string{"Nov 2 11:00 12:00 a/20261102T090000Z ana@acme.example"},
		},
		{
			name:   "an excluded day of a series with times",
			events: []string{byAna + "UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE;VALUE=DATE:20261102"},
			want:   []string{"Nov 1 09:00 10:00 a/20261101T090000Z ana@acme.example", "Nov 2 09:00 10:00 a/20261102T090000Z ana@acme.example canceled"},
		},
		{
			name:   "a date more, with its own end",
			events: []string{byAna + "UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20261103T090000Z/PT3H,20261104T090000Z/20261104T093000Z"},
			want: []string{
				"Nov 1 09:00 10:00 a/20261101T090000Z ana@acme.example", "Nov 3 09:00 12:00 a/20261103T090000Z ana@acme.example",
				"Nov 4 09:00 09:30 a/20261104T090000Z ana@acme.example",
			},
		},
		{
			name:   "a whole day that repeats where the clocks change",
			events: []string{byAna + "UID:a\nDTSTART;VALUE=DATE:20261024\nRRULE:FREQ=DAILY;UNTIL=20261026T000000Z"},
			want: []string{
				"Oct 23 22:00 22:00 a/20261024 ana@acme.example", "Oct 24 22:00 23:00 a/20261025 ana@acme.example", "Oct 25 23:00 23:00 a/20261026 ana@acme.example",
			},
		},
		{
			name: "an hour that does not exist",
			change: func(o *Options) {
				o.From, o.Until = time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
			},
			events: []string{byAna + "UID:a\nDTSTART;TZID=Europe/Berlin:20260328T023000\nDURATION:PT15M\nRRULE:FREQ=DAILY;COUNT=3"},
			want: []string{
				"Mar 28 01:30 01:45 a/20260328T013000Z ana@acme.example", "Mar 29 01:30 01:45 a/20260329T013000Z ana@acme.example",
				"Mar 30 00:30 00:45 a/20260330T003000Z ana@acme.example",
			},
		},
		{
			name:   "no end is one far away",
			events: []string{byAna + "UID:a\nDTSTART:16010101T000000\nDTEND:99991231T235959Z"},
			want:   []string{"Jan 1 00:00 23:59 a ana@acme.example"},
		},
		{
			name:    "an end before the beginning",
			events:  []string{byAna + "UID:a\nDTSTART:20261101T090000Z\nDTEND:20261101T080000Z", byAna + "UID:b\nDTSTART:20261101T090000Z\nDTEND:20261101T100000Z"},
			want:    []string{"Nov 1 09:00 10:00 b ana@acme.example"},
			problem: "does not end after it begins",
		},
		{
			name:    "a time zone that nobody knows",
			events:  []string{byAna + "UID:a\nDTSTART;TZID=Middle Earth:20261101T090000\nDURATION:PT1H"},
			problem: "Middle Earth",
		},
		{
			name:    "every second for ever",
			events:  []string{byAna + "UID:a\nDTSTART:20200101T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY"},
			problem: "hourly at most",
		},
		{
			name:    "no organizer",
			events:  []string{"UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H"},
			problem: "set organizer",
		},
		{
			name:   "one who stands in",
			change: func(o *Options) { o.Organizer = &v1alpha1.Person{Email: "desk@acme.example"} },
			events: []string{"ORGANIZER;CN=Room:mailto:c_1@resource.calendar.google.com\nATTENDEE:mailto:gil@acme.example\nUID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H"},
			want:   []string{"Nov 1 09:00 10:00 a desk@acme.example gil@acme.example"},
		},
		{
			name:   "rooms and lists by the configuration",
			change: func(o *Options) { o.NotPeople = []string{"@rooms.acme.example", "All@acme.example"} },
			events: []string{byAna + "ATTENDEE:mailto:x@rooms.acme.example\nATTENDEE:mailto:all@acme.example\nATTENDEE;PARTSTAT=DELEGATED:mailto:mia@acme.example\nUID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H"},
			want:   []string{"Nov 1 09:00 10:00 a ana@acme.example"},
		},
		{
			name:   "only what invites the room, and the room has not declined",
			change: func(o *Options) { o.Room = "room@acme.example" },
			events: []string{
				byAna + "UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H\nATTENDEE:mailto:Room@acme.example",
				byAna + "UID:b\nDTSTART:20261101T090000Z\nDURATION:PT1H\nATTENDEE;PARTSTAT=DECLINED:mailto:room@acme.example",
				byAna + "UID:c\nDTSTART:20261101T090000Z\nDURATION:PT1H\nATTENDEE:mailto:gil@acme.example",
			},
			want: []string{"Nov 1 09:00 10:00 a ana@acme.example", "Nov 1 09:00 10:00 b ana@acme.example canceled"},
		},
		{
			name:    "an attendee without an address",
			events:  []string{byAna + "UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nATTENDEE;CN=Max:invalid:nomail"},
			want:    []string{"Nov 1 09:00 10:00 a/20261101T090000Z ana@acme.example", "Nov 2 09:00 10:00 a/20261102T090000Z ana@acme.example"},
			problem: "1 attendees",
		},
		{
			name:   "a description broken over lines, and the same person twice",
			events: []string{byAna + "UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H\nDESCRIPTION:One\nhttps://two\nATTENDEE:mailto:Gil@acme.example\nATTENDEE:mailto:gil@acme.example\nATTENDEE:mailto:ANA@acme.example"},
			want:   []string{"Nov 1 09:00 10:00 a ana@acme.example Gil@acme.example"},
		},
	} {
		t.Run(is.name, func(t *testing.T) {
			o := berlin(t)
			if is.change != nil {
				is.change(&o)
			}
			reading, err := Read(t.Context(), "room.ics", calendar(is.events...), o)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(is.want, said(reading)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			switch {
			case is.problem == "" && len(reading.Problems) > 0:
				t.Errorf("problems %v", reading.Problems)
			case is.problem != "" && (len(reading.Problems) != 1 || !strings.Contains(reading.Problems[0].Err.Error(), is.problem)):
				t.Errorf("problems %v, want one with %q", reading.Problems, is.problem)
			case is.problem != "" && reading.Problems[0].Where != "room.ics:3":
				t.Errorf("the problem is at %s", reading.Problems[0].Where)
			}
		})
	}
}

// What is no whole calendar is no reading: nothing can be concluded from it.
func TestContentThatIsNoWholeCalendar(t *testing.T) {
	whole := string(calendar(byAna + "UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H"))
	for name, is := range map[string]struct{ content, why string }{
		"nothing":          {"", "empty"},
		"blank lines":      {"\r\n\r\n", "empty"},
		"a page":           {"<!DOCTYPE html>\n<html><head><title>Sign in: please</title></head>\n</html>\n", "login"},
		"JSON":             {`{"error": "quota exceeded"}`, "login"},
		"another kind":     {"BEGIN:VCARD\nEND:VCARD\n", "VCARD"},
		"crossed":          {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\nEND:VEVENT\n", "does not end"},
		"too deep":         {strings.Repeat("BEGIN:VCALENDAR\n", 10), "within each other"},
		"text after it":    {whole + "<!-- served by cache-7: hit -->\n", "login"},
		"binary":           {"\x00\x01\x02:\xff", "login"},
		"one and a half":   {whole + whole[:40], "not read whole"},
		"without its end":  {strings.TrimSuffix(whole, "END:VCALENDAR\r\n"), "not read whole"},
		"without the last": {whole[:len(whole)-4], "does not end"},
	} {
		if reading, err := Read(t.Context(), "room.ics", []byte(is.content), berlin(t)); err == nil || !strings.Contains(err.Error(), is.why) {
			t.Errorf("%s: %d entries, error %v, want %q", name, len(reading.Entries), err, is.why)
		}
	}
	for end := range len(whole) - 2 {
		if reading, err := Read(t.Context(), "room.ics", []byte(whole[:end]), berlin(t)); err == nil {
			t.Fatalf("the first %d of %d bytes are a reading of %d entries", end, len(whole), len(reading.Entries))
		}
	}
}

func TestReadingEndsInTime(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("too late")
	cancel(late)
	if _, err := Read(ctx, "room.ics", calendar(byAna+"UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H"), berlin(t)); !errors.Is(err, late) {
		t.Errorf("error %v, want %v", err, late)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"google.ics", "outlook.ics", "caldav.ics"} {
		content, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add(calendar("UID:a\nDTSTART:20261101T090000Z\nDURATION:PT1H\nRRULE:FREQ=HOURLY\nRDATE:20261101T090000Z/P1D\nEXDATE;VALUE=DATE:20261101"))
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		o := Options{Zone: zone, From: time.Unix(1_790_000_000, 0), Until: time.Unix(1_792_000_000, 0), GroupRefs: []v1alpha1.GroupReference{{Name: "room"}}}
		reading, err := Read(t.Context(), "fuzz", content, o)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, e := range reading.Entries {
			b := e.Object.(*v1alpha1.BookingGrant)
			if seen[e.ID] && !bytes.Contains(content, []byte("/")) || e.ID == "" || len([]rune(e.ID)) > 253 || !b.Spec.EndTime.After(b.Spec.StartTime.Time) || !address.MatchString(string(b.Spec.Organizer.Email)) {
				t.Errorf("entry %q of %v", e.ID, b.Spec)
			}
			seen[e.ID] = true
		}
	})
}
