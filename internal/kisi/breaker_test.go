package kisi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// breaking is a queue that only probes may leave while Kisi is down, and what it has told: true and false for outages that
// begin and end.
func breaking(t *testing.T, test func(b *bench, told *[]bool)) {
	t.Helper()
	var told []bool
	options := QueueOptions{OnOutage: func(down bool) { told = append(told, down) }, MaxInFlight: 5}
	onBench(t, options, func(b *bench) { test(b, &told) })
}

// breakDown has different requests fail, and the probe that follows.
func (b *bench) breakDown() {
	b.t.Helper()
	for i := range outageAfter {
		b.ask(fmt.Sprint("unlucky", i), Urgent, outcomeUnavailable)
		b.advance(210 * time.Millisecond)
	}
	if state := b.queue.State(); state.Down {
		b.t.Fatal("no probe has failed, and Kisi is taken to be down")
	}
	b.probe(outcomeLost)
	b.advance(210 * time.Millisecond)
	if state := b.queue.State(); !state.Down {
		b.t.Fatalf("Kisi is not taken to be down: %+v", b.queue.outages)
	}
	b.sent, b.times = nil, nil
}

// ask submits a task of one request that is answered so, and returns what became of it.
func (b *bench) ask(key string, priority Priority, result outcome) *error {
	failure := new(error)
	b.queue.Submit(Task{Key: key, Class: Class{Priority: priority}, Run: func(ctx context.Context) {
		turn, err := b.queue.enter(ctx, Class{}, "")
		if *failure = err; err == nil {
			b.note(key)
			turn.finish(result, 0)
		}
	}})
	return failure
}

// probe calls as a probe does, outside any task.
func (b *bench) probe(result outcome) {
	go func() {
		turn, err := b.queue.enter(context.Background(), Class{Priority: Probe}, "probe")
		if err != nil {
			b.note("probe: " + err.Error())
			return
		}
		b.note("probe")
		turn.finish(result, 0)
	}()
	b.advance(0)
}

func TestOneBadAnswerSlowsNobodyDown(t *testing.T) {
	for name, failure := range map[string]outcome{"5xx": outcomeUnavailable, "no answer": outcomeLost} {
		t.Run(name, func(t *testing.T) {
			breaking(t, func(b *bench, told *[]bool) {
				for i := range 40 {
					result := outcomeAnswered
					if i%4 != 3 {
						result = failure // three different ones in a row, again and again
					}
					b.ask(fmt.Sprint(i), Grant, result)
				}
				b.advance(40 * 210 * time.Millisecond)
				if len(b.sent) != 40 || len(*told) != 0 {
					t.Errorf("%d of 40 requests were sent, and of outages was told %v", len(b.sent), *told)
				}
			})
		})
	}
}

func TestSuspicionIsToldAndTheOthersGoOn(t *testing.T) {
	suspected := 0
	onBench(t, QueueOptions{OnOutage: func(bool) { t.Error("there is no outage") }, OnSuspicion: func() { suspected++ }}, func(b *bench) {
		for i := range outageAfter {
			if suspected > 0 {
				t.Errorf("suspicion after %d failures", i)
			}
			b.ask(fmt.Sprint(i), Grant, outcomeUnavailable)
			b.advance(210 * time.Millisecond)
		}
		if suspected != 1 {
			t.Errorf("suspicion was told %d times", suspected)
		}
		b.ask("fine", Grant, outcomeAnswered)
		b.advance(210 * time.Millisecond)
		b.probe(outcomeUnavailable)
		b.advance(210 * time.Millisecond)
		b.ask("after", Grant, outcomeAnswered)
		b.advance(210 * time.Millisecond)
		b.expect("0", "1", "2", "3", "fine", "probe", "after")
	})
}

// The same few requests that fail in silence raise suspicion after a while.
func TestSilenceRaisesSuspicion(t *testing.T) {
	suspected := 0
	onBench(t, QueueOptions{OnOutage: func(bool) {}, OnSuspicion: func() { suspected++ }}, func(b *bench) {
		for range 5 {
			b.ask("poll", Background, outcomeUnavailable)
			b.advance(2400 * time.Millisecond)
		}
		if suspected != 0 {
			t.Errorf("suspicion was told %d times", suspected)
		}
		b.ask("poll", Background, outcomeUnavailable)
		b.advance(time.Second)
		if suspected != 1 {
			t.Errorf("suspicion was told %d times", suspected)
		}
	})
}

