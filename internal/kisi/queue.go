package kisi

import (
	"context"
	"time"

	"k8s.io/utils/clock"
)

// Priority orders the requests of one key owner.
type Priority int

// The priorities, most urgent first. Urgent and Revocation take turns with each other.
const (
	Probe Priority = iota
	Urgent
	Revocation
	Grant
	Change
	Background
)

// Class is what decides when a request gets its turn.
type Class struct {
	Priority Priority
	// Connection takes turns with the other connections of the same priority.
	Connection string
}

// WithClass sets the class of the calls made with the context outside a task.
func WithClass(ctx context.Context, class Class) context.Context {
	return context.WithValue(ctx, classKey{}, class)
}

type classKey struct{}

// Task is work that begins when a request has its turn.
type Task struct {
	Key   string
	Class Class
	Run   func(ctx context.Context)
	// Done, if set, is called after Run, when the key is free for the next task.
	Done func()
}

// Submission is what became of a submitted task.
type Submission int

// What Submit can answer.
const (
	Submitted Submission = iota // it waits
	Replaced                    // it waits in place of an earlier task of its key
	Running                     // refused: a task of its key is running
	Closed                      // refused: the queue is closed
)

// TaskStatus is where a key stands.
type TaskStatus int

// The states of a key.
const (
	TaskAbsent TaskStatus = iota
	TaskWaiting
	TaskRunning
)

// QueueOptions configures a queue.
type QueueOptions struct {
	RequestsPerSecond float64
	MaxInFlight       int
	Clock             clock.WithTicker
	Jitter            func() float64
	OnTurn            func(class Class, waited time.Duration)
	OnBackoff         func(reason string, pause time.Duration)
}

// Queue gives the requests of one key owner their turns.
type Queue struct{}

// NewQueue starts a queue.
func NewQueue(options QueueOptions) *Queue { panic("not written yet") }

// Submit adds a task.
func (q *Queue) Submit(task Task) Submission { panic("not written yet") }

// Cancel removes a waiting task.
func (q *Queue) Cancel(key string) bool { panic("not written yet") }

// Status tells where a key stands.
func (q *Queue) Status(key string) TaskStatus { panic("not written yet") }

// SetRate records what a connection allows.
func (q *Queue) SetRate(connection string, requestsPerSecond int) { panic("not written yet") }

// Forget drops a connection's rate.
func (q *Queue) Forget(connection string) { panic("not written yet") }

// Waiting counts what waits.
func (q *Queue) Waiting() map[Priority]int { panic("not written yet") }

// Close stops the queue.
func (q *Queue) Close() { panic("not written yet") }
