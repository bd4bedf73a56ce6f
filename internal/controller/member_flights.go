package controller

import (
	"maps"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// quietFor is how long an operation may wait before the status says that it does: long enough that an ordinary grant
// costs two status writes, intent and result, and no third.
const quietFor = 2 * time.Second

// flights keeps at most one operation per person in the request queues.
type flights struct {
	mu     sync.Mutex
	people map[string]*flight
}

// flight is the operation of one person: waiting in a queue, or running.
type flight struct {
	queue   *kisi.Queue
	key     string
	id      string    // of the operation
	since   time.Time // when the operation was first asked for
	waiting map[reconcile.Request]bool
}

// running reports whether an operation of the person is under way; its end then wakes the request.
func (f *flights) running(person string, request reconcile.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	current := f.people[person]
	if current == nil || current.queue.Status(current.key) != kisi.TaskRunning {
		return false
	}
	current.waiting[request] = true
	return true
}

// submit puts the person's next operation into a queue, in place of one that still waits. It returns how long the
// operation may go on waiting quietly.
func (f *flights) submit(person string, queue *kisi.Queue, class kisi.Class, id string, task kisi.Task, wake func(...reconcile.Request)) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.people == nil {
		f.people = map[string]*flight{}
	}
	current := f.people[person]
	if current != nil && current.queue != queue {
		current.queue.Cancel(current.key)
	}
	if current == nil || current.id != id {
		current = &flight{id: id, since: time.Now()}
		f.people[person] = current
	}
	current.queue, current.key = queue, "member/"+person
	if current.waiting == nil {
		current.waiting = map[reconcile.Request]bool{}
	}
	task.Key, task.Class = current.key, class
	task.Done = func() { wake(f.end(person, current)...) }
	queue.Submit(task)
	return max(0, quietFor-time.Since(current.since))
}

// end forgets a flight, and returns whom to wake.
func (f *flights) end(person string, ended *flight) []reconcile.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.people[person] == ended {
		delete(f.people, person)
	}
	return slices.Collect(maps.Keys(ended.waiting))
}

// cancel drops the person's operation if it still waits.
func (f *flights) cancel(person string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if current := f.people[person]; current != nil && current.queue.Cancel(current.key) {
		delete(f.people, person)
	}
}
