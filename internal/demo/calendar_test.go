package demo

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/intake/ical"
)

// The line that the demo has people add lets the guest in, now and for days, and nothing else does.
func TestTheLineOfTheCalendarLetsTheGuestIn(t *testing.T) {
	is := quickstart.Calendar
	content, err := os.ReadFile(filepath.Join("../..", is.File))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	invited := func(content string) (open bool) {
		reading, err := ical.Read(t.Context(), is.File, []byte(content), ical.Options{Zone: time.UTC, From: now, Until: now.Add(48 * time.Hour)})
		if err != nil || len(reading.Problems) > 0 || len(reading.Entries) == 0 {
			t.Fatalf("%d entries, problems %v, %v", len(reading.Entries), reading.Problems, err)
		}
		for _, entry := range reading.Entries {
			booking, _ := entry.Object.(*v1alpha1.BookingGrant)
			guest := slices.ContainsFunc(booking.Spec.Attendees, func(p v1alpha1.Person) bool { return string(p.Email) == is.Guest })
			open = open || guest && !booking.Spec.StartTime.After(now) && booking.Spec.EndTime.After(now)
		}
		return open
	}
	if invited(string(content)) {
		t.Errorf("%s is in %s already", is.Guest, is.File)
	}
	if !invited(strings.Replace(string(content), "END:VEVENT", is.Line+"\nEND:VEVENT", 1)) {
		t.Errorf("%q lets nobody in", is.Line)
	}
}
