package group

import (
	"cmp"
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/pacing"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/tally"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// counts keeps, by KisiGroup, what the ledgers have there.
type counts struct {
	tally.Kept[types.NamespacedName, counted]
}

// counted is something that a Member counts for in a group; exactly one of the fields is set.
type counted struct {
	state   v1alpha1.GrantState // of a row
	listed  v1alpha1.KisiID     // a role assignment in a ledger
	inDoubt v1alpha1.KisiID     // a user whose role assignment is being asked for
}

// sharesOf are what a Member counts for, by KisiGroup; nil if there is none.
func sharesOf(member *v1alpha1.Member) map[v1alpha1.ObjectName]map[counted]int32 {
	if member == nil {
		return nil
	}
	shares := map[v1alpha1.ObjectName]map[counted]int32{}
	for _, row := range member.Status.Grants {
		of := shares[row.Group]
		if of == nil {
			of = map[counted]int32{}
			shares[row.Group] = of
		}
		of[counted{state: row.State}]++
		if row.RoleAssignmentID != 0 {
			of[counted{listed: row.RoleAssignmentID}]++
		}
		if row.State == v1alpha1.GrantPending && row.UserID != 0 {
			of[counted{inDoubt: row.UserID}]++
		}
	}
	return shares
}

// describe sums up the group's rows.
func (c *counts) describe(group *v1alpha1.KisiGroup, to *v1alpha1.GroupCounts) {
	c.At(client.ObjectKeyFromObject(group), func(sums map[counted]int32) {
		to.Granted = sums[counted{state: v1alpha1.GrantActive}]
		to.Scheduled = sums[counted{state: v1alpha1.GrantScheduled}]
		to.Pending = sums[counted{state: v1alpha1.GrantPending}]
		to.Held = sums[counted{state: v1alpha1.GrantHeld}]
	})
}

// ofOthers counts the rows of the group in Kisi that no ledger lists: foreign ones, and those that were made with this
// connection's key.
func (c *counts) ofOthers(group *v1alpha1.KisiGroup, inKisi []mirror.Row, owner int64) (foreign, unclaimed int32) {
	c.At(client.ObjectKeyFromObject(group), func(sums map[counted]int32) {
		for _, row := range inKisi {
			listed, inDoubt := sums[counted{listed: v1alpha1.KisiID(row.ID)}] > 0, sums[counted{inDoubt: v1alpha1.KisiID(row.UserID)}] > 0
			switch {
			case listed || inDoubt && row.CreatedBy == owner:
			case row.Basic && row.CreatedBy == owner:
				unclaimed++
			default:
				foreign++
			}
		}
	})
	return foreign, unclaimed
}

// listed are the role assignments in the ledgers of the group.
func (c *counts) listed(group *v1alpha1.KisiGroup) sets.Set[int64] {
	listed := sets.New[int64]()
	c.At(client.ObjectKeyFromObject(group), func(sums map[counted]int32) {
		for of := range sums {
			if of.listed != 0 {
				listed.Insert(int64(of.listed))
			}
		}
	})
	return listed
}

// memberEvents keep the counts, and enqueue the groups of which a Member's ledger says something else.
type memberEvents struct{ r *Reconciler }

// changed handles an event of a Member. What is there when the caches fill is counted, and enqueues nothing.
func (m memberEvents) changed(ctx context.Context, old, object client.Object, initial bool, q enqueue.Queue) {
	before, _ := old.(*v1alpha1.Member)
	after, _ := object.(*v1alpha1.Member)
	was, is := sharesOf(before), sharesOf(after)
	in := tenant.In(ctx, tenant.Cached(m.r.Client), cmp.Or(before, after).Namespace)
	groups := sets.KeySet(was).Union(sets.KeySet(is))
	for name := range groups {
		counts := m.r.counts.Change(types.NamespacedName{Namespace: in.Namespace, Name: string(name)}, was[name], is[name])
		if !initial && (counts || !equality.Semantic.DeepEqual(rowsIn(before, name), rowsIn(after, name))) {
			m.enqueue(ctx, in, name, counts, q)
		}
	}
}

// enqueue has a group looked at: one whose rows are only counted when its counts may change again, so that many changes cost
// one reconcile.
func (m memberEvents) enqueue(ctx context.Context, in tenant.Objects, name v1alpha1.ObjectName, counts bool, q enqueue.Queue) {
	group := &v1alpha1.KisiGroup{}
	found, err := in.Get(name, group)
	request := enqueue.RequestNamed(in.Namespace, string(name))
	switch {
	case err != nil:
		enqueue.LogMapError(ctx, "the groups of a ledger", err)
	case !found:
	case !group.DeletionTimestamp.IsZero(), tenant.ClaimPending(group):
		q.AddAfter(request, pacing.WaitedForEvery)
	case counts:
		q.AddAfter(request, m.r.throttle.Wait(request.NamespacedName))
	}
}

// rowsIn lists a Member's rows in a group.
func rowsIn(member *v1alpha1.Member, group v1alpha1.ObjectName) []v1alpha1.MemberGrant {
	var rows []v1alpha1.MemberGrant
	if member != nil {
		for _, row := range member.Status.Grants {
			if row.Group == group {
				rows = append(rows, row)
			}
		}
	}
	return rows
}
