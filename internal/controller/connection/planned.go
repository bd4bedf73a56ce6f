package connection

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// countPlanned adds what the connection's mode keeps from being done in its groups, so that Observe shows in total what
// Enforce would do.
func (r *Reconciler) countPlanned(ctx context.Context, counts *v1alpha1.ConnectionCounts, connection *v1alpha1.KisiConnection, groups []v1alpha1.KisiGroup) error {
	ofConnection := sets.New[v1alpha1.ObjectName]()
	for i := range groups {
		ofConnection.Insert(v1alpha1.ObjectName(groups[i].Name))
	}
	counted := sets.New[types.UID]() // a Member may have something planned in several groups
	for group := range ofConnection {
		var members v1alpha1.MemberList
		if err := tenant.In(ctx, r.Client, connection.Namespace).List(&members, tenant.ByPlannedGroup, string(group)); err != nil {
			return err
		}
		for i := range members.Items {
			if member := &members.Items[i]; !counted.Has(member.UID) {
				counted.Insert(member.UID)
				addPlanned(counts, member, connection.Spec.Mode, ofConnection.Has)
			}
		}
	}
	return nil
}

// addPlanned adds what is planned for one Member in the connection's groups. What the revocation limit holds is counted as
// that. A status lists no more than twenty, revocations first: the rest is taken for more of what it lists last.
func addPlanned(counts *v1alpha1.ConnectionCounts, member *v1alpha1.Member, mode v1alpha1.Mode, ofConnection func(v1alpha1.ObjectName) bool) {
	held := heldOf(member)
	planned := member.Status.Planned
	for i, operation := range planned {
		times := int32(1)
		if i == len(planned)-1 {
			times = max(1, member.Status.PlannedCount-int32(i)) // #nosec G115 -- twenty at most
		}
		if !ofConnection(operation.Group) {
			continue
		}
		switch {
		case operation.Action == v1alpha1.PlannedRevoke && held.take(operation):
		case operation.Action == v1alpha1.PlannedRevoke,
			operation.Action == v1alpha1.PlannedChange && mode == v1alpha1.ModeGrantOnly: // which only ever keeps a row from giving less
			counts.PendingRevocations += times
		default:
			counts.PendingGrants += times
		}
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

// ofPlanned finds the connections in whose groups something is planned for a Member.
func (r *Reconciler) ofPlanned(ctx context.Context, member *v1alpha1.Member) ([]reconcile.Request, error) {
	var requests []reconcile.Request
	for _, name := range tenant.MemberPlannedGroups(member) {
		group := &v1alpha1.KisiGroup{}
		if err := r.Get(ctx, types.NamespacedName{Namespace: member.Namespace, Name: name}, group, client.UnsafeDisableDeepCopy); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading KisiGroup %s: %w", name, err)
		} else if err == nil {
			requests = append(requests, enqueue.RequestNamed(member.Namespace, string(group.Spec.ConnectionRef.Name)))
		}
	}
	return requests, nil
}
