package limit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Whoever has the account writes to the API server meanwhile, which may take long.
func TestWhoeverWaitsForAnAccountWaitsNoLongerThanItsContextLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, group := &Allowances{}, client.ObjectKey{Namespace: "gym", Name: "members"}
		_, closeIt, err := a.open(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := a.Spend(ctx, group, nil, plan.Limit{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting ended with %v, want %v", err, context.DeadlineExceeded)
		}
		closeIt()
		if len(a.groups) > 0 {
			t.Error("the account is remembered although nothing was paid")
		}
	})
}
