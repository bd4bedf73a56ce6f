package group

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue/enqueuetest"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

func rowIn(group v1alpha1.ObjectName, id v1alpha1.KisiID, state v1alpha1.GrantState) v1alpha1.MemberGrant {
	return v1alpha1.MemberGrant{Group: group, RoleAssignmentID: id, UserID: id + 100, State: state}
}

func TestCountsOfAGroupFollowTheLedgers(t *testing.T) {
	group := &v1alpha1.KisiGroup{ObjectMeta: enqueuetest.Named("doors")}
	var kept counts
	change := func(before, after *v1alpha1.Member) {
		was, is := sharesOf(before), sharesOf(after)
		kept.Change(client.ObjectKeyFromObject(group), was["doors"], is["doors"])
	}
	ana, gil := enqueuetest.TeamMember(1), enqueuetest.TeamMember(2)
	ana.Status.Grants = []v1alpha1.MemberGrant{
		rowIn("doors", 1, v1alpha1.GrantActive), rowIn("doors", 2, v1alpha1.GrantScheduled), rowIn("doors", 3, v1alpha1.GrantHeld), rowIn("sauna", 4, v1alpha1.GrantActive),
	}
	gil.Status.Grants = []v1alpha1.MemberGrant{rowIn("doors", 0, v1alpha1.GrantPending)}
	change(nil, ana)
	change(nil, gil)
	inKisi := []mirror.Row{
		{ID: 1, UserID: 101, CreatedBy: 7, Basic: true},  // listed
		{ID: 5, UserID: 100, CreatedBy: 7, Basic: true},  // gil's, whose ledger does not know yet
		{ID: 6, UserID: 106, CreatedBy: 7, Basic: true},  // of a ledger that was lost
		{ID: 7, UserID: 107, CreatedBy: 8, Basic: true},  // an admin's
		{ID: 8, UserID: 108, CreatedBy: 7, Basic: false}, // a manager
	}
	check := func(want v1alpha1.GroupCounts) {
		t.Helper()
		var got v1alpha1.GroupCounts
		kept.describe(group, &got)
		got.Foreign, got.Unclaimed = kept.ofOthers(group, inKisi, 7)
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	check(v1alpha1.GroupCounts{Granted: 1, Scheduled: 1, Pending: 1, Held: 1, Foreign: 2, Unclaimed: 1})
	granted := gil.DeepCopy()
	granted.Status.Grants = []v1alpha1.MemberGrant{rowIn("doors", 5, v1alpha1.GrantActive)}
	change(gil, granted)
	change(nil, enqueuetest.Written(granted, func(m *v1alpha1.Member) { m.Name = "heir" })) // while a row moves it is in two ledgers
	change(granted, nil)
	change(ana, nil)
	check(v1alpha1.GroupCounts{Granted: 1, Foreign: 2, Unclaimed: 2})
}

// readingClient reads from a cache, and nothing else.
type readingClient struct {
	client.Client
	cache *enqueuetest.Cache
}

func (c readingClient) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	return c.cache.Get(ctx, key, object, options...)
}

func TestALedgerEnqueuesTheGroupsOfTheRowsThatChange(t *testing.T) {
	cache := &enqueuetest.Cache{}
	if err := tenant.RegisterIndexes(context.Background(), cache); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"doors", "sauna", "parking"} {
		cache.Put(&v1alpha1.KisiGroup{ObjectMeta: enqueuetest.Named(name)})
	}
	r := &Reconciler{Client: readingClient{cache: cache}}
	watches := []enqueue.Watch{{Kind: &v1alpha1.Member{}, Handler: enqueue.Changes(memberEvents{r}.changed), When: predicate.Funcs{}}}
	member := enqueuetest.TeamMember(1)
	member.Status.Grants = []v1alpha1.MemberGrant{rowIn("doors", 1, v1alpha1.GrantActive), rowIn("sauna", 2, v1alpha1.GrantActive), rowIn("parking", 3, v1alpha1.GrantActive)}
	if asked := cache.Fill(watches, member); len(asked.Times) > 0 {
		t.Errorf("filling the cache enqueued %v", asked.Times)
	}
	said := enqueuetest.Written(member, func(m *v1alpha1.Member) { m.Status.Conditions = []metav1.Condition{{Type: "Ready"}} })
	if asked := cache.Change(watches, member, said); len(asked.Times) > 0 || cache.Lookups > 0 {
		t.Errorf("a condition enqueued %v", asked.Times)
	}
	held := enqueuetest.Written(said, func(m *v1alpha1.Member) { m.Status.Grants[1].State = v1alpha1.GrantHeld })
	if asked := cache.Change(watches, said, held); len(asked.Times) != 1 || asked.Times["sauna"] != 1 {
		t.Errorf("a row in the sauna enqueued %v", asked.Times)
	}
	r.throttle.Note(types.NamespacedName{Namespace: "acme", Name: "sauna"})
	if asked := cache.Change(watches, held, said); asked.After["sauna"] < time.Second {
		t.Errorf("counts that have just changed are counted again after %s", asked.After["sauna"])
	}
	going := enqueuetest.Written(&v1alpha1.KisiGroup{ObjectMeta: enqueuetest.Named("sauna")}, func(g *v1alpha1.KisiGroup) { g.DeletionTimestamp = &metav1.Time{Time: time.Now()} })
	cache.Put(going)
	if asked := cache.Change(watches, said, held); asked.Times["sauna"] != 1 || asked.After["sauna"] > time.Second {
		t.Errorf("a group that waits for its rows to go is looked at after %s", asked.After["sauna"])
	}
}
