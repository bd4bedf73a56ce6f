package kisi

import (
	"container/list"
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// QueueOptions configures a queue. The zero value is ready for use.
type QueueOptions struct {
	// RequestsPerSecond is the allowed rate as long as no connection sets one; default DefaultRequestsPerSecond.
	RequestsPerSecond float64
	// MaxInFlight bounds the turns that are granted and not answered yet; default 4, which keeps the default rate up to
	// answers of 800 ms, and as many as keep a higher rate up to answers of 400 ms, 32 at most. If it is more than one, the last is kept for Probe, Urgent and
	// Revocation. A request that has had no answer for two seconds counts no more, unless as many of these are out: one that
	// hangs holds nobody up.
	MaxInFlight int
	// Clock is the time of everything the queue does; default the real one.
	Clock clock.WithTicker
	// Jitter returns numbers in [0,1); default math/rand.
	Jitter func() float64
	// Context is the parent of the tasks' contexts; default context.Background(). Its end does not close the queue.
	Context context.Context

	// OnTurn, if set, is told of every task and call that got its turn, and how long it has waited. It must not block for
	// long.
	OnTurn func(class Class, waited time.Duration)
	// OnOutage, if set, makes the queue a breaker: while Kisi is down, until the next request that is answered, only
	// requests of priority Probe get turns. It is told when such an outage begins (true) and ends (false). It must not block
	// for long.
	OnOutage func(down bool)
	// OnSuspicion is told when Kisi may be down. Whoever sets it sees to it that a probe is made, which decides, and that
	// more are made while Kisi is down. It must not block for long.
	OnSuspicion func()
	// OutageAfter is how many different requests fail in a row before Kisi is suspected to be down; default 4. Two requests
	// are different if they belong to tasks of different keys, or to no task and differ in method or path.
	OutageAfter int
}

// Queue gives the requests of one key owner their turns: one HTTP request per turn, the most urgent first, never faster
// than Kisi allows. It is safe for concurrent use.
//
// Within a priority, connections take turns; within a connection, first come first served. An idle queue lets a request
// go at once. After a 429 the whole queue pauses: as long as Retry-After says (at most five minutes), else for a third of
// the time that 429 has been the only answer, from a second (less where more than five requests a second are allowed) up to
// fifteen, with jitter; then one request at a time tries, until one is answered. Where 429 soon come again the pace is
// halved, and halved again, and recovers slower each time.
//
// A 5xx or a lost answer slows nobody down: when to ask again is up to whoever asked. Only where different requests fail
// in a row, and a probe fails too, is Kisi down; see OnOutage.
type Queue struct {
	options QueueOptions
	clock   clock.WithTicker
	wake    chan struct{}
	closing chan struct{}

	mu       sync.Mutex
	pacer    pacer
	outages  outages
	levels   [priorities]level
	tasks    map[string]*entry // waiting and running ones
	running  int
	idle     chan struct{} // closed when closed and no task runs
	closed   bool
	inFlight int     // turns granted and not over
	onWire   []*turn // of these, requests sent, oldest first
	unsent   []*turn // of these, held by tasks that have not sent yet, oldest first
	gate     []*turn // of these, waiting to be sent now
	prepares preparation

	lastPeer      Priority  // Urgent or Revocation, whichever had the latest turn
	ordinaryTurns int       // turns given to Grant, Change and Background
	outageSince   time.Time // when the outage under way began; zero if there is none
	notices       []func()  // hooks to call once mu is free
}

// NewQueue starts a queue. Close stops it.
func NewQueue(options QueueOptions) *Queue {
	if options.RequestsPerSecond <= 0 {
		options.RequestsPerSecond = DefaultRequestsPerSecond
	}
	if options.OutageAfter <= 0 {
		options.OutageAfter = outageAfter
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	if options.Jitter == nil {
		options.Jitter = rand.Float64
	}
	if options.Context == nil {
		options.Context = context.Background()
	}
	q := &Queue{
		options:  options,
		clock:    options.Clock,
		wake:     make(chan struct{}, 1),
		closing:  make(chan struct{}),
		idle:     make(chan struct{}),
		tasks:    map[string]*entry{},
		lastPeer: Revocation, // so that Urgent begins
		outages:  outages{after: options.OutageAfter},
		pacer:    pacer{defaultRate: options.RequestsPerSecond, rates: map[string]int{}, jitter: options.Jitter},
	}
	go q.loop()
	return q
}

// Submit adds a task and returns at once. A waiting task of the same key is replaced; the new one keeps its place and
// class, unless the new one is more urgent or of another connection. While a task of the key is running the new one is
// refused: submit it again from Done.
func (q *Queue) Submit(task Task) Submission {
	task.Class.Priority = task.Class.Priority.known()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return Closed
	}
	e, exists := q.tasks[task.Key]
	switch {
	case exists && e.lane == nil:
		return Running
	case exists:
		e.task = task
		if task.Class.Priority.rank() < e.class.Priority.rank() || task.Class.Connection != e.class.Connection {
			q.levels[e.class.Priority].remove(e)
			e.class = task.Class
			q.levels[e.class.Priority].push(e)
		}
		q.signal()
		return Replaced
	}
	e = &entry{class: task.Class, task: task, queued: q.clock.Now()}
	q.tasks[task.Key] = e
	q.levels[e.class.Priority].push(e)
	q.signal()
	return Submitted
}

// Cancel drops the waiting task of a key and reports whether there was one. A running task is left alone.
func (q *Queue) Cancel(key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, exists := q.tasks[key]
	if !exists || e.lane == nil {
		return false
	}
	q.levels[e.class.Priority].remove(e)
	delete(q.tasks, key)
	return true
}

// Status tells where a key stands.
func (q *Queue) Status(key string) TaskStatus {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, exists := q.tasks[key]
	switch {
	case !exists:
		return TaskAbsent
	case e.lane == nil:
		return TaskRunning
	}
	return TaskWaiting
}

// SetRate records how many requests a second a connection allows, at least 1. The lowest of the connections counts.
func (q *Queue) SetRate(connection string, requestsPerSecond int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pacer.rates[connection] = max(1, requestsPerSecond)
	q.signal()
}

// Forget drops the rate of a connection, and without a word the tasks that wait for it. What runs goes on; see
// Client.Close.
func (q *Queue) Forget(connection string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.pacer.rates, connection)
	maps.DeleteFunc(q.tasks, func(_ string, e *entry) bool {
		drop := e.lane != nil && e.class.Connection == connection
		if drop {
			q.levels[e.class.Priority].remove(e)
		}
		return drop
	})
	q.signal()
}

