package kisi

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// trial drives the rule by itself: whenever suspicion is raised a probe is made at once, as a session does.
type trial struct {
	outages outages
	now     time.Time
	sent    uint64
	probes  int
	opened  int
	// probeFails tells how the next probe is answered.
	probeFails func() bool
}

func newTrial() *trial {
	return &trial{outages: outages{after: outageAfter}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), probeFails: func() bool { return false }}
}

// request lets a request be answered, or not, and makes the probes that follow.
func (tr *trial) request(after time.Duration, name string, fails bool) {
	tr.now = tr.now.Add(after)
	tr.sent++
	tr.learn(failure{request: name}, fails)
	for tr.outages.suspected {
		tr.probes++
		tr.sent++
		before := tr.outages.down
		fails := tr.probeFails()
		tr.learn(failure{request: "GET /login", probe: true}, fails)
		if tr.outages.down && !before {
			tr.opened++
		}
		if fails {
			tr.now = tr.now.Add(time.Second)
		}
	}
}

func (tr *trial) learn(f failure, fails bool) {
	if fails {
		tr.outages.unanswered(tr.now, f, tr.sent)
	} else {
		tr.outages.answered(tr.sent)
	}
}

// Whatever fails whenever it is asked, and however much of that there is: as long as a probe is answered there is no outage,
// and where others are answered in between not even the suspicion of one.
func TestRequestsThatAlwaysFailAreNoOutage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		poison := rapid.IntRange(1, 20).Draw(t, "poison requests")
		tr := newTrial()
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			after := time.Duration(rapid.IntRange(0, 60_000).Draw(t, "milliseconds")) * time.Millisecond
			tr.request(after, fmt.Sprint("poison ", rapid.IntRange(1, poison).Draw(t, "which")), true)
		}
		if tr.outages.down || tr.opened > 0 {
			t.Fatal("they pass for an outage")
		}
		tr = newTrial()
		for i := range rapid.IntRange(1, 200).Draw(t, "rounds") {
			for range rapid.IntRange(0, outageAfter-1).Draw(t, "failures in a row") {
				tr.request(10*time.Millisecond, fmt.Sprint("poison ", rapid.IntRange(1, poison).Draw(t, "which")), true)
			}
			tr.request(10*time.Millisecond, fmt.Sprint("fine ", i), false)
		}
		if tr.probes > 0 {
			t.Fatalf("%d probes were made though others were answered", tr.probes)
		}
	})
}

// When nothing is answered any more Kisi is down after a few different requests, or after a while, and up again with the
// first answer to what was sent since.
func TestWhenNothingIsAnsweredKisiIsDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTrial()
		tr.request(0, "fine", false)
		tr.probeFails = func() bool { return !tr.outages.down } // so that the trial ends with the outage
		different := map[string]bool{}
		begun := tr.now
		for first := true; tr.opened == 0; first = false {
			after := time.Duration(rapid.IntRange(1, 5000).Draw(t, "milliseconds")) * time.Millisecond
			name := fmt.Sprint("request ", rapid.IntRange(1, 6).Draw(t, "which"))
			if first {
				begun = tr.now.Add(after)
			}
			if len(different) >= outageAfter || tr.now.Sub(begun) > outageSilence+5*time.Second {
				t.Fatalf("%d different requests in %s, and no outage", len(different), tr.now.Sub(begun))
			}
			different[name] = true
			tr.request(after, name, true)
		}
		if tr.outages.down {
			t.Fatal("it is not up again with the first answer")
		}
	})
}

func TestAnAnswerToARequestSentBeforeTheOutageDoesNotEndIt(t *testing.T) {
	o := outages{after: 1}
	o.unanswered(time.Now(), failure{request: "GET /login", probe: true}, 7)
	if o.answered(6); !o.down {
		t.Error("it ended")
	}
	if o.answered(8); o.down {
		t.Error("it did not end")
	}
}

// With one request in seven failing, by 5xx and lost answers, an outage is hardly ever seen, and what it costs is a probe.
func TestManyBadAnswersHardlyEverPassForAnOutage(t *testing.T) {
	const requests, failing = 100_000, 0.15
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 1)) // #nosec G404 -- repeatable
		tr := newTrial()
		tr.probeFails = func() bool { return random.Float64() < failing }
		for i := range requests {
			tr.request(20*time.Millisecond, fmt.Sprint(i), random.Float64() < failing)
		}
		if tr.probes > requests/1000 || tr.opened > requests/8000 {
			t.Errorf("seed %d: %d probes and %d outages in %d requests", seed, tr.probes, tr.opened, requests)
		}
	}
}
