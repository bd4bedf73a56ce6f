package executor

import (
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// doubt is a request of which is not known what became of it.
type doubt struct {
	until time.Time // it may still be carried out
	since time.Time // when its operation was first handed to the queue
}

// Doubt records until when a request of the operation about the row, of which is not known what became of it, may still be
// carried out.
func (b *Backoffs) Doubt(person, operation string, row v1alpha1.MemberGrant, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(person).doubts[rowKey(row)] = doubt{until: until, since: b.since(person, operation)}
}

// DoubtUntil returns until when a request about the row may still be carried out; zero if no request is known of.
func (b *Backoffs) DoubtUntil(person string, row v1alpha1.MemberGrant) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if people := b.people[person]; people != nil {
		return people.doubts[rowKey(row)].until
	}
	return time.Time{}
}

// Settled says that what became of the requests about the row is known.
func (b *Backoffs) Settled(person string, row v1alpha1.MemberGrant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if people := b.people[person]; people != nil {
		delete(people.doubts, rowKey(row))
	}
}

// InVain puts asking for a row, its bounds, or a login again off, longer each time: a request about the doubted row had no
// answer, and was not carried out. What was asked for has been waited for since then. The message goes into the status; empty:
// nothing does.
func (b *Backoffs) InVain(person string, asks plan.Operation, doubted v1alpha1.MemberGrant, message string) {
	b.mu.Lock()
	known := b.of(person)
	if known.vain == nil {
		known.vain = map[string]int{}
	}
	key := rowKey(asks.Row)
	known.operations[asks.ID()] = &backoff{failures: known.vain[key], since: entitlement.Sooner(b.since(person, asks.ID()), known.doubts[rowKey(doubted)].since)}
	known.vain[key]++
	b.mu.Unlock()
	b.Failed(person, asks.ID(), message)
}

// TimesInVain is how often a row, or its bounds, were asked for in vain.
func (b *Backoffs) TimesInVain(person string, row v1alpha1.MemberGrant) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if people := b.people[person]; people != nil {
		return people.vain[rowKey(row)]
	}
	return 0
}

// Succeeded forgets what was asked for in vain.
func (b *Backoffs) Succeeded(person string, row v1alpha1.MemberGrant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if people := b.people[person]; people != nil {
		delete(people.vain, rowKey(row))
	}
}
