package controller

import (
	"cmp"
	"time"
)

// sooner returns the shorter of two waits, where zero means none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// untilTime is how long it is until t, at least a moment; zero if t is never.
func untilTime(t, now time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(t.Sub(now), time.Millisecond)
}
