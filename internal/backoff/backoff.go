// Package backoff says how long to wait after failures.
package backoff

import (
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// After is how long to wait after so many failures in a row before: first, multiplied by each, up to last.
func After(failures int, first time.Duration, factor float64, last time.Duration) time.Duration {
	b := wait.Backoff{Duration: first, Factor: factor, Cap: last, Steps: failures + 1}
	for range failures {
		b.Step()
	}
	return min(b.Step(), last)
}
