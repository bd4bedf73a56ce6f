package kisi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	testingclock "k8s.io/utils/clock/testing"
)

// answering submits a task whose request is answered with the outcomes in turn, and returns when it was sent.
func (b *bench) answering(priority Priority, outcomes ...answered) *[]time.Duration {
	start := b.clock.Now()
	sent := &[]time.Duration{}
	for i, o := range outcomes {
		b.queue.Submit(Task{Key: fmt.Sprint("answering ", i), Class: Class{Priority: priority}, Run: func(ctx context.Context) {
			turn, err := b.queue.enter(ctx, Class{}, "")
			if err != nil {
				b.t.Error(err)
				return
			}
			*sent = append(*sent, b.clock.Since(start))
			turn.finish(o.outcome, o.retryAfter)
		}})
	}
	return sent
}

type answered struct {
	outcome    outcome
	retryAfter time.Duration
}

var (
	fine        = answered{outcome: outcomeAnswered}
	unavailable = answered{outcome: outcomeUnavailable}
	lost        = answered{outcome: outcomeLost}
	limited     = answered{outcome: outcomeLimited}
)

func limitedFor(d time.Duration) answered {
	return answered{outcome: outcomeLimited, retryAfter: d}
}

func TestPausesAfterFailures(t *testing.T) {
	const gap, step = 210 * time.Millisecond, 10 * time.Millisecond // the clock's; the pace is 201 ms
	tests := map[string]struct {
		answers []answered
		jitter  float64
		want    []time.Duration // between one request and the next
	}{
		"a 5xx or a lost answer makes nobody wait": {
			answers: []answered{unavailable, unavailable, lost, lost, unavailable, fine},
			want:    []time.Duration{gap, gap, gap, gap, gap},
		},
		"while there are 429 the pause is a third of what they have lasted, at most a quarter of a minute": {
			answers: []answered{limited, limited, limited, limited, limited, limited, limited, fine, fine},
			jitter:  1,
			want: []time.Duration{time.Second, time.Second, time.Second, time.Second, 1340 * time.Millisecond, 1780 * time.Millisecond,
				2380 * time.Millisecond, gap},
		},
		"the jitter takes off at most half": {
			answers: []answered{limited, limited, fine},
			jitter:  0,
			want:    []time.Duration{time.Second / 2, time.Second / 2},
		},
		"after an answer the pauses begin anew": {
			answers: []answered{limited, limited, limited, limited, limited, fine, limited, fine},
			jitter:  1,
			want:    []time.Duration{time.Second, time.Second, time.Second, time.Second, 1340 * time.Millisecond, gap, time.Second},
		},
		"a burst of 429 that stands alone slows nothing down": {
			answers: []answered{limited, limited, limited, fine, fine, fine},
			jitter:  1,
			want:    []time.Duration{time.Second, time.Second, time.Second, gap, gap},
		},
		"a 429 soon after it halves the pace for two seconds, and the next quarters it": {
			answers: []answered{limited, fine, fine, limited, fine, fine, fine, limited, fine, fine},
			jitter:  1,
			want:    []time.Duration{time.Second, gap, gap, time.Second, 2*gap - step, 2*gap - step, 2*gap - step, time.Second, 4*gap - 3*step},
		},
		"Retry-After is honoured": {
			answers: []answered{limitedFor(7 * time.Second), fine},
			want:    []time.Duration{7 * time.Second},
		},
		"Retry-After is bounded": {
			answers: []answered{limitedFor(24 * time.Hour), fine},
			want:    []time.Duration{5 * time.Minute},
		},
		"Retry-After of a 503 concerns its own request": {
			answers: []answered{{outcomeUnavailable, 3 * time.Second}, fine},
			want:    []time.Duration{gap},
		},
		"what the caller gave up, and a lost answer, say nothing of the rate": {
			answers: []answered{limited, limited, {outcomeAbandoned, 0}, lost, limited, limited, fine},
			jitter:  1,
			want:    []time.Duration{time.Second, time.Second, gap, gap, time.Second, 1140 * time.Millisecond},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onBench(t, QueueOptions{Jitter: func() float64 { return test.jitter }}, func(b *bench) {
				sent := b.answering(Grant, test.answers...)
				b.advance(6 * time.Minute)
				if len(*sent) != len(test.answers) {
					t.Fatalf("only %d of %d requests were sent", len(*sent), len(test.answers))
				}
				var gaps []time.Duration
				for i := 1; i < len(*sent); i++ {
					gaps = append(gaps, (*sent)[i]-(*sent)[i-1])
				}
				if !slices.Equal(gaps, test.want) {
					t.Errorf("gaps %v, want %v", gaps, test.want)
				}
			})
		})
	}
}

