package table

import (
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func TestMoments(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text, layout string
		end          bool
		want         string
	}{
		{text: "2026-12-01T09:00:00+01:00", want: "2026-12-01T08:00:00Z"},
		{text: "2026-12-01T08:00:00.250Z", want: "2026-12-01T08:00:00.25Z"},
		{text: "2026-12-01 09:00", want: "2026-12-01T08:00:00Z"},
		{text: "2026-07-01T09:00:00", want: "2026-07-01T07:00:00Z"},
		{text: "2026-12-01", want: "2026-11-30T23:00:00Z"},
		// The last day is one of access, with 23, 24 or 25 hours.
		{text: "2026-12-01", end: true, want: "2026-12-01T23:00:00Z"},
		{text: "2026-03-29", end: true, want: "2026-03-29T22:00:00Z"},
		{text: "2026-10-25", end: true, want: "2026-10-25T23:00:00Z"},
		// A time of day is meant as it is, in endTime, too.
		{text: "2026-12-01 00:00", end: true, want: "2026-11-30T23:00:00Z"},
		// 02:30 does not exist on the first day, and twice on the second.
		{text: "2026-03-29 02:30", want: "2026-03-29T01:30:00Z"},
		{text: "2026-03-29 01:59", want: "2026-03-29T00:59:00Z"},
		{text: "2026-03-29 03:00", want: "2026-03-29T01:00:00Z"},
		{text: "2026-10-25 02:30", want: "2026-10-25T00:30:00Z"},
		{text: "2026-10-25 03:00", want: "2026-10-25T02:00:00Z"},
		{text: "24/12/2026 18:30", layout: "DD/MM/YYYY HH:mm", want: "2026-12-24T17:30:00Z"},
		{text: "3/4/2026", layout: "M/D/YYYY", want: "2026-03-03T23:00:00Z"},
		{text: "31.12.2026", layout: "DD.MM.YYYY", end: true, want: "2026-12-31T23:00:00Z"},
		{text: "12/24/2026 06:30 PM", layout: "MM/DD/YYYY hh:mm A", want: "2026-12-24T17:30:00Z"},
		{text: "1796115600", layout: unix, want: "2026-12-01T09:00:00Z"},
	} {
		f := fieldOf{value: &value{Value: Value{Layout: c.layout}}, path: []string{"startTime"}}
		if c.end {
			f.path[0] = "endTime"
		}
		clock, err := clockOf(f, berlin)
		if err != nil {
			t.Fatal(err)
		}
		moment, err := clock.moment(c.text)
		if got := moment.Format(time.RFC3339Nano); err != nil || got != c.want {
			t.Errorf("%q in the layout %q, end %t, is %s, %v; want %s", c.text, c.layout, c.end, got, err, c.want)
		}
	}
}

// A date that stands for no end is none that the API refuses, though west of Greenwich that day ends in the year 10000.
func TestNoEnd(t *testing.T) {
	reader, err := New(Mapping{Format: CSV, TimeZone: "America/New_York", Objects: []Object{{
		Kind: "AccessSubscription", ID: Value{From: "ID"},
		Fields: map[string]Value{"groupRefs": {Text: "members"}, "subject.email": {From: "Email"}, "endTime": {From: "Until"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	reading, err := reader.Read(t.Context(), "x.csv", []byte("ID,Email,Until\n1,ana@example.com,9999-12-31\n2,gil@example.com,2099-12-31\n"), Span{})
	if err != nil || len(reading.Entries) != 2 {
		t.Fatalf("it reads %+v, %v", reading, err)
	}
	for i, want := range []string{"9999-12-31T23:59:59Z", "2100-01-01T05:00:00Z"} {
		if got := reading.Entries[i].Object.(*v1alpha1.AccessSubscription).Spec.EndTime.UTC().Format(time.RFC3339); got != want {
			t.Errorf("the end is %s, not %s", got, want)
		}
	}
}

func TestWhatIsNoMoment(t *testing.T) {
	for _, c := range []struct{ text, layout, want string }{
		{"03/04/2026", "", "is no date or time such as 2026-12-01 or 2026-12-01T09:00:00+01:00: correct it in the export, or set layout"},
		{"2026-02-30", "", "is no date or time such as 2026-12-01 or 2026-12-01T09:00:00+01:00: correct it in the export, or set layout"},
		{"2026-12-01", "DD/MM/YYYY", "is not written as the layout says: correct it in the export, or set another layout"},
		{"soon", unix, "is no number of seconds since 1970: correct it in the export, or set another layout"},
		{"2026-12-01 09:00", "", "has no time zone: set timeZone, such as Europe/Berlin"},
	} {
		clock, err := clockOf(fieldOf{value: &value{Value: Value{Layout: c.layout}}, path: []string{"startTime"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clock.moment(c.text); err == nil || err.Error() != c.want {
			t.Errorf("of %q it says %v, not %s", c.text, err, c.want)
		}
	}
	for _, layout := range []string{"yyyy-mm-dd", "%d/%m/%Y", "DD/MM/YYYY x"} {
		if _, err := layoutOf(layout); err == nil {
			t.Errorf("%q is taken for a layout", layout)
		}
	}
}
