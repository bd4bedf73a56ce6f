package controller

import (
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/plan"
)

func TestAnOperationThatIsDueAgainHoweverOftenItIsDoneIsPutOff(t *testing.T) {
	var s setbacks
	due := plan.Operation{Kind: plan.CheckUser}
	for range roundsAllowed {
		s.carriedOut("ana", due.ID())
		s.keep("ana", []plan.Operation{due})
		if until := s.until("ana", due.ID()); !until.IsZero() {
			t.Fatalf("put off until %s within the rounds allowed", until)
		}
	}
	s.carriedOut("ana", due.ID())
	first := time.Until(s.until("ana", due.ID()))
	if first < firstRetry/2 {
		t.Fatalf("put off by %s only", first)
	}

	s.keep("ana", nil) // it is not due any more
	s.carriedOut("ana", due.ID())
	if until := s.until("ana", due.ID()); !until.IsZero() {
		t.Errorf("put off until %s though it was not due meanwhile", until)
	}
}
