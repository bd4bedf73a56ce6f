package backoff

import (
	"testing"
	"time"
)

func TestAWaitGrowsUpToTheLast(t *testing.T) {
	for _, c := range []struct {
		failures    int
		factor      float64
		first, last time.Duration
		want        time.Duration
	}{
		{0, 2, time.Second, time.Minute, time.Second},
		{1, 2, time.Second, time.Minute, 2 * time.Second},
		{5, 2, time.Second, time.Minute, 32 * time.Second},
		{6, 2, time.Second, time.Minute, time.Minute},
		{100_000, 2, time.Second, time.Minute, time.Minute},
		{2, 3, 250 * time.Millisecond, 5 * time.Minute, 2250 * time.Millisecond},
		{0, 2, time.Hour, time.Minute, time.Minute},
	} {
		if got := After(c.failures, c.first, c.factor, c.last); got != c.want {
			t.Errorf("after %d failures from %s by %v up to %s: %s, want %s", c.failures, c.first, c.factor, c.last, got, c.want)
		}
	}
}
