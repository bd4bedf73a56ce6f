package kisi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// breaking is a queue that only probes may leave while Kisi is down, and what it has told of outages.
func breaking(t *testing.T, test func(b *bench, told *[]bool)) {
	t.Helper()
	var told []bool
	onBench(t, QueueOptions{OnOutage: func(down bool) { told = append(told, down) }}, func(b *bench) { test(b, &told) })
}

// ask submits a task of one request that is answered so, and returns what became of it.
func (b *bench) ask(key string, priority Priority, result outcome) *error {
	failure := new(error)
	b.queue.Submit(Task{Key: key, Class: Class{Priority: priority}, Run: func(ctx context.Context) {
		turn, err := b.queue.enter(ctx, Class{})
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
		turn, err := b.queue.enter(context.Background(), Class{Priority: Probe})
		if err != nil {
			b.note("probe: " + err.Error())
			return
		}
		b.note("probe")
		turn.finish(result, 0)
	}()
	b.advance(0)
}

func TestInAnOutageOnlyProbesLeaveAndThenTheMostUrgentFirst(t *testing.T) {
	for name, failure := range map[string]outcome{"429": outcomeLimited, "5xx or no answer": outcomeUnavailable} {
		t.Run(name, func(t *testing.T) {
			breaking(t, func(b *bench, told *[]bool) {
				b.ask("unlucky", Grant, failure)
				b.expect("unlucky")
				for i := range 50 {
					b.ask(fmt.Sprint("member", i), Grant, outcomeAnswered)
				}
				b.ask("urgent", Urgent, outcomeAnswered)
				b.advance(time.Hour)
				b.expect("unlucky")
				for range 3 {
					b.probe(failure)
					b.advance(10 * time.Minute)
				}
				b.expect("unlucky", "probe", "probe", "probe")
				if !slices.Equal(*told, []bool{true}) {
					t.Errorf("told %v", *told)
				}
				b.probe(outcomeAnswered)
				b.advance(time.Minute)
				if len(b.sent) != 5+51 || b.sent[5] != "urgent" {
					t.Fatalf("%d sent, after the probe came %q", len(b.sent), b.sent[5])
				}
				for i := 6; i < len(b.times); i++ {
					if gap := b.times[i].Sub(b.times[i-1]); gap < 210*time.Millisecond {
						t.Fatalf("requests %d and %d are only %s apart", i-1, i, gap)
					}
				}
				if !slices.Equal(*told, []bool{true, false}) {
					t.Errorf("told %v", *told)
				}
			})
		})
	}
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
				b.queue.Submit(Task{Key: "two steps", Class: Class{Priority: Urgent}, Run: func(ctx context.Context) {
					_ = b.send(ctx, "first")
					if turn, err := b.queue.enter(context.Background(), Class{Priority: Grant}); err == nil {
						b.note("unlucky")
						turn.finish(outcomeUnavailable, 0)
					}
					second = b.send(ctx, "second")
					ended = true
				}})
				b.advance(test.outage)
				b.expect("first", "unlucky")
				if ended != test.refused || errors.Is(second, ErrOutage) != test.refused {
					t.Fatalf("after %s ended is %v, the error %v", test.outage, ended, second)
				}
				b.probe(outcomeAnswered)
				b.advance(time.Minute)
				want := []string{"first", "unlucky", "probe"}
				if !test.refused {
					want = append(want, "second")
				}
				b.expect(want...)
				if state := b.queue.State(); state.InFlight != 0 || state.Failing {
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
		b.ask("unlucky", Urgent, outcomeUnavailable)
		b.advance(time.Second)
		b.expect("unlucky")
		close(held)
		b.advance(2 * time.Second)
		b.probe(outcomeUnavailable)
		b.advance(20 * time.Second)
		b.expect("unlucky", "probe")
		if len(failures) != 2 || !errors.Is(failures[0], ErrOutage) || !errors.Is(failures[1], ErrOutage) {
			t.Fatalf("the held ones ended with %v", failures)
		}
		b.probe(outcomeAnswered)
		b.ask("after", Grant, outcomeAnswered)
		b.advance(time.Minute)
		b.expect("unlucky", "probe", "probe", "after")
	})
}
