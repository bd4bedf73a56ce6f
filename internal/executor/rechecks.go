package executor

import (
	"maps"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// RecheckAt asks for another look at a row that somebody else's assignment covers or blocks.
func (b *Backoffs) RecheckAt(person string, row v1alpha1.MemberGrant, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(person).rechecks[rowKey(row)] = at
}

// RecheckDue reports whether the row's time to be looked at has come. A restart has forgotten when that is: then a row is
// due that somebody may stand at the door for, while the others wait until all that Kisi holds has been read.
func (b *Backoffs) RecheckDue(person string, row v1alpha1.MemberGrant, now time.Time, soon bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if people := b.people[person]; people != nil {
		if due, known := people.rechecks[rowKey(row)]; known {
			return !due.After(now)
		}
	}
	return soon
}

// BlockedBy takes note of what is seen in the way of a row. Where that has changed the row is due; where it is seen for the
// first time, as after a restart, it is what has blocked the row all along, and is waited for.
func (b *Backoffs) BlockedBy(person string, row v1alpha1.MemberGrant, obstacles string, now time.Time, resync time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, key := b.of(person), rowKey(row)
	before, seen := known.blockers[key]
	known.blockers[key] = obstacles
	if _, waits := known.rechecks[key]; !seen && !waits {
		known.rechecks[key] = now.Add(resync)
	} else if seen && before != obstacles {
		known.rechecks[key] = now
	}
}

// NextRecheck returns when a row of the planned ledger is to be looked at again; zero if none is. What is due by now the plan
// has decided on: a covered row that the mirror shows, for one, is looked at without a request, so its time never moves on.
// What is known of a row is kept while it is only planned to ask for it: the ledger has it as it was until Kisi has answered.
func (b *Backoffs) NextRecheck(person string, recorded, planned plan.Ledger, now time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	people := b.people[person]
	if people == nil {
		return time.Time{}
	}
	var next time.Time
	kept := map[string]bool{}
	for _, row := range recorded.Grants {
		kept[rowKey(row)] = row.State == v1alpha1.GrantCovered || row.State == v1alpha1.GrantBlocked
	}
	for _, row := range planned.Grants {
		if due, known := people.rechecks[rowKey(row)]; known && !plan.InKisi(row) {
			kept[rowKey(row)] = true
			if due.After(now) {
				next = entitlement.Sooner(next, due)
			}
		}
	}
	maps.DeleteFunc(people.rechecks, func(key string, _ time.Time) bool { return !kept[key] })
	maps.DeleteFunc(people.blockers, func(key string, _ string) bool { return !kept[key] })
	return next
}
