package kisi

import "context"

// Task is work that begins when a request has its turn.
type Task struct {
	// Key names what the task is about. No two tasks of a key run at the same time, and at most one waits.
	Key   string
	Class Class
	// Run does the work. Its context carries one granted turn, which the first request made with it uses. Further requests
	// wait for turns of the same class, ahead of the tasks of that priority that have not begun. Until its first request
	// is answered the task counts as in flight, so what it does before that should be short; after 15 seconds the turn is
	// taken back, and the request waits for a new one. All calls must use this context, or one made from it.
	Run func(ctx context.Context)
	// Done, if set, is called after Run, when the key is free for the next task. It is not called for a task that never
	// ran.
	Done func()
}

// Submission is what became of a submitted task.
type Submission int

// What Submit can answer.
const (
	Submitted Submission = iota // it waits
	Replaced                    // it waits in place of an earlier task of its key, which is dropped
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
