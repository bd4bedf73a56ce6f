package connection

import (
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// addPlanned adds what is planned for a Member, so that Observe shows in total what Enforce would do. What the revocation
// limit holds is counted as that. A status lists no more than twenty, revocations first: the rest is taken for more of what
// it lists last.
func addPlanned(shares map[counted]int32, member *v1alpha1.Member) {
	held := heldOf(member)
	planned := member.Status.Planned
	for i, operation := range planned {
		times := int32(1)
		if i == len(planned)-1 {
			times = max(1, member.Status.PlannedCount-int32(i)) // #nosec G115 -- twenty at most
		}
		of := counted{what: aPlannedGrant, group: operation.Group}
		switch {
		case operation.Action == v1alpha1.PlannedRevoke && held.take(operation):
			continue
		case operation.Action == v1alpha1.PlannedRevoke:
			of.what = aPlannedRevocation
		case operation.Action == v1alpha1.PlannedChange:
			of.what = aPlannedChange
		}
		shares[of] += times
	}
}

// countPlanned adds what the connection's mode keeps from being done in its groups.
func countPlanned(counts *v1alpha1.ConnectionCounts, what countedKind, mode v1alpha1.Mode, times int32) {
	switch {
	case what == aPlannedRevocation,
		what == aPlannedChange && mode == v1alpha1.ModeGrantOnly: // which only ever keeps a row from giving less
		counts.PendingRevocations += times
	default:
		counts.PendingGrants += times
	}
}

// heldOperations are the revocations that the limit holds; each is planned once.
type heldOperations []v1alpha1.PlannedOperation

func heldOf(member *v1alpha1.Member) *heldOperations {
	held := &heldOperations{}
	for _, row := range member.Status.Grants {
		if row.State == v1alpha1.GrantHeld {
			*held = append(*held, v1alpha1.PlannedOperation{Action: v1alpha1.PlannedRevoke, Group: row.Group, ValidFrom: row.ValidFrom, ValidUntil: row.ValidUntil})
		}
	}
	return held
}

func (h *heldOperations) take(operation v1alpha1.PlannedOperation) bool {
	for i, other := range *h {
		if equality.Semantic.DeepEqual(other, operation) {
			*h = append((*h)[:i:i], (*h)[i+1:]...)
			return true
		}
	}
	return false
}
