package command

import (
	"strings"
	"testing"
	"time"
)

// Whatever stands after --at: what is taken is an instant that is taken again for the same, and what is not is quoted so that it
// steers no terminal.
func FuzzAt(f *testing.F) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for _, value := range []string{
		"", "18:00", "24:00", "2026-12-01 18:00", "2026-12-01T18:00:00Z", "2026-12-01", "2h", "-1h", "9223372036854775807ns", "-2562047h47m16.854775808s", "\x1b[2J",
		"9999-12-31T23:59:59-23:59", "0000-01-01", "2026-02-30", "2026-03-29 02:30", strings.Repeat("9", 5000), "１８:００", "2026-12-01T18:00:00+25:00",
	} {
		f.Add(value, 3600)
	}
	f.Fuzz(func(t *testing.T, value string, offset int) {
		if max(offset, -offset) > 14*3600 {
			t.Skip("no zone")
		}
		s := &Settings{Now: func() time.Time { return now }, Zone: time.FixedZone("", offset)}
		at, err := s.at(value)
		if err != nil {
			if text := err.Error(); len(text) > 500 || strings.ContainsAny(text, "\x1b\n\r") || !at.IsZero() {
				t.Fatalf("%d bytes: %.300q", len(text), text)
			}
			return
		}
		again, err := s.at(at.UTC().Format(time.RFC3339Nano))
		if year := at.UTC().Year(); (err != nil || !again.Equal(at)) && year >= 0 && year <= 9999 {
			t.Fatalf("%q is %s, and that is %s, %v", value, at, again, err)
		}
	})
}
