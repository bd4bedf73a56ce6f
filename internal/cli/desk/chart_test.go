package desk

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
)

// In Berlin, 29 March 2026 has 23 hours, and 25 October 25.
func TestTheChartFitsTheDay(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		day         string
		from, until string // RFC 3339; empty for none
		place       string
		width       string
	}{
		{"2026-11-27", "2026-11-27T06:00:00+01:00", "2026-11-27T12:00:00+01:00", "25.000%", "25.000%"},
		{"2026-11-27", "", "", "0.000%", "100.000%"},
		{"2026-11-27", "2026-11-26T06:00:00+01:00", "2026-11-27T06:00:00+01:00", "0.000%", "25.000%"},
		{"2026-11-27", "2026-11-27T18:00:00+01:00", "", "75.000%", "25.000%"},
		{"2026-11-27", "2026-11-29T18:00:00+01:00", "", "100.000%", "0.000%"},
		{"2026-03-29", "2026-03-29T03:00:00+02:00", "", "8.696%", "91.304%"},
		{"2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-25T02:00:00+01:00", "0.000%", "12.000%"},
	} {
		d := &Desk{zone: berlin}
		at, err := time.ParseInLocation(time.DateOnly, test.day, berlin)
		if err != nil {
			t.Fatal(err)
		}
		from, until := d.dayOf(at)
		bar := chart{from, until}.bar(access.Opening{From: bound(t, test.from), Until: bound(t, test.until)}, openingRow{})
		if bar.Place != test.place || bar.Width != test.width {
			t.Errorf("%s, %s to %s: at %s, %s wide", test.day, test.from, test.until, bar.Place, bar.Width)
		}
		if hours := (chart{from, until}).hours(); len(hours) != 7 || hours[0].Hour != "03" || hours[6].Hour != "21" {
			t.Errorf("%s has hours %v", test.day, hours)
		}
	}
}

func bound(t *testing.T, written string) *metav1.Time {
	t.Helper()
	if written == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, written)
	if err != nil {
		t.Fatal(err)
	}
	return &metav1.Time{Time: at}
}
