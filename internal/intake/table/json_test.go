package table

import (
	"strings"
	"testing"
	"time"
)

func bookings(t testing.TB) *Reader {
	t.Helper()
	reader, err := New(Mapping{
		Format: JSON, Rows: "{.data.list}", Total: "{.data.total}", Next: "{.data.next}", TimeZone: "Europe/Berlin",
		Objects: []Object{{Kind: "BookingGrant", ID: Value{From: "id"}, Fields: map[string]Value{
			"groupRefs": {Text: "boardroom"}, "organizer.email": {From: "{.by.email}"}, "attendees": {From: "{.guests[*].email}"},
			"startTime": {From: "start"}, "endTime": {From: "end"},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

const booking = `{"id": 8812, "by": {"email": "ana@example.com"}, "guests": [{"email": "gil@example.com"}, {"name": "nobody"}], "start": "2026-12-01 09:00", "end": "2026-12-01 12:00"}`

func TestJSON(t *testing.T) {
	reading, err := bookings(t).Read(t.Context(), "x.json", []byte(`{"data": {"list": [`+booking+`], "total": 1, "next": null}}`), Span{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `entries:
- id: "8812"
  kind: BookingGrant
  spec:
    attendees:
    - email: gil@example.com
    endTime: "2026-12-01T11:00:00Z"
    externalID: "8812"
    groupRefs:
    - name: boardroom
    organizer:
      email: ana@example.com
    startTime: "2026-12-01T08:00:00Z"
  where: x.json[0]
rows: 1
`
	if got := written(t, reading); got != want {
		t.Errorf("it reads\n%s\nand not\n%s", got, want)
	}
}

func TestHostileJSONRows(t *testing.T) {
	for name, c := range map[string]struct{ row, problem, id string }{
		"no object":        {`"8813"`, "the row is no object: correct the export", ""},
		"an id of lists":   {`{"id": [1, 2]}`, `field "id": is a list or an object where one value is meant: name the part of it that is meant by a JSONPath or by cel`, ""},
		"a time of lists":  {strings.Replace(strings.Replace(booking, "8812", "8813", 1), `"2026-12-01 09:00"`, "[1]", 1), `field "start", for startTime of the BookingGrant: is a list or an object where one value is meant: name the part of it that is meant by a JSONPath or by cel`, "8813"},
		"an end too early": {strings.Replace(strings.Replace(booking, "8812", "8813", 1), "12:00", "08:00", 1), `field "end", for endTime of the BookingGrant: "2026-12-01 08:00" endTime must be after startTime, in whole seconds; correct it in the export, or the mapping`, "8813"},
		"guests that are elsewhere": {strings.Replace(strings.Replace(booking, "8812", "8813", 1), `[{"email": "gil@example.com"}, {"name": "nobody"}]`, `"gil@example.com"`, 1),
			`{.guests[*].email}, for attendees of the BookingGrant: does not lead through what the export has there: correct the JSONPath`, "8813"},
	} {
		t.Run(name, func(t *testing.T) {
			reading, err := bookings(t).Read(t.Context(), "x.json", []byte(`{"data": {"list": [`+booking+`, `+c.row+`], "total": 2}}`), Span{})
			if err != nil {
				t.Fatal(err)
			}
			if len(reading.Entries) != 1 || len(reading.Problems) != 1 {
				t.Fatalf("there are %d entries and the problems %v", len(reading.Entries), reading.Problems)
			}
			if p := reading.Problems[0]; p.Err.Error() != c.problem || p.ID != c.id || p.Where != "x.json[1]" {
				t.Errorf("it says\n%s, about %q: %v\nand not\n%s", p.Where, p.ID, p.Err, c.problem)
			}
		})
	}
}

func TestRefusedJSON(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"nothing":          {"", "x.json ends too early to be JSON: it was cut off; nothing of it is used"},
		"half":             {`{"data": {"list": [` + booking, "x.json ends too early to be JSON: it was cut off; nothing of it is used"},
		"a page to log in": {"<html>", "x.json is no JSON: invalid character '<' looking for beginning of value"},
		"two documents":    {`{"data": {"list": [], "total": 0}} {}`, "x.json goes on after its end: it is no JSON document"},
		"an error":         {`{"error": "unauthorized"}`, "x.json has no list of rows where the mapping says: correct rows, or this is another export"},
		"no list":          {`{"data": {"list": {"a": {}}, "total": 1}}`, "x.json has no list of rows where the mapping says: correct rows, or this is another export"},
		"null":             {`{"data": {"list": null, "total": 0}}`, "x.json has no list of rows where the mapping says: correct rows, or this is another export"},
		"one page":         {`{"data": {"list": [], "total": 0, "next": "abc"}}`, "x.json says that another page follows: fetch all of it at once"},
		"rows missing":     {`{"data": {"list": [` + booking + `], "total": 2}}`, `x.json has 1 rows, and says that it should have "2": fetch all of it at once`},
		"no total":         {`{"data": {"list": [` + booking + `]}}`, `x.json has 1 rows, and does not say how many it should have: correct total, or this is another export`},
	} {
		t.Run(name, func(t *testing.T) {
			reading, err := bookings(t).Read(t.Context(), "x.json", []byte(c.content), Span{})
			if err == nil || err.Error() != c.want {
				t.Errorf("it says\n%v\nand not\n%s", err, c.want)
			}
			if len(reading.Entries) > 0 {
				t.Error("something of it is used")
			}
		})
	}
}

// Of a booking that lasts into the span all is read; one outside makes nothing, and is no problem.
func TestBookingsWithinTheSpan(t *testing.T) {
	from := time.Date(2026, time.December, 1, 8, 0, 0, 0, time.UTC) // when the booking begins
	until := from.Add(3 * time.Hour)                                // and ends
	for name, c := range map[string]struct {
		within Span
		want   int
	}{
		"no bounds":     {Span{}, 1},
		"the same":      {Span{from, until}, 1},
		"within":        {Span{from.Add(time.Hour), until.Add(-time.Hour)}, 1},
		"as it ends":    {Span{From: until}, 0},
		"as it begins":  {Span{Until: from}, 0},
		"a bit of it":   {Span{From: until.Add(-time.Second)}, 1},
		"its beginning": {Span{Until: from.Add(time.Second)}, 1},
	} {
		reading, err := bookings(t).Read(t.Context(), "x.json", []byte(`{"data": {"list": [`+booking+`], "total": 1}}`), c.within)
		if err != nil {
			t.Fatal(err)
		}
		if len(reading.Entries) != c.want || len(reading.Problems) > 0 || reading.Rows != 1 {
			t.Errorf("%s: it reads %+v", name, reading)
		}
	}
}