func TestThePaceRecoversFromA429SoonUnlessTheyGoOn(t *testing.T) {
	onBench(t, QueueOptions{Jitter: func() float64 { return 0 }}, func(b *bench) {
		pace := func(want float64) {
			t.Helper()
			if got := b.queue.State().RequestsPerSecond; got < want*0.99 || got > want*1.01 {
				t.Errorf("%.2f requests a second, want %.2f", got, want)
			}
		}
		const full = 5 / 1.005
		b.answering(Grant, limited, fine)
		b.advance(time.Second)
		pace(full)
		for _, step := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} { // something else uses up the quota all the time
			b.answering(Grant, limited, fine)
			b.advance(time.Second)
			pace(full / 2)
			b.advance(step)
			pace(full)
		}
		b.advance(5 * time.Minute)
		b.answering(Grant, limited, fine)
		b.advance(time.Second)
		pace(full)
	})
}

// sharing runs pacers against one quota, which lets a request through or not, for so long, and returns what each has sent
// and what of that was let through.
func sharing(random *rand.Rand, pacers []*pacer, lasts time.Duration, quota func(now time.Time) bool, observe func()) (sent, taken []int) {
	sent, taken = make([]int, len(pacers)), make([]int, len(pacers))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for now := start; now.Before(start.Add(lasts)); now = now.Add(10 * time.Millisecond) {
		for i, p := range pacers {
			if p.readyAt(now).After(now) || random.IntN(4) > 0 { // on its way it takes as long as it takes
				continue
			}
			number, result := p.send(now), outcomeLimited
			if sent[i]++; quota(now) {
				taken[i]++
				result = outcomeAnswered
			}
			p.learn(now, number, result, 0)
			observe()
		}
	}
	return sent, taken
}

func TestOperatorsThatShareAQuotaUseItFairlyAndWithFew429(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		pacers := []*pacer{{defaultRate: 5, jitter: random.Float64}, {defaultRate: 5, jitter: random.Float64}}
		tokens, filled := 5.0, time.Time{}
		bucket := func(now time.Time) bool {
			if !filled.IsZero() {
				tokens = min(5, tokens+5*now.Sub(filled).Seconds())
			}
			filled = now
			if tokens < 1 {
				return false
			}
			tokens--
			return true
		}
		const lasts = 10 * time.Minute
		outages := 0
		sent, taken := sharing(random, pacers, lasts, bucket, func() {
			if pacers[0].exhausted || pacers[1].exhausted {
				outages++
			}
		})
		all, quota := taken[0]+taken[1], int(5*lasts.Seconds())
		if refused := sent[0] + sent[1] - all; refused*20 > all || all*10 < quota*6 || min(taken[0], taken[1])*8 < all || outages > 0 {
			t.Errorf("seed %d: sent %v, let through %v of %d, %d times in an outage", seed, sent, taken, quota, outages)
		}
	}
}

// Where something else uses up nearly all of the quota there are long rows of 429 again and again.
func TestAQuotaThatIsNearlyUsedUpIsNotAnOutageAgainAndAgain(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		p := &pacer{defaultRate: 5, jitter: random.Float64}
		outages, was := 0, false
		sharing(random, []*pacer{p}, 3*time.Hour, func(time.Time) bool { return random.IntN(5) == 0 }, func() {
			if p.exhausted && !was {
				outages++
			}
			was = p.exhausted
		})
		if outages > 10 {
			t.Errorf("seed %d: %d outages in three hours", seed, outages)
		}
	}
}

func TestThe429OfOneMomentCountOnceAndOneRequestTriesWhetherItIsOver(t *testing.T) {
	onBench(t, QueueOptions{MaxInFlight: 5}, func(b *bench) {
		var waiting []*turn
		for range 4 {
			go func() {
				turn, err := b.queue.enter(context.Background(), Class{}, "")
				if err != nil {
					t.Error(err)
					return
				}
				waiting = append(waiting, turn)
			}()
			b.advance(210 * time.Millisecond)
		}
		for _, turn := range waiting[:3] {
			turn.finish(outcomeLimited, 0)
		}
		if p := &b.queue.pacer; p.limits != 1 || p.pausedUntil.Sub(p.limitedSince) != time.Second {
			t.Errorf("%d 429 in a row, a pause of %s; want 1, and a second", p.limits, p.pausedUntil.Sub(p.limitedSince))
		}
		b.advance(990 * time.Millisecond)
		go func() { _ = b.send(WithClass(context.Background(), Class{Priority: Urgent}), "call") }()
		synctest.Wait()
		sent := b.answering(Urgent, fine, fine)
		b.advance(time.Second)
		if len(*sent)+len(b.sent) != 0 {
			t.Fatal("a second request was sent while the answer of an earlier one is out, which may be another 429")
		}
		waiting[3].finish(outcomeAnswered, 0) // sent before the 429 was known: it proves nothing
		if !b.queue.pacer.limited() {
			t.Fatal("an answer from before the 429 ended it")
		}
		b.advance(1300 * time.Millisecond)
		if len(*sent) != 2 || len(b.sent) != 1 || b.queue.pacer.limited() {
			t.Fatalf("sent %v", *sent)
		}
	})
}