// Waiting counts the tasks and calls that wait, per priority; a priority with none is absent.
func (q *Queue) Waiting() map[Priority]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := map[Priority]int{}
	for p := range q.levels {
		if size := q.levels[p].size; size > 0 {
			waiting[Priority(p)] = size
		}
	}
	return waiting
}

// WaitingFor counts the tasks and calls of one connection that wait, per priority; a priority with none is absent.
func (q *Queue) WaitingFor(connection string) map[Priority]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := map[Priority]int{}
	for p := range q.levels {
		if size := q.levels[p].waitingFor(connection); size > 0 {
			waiting[Priority(p)] = size
		}
	}
	return waiting
}

// QueueState is a glance at a queue, for metrics and status.
type QueueState struct {
	Waiting           map[Priority]int
	InFlight          int
	RequestsPerSecond float64       // the pace now, after any slowdown
	Pause             time.Duration // what remains of a pause, 0 if there is none
	Down              bool          // only probes are sent
	Limited           bool          // the latest that is known of the rate is a 429
}

// State returns a glance at the queue.
func (q *Queue) State() QueueState {
	waiting := q.Waiting()
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	return QueueState{
		Waiting:           waiting,
		InFlight:          q.inFlight,
		RequestsPerSecond: float64(time.Second) / float64(q.pacer.interval(now)),
		Pause:             max(0, q.pacer.pausedUntil.Sub(now)),
		Down:              q.broken(),
		Limited:           q.pacer.limited(),
	}
}

// Close drops all that waits: tasks without a word, calls with ErrQueueClosed, and so any request that has a turn but is
// not sent yet. Requests under way go on. Close may be called more than once; it does not wait, see Wait.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	for p := range q.levels {
		q.levels[p] = level{}
	}
	maps.DeleteFunc(q.tasks, func(_ string, e *entry) bool { return e.lane != nil })
	close(q.closing)
	q.noteIdle()
}

// Wait returns when the queue is closed and its last task has ended, or with the context's error.
func (q *Queue) Wait(ctx context.Context) error {
	select {
	case <-q.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *Queue) noteIdle() {
	if q.closed && q.running == 0 {
		select {
		case <-q.idle:
		default:
			close(q.idle)
		}
	}
}

// signal wakes the loop; it never blocks, and signals that come before the loop looks are one.
func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// entry is a task or a call that waits for a turn.
type entry struct {
	class Class
	task  Task // Run is nil for a call

	// call is the turn that a waiting call is to get.
	call *turn
	// further marks a call of a task under way.
	further bool

	queued  time.Time // when it began to wait
	lane    *lane     // nil once it has its turn
	element *list.Element
}
