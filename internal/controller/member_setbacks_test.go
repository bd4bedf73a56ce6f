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
	if first < time.Second/2 {
		t.Fatalf("put off by %s only", first)
	}

	s.keep("ana", nil) // it is not due any more
	s.carriedOut("ana", due.ID())
	if until := s.until("ana", due.ID()); !until.IsZero() {
		t.Errorf("put off until %s though it was not due meanwhile", until)
	}
}

func TestWhatKisiRefusesIsTriedAFewTimesOnly(t *testing.T) {
	tries := func(kind troubleKind, within time.Duration) (tries int) {
		for at := time.Duration(0); at <= within; tries++ {
			at += kind.retryAfter(tries) // without jitter, which makes it less often
		}
		return tries
	}
	if n := tries(refused, 10*time.Minute); n > 8 {
		t.Errorf("%d tries in ten minutes", n)
	}
	if n := tries(refused, 5*time.Minute); n > 8 { // beside those for the others whom a booking names
		t.Errorf("%d tries in five minutes", n)
	}
	for failures := range 1000 {
		if wait := refused.retryAfter(failures); wait+wait/2 > 5*time.Minute {
			t.Errorf("%s after %d failures", wait+wait/2, failures)
		}
	}
}

func TestAFreshLookTriesAtOnce(t *testing.T) {
	var s setbacks
	s.troubled("ana", "refused", trouble{kind: refused, text: "no"}, 0)
	s.postponed("ana", "in doubt", time.Now().Add(time.Hour))
	s.retryNow("ana")
	if !s.until("ana", "refused").IsZero() {
		t.Error("what was refused waits")
	}
	if s.until("ana", "in doubt").IsZero() {
		t.Error("what is in doubt does not wait for its answer")
	}
	s.retryNow("ben")
}
