package measure

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/tally"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/metrics"
)

// kinds are all kinds, by their name.
var kinds = map[string]client.Object{
	entitlement.KindKisiConnection: &v1alpha1.KisiConnection{}, entitlement.KindKisiGroup: &v1alpha1.KisiGroup{},
	entitlement.KindPlaceMapping: &v1alpha1.PlaceMapping{}, entitlement.KindAccessPlan: &v1alpha1.AccessPlan{},
	entitlement.KindAccessSubscription: &v1alpha1.AccessSubscription{}, entitlement.KindBookingGrant: &v1alpha1.BookingGrant{},
	entitlement.KindMember: &v1alpha1.Member{},
}

// handle has events of every kind handled until ctx ends.
func handle(ctx context.Context, events cache.Cache, handlerOf func(kind string) toolscache.ResourceEventHandler) error {
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		informer, err := events.GetInformer(ctx, kinds[kind])
		if err != nil {
			return fmt.Errorf("watching objects of kind %s for metrics: %w", kind, err)
		}
		registration, err := informer.AddEventHandler(handlerOf(kind))
		if err != nil {
			return fmt.Errorf("watching objects of kind %s for metrics: %w", kind, err)
		}
		defer func() { _ = informer.RemoveEventHandler(registration) }()
	}
	<-ctx.Done()
	return nil
}

// Events counts grants by the events of Members, and the conditions that change. It runs on the leader only.
type Events struct {
	Cache  cache.Cache
	grants tally.Kept[types.NamespacedName, v1alpha1.GrantState] // by connection
}

// Start counts until ctx ends.
func (e *Events) Start(ctx context.Context) error {
	return handle(ctx, e.Cache, func(kind string) toolscache.ResourceEventHandler {
		return toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { e.changed(kind, nil, object) },
			UpdateFunc: func(before, after any) { e.changed(kind, before, after) },
			DeleteFunc: func(object any) { e.changed(kind, lastKnown(object), nil) },
		}
	})
}

// Grants counts the rows in the ledgers of a connection's namespace that are acted on through it, by state.
func (e *Events) Grants(connection types.NamespacedName) (counts map[v1alpha1.GrantState]int32) {
	e.grants.At(connection, func(known map[v1alpha1.GrantState]int32) { counts = maps.Clone(known) })
	return counts
}

func (e *Events) changed(kind string, before, after any) {
	was, hadConditions := before.(v1alpha1.WithConditions)
	is, hasConditions := after.(v1alpha1.WithConditions)
	if hadConditions && hasConditions { // what is new to this process has not changed
		for _, condition := range changedConditions(was.GetConditions(), is.GetConditions()) {
			metrics.Transition(kind, condition.Type, string(condition.Status), condition.Reason)
		}
	}
	had, _ := before.(*v1alpha1.Member)
	has, _ := after.(*v1alpha1.Member)
	held, holds := grantsOf(had), grantsOf(has)
	for connection := range held {
		e.grants.Change(connection, held[connection], holds[connection])
	}
	for connection := range holds {
		if held[connection] == nil {
			e.grants.Change(connection, nil, holds[connection])
		}
	}
}

// grantsOf counts a Member's rows by connection and state; nil if there is none.
func grantsOf(member *v1alpha1.Member) map[types.NamespacedName]map[v1alpha1.GrantState]int32 {
	if member == nil {
		return nil
	}
	counts := map[types.NamespacedName]map[v1alpha1.GrantState]int32{}
	for _, row := range member.Status.Grants {
		connection := types.NamespacedName{Namespace: member.Namespace, Name: string(row.Connection)}
		if counts[connection] == nil {
			counts[connection] = map[v1alpha1.GrantState]int32{}
		}
		counts[connection][row.State]++
	}
	return counts
}

// changedConditions are those whose status or reason is another than before.
func changedConditions(before, after []metav1.Condition) (changed []metav1.Condition) {
	for _, condition := range after {
		was := meta.FindStatusCondition(before, condition.Type)
		if was == nil || was.Status != condition.Status || was.Reason != condition.Reason {
			changed = append(changed, condition)
		}
	}
	return changed
}

// lastKnown is an object as it was before it went.
func lastKnown(object any) any {
	if unknown, missed := object.(toolscache.DeletedFinalStateUnknown); missed {
		return unknown.Obj
	}
	return object
}