// Whatever is submitted whenever, in whatever priority, with whatever latency: no window of one second ever holds more
// requests than the rate allows, whether it slides or stands; and everything is sent.
func TestThePaceHoldsInEveryWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.IntRange(1, 12).Draw(rt, "rate")
		inFlight := rapid.IntRange(1, 6).Draw(rt, "in flight")
		type submission struct {
			after       time.Duration
			priority    Priority
			requests    int
			preparation time.Duration
			latency     time.Duration
		}
		millis := func(most int, label string) time.Duration {
			return time.Duration(rapid.IntRange(0, most/10).Draw(rt, label)) * 10 * time.Millisecond
		}
		var plan []submission
		total := 0
		for range rapid.IntRange(1, 15).Draw(rt, "tasks") {
			s := submission{
				after:       millis(800, "after"),
				priority:    Priority(rapid.IntRange(0, priorities-1).Draw(rt, "priority")),
				requests:    rapid.IntRange(0, 3).Draw(rt, "requests"),
				preparation: millis(400, "preparation"),
				latency:     millis(600, "latency"),
			}
			total += s.requests
			plan = append(plan, s)
		}
		var times []time.Time
		synctest.Test(t, func(t *testing.T) {
			b := &bench{t: t, clock: testingclock.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
			b.queue = NewQueue(QueueOptions{Clock: b.clock, RequestsPerSecond: float64(rate), MaxInFlight: inFlight})
			defer b.queue.Close()
			for i, s := range plan {
				b.advance(s.after)
				b.queue.Submit(Task{Key: fmt.Sprint(i), Class: Class{Priority: s.priority}, Run: func(ctx context.Context) {
					wait(b, s.preparation)
					for range s.requests {
						turn, err := b.queue.enter(ctx, Class{}, "")
						if err != nil {
							t.Error(err)
							return
						}
						b.note("")
						wait(b, s.latency)
						turn.finish(outcomeAnswered, 0)
					}
				}})
			}
			b.advance(time.Duration(len(plan))*400*time.Millisecond + time.Duration(total)*(1700*time.Millisecond))
			times = b.times
		})
		if len(times) != total {
			rt.Fatalf("%d of %d requests were sent", len(times), total)
		}
		for i := range times {
			if last := i + rate; last < len(times) && times[last].Sub(times[i]) <= time.Second {
				rt.Fatalf("requests %d to %d left within %s at %d a second", i, last, times[last].Sub(times[i]), rate)
			}
		}
	})
}

func wait(b *bench, d time.Duration) {
	if d > 0 {
		<-b.clock.After(d)
	}
}

// However long requests travel, up to what is taken for granted, and however long answers take: no window of one second ever
// holds more arrivals than the rate allows; and where Kisi is near, nearly all that is allowed is used.
func TestThePaceHoldsWhereRequestsArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]int{1, 5, 50, 500}).Draw(t, "rate")
		near := rapid.Bool().Draw(t, "Kisi is near")
		p := &pacer{defaultRate: float64(rate), jitter: func() float64 { return 0 }}
		type event struct {
			at     time.Time
			number uint64
		}
		begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var answers []event // to come
		var arrivals []time.Time
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		within := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most) + 1)) }
		now := begun
		for len(arrivals) < max(40, 3*rate) {
			next := p.readyAt(now)
			slices.SortFunc(answers, func(a, b event) int { return a.at.Compare(b.at) })
			if len(answers) > 0 && !answers[0].at.After(next) {
				now = answers[0].at
				p.learn(now, answers[0].number, outcomeAnswered, 0)
				answers = answers[1:]
				continue
			}
			if next.After(now) {
				now = next
			}
			travels, takes := within(arrivesWithin), within(300*time.Millisecond)
			if near {
				travels, takes = within(2*time.Millisecond), within(8*time.Millisecond)
			}
			number := p.send(now)
			arrivals = append(arrivals, now.Add(travels))
			answers = append(answers, event{now.Add(travels + takes), number})
		}
		slices.SortFunc(arrivals, time.Time.Compare)
		for i := range arrivals {
			if last := i + rate; last < len(arrivals) && arrivals[last].Sub(arrivals[i]) < time.Second {
				t.Fatalf("%d requests arrived within %s", rate+1, arrivals[last].Sub(arrivals[i]))
			}
		}
		if lasted := now.Sub(begun).Seconds(); near && float64(len(arrivals)-1)/lasted < 0.98*float64(rate) {
			t.Fatalf("%d requests in %.2f s, of %d a second", len(arrivals), lasted, rate)
		}
	})
}
