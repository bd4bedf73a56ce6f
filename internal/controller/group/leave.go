package group

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/controller/report"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// letGo waits until no ledger holds a row of the group that can still be taken back.
func (r *Reconciler) letGo(ctx context.Context, group *v1alpha1.KisiGroup, now time.Time) (reconcile.Result, error) {
	left, held, obstacle, err := r.rowsLeft(ctx, group, now)
	if err != nil {
		return reconcile.Result{}, err
	}
	if left > 0 { // under abandon until the Members have recorded that the rows stay
		before := group.Status.DeepCopy()
		wait := r.count(group)
		conditions.Summarize(&group.Status.Conditions, group.Generation, conditions.Reconciling(v1alpha1.ReasonDeleting, limit.DeletingMessage(group, obstacle, held, now)))
		group.Status.ObservedGeneration = group.Generation
		if !equality.Semantic.DeepEqual(before, &group.Status) {
			if err := r.Status().Update(ctx, group); err != nil {
				return reconcile.Result{RequeueAfter: wait}, conflicts.Ignore(err, "writing the status")
			}
		}
		return reconcile.Result{RequeueAfter: wait}, nil // the Members' ledgers wake it
	}
	if gone, again, err := r.removeManaged(ctx, group); !gone || err != nil {
		return reconcile.Result{RequeueAfter: again}, err
	}
	rows, err := r.rows(ctx, group)
	if err != nil {
		return reconcile.Result{}, err
	}
	abandoned := tenant.CountAssignments(rows, func(row v1alpha1.MemberGrant) bool { return row.AbandonedBy == "KisiGroup/"+group.Name })
	if err := report.Abandoned(ctx, r.Client, group, abandoned); err != nil {
		return reconcile.Result{}, err
	}
	for id := range r.former[groupKey(group)].Clone().Insert(group.Status.KisiGroupID) {
		if err := r.forgetRows(ctx, group, id); err != nil {
			return reconcile.Result{}, err
		}
	}
	if err := finalizers.Remove(ctx, r.Client, group); err != nil {
		return reconcile.Result{}, conflicts.Ignore(err, "letting the group go")
	}
	r.forget(client.ObjectKeyFromObject(group))
	return reconcile.Result{}, nil
}

// rowsLeft counts the rows that hold the group, and those of them that the revocation limit holds: a connection that is
// gone, or going under Retain, holds none. obstacle says why none of them can be taken back now; empty if they can.
func (r *Reconciler) rowsLeft(ctx context.Context, group *v1alpha1.KisiGroup, now time.Time) (left, held int, obstacle string, err error) {
	connection, going, err := r.connectionOf(ctx, group)
	if err != nil {
		return 0, 0, "", err
	}
	if connection == nil || (going && !tenant.RevokesBeforeLeaving(connection)) {
		return 0, 0, "", nil
	}
	switch {
	case tenant.ModeOf(connection, going) != v1alpha1.ModeEnforce:
		obstacle = fmt.Sprintf("what was granted in the group is not taken back while the mode of KisiConnection %q is %s", connection.Name, connection.Spec.Mode)
	case !conditions.IsReady(connection.Status.Conditions) && !going:
		obstacle = fmt.Sprintf("what was granted in the group cannot be taken back while KisiConnection %q is not Ready; see its conditions", connection.Name)
	}
	rows, err := r.rows(ctx, group)
	for _, row := range rows {
		if row.State != v1alpha1.GrantRetained && (obstacle == "" || !plan.Over(row, now)) { // what has ended guards nothing
			left++
		}
		if row.State == v1alpha1.GrantHeld {
			held++
		}
	}
	return left, held, obstacle, err
}

// forget drops what is remembered of a group that is gone.
func (r *Reconciler) forget(name types.NamespacedName) {
	key := groupKeyOf(name)
	r.found.Forget(key)
	r.rowsRead.Delete(key)
	r.usersOwed.Delete(key)
	delete(r.former, key)
	r.throttle.Forget(name)
	r.adopting.forget(name)
	r.asking.forget(name)
	r.Allowances.Forget(name)
}

// forgetFormer drops what is known of the rows of a Kisi group that the KisiGroup was bound to before, once no ledger has any
// of them: nobody reads that group again. recorded is the group that the stored status names.
func (r *Reconciler) forgetFormer(ctx context.Context, group *v1alpha1.KisiGroup, recorded v1alpha1.KisiID) error {
	key, bound := groupKey(group), group.Status.KisiGroupID
	if recorded != 0 && recorded != bound {
		if r.former == nil {
			r.former = map[string]sets.Set[v1alpha1.KisiID]{}
		}
		if r.former[key] == nil {
			r.former[key] = sets.Set[v1alpha1.KisiID]{}
		}
		r.former[key].Insert(recorded)
		return nil // until that is written the Members act by the former group
	}
	if r.former[key].Delete(bound).Len() == 0 {
		delete(r.former, key)
		return nil
	}
	rows, err := r.rows(ctx, group)
	if err != nil {
		return err
	}
	for id := range r.former[key] {
		if slices.ContainsFunc(rows, func(row v1alpha1.MemberGrant) bool {
			return row.KisiGroupID == id && row.State != v1alpha1.GrantRetained
		}) {
			continue
		}
		if err := r.forgetRows(ctx, group, id); err != nil {
			return err
		}
		r.former[key].Delete(id)
	}
	return nil
}

// forgetRows drops what is known of the rows of a Kisi group that the KisiGroup leaves, unless another KisiGroup has it, or
// is finding it.
func (r *Reconciler) forgetRows(ctx context.Context, group *v1alpha1.KisiGroup, id v1alpha1.KisiID) error {
	s := tenant.SessionOf(r.Sessions, client.ObjectKey{Namespace: group.Namespace, Name: string(group.Spec.ConnectionRef.Name)})
	if id == 0 || s == nil {
		return nil
	}
	bound, err := tenant.GroupsBoundTo(ctx, r, id)
	if err != nil {
		return err
	}
	own := groupKeyOf(client.ObjectKeyFromObject(group))
	if slices.ContainsFunc(bound, func(other *v1alpha1.KisiGroup) bool { return other.UID != group.UID }) ||
		r.found.Any(func(key string, found groupFound) bool { return key != own && found.id == id }) {
		return nil
	}
	s.Mirror().Forget(int64(id))
	return nil
}
