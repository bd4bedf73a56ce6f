package member

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever has the turn writes to the API server meanwhile, which may take long.
func TestWhoeverWaitsForATurnWaitsNoLongerThanItsContextLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var turns turns
		end, err := turns.take(t.Context(), "ana")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := turns.take(ctx, "ana"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting ended with %v, want %v", err, context.DeadlineExceeded)
		}
		end()
		again, err := turns.take(t.Context(), "ana")
		if err != nil {
			t.Fatal(err)
		}
		again()
	})
}
