package kisi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	testingclock "k8s.io/utils/clock/testing"
)

// bench drives a queue on a fake clock. Inside synctest a test can tell when every goroutine has come to rest, so what
// happens between two steps of the clock is over before the next.
type bench struct {
	t     *testing.T
	clock *testingclock.FakeClock
	queue *Queue

	mu    sync.Mutex
	sent  []string
	times []time.Time
}

func onBench(t *testing.T, options QueueOptions, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, clock: testingclock.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
		options.Clock = b.clock
		if options.Jitter == nil {
			options.Jitter = func() float64 { return 1 }
		}
		b.queue = NewQueue(options)
		defer b.queue.Close()
		test(b)
	})
}

// advance lets time pass in steps short enough that no turn comes noticeably late.
func (b *bench) advance(d time.Duration) {
	const step = 10 * time.Millisecond
	synctest.Wait()
	for passed := time.Duration(0); passed < d; passed += step {
		b.clock.Step(step)
		synctest.Wait()
	}
}

// send makes one request that is answered at once, and notes it.
func (b *bench) send(ctx context.Context, label string) error {
	turn, err := b.queue.enter(ctx, classOf(ctx), label)
	if err != nil {
		return err
	}
	b.note(label)
	turn.finish(outcomeAnswered, 0)
	return nil
}

func (b *bench) note(label string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, label)
	b.times = append(b.times, b.clock.Now())
}

func (b *bench) submit(key string, priority Priority, connection string) Submission {
	return b.queue.Submit(Task{Key: key, Class: Class{Priority: priority, Connection: connection}, Run: func(ctx context.Context) {
		if err := b.send(ctx, key); err != nil {
			b.note(key + ": " + err.Error())
		}
	}})
}

func (b *bench) expect(want ...string) {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.sent, want) {
		b.t.Fatalf("sent\n%q, want\n%q", b.sent, want)
	}
}

// busy uses up the turn that an idle queue gives at once, so that all that follows has to wait and is put in order.
func (b *bench) busy() {
	b.submit("first", Background, "")
	b.expect("first")
	b.sent, b.times = nil, nil
}

func TestAnIdleQueueSendsAtOnceAndThenEvenly(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		start := b.clock.Now()
		for i := range 6 {
			b.submit(fmt.Sprint(i), Grant, "")
		}
		b.expect("0")
		b.advance(2 * time.Second)
		b.expect("0", "1", "2", "3", "4", "5")
		for i, at := range b.times {
			if want := time.Duration(i) * 210 * time.Millisecond; at.Sub(start) != want {
				t.Errorf("request %d left after %s, want %s", i, at.Sub(start), want)
			}
		}
	})
}

func TestTheMostUrgentGoesFirstAndUrgentAlternatesWithRevocation(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		b.busy()
		for _, p := range []Priority{Background, Change, Grant, Revocation, Urgent, Probe} {
			b.submit(p.String()+"1", p, "")
			b.submit(p.String()+"2", p, "")
		}
		b.submit("Revocation3", Revocation, "")
		b.advance(5 * time.Second)
		if want := []string{
			"Probe1", "Probe2", "Urgent1", "Revocation1", "Urgent2", "Revocation2", "Revocation3", "Grant1", "Grant2",
		}; !slices.Equal(b.sent[:len(want)], want) {
			t.Fatalf("sent %q, want it to begin with %q", b.sent, want)
		}
	})
}

func TestConnectionsTakeTurnsAndWithinOneFirstComeIsFirstServed(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		b.busy()
		for i := range 4 {
			b.submit(fmt.Sprint("large", i), Grant, "large")
		}
		b.submit("small0", Grant, "small")
		b.submit("tiny0", Grant, "tiny")
		b.submit("small1", Grant, "small")
		b.advance(2 * time.Second)
		b.expect("large0", "small0", "tiny0", "large1", "small1", "large2", "large3")
	})
}

func TestBackgroundAndChangeGetTheirShareUnderASteadyStreamOfGrants(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		for i := range 100 {
			b.submit(fmt.Sprint("grant", i), Grant, "")
			b.submit(fmt.Sprint("change", i), Change, "")
			b.submit(fmt.Sprint("background", i), Background, "")
		}
		b.advance(11 * time.Second) // 53 turns
		count := map[string]int{}
		for _, key := range b.sent {
			count[strings.TrimRight(key, "0123456789")]++
		}
		if count["grant"] < 40 || count["change"] != 5 || count["background"] != 5 {
			t.Fatalf("turns given: %v", count)
		}
	})
}

