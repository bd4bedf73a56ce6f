package kisi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Tasks that need a while before their request, now more and now less, cost nothing of the rate: they begin so much sooner.
// Whatever is more urgent waits for the one that has begun, and for no other.
func TestWhatTasksDoBeforeTheirRequestCostsNothingOfTheRate(t *testing.T) {
	for _, most := range []time.Duration{0, 30 * time.Millisecond, 90 * time.Millisecond} {
		t.Run(most.String(), func(t *testing.T) {
			onBench(t, QueueOptions{}, func(b *bench) {
				random := rand.New(rand.NewPCG(1, 0))
				prepared := func(priority Priority, key string) {
					takes := (time.Duration(random.Int64N(int64(most) + 1))).Round(10 * time.Millisecond)
					b.queue.Submit(Task{Key: key, Class: Class{Priority: priority}, Run: func(ctx context.Context) {
						wait(b, takes)
						if err := b.send(ctx, key); err != nil {
							t.Error(err)
						}
					}})
				}
				const tasks, pace = 200, 210 * time.Millisecond // 201 ms, seen in steps of 10 ms
				for i := range tasks {
					prepared(Grant, fmt.Sprint(i))
				}
				b.advance(tasks / 2 * pace)
				asked := b.clock.Now()
				prepared(Urgent, "urgent")
				b.advance((tasks/2 + 1) * pace)
				b.advance(2 * time.Second)
				if len(b.times) != tasks+1 {
					t.Fatalf("%d requests were sent", len(b.times))
				}
				if lasted, allowed := b.times[tasks].Sub(b.times[2]), (tasks-2)*pace; lasted > allowed*102/100 {
					t.Errorf("%d requests took %s, the pace allows %s", tasks-2, lasted, allowed)
				}
				for i, label := range b.sent {
					if label == "urgent" && b.times[i].Sub(asked) > 2*pace+most {
						t.Errorf("the urgent one waited %s", b.times[i].Sub(asked))
					}
				}
			})
		})
	}
}

func TestMoreMayBeInFlightWhereMoreIsAllowed(t *testing.T) {
	for rate, want := range map[int]int{1: 4, 5: 4, 10: 4, 20: 8, 50: 20, 1000: 32} {
		q := &Queue{pacer: pacer{defaultRate: float64(rate)}}
		if got := q.maxInFlight(); got != want {
			t.Errorf("at %d a second: %d, want %d", rate, got, want)
		}
	}
}
