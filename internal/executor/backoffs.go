package executor

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Backoffs remembers, per person, what did not work and when it may be tried again. It is kept in memory only: a
// restart tries again at once.
type Backoffs struct {
	// Clock is the time; default: the real one.
	Clock clock.PassiveClock

	mu     sync.Mutex
	people map[string]*personBackoffs
}

type personBackoffs struct {
	operations map[string]*backoff // by operation
	rechecks   map[string]time.Time
	blockers   map[string]string // by row: what was seen in its way
	doubts     map[string]doubt  // by row
	vain       map[string]int    // by row: requests without a usable answer that were not carried out either
	refused    map[string]bool   // operations that Kisi has answered, with a no
}

type backoff struct {
	failures int
	rounds   int // how often it was carried out while it was due all the time
	until    time.Time
	trouble  failure.Failure
	refusal  refusal
	since    time.Time // when it was first handed to the queue
}

func (b *Backoffs) now() time.Time {
	if b.Clock == nil {
		return time.Now()
	}
	return b.Clock.Now()
}

func (b *Backoffs) of(person string) *personBackoffs {
	if b.people == nil {
		b.people = map[string]*personBackoffs{}
	}
	known := b.people[person]
	if known == nil {
		known = &personBackoffs{operations: map[string]*backoff{}, rechecks: map[string]time.Time{}, blockers: map[string]string{}, doubts: map[string]doubt{}, refused: map[string]bool{}}
		b.people[person] = known
	}
	return known
}

// operation returns what is known of an operation, and begins to know it; b.mu is held.
func (b *Backoffs) operation(person, operation string) *backoff {
	operations := b.of(person).operations
	if operations[operation] == nil {
		operations[operation] = &backoff{}
	}
	return operations[operation]
}

// Failed puts an operation off, longer each time. The message goes into the status, so it names no changing thing.
func (b *Backoffs) Failed(person, operation, message string) {
	b.Troubled(person, operation, failure.Failure{Message: message}, 0)
}

// Troubled is Failed for what Kisi has answered, and how long it has asked to be left alone with it.
func (b *Backoffs) Troubled(person, operation string, t failure.Failure, asked time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubled(person, operation, t, asked)
}

// troubled is Troubled; b.mu is held.
func (b *Backoffs) troubled(person, operation string, t failure.Failure, asked time.Duration) {
	known := b.operation(person, operation)
	after := wait.Jitter(max(t.Kind.RetryAfter(known.failures), asked), 0.25)
	known.failures++
	known.until, known.trouble, known.refusal = b.now().Add(after), t, refusal{}
}

// RetryNow has everything tried again at once that did not work. What waits for the answer of a request goes on waiting.
func (b *Backoffs) RetryNow(person string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if people := b.people[person]; people != nil {
		for _, known := range people.operations {
			if known.failures > 0 {
				known.failures, known.until = 0, time.Time{}
			}
		}
	}
}

// roundsAllowed is how often an operation may be carried out and be due again before it is put off.
const roundsAllowed = 3

// CarriedOut counts how often an operation was carried out and, until Keep forgets it, is due nevertheless. Whatever the
// reason, it must not eat up the requests that Kisi allows.
func (b *Backoffs) CarriedOut(person, operation string) {
	b.mu.Lock()
	known := b.operation(person, operation)
	known.rounds++
	inCircles := known.rounds > roundsAllowed && !known.until.After(b.now())
	b.mu.Unlock()
	if inCircles {
		b.Troubled(person, operation, failure.Failure{Kind: failure.Pending, Message: "the change was made and is needed again; trying again"}, 0)
	}
}

// Forget drops everything about a person of whom no Member is left to act.
func (b *Backoffs) Forget(person string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.people, person)
}

// TroubledUntil puts an operation off until a moment, for a reason that the status says.
func (b *Backoffs) TroubledUntil(person, operation string, until time.Time, t failure.Failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(person).operations[operation] = &backoff{until: until, trouble: t, since: b.since(person, operation)}
}

// Refuse records that Kisi has answered an operation with a no. What waits for it waits no longer.
func (b *Backoffs) Refuse(person, operation string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(person).refused[operation] = true
}

// Refusals lists the operations that Kisi has refused, and that are still tried again.
func (b *Backoffs) Refusals(person string) map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if people := b.people[person]; people != nil {
		return maps.Clone(people.refused)
	}
	return nil
}

// Postponed puts an operation off until a moment, without counting it as a failure.
func (b *Backoffs) Postponed(person, operation string, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(person).operations[operation] = &backoff{until: until, since: b.since(person, operation)}
}

// Begin takes note of when an operation is handed to the queue for the first time.
func (b *Backoffs) Begin(person, operation string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.operation(person, operation)
	if known.since.IsZero() {
		known.since = b.now()
	}
}

// Since says when an operation was handed to the queue for the first time; zero if that is not known.
func (b *Backoffs) Since(person, operation string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since(person, operation)
}

// since is Since; b.mu is held.
func (b *Backoffs) since(person, operation string) time.Time {
	if people := b.people[person]; people != nil {
		if known := people.operations[operation]; known != nil {
			return known.since
		}
	}
	return time.Time{}
}

// Until says when the operation may be tried; zero: now.
func (b *Backoffs) Until(person, operation string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if people := b.people[person]; people != nil {
		if known := people.operations[operation]; known != nil {
			return known.until
		}
	}
	return time.Time{}
}

// Keep forgets everything about operations that are not planned any more.
func (b *Backoffs) Keep(person string, operations []plan.Operation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	people := b.people[person]
	if people == nil {
		return
	}
	for id := range people.operations {
		if !slices.ContainsFunc(operations, func(o plan.Operation) bool { return o.ID() == id }) {
			delete(people.operations, id)
		}
	}
	maps.DeleteFunc(people.refused, func(id string, _ bool) bool { return people.operations[id] == nil })
	if len(operations) == 0 {
		people.vain = nil
	}
	if len(people.operations)+len(people.rechecks)+len(people.doubts) == 0 {
		delete(b.people, person)
	}
}

// Trouble is what the status says of what did not work: what a person has to change first, else always the same of several.
func (b *Backoffs) Trouble(person string) failure.Failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	var worst failure.Failure
	people := b.people[person]
	if people == nil {
		return worst
	}
	for _, id := range slices.Sorted(maps.Keys(people.operations)) {
		if t := people.operations[id].trouble; t.Message != "" && (worst.Message == "" || t.Kind > worst.Kind) {
			worst = t
		}
	}
	return worst
}

func rowKey(row v1alpha1.MemberGrant) string {
	return plan.Operation{Row: v1alpha1.MemberGrant{
		OrganizationID: row.OrganizationID, KisiGroupID: row.KisiGroupID, ValidFrom: row.ValidFrom, ValidUntil: row.ValidUntil,
	}}.ID()
}
