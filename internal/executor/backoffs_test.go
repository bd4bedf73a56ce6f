package executor

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

func TestAnOperationThatIsDueAgainHoweverOftenItIsDoneIsPutOff(t *testing.T) {
	var b Backoffs
	due := plan.Operation{Kind: plan.CheckUser}
	for range roundsAllowed {
		b.CarriedOut("ana", due.ID())
		b.Keep("ana", []plan.Operation{due})
		if until := b.Until("ana", due.ID()); !until.IsZero() {
			t.Fatalf("put off until %s within the rounds allowed", until)
		}
	}
	b.CarriedOut("ana", due.ID())
	first := time.Until(b.Until("ana", due.ID()))
	if first < time.Second/2 {
		t.Fatalf("put off by %s only", first)
	}

	b.Keep("ana", nil) // it is not due any more
	b.CarriedOut("ana", due.ID())
	if until := b.Until("ana", due.ID()); !until.IsZero() {
		t.Errorf("put off until %s though it was not due meanwhile", until)
	}
}

func TestWhatKisiRefusesIsTriedAFewTimesOnly(t *testing.T) {
	tries := func(kind failure.Kind, within time.Duration) (tries int) {
		for at := time.Duration(0); at <= within; tries++ {
			at += kind.RetryAfter(tries) // without jitter, which makes it less often
		}
		return tries
	}
	if n := tries(failure.Refused, 10*time.Minute); n > 8 {
		t.Errorf("%d tries in ten minutes", n)
	}
	if n := tries(failure.Refused, 5*time.Minute); n > 8 { // beside those for the others whom a booking names
		t.Errorf("%d tries in five minutes", n)
	}
	for failures := range 1000 {
		if wait := failure.Refused.RetryAfter(failures); wait+wait/2 > 5*time.Minute {
			t.Errorf("%s after %d failures", wait+wait/2, failures)
		}
	}
}

// Somebody may stand at the door, and one request in several may fail; but what always fails must not eat up the requests.
func TestWhatMayWorkAtAnyMomentIsTriedAgainSoonAndThenSeldom(t *testing.T) {
	var at time.Duration
	var tries []time.Duration // after the first
	for failures := 0; at <= time.Hour; failures++ {
		at += failure.Transient.RetryAfter(failures)
		tries = append(tries, at)
	}
	if tries[0] >= time.Second || tries[1] > 2*time.Second {
		t.Errorf("the first two come after %s and %s", tries[0], tries[1])
	}
	within := func(limit time.Duration) (n int) {
		for _, at := range tries {
			if at <= limit {
				n++
			}
		}
		return n
	}
	if n := within(time.Minute); n > 5 {
		t.Errorf("%d in a minute", n)
	}
	if n := within(time.Hour); n > 20 {
		t.Errorf("%d in an hour", n)
	}
	if wait := failure.Transient.RetryAfter(1000); wait != 5*time.Minute {
		t.Errorf("%s at last", wait)
	}
}

func TestAListThatSomebodyWaitsForIsReadOnceMoreWhereThatMayHelp(t *testing.T) {
	short, whole := kisi.Listing[int]{Incomplete: "short"}, kisi.Listing[int]{}
	for name, test := range map[string]struct {
		first kisi.Listing[int]
		err   error
		reads int
	}{
		"whole":                  {whole, nil, 1},
		"short":                  {short, nil, 2},
		"a 5xx":                  {short, &kisi.Error{Status: http.StatusBadGateway}, 2},
		"a gateway's time-out":   {short, &kisi.Error{Status: http.StatusGatewayTimeout}, 1},
		"no answer":              {short, &kisi.Error{Err: kisi.ErrNoAnswer}, 1},
		"an outage":              {short, &kisi.Error{Err: kisi.ErrOutage}, 1},
		"a rate limit":           {short, &kisi.Error{Status: http.StatusTooManyRequests}, 1},
		"not allowed":            {short, &kisi.Error{Status: http.StatusForbidden}, 1},
		"given up by its caller": {short, context.Canceled, 1},
	} {
		reads := 0
		listing, err := listed(func() (kisi.Listing[int], error) {
			if reads++; reads == 1 {
				return test.first, test.err
			}
			return whole, nil
		})
		if reads != test.reads || (err == nil && !listing.Complete()) {
			t.Errorf("%s: %d reads, %v, %v", name, reads, listing, err)
		}
	}
}

func TestAFreshLookTriesAtOnce(t *testing.T) {
	var b Backoffs
	b.Troubled("ana", "refused", failure.Failure{Kind: failure.Refused, Message: "no"}, 0)
	b.Postponed("ana", "in doubt", time.Now().Add(time.Hour))
	b.RetryNow("ana")
	if !b.Until("ana", "refused").IsZero() {
		t.Error("what was refused waits")
	}
	if b.Until("ana", "in doubt").IsZero() {
		t.Error("what is in doubt does not wait for its answer")
	}
	b.RetryNow("ben")
}

func TestOfSeveralTroublesTheStatusAlwaysNamesTheSame(t *testing.T) {
	for range 50 {
		var b Backoffs
		b.Failed("ana", "b", "second")
		b.Failed("ana", "a", "first")
		if found := b.Trouble("ana"); found.Message != "first" {
			t.Fatalf("found %q", found.Message)
		}
		b.Troubled("ana", "c", failure.Failure{Kind: failure.Refused, Message: "a person has to act", Reason: v1alpha1.ReasonInsufficientRole}, 0)
		found := b.Trouble("ana")
		if found.Message != "a person has to act" {
			t.Fatalf("found %q", found.Message)
		}
	}
}

// A reconcile a millisecond later, and so on for ever, was what came of it.
func TestARowThatWasDueAsksForNoOtherLook(t *testing.T) {
	var b Backoffs
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	row := func(group v1alpha1.KisiID, state v1alpha1.GrantState) v1alpha1.MemberGrant {
		return v1alpha1.MemberGrant{OrganizationID: 1, KisiGroupID: group, State: state}
	}
	covered, blocked := row(1, v1alpha1.GrantCovered), row(2, v1alpha1.GrantBlocked)
	ledger := plan.Ledger{Grants: []v1alpha1.MemberGrant{covered, blocked}}
	b.RecheckAt("ana", covered, now)
	if next := b.NextRecheck("ana", ledger, ledger, now); !next.IsZero() {
		t.Errorf("asks for a look at %s, which is now", next)
	}
	later := now.Add(time.Hour)
	b.RecheckAt("ana", blocked, later)
	if next := b.NextRecheck("ana", ledger, ledger, now); !next.Equal(later) {
		t.Errorf("asks for a look at %s, want %s", next, later)
	}
	if !b.RecheckDue("ana", covered, now, false) {
		t.Error("the row that is due was forgotten")
	}
}
