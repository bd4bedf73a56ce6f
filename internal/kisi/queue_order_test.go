package kisi

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	testingclock "k8s.io/utils/clock/testing"
)

// line is the naive oracle of the queue: a plain slice that is searched for the next task by the documented rules.
type line struct {
	waiting       []waitingTask
	served        map[Class]int // when a connection last had a turn at a priority, or arrived there
	clock         int
	lastPeer      Priority
	ordinaryTurns int
}

type waitingTask struct {
	key   string
	class Class
}

func (l *line) submit(key string, class Class) {
	l.clock++
	if i := l.find(key); i >= 0 {
		old := l.waiting[i].class
		if class.Priority.rank() >= old.Priority.rank() && class.Connection == old.Connection {
			return
		}
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	if !slices.ContainsFunc(l.waiting, func(w waitingTask) bool { return w.class == class }) {
		l.served[class] = l.clock
	}
	l.waiting = append(l.waiting, waitingTask{key, class})
}

func (l *line) cancel(key string) bool {
	i := l.find(key)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	return i >= 0
}

func (l *line) find(key string) int {
	return slices.IndexFunc(l.waiting, func(w waitingTask) bool { return w.key == key })
}

func (l *line) next() string {
	l.clock++
	order := []Priority{Probe, Urgent, Revocation}
	if l.lastPeer == Urgent {
		order = []Priority{Probe, Revocation, Urgent}
	}
	switch l.ordinaryTurns % 10 {
	case 4:
		order = append(order, Change, Grant, Background)
	case 9:
		order = append(order, Background, Grant, Change)
	default:
		order = append(order, Grant, Change, Background)
	}
	for _, p := range order {
		best := -1
		for i, w := range l.waiting {
			if w.class.Priority == p && (best < 0 || l.served[w.class] < l.served[l.waiting[best].class]) {
				best = i
			}
		}
		if best < 0 {
			continue
		}
		chosen := l.waiting[best]
		l.waiting = slices.Delete(l.waiting, best, best+1)
		l.served[chosen.class] = l.clock
		switch p {
		case Urgent, Revocation:
			l.lastPeer = p
		case Grant, Change, Background:
			l.ordinaryTurns++
		}
		return chosen.key
	}
	return ""
}

func TestTheOrderIsThatOfTheNaiveOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type step struct {
			kind  string
			key   string
			class Class
		}
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{
				kind: rapid.SampledFrom([]string{"submit", "submit", "submit", "submit", "cancel", "turn"}).Draw(rt, "kind"),
				key:  fmt.Sprint(rapid.IntRange(0, 25).Draw(rt, "key")),
				class: Class{
					Priority:   Priority(rapid.IntRange(0, priorities-1).Draw(rt, "priority")),
					Connection: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "connection"),
				},
			}
		}), 10, 120).Draw(rt, "steps")
		var want, got []string
		problem := ""
		synctest.Test(t, func(t *testing.T) {
			b := &bench{t: t, clock: testingclock.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
			b.queue = NewQueue(QueueOptions{Clock: b.clock, MaxInFlight: 2})
			defer b.queue.Close()
			b.submit("first", Background, "") // takes the turn of an idle queue
			synctest.Wait()
			oracle := &line{served: map[Class]int{}, lastPeer: Revocation, ordinaryTurns: 1}
			turn := func() {
				b.clock.Step(210 * time.Millisecond)
				synctest.Wait()
				if key := oracle.next(); key != "" {
					want = append(want, key)
				}
			}
			for _, s := range steps {
				switch s.kind {
				case "submit":
					b.submit(s.key, s.class.Priority, s.class.Connection)
					oracle.submit(s.key, s.class)
					// The turn of a queue that has been idle is due at once.
					synctest.Wait()
					if len(b.sent)-1 > len(want) {
						want = append(want, oracle.next())
					}
				case "cancel":
					if cancelled := b.queue.Cancel(s.key); cancelled != oracle.cancel(s.key) {
						problem = fmt.Sprintf("cancelling %s: %v", s.key, cancelled)
					}
				case "turn":
					turn()
				}
			}
			for len(oracle.waiting) > 0 {
				turn()
			}
			got = b.sent[1:]
		})
		if problem != "" || !slices.Equal(got, want) {
			rt.Fatalf("%s\nsent %q\nwant %q", problem, got, want)
		}
	})
}

// A hundred thousand people may wait, and none of them is a goroutine.
func BenchmarkSubmit(b *testing.B) {
	queue := NewQueue(QueueOptions{})
	defer queue.Close()
	b.ReportAllocs()
	for i := range b.N {
		queue.Submit(Task{Key: fmt.Sprint(i), Class: Class{Priority: Grant, Connection: fmt.Sprint(i % 10)}, Run: func(context.Context) {}})
	}
}
