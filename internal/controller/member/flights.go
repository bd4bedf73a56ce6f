package member

import (
	"maps"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/internal/controller/internal/pacing"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// flights keeps at most one operation per person in the request queues. Several Members may have one address, and so
// share the one flight: whoever does not get it waits for its end.
type flights struct {
	mu     sync.Mutex
	people map[string]*flight
}

// flight is the operation of one person: waiting in a queue, or running.
type flight struct {
	queue   *kisi.Queue
	key     string
	request reconcile.Request // the Member whose operation it is
	id      string            // of the operation
	since   time.Time         // when the operation was first asked for
	waiting map[reconcile.Request]bool
}

func (f *flight) status() kisi.TaskStatus { return f.queue.Status(f.key) }

// running reports whether an operation of the person is under way; its end then wakes the request.
func (f *flights) running(person string, request reconcile.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	current := f.people[person]
	if current == nil || current.status() != kisi.TaskRunning {
		return false
	}
	current.waiting[request] = true
	return true
}

// submit puts the person's next operation into a queue, in place of one that still waits. It returns how long the
// operation may go on waiting quietly.
func (f *flights) submit(person string, queue *kisi.Queue, class kisi.Class, request reconcile.Request, id string, task kisi.Task, wake func(...reconcile.Request)) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := &flight{queue: queue, key: "member/" + person, request: request, id: id, since: time.Now(), waiting: map[reconcile.Request]bool{}}
	previous := f.people[person]
	if previous != nil {
		if previous.queue != queue && !previous.queue.Cancel(previous.key) && previous.status() == kisi.TaskRunning {
			return previous.await(request)
		}
		next.replace(previous)
	}
	task.Key, task.Class = next.key, class
	task.Done = func() { wake(f.end(person, next)...) }
	if queue.Submit(task) == kisi.Running && previous != nil {
		return previous.await(request)
	}
	if f.people == nil {
		f.people = map[string]*flight{}
	}
	f.people[person] = next
	return max(0, pacing.QuietFor-time.Since(next.since))
}

// await has the request woken at the end of a flight that took off meanwhile. Until then the Member is the flight's: a
// status written now would only cost the flight its intent.
func (f *flight) await(request reconcile.Request) time.Duration {
	f.waiting[request] = true
	return pacing.QuietFor
}

// replace takes over from a flight that never took off: whoever waited for it, or whose operation it was, waits for this
// one.
func (f *flight) replace(previous *flight) {
	maps.Copy(f.waiting, previous.waiting)
	switch {
	case previous.request != f.request:
		f.waiting[previous.request] = true
	case previous.id == f.id:
		f.since = previous.since
	}
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

// cancel drops the request's operation if it still waits, and returns who waited for its end.
func (f *flights) cancel(person string, request reconcile.Request) []reconcile.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	current := f.people[person]
	if current == nil || current.request != request || !current.queue.Cancel(current.key) {
		return nil
	}
	delete(f.people, person)
	return slices.Collect(maps.Keys(current.waiting))
}