func TestUrgentWorkOvertakesTenThousandWaitingGrants(t *testing.T) {
	onBench(t, QueueOptions{MaxInFlight: 4}, func(b *bench) {
		var release []chan struct{}
		for i := range 10_000 {
			answered := make(chan struct{})
			release = append(release, answered)
			b.queue.Submit(Task{Key: fmt.Sprint(i), Class: Class{Priority: Grant}, Run: func(ctx context.Context) {
				turn, err := b.queue.enter(ctx, Class{}, "")
				if err != nil {
					return
				}
				b.note("grant")
				<-answered // Kisi is slow
				turn.finish(outcomeAnswered, 0)
			}})
		}
		b.advance(time.Second)
		b.expect("grant", "grant", "grant") // the last place in flight is kept
		b.submit("urgent", Urgent, "")
		b.expect("grant", "grant", "grant", "urgent") // at once, though nobody has been answered
		if waiting := b.queue.Waiting(); waiting[Grant] != 9997 || waiting[Urgent] != 0 {
			t.Fatalf("waiting: %v", waiting)
		}
		b.queue.Close()
		for _, answered := range release {
			close(answered)
		}
	})
}

// Requests that hang until they time out hold nobody up: twice as many as may be in flight, for all that wait.
func TestRequestsThatHangHoldNobodyUp(t *testing.T) {
	onBench(t, QueueOptions{MaxInFlight: 4}, func(b *bench) {
		hang := make(chan struct{})
		for i := range 4 {
			b.queue.Submit(Task{Key: fmt.Sprint("hanging", i), Class: Class{Priority: Urgent}, Run: func(ctx context.Context) {
				turn, err := b.queue.enter(ctx, Class{}, "")
				if err != nil {
					t.Error(err)
					return
				}
				<-hang
				turn.finish(outcomeLost, 0)
			}})
		}
		for i := range 20 {
			b.submit(fmt.Sprint(i), Grant, "")
		}
		b.advance(1990 * time.Millisecond)
		b.expect()
		b.advance(21 * 210 * time.Millisecond)
		if len(b.sent) != 20 {
			t.Errorf("%d of 20 were sent beside those that hang", len(b.sent))
		}
		close(hang)
		b.advance(time.Second)
		if state := b.queue.State(); state.InFlight != 0 {
			t.Errorf("%+v", state)
		}
	})
}

func TestATaskOfTheSameKeyReplacesTheWaitingOne(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		b.busy()
		run := func(label string) func(context.Context) {
			return func(ctx context.Context) { _ = b.send(ctx, label) }
		}
		submit := func(key, label string, priority Priority, want Submission) {
			t.Helper()
			if got := b.queue.Submit(Task{Key: key, Class: Class{Priority: priority}, Run: run(label)}); got != want {
				t.Errorf("submitting %s: %v, want %v", label, got, want)
			}
		}
		submit("a", "a, old", Grant, Submitted)
		submit("b", "b", Grant, Submitted)
		submit("c", "c, old", Grant, Submitted)
		submit("a", "a, keeps its place", Grant, Replaced)
		submit("b", "b, keeps its place though less urgent", Background, Replaced)
		submit("c", "c, overtakes", Urgent, Replaced)
		b.advance(2 * time.Second)
		b.expect("c, overtakes", "a, keeps its place", "b, keeps its place though less urgent")
	})
}

func TestARunningTaskRefusesAnotherOfItsKeyUntilDone(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		proceed := make(chan struct{})
		var resubmitted Submission
		b.queue.Submit(Task{
			Key: "a",
			Run: func(ctx context.Context) { <-proceed; _ = b.send(ctx, "a") },
			Done: func() {
				resubmitted = b.submit("a", Grant, "")
			},
		})
		synctest.Wait()
		if got := b.queue.Status("a"); got != TaskRunning {
			t.Fatalf("status %v", got)
		}
		if got := b.submit("a", Urgent, ""); got != Running {
			t.Fatalf("submitting while running: %v", got)
		}
		if b.queue.Cancel("a") {
			t.Fatal("a running task was cancelled")
		}
		close(proceed)
		synctest.Wait()
		if resubmitted != Submitted || b.queue.Status("a") != TaskWaiting {
			t.Fatalf("from Done: %v, %v", resubmitted, b.queue.Status("a"))
		}
		b.advance(time.Second)
		b.expect("a", "a")
		if got := b.queue.Status("a"); got != TaskAbsent {
			t.Fatalf("status at the end %v", got)
		}
	})
}

func TestACancelledTaskNeverRuns(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		b.busy()
		b.submit("a", Grant, "")
		b.submit("b", Grant, "")
		if !b.queue.Cancel("a") || b.queue.Cancel("a") || b.queue.Cancel("unknown") {
			t.Fatal("Cancel did not report what it did")
		}
		b.advance(time.Second)
		b.expect("b")
	})
}

