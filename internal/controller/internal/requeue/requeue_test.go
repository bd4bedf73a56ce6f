package requeue

import (
	"testing"
	"time"
)

func TestUntil(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		at   time.Time
		want time.Duration
	}{
		"never":            {want: 0},
		"long ago":         {now.Add(-time.Hour), time.Second},
		"now":              {now, time.Second},
		"in a nanosecond":  {now.Add(1), time.Millisecond},
		"in half a minute": {now.Add(30 * time.Second), 30 * time.Second},
	} {
		if got := Until(c.at, now); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
