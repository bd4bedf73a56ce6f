package simulator

import (
	"container/heap"
	"time"
)

// expiryQueue knows which role assignments end next, so that purging expired
// rows (switch expiredRows=Purged) looks at nothing else.
type expiryQueue []expiry

type expiry struct {
	at           time.Time
	assignmentID int
}

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q expiryQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *expiryQueue) Push(x any)        { *q = append(*q, x.(expiry)) }
func (q *expiryQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func (q *expiryQueue) watch(a assignment) {
	if a.ValidUntil != nil {
		heap.Push(q, expiry{*a.ValidUntil, a.ID})
	}
}

// purgeExpired deletes rows that have ended, in Kisi's own name and at the
// present moment; while rows are kept, it leaves the queue alone so that the
// switch may be thrown at any time.
func (s *Server) purgeExpired(now time.Time) {
	if s.switches.ExpiredRows != ExpiredRowsPurged {
		return
	}
	for len(s.expiring) > 0 && s.expiring[0].at.Before(now) {
		due := heap.Pop(&s.expiring).(expiry)
		a, exists := s.assignments.get(due.assignmentID)
		if !exists || !s.rules().window(a.ValidFrom, a.ValidUntil).endedBy(now) {
			continue // deleted or extended since; an extension has its own entry
		}
		s.destroyAssignment(now, actor{}, a)
	}
}