func TestInAnOutageOnlyProbesLeaveAndThenTheMostUrgentFirst(t *testing.T) {
	breaking(t, func(b *bench, told *[]bool) {
		b.breakDown()
		for i := range 50 {
			b.ask(fmt.Sprint("member", i), Grant, outcomeAnswered)
		}
		b.ask("urgent", Urgent, outcomeAnswered)
		b.advance(time.Hour)
		b.expect()
		for range 3 {
			b.probe(outcomeUnavailable)
			b.advance(10 * time.Minute)
		}
		b.expect("probe", "probe", "probe")
		if !slices.Equal(*told, []bool{true}) {
			t.Errorf("told %v", *told)
		}
		b.probe(outcomeAnswered)
		b.advance(time.Minute)
		if len(b.sent) != 4+51 || b.sent[4] != "urgent" {
			t.Fatalf("%d sent, after the probe came %q", len(b.sent), b.sent[4])
		}
		for i := 5; i < len(b.times); i++ {
			if gap := b.times[i].Sub(b.times[i-1]); gap < 210*time.Millisecond {
				t.Fatalf("requests %d and %d are only %s apart", i-1, i, gap)
			}
		}
		if !slices.Equal(*told, []bool{true, false}) {
			t.Errorf("told %v", *told)
		}
	})
}

// A rate limit that lets nothing pass for long is as good as an outage.
func TestAfterMany429InARowOnlyProbesLeave(t *testing.T) {
	breaking(t, func(b *bench, told *[]bool) {
		for i := range 30 {
			b.ask(fmt.Sprint(i), Grant, outcomeLimited)
		}
		b.advance(time.Hour)
		if lasted := b.times[len(b.times)-1].Sub(b.times[0]); len(b.sent) > 10 || lasted < limitedOutage || !slices.Equal(*told, []bool{true}) {
			t.Fatalf("%d requests were sent within %s, told %v", len(b.sent), lasted, *told)
		}
		b.probe(outcomeAnswered)
		b.advance(time.Minute)
		if !slices.Equal((*told)[:2], []bool{true, false}) {
			t.Errorf("told %v", *told)
		}
	})
}

func TestWorkUnderWayWaitsForAShortOutageAndIsNotSentAfterALongOne(t *testing.T) {
	for name, test := range map[string]struct {
		outage  time.Duration
		refused bool
	}{
		"short": {5 * time.Second, false},
		"long":  {time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			breaking(t, func(b *bench, _ *[]bool) {
				var second error
				ended := false
				proceed := make(chan struct{})
				b.queue.Submit(Task{Key: "two steps", Class: Class{Priority: Urgent}, Run: func(ctx context.Context) {
					_ = b.send(ctx, "first")
					<-proceed
					second = b.send(ctx, "second")
					ended = true
				}})
				b.advance(210 * time.Millisecond)
				b.breakDown()
				close(proceed)
				b.advance(test.outage)
				b.expect()
				if ended != test.refused || errors.Is(second, ErrOutage) != test.refused {
					t.Fatalf("after %s ended is %v, the error %v", test.outage, ended, second)
				}
				b.probe(outcomeAnswered)
				b.advance(time.Minute)
				want := []string{"probe"}
				if !test.refused {
					want = append(want, "second")
				}
				b.expect(want...)
				if state := b.queue.State(); state.InFlight != 0 || state.Down {
					t.Errorf("%+v", state)
				}
			})
		})
	}
}

// Tasks that were given turns just before the outage hold up no probe, and are not sent in it.
func TestTurnsGivenBeforeAnOutageAreNotUsedInIt(t *testing.T) {
	breaking(t, func(b *bench, _ *[]bool) {
		held := make(chan struct{})
		var failures []error
		for i := range 2 {
			b.queue.Submit(Task{Key: fmt.Sprint("held", i), Class: Class{Priority: Urgent}, Run: func(ctx context.Context) {
				<-held
				failures = append(failures, b.send(ctx, "held"))
			}})
		}
		b.advance(time.Second)
		b.breakDown()
		close(held)
		b.advance(2 * time.Second)
		b.probe(outcomeUnavailable)
		b.advance(20 * time.Second)
		b.expect("probe")
		if len(failures) != 2 || !errors.Is(failures[0], ErrOutage) || !errors.Is(failures[1], ErrOutage) {
			t.Fatalf("the held ones ended with %v", failures)
		}
		b.probe(outcomeAnswered)
		b.ask("after", Grant, outcomeAnswered)
		b.advance(time.Minute)
		b.expect("probe", "probe", "after")
	})
}