func TestFurtherRequestsOfATaskGoAheadOfTasksThatHaveNotBegun(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		b.busy()
		b.queue.Submit(Task{Key: "person", Class: Class{Priority: Grant, Connection: "a"}, Run: func(ctx context.Context) {
			_ = b.send(ctx, "user")
			_ = b.send(ctx, "assignment")
			_ = b.send(ctx, "read back")
		}})
		b.submit("next", Grant, "a")
		b.submit("other connection", Grant, "b")
		b.advance(440 * time.Millisecond) // the first two
		b.submit("urgent", Urgent, "a")
		b.advance(2 * time.Second)
		b.expect("user", "assignment", "urgent", "read back", "other connection", "next")
	})
}

func TestATurnThatIsNotUsedIsGivenBack(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		b.busy()
		for i := range 3 {
			b.queue.Submit(Task{Key: fmt.Sprint(i), Class: Class{Priority: Grant}, Run: func(context.Context) { b.note("nothing to do") }})
		}
		b.submit("request", Grant, "")
		b.advance(210 * time.Millisecond)
		b.expect("nothing to do", "nothing to do", "nothing to do", "request")
		if state := b.queue.State(); state.InFlight != 0 {
			t.Fatalf("%d turns are still out", state.InFlight)
		}
	})
}

func TestATurnHeldTooLongIsTakenBackAndTheRequestWaitsForAnother(t *testing.T) {
	onBench(t, QueueOptions{MaxInFlight: 1}, func(b *bench) {
		hang := make(chan struct{})
		b.queue.Submit(Task{Key: "hanging", Class: Class{Priority: Grant}, Run: func(ctx context.Context) {
			<-hang
			_ = b.send(ctx, "hanging")
		}})
		b.submit("other", Grant, "")
		b.advance(14 * time.Second)
		b.expect()
		b.advance(2 * time.Second)
		b.expect("other")
		close(hang)
		b.advance(time.Second)
		b.expect("other", "hanging")
	})
}

func TestTasksSlowToSendNeitherBreakThePaceNorWasteIt(t *testing.T) {
	onBench(t, QueueOptions{MaxInFlight: 4}, func(b *bench) {
		prepared := make(chan struct{})
		for i := range 3 {
			b.queue.Submit(Task{Key: fmt.Sprint(i), Class: Class{Priority: Urgent}, Run: func(ctx context.Context) {
				<-prepared // all intents are written at the same moment
				_ = b.send(ctx, fmt.Sprint(i))
			}})
		}
		b.advance(time.Second)
		if state := b.queue.State(); state.InFlight != 3 {
			t.Fatalf("%d tasks prepare, want 3", state.InFlight)
		}
		close(prepared)
		b.advance(time.Second)
		if len(b.times) != 3 || b.times[1].Sub(b.times[0]) != 210*time.Millisecond || b.times[2].Sub(b.times[1]) != 210*time.Millisecond {
			t.Fatalf("sent at %v", b.times)
		}
	})
}

func TestACallWhoseContextEndsWhileWaitingIsNotSent(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		b.busy()
		ctx, cancel := context.WithCancel(context.Background())
		var err error
		go func() { err = b.send(WithClass(ctx, Class{Priority: Urgent}), "given up") }()
		synctest.Wait()
		if waiting := b.queue.Waiting(); waiting[Urgent] != 1 {
			t.Fatalf("waiting: %v", waiting)
		}
		cancel()
		synctest.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		b.submit("next", Background, "")
		b.advance(210 * time.Millisecond)
		b.expect("next") // and its turn is not lost
		if waiting := b.queue.Waiting(); len(waiting) != 0 {
			t.Fatalf("waiting: %v", waiting)
		}
	})
}

func TestCloseDropsWhatWaitsAndLetsRequestsUnderWayEnd(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		answered := make(chan struct{})
		var second error
		b.queue.Submit(Task{Key: "under way", Run: func(ctx context.Context) {
			turn, err := b.queue.enter(ctx, Class{}, "")
			if err != nil {
				t.Error(err)
				return
			}
			<-answered
			turn.finish(outcomeAnswered, 0)
			second = b.send(ctx, "second request")
		}})
		synctest.Wait()
		b.submit("waiting", Urgent, "")
		var call error
		go func() { call = b.send(context.Background(), "call") }()
		synctest.Wait()
		b.queue.Close()
		b.queue.Close()
		synctest.Wait()
		if !errors.Is(call, ErrQueueClosed) {
			t.Errorf("waiting call: %v", call)
		}
		if got := b.submit("late", Urgent, ""); got != Closed {
			t.Errorf("late task: %v", got)
		}
		ended := make(chan error)
		go func() { ended <- b.queue.Wait(context.Background()) }()
		synctest.Wait()
		select {
		case err := <-ended:
			t.Errorf("Wait returned while a task was running: %v", err)
		default:
		}
		close(answered)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if !errors.Is(second, ErrQueueClosed) {
			t.Errorf("second request: %v", second)
		}
		b.advance(time.Minute)
		b.expect()
	})
}

