package connection

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue/enqueuetest"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

func connectedTo(organization v1alpha1.KisiID, name string) *v1alpha1.KisiConnection {
	connection := &v1alpha1.KisiConnection{ObjectMeta: enqueuetest.Named(name)}
	connection.Status.Organization = &v1alpha1.ConnectedOrganization{ID: organization}
	return connection
}

func TestWhatEveryStateOfARowCountsFor(t *testing.T) {
	member := enqueuetest.TeamMember(1)
	member.Status.Accounts = []v1alpha1.MemberAccount{{OrganizationID: 1}, {OrganizationID: 2}}
	for _, state := range []v1alpha1.GrantState{
		v1alpha1.GrantActive, v1alpha1.GrantScheduled, v1alpha1.GrantPending, v1alpha1.GrantRevoking, v1alpha1.GrantHeld, v1alpha1.GrantHeld,
		v1alpha1.GrantCovered, v1alpha1.GrantBlocked, v1alpha1.GrantRetained, v1alpha1.GrantWithheld,
	} {
		member.Status.Grants = append(member.Status.Grants, v1alpha1.MemberGrant{OrganizationID: 1, Group: "doors", State: state})
	}
	member.Status.Grants = append(member.Status.Grants, v1alpha1.MemberGrant{OrganizationID: 2, Group: "doors", State: v1alpha1.GrantHeld})
	var kept counts
	kept.Change(member.Namespace, nil, sharesOf(member))
	var counts v1alpha1.ConnectionCounts
	held := kept.of(connectedTo(1, "hq"), func(v1alpha1.ObjectName) bool { return true }, &counts)
	if want := (v1alpha1.ConnectionCounts{Members: 1, Grants: 5, PendingGrants: 1, PendingRevocations: 1, HeldRevocations: 2}); counts != want || held["doors"] != 2 {
		t.Errorf("%+v and held %v, want %+v", counts, held, want)
	}
}

// However Members come, change and go, what is kept is what counting all of them comes to.
func TestWhatIsKeptIsWhatCountingComesTo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		member := rapid.Custom(func(rt *rapid.T) *v1alpha1.Member {
			m := enqueuetest.TeamMember(0)
			for range rapid.IntRange(0, 3).Draw(rt, "rows") {
				m.Status.Grants = append(m.Status.Grants, v1alpha1.MemberGrant{
					OrganizationID: v1alpha1.KisiID(rapid.IntRange(1, 2).Draw(rt, "organization")),
					Group:          rapid.SampledFrom([]v1alpha1.ObjectName{"doors", "sauna"}).Draw(rt, "group"),
					State:          rapid.SampledFrom([]v1alpha1.GrantState{v1alpha1.GrantActive, v1alpha1.GrantHeld, v1alpha1.GrantPending, v1alpha1.GrantRevoking}).Draw(rt, "state"),
				})
			}
			for range rapid.IntRange(0, 2).Draw(rt, "planned") {
				m.Status.Planned = append(m.Status.Planned, v1alpha1.PlannedOperation{
					Group:  rapid.SampledFrom([]v1alpha1.ObjectName{"doors", "sauna"}).Draw(rt, "group"),
					Action: rapid.SampledFrom([]v1alpha1.PlannedAction{v1alpha1.PlannedGrant, v1alpha1.PlannedChange, v1alpha1.PlannedRevoke}).Draw(rt, "action"),
				})
			}
			m.Status.PlannedCount = int32(rapid.IntRange(0, 5).Draw(rt, "count"))
			return m
		})
		states := make([]*v1alpha1.Member, 4)
		var kept counts
		for range rapid.IntRange(1, 20).Draw(rt, "events") {
			i := rapid.IntRange(0, len(states)-1).Draw(rt, "Member")
			after := rapid.OneOf(member, rapid.Just[*v1alpha1.Member](nil)).Draw(rt, "becomes")
			kept.Change("acme", sharesOf(states[i]), sharesOf(after))
			states[i] = after
		}
		var afresh counts
		for _, state := range states {
			afresh.Change("acme", nil, sharesOf(state))
		}
		connection := connectedTo(1, "hq")
		connection.Spec.Mode = rapid.SampledFrom([]v1alpha1.Mode{v1alpha1.ModeEnforce, v1alpha1.ModeGrantOnly}).Draw(rt, "mode")
		var counts, counted v1alpha1.ConnectionCounts
		doors := func(group v1alpha1.ObjectName) bool { return group == "doors" }
		held, counting := kept.of(connection, doors, &counts), afresh.of(connection, doors, &counted)
		if counts != counted || held["doors"] != counting["doors"] {
			rt.Fatalf("%+v, held %v; counting comes to %+v, %v", counts, held, counted, counting)
		}
	})
}

// readingClient reads from a cache, and nothing else.
type readingClient struct {
	client.Client
	cache *enqueuetest.Cache
}

func (c readingClient) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	return c.cache.Get(ctx, key, object, options...)
}

func (c readingClient) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	return c.cache.List(ctx, list, options...)
}

func TestALedgerEnqueuesTheConnectionsOfWhatItChanges(t *testing.T) {
	cache := &enqueuetest.Cache{}
	if err := tenant.RegisterIndexes(context.Background(), cache); err != nil {
		t.Fatal(err)
	}
	r := &Reconciler{Client: readingClient{cache: cache}}
	for i := range 100 {
		cache.Put(connectedTo(v1alpha1.KisiID(i+1), fmt.Sprintf("c%d", i+1)))
	}
	watches := []enqueue.Watch{{Kind: &v1alpha1.Member{}, Handler: enqueue.Changes(memberEvents{r}.changed), When: predicate.Funcs{}}}
	member := enqueuetest.TeamMember(1)
	for organization := range 3 {
		member.Status.Grants = append(member.Status.Grants, v1alpha1.MemberGrant{OrganizationID: v1alpha1.KisiID(organization + 1), State: v1alpha1.GrantActive})
	}
	if asked := cache.Fill(watches, member); len(asked.Times) > 0 {
		t.Errorf("filling the cache enqueued %v", asked.Times)
	}
	said := enqueuetest.Written(member, func(m *v1alpha1.Member) { m.Status.Conditions = []metav1.Condition{{Type: "Ready"}} })
	if asked := cache.Change(watches, member, said); len(asked.Times) > 0 || cache.Lookups > 0 {
		t.Errorf("a condition enqueued %v", asked.Times)
	}
	revoking := enqueuetest.Written(said, func(m *v1alpha1.Member) { m.Status.Grants[1].State = v1alpha1.GrantRevoking })
	if asked := cache.Change(watches, said, revoking); len(asked.Times) != 1 || asked.Times["c2"] != 1 || cache.Lookups > 3 {
		t.Errorf("a row of organization 2 enqueued %v, after %d lookups", asked.Times, cache.Lookups)
	}
	r.throttle.Note(types.NamespacedName{Namespace: "acme", Name: "c2"})
	if asked := cache.Change(watches, revoking, said); asked.After["c2"] < time.Second {
		t.Errorf("counts that have just changed are counted again after %s", asked.After["c2"])
	}
}
