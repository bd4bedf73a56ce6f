package requeue

import (
	"cmp"
	"time"
)

// Sooner returns the shorter of two waits, where zero means none.
func Sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// Until is how long it is until t, at least a moment; zero if t is never. What has passed already was made nothing of when all
// was looked at: that is done again in a second, for at once would be for ever.
func Until(t, now time.Time) time.Duration {
	switch {
	case t.IsZero():
		return 0
	case !t.After(now):
		return time.Second
	}
	return max(t.Sub(now), time.Millisecond)
}
