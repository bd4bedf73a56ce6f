package group

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// rows reads the ledger rows of the group.
func (r *Reconciler) rows(ctx context.Context, group *v1alpha1.KisiGroup) ([]v1alpha1.MemberGrant, error) {
	return r.rowsOf(ctx, client.ObjectKeyFromObject(group))
}

func (r *Reconciler) rowsOf(ctx context.Context, group client.ObjectKey) ([]v1alpha1.MemberGrant, error) {
	var members v1alpha1.MemberList
	if err := tenant.In(ctx, r.Client, group.Namespace).List(&members, tenant.ByLedgerGroup, group.Name); err != nil {
		return nil, err
	}
	var rows []v1alpha1.MemberGrant
	for i := range members.Items {
		for _, row := range members.Items[i].Status.Grants {
			if string(row.Group) == group.Name {
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// count says what the group's rows come to, at most every few seconds, and when to do so again.
func (r *Reconciler) count(group *v1alpha1.KisiGroup) time.Duration {
	if wait := r.throttle.Wait(client.ObjectKeyFromObject(group)); wait > 0 {
		return wait
	}
	counts := v1alpha1.GroupCounts{}
	if known := group.Status.Counts; known != nil {
		counts.Foreign, counts.Unclaimed = known.Foreign, known.Unclaimed
	}
	r.counts.describe(group, &counts)
	r.countOthers(group, &counts)
	if group.Status.Counts != nil && *group.Status.Counts != counts {
		r.throttle.Note(client.ObjectKeyFromObject(group))
	}
	group.Status.Counts = &counts
	return 0
}