func TestTheLowestRateOfTheConnectionsCounts(t *testing.T) {
	onBench(t, QueueOptions{}, func(b *bench) {
		gap := func() time.Duration {
			b.sent, b.times = nil, nil
			b.submit("a", Urgent, "")
			b.submit("b", Urgent, "")
			b.advance(5 * time.Second)
			if len(b.times) != 2 {
				t.Fatalf("sent %v", b.sent)
			}
			return b.times[1].Sub(b.times[0])
		}
		for _, step := range []struct {
			change func()
			want   time.Duration
		}{
			{func() {}, 210 * time.Millisecond},
			{func() { b.queue.SetRate("one", 10) }, 110 * time.Millisecond}, // 100.5 ms, seen in steps of 10 ms
			{func() { b.queue.SetRate("two", 1) }, 1010 * time.Millisecond},
			{func() { b.queue.Forget("two") }, 110 * time.Millisecond},
			{func() { b.queue.Forget("one") }, 210 * time.Millisecond},
		} {
			step.change()
			if got := gap(); got != step.want {
				t.Errorf("gap %s, want %s", got, step.want)
			}
		}
	})
}

// An import makes a user and a row for each of a thousand people. A booking that opens now, which takes the same two
// requests, waits for those in flight at most, whenever it comes.
func TestABookingAmidAnImportOfAThousandWaitsForTheRequestsInFlightOnly(t *testing.T) {
	const people, inFlight, latency = 1000, 4, 700 * time.Millisecond
	for _, after := range []time.Duration{0, 100 * time.Millisecond, 5 * time.Second, time.Minute} {
		t.Run(after.String(), func(t *testing.T) {
			onBench(t, QueueOptions{MaxInFlight: inFlight}, func(b *bench) {
				defer b.advance(2 * latency)
				defer b.queue.Close()
				requests := func(label string) func(context.Context) {
					return func(ctx context.Context) {
						for _, step := range []string{" user", " row"} {
							turn, err := b.queue.enter(ctx, Class{}, "")
							if err != nil {
								return // the test is over
							}
							b.note(label + step)
							wait(b, latency)
							turn.finish(outcomeAnswered, 0)
						}
					}
				}
				for i := range people {
					label := fmt.Sprint("import", i)
					b.queue.Submit(Task{Key: label, Class: Class{Priority: Grant}, Run: requests(label)})
				}
				b.advance(after)
				sent, came := len(b.sent), b.clock.Now()
				b.queue.Submit(Task{Key: "booking", Class: Class{Priority: Urgent}, Run: requests("booking")})
				b.advance(2*latency + time.Second)
				user := slices.Index(b.sent, "booking user")
				if user < 0 || user > sent {
					t.Fatalf("%d requests were sent before the booking's, want none: %q", user-sent, b.sent[sent:])
				}
				if waited := b.times[user].Sub(came); waited > 210*time.Millisecond {
					t.Errorf("its first request waited %s, want no more than the pace asks for", waited)
				}
				row := slices.Index(b.sent, "booking row")
				if row < 0 {
					t.Fatalf("its second request waits: %q", b.sent[sent:])
				}
				if waited := b.times[row].Sub(b.times[user]); waited > latency+2*210*time.Millisecond {
					t.Errorf("its second request waited %s after the first was answered", waited-latency)
				}
			})
		})
	}
}

func TestWhatWaitsForAConnectionThatIsForgottenIsDropped(t *testing.T) {
	onBench(t, QueueOptions{MaxInFlight: 1}, func(b *bench) {
		b.queue.Submit(Task{Key: "two requests", Class: Class{Priority: Urgent, Connection: "going"}, Run: func(ctx context.Context) {
			for i := range 2 {
				if err := b.send(ctx, fmt.Sprintf("begun %d", i)); err != nil {
					b.note(err.Error())
				}
			}
		}})
		synctest.Wait()
		b.submit("look-up", Grant, "going")
		b.submit("full read", Background, "going")
		b.submit("other", Background, "staying")
		b.queue.Forget("going")
		if waiting := b.queue.Waiting(); waiting[Grant] != 0 || waiting[Background] != 1 {
			t.Errorf("waiting %v", waiting)
		}
		if status := b.queue.Status("look-up"); status != TaskAbsent {
			t.Errorf("the look-up is %v", status)
		}
		b.advance(5 * time.Second)
		b.expect("begun 0", "begun 1", "other")
		b.submit("look-up", Grant, "going") // the connection is back
		b.advance(time.Second)
		b.expect("begun 0", "begun 1", "other", "look-up")
	})
}
