package enqueue

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// SinceStart leaves out what is there when the caches fill: a start reconciles everything anyway.
var SinceStart = predicate.Funcs{CreateFunc: func(e event.CreateEvent) bool { return !e.IsInInitialList }}

// Counts and messages in a status concern no one else; these predicates let through what does.
var (
	SpecChanges = changes(func(_, _ client.Object) bool { return false })
	// MemberChanges lets through what concerns those who share an address or a user with a Member, or depend on it.
	MemberChanges = changes(func(before, after client.Object) bool {
		was, is := before.(*v1alpha1.Member), after.(*v1alpha1.Member)
		return entitlement.IsImplicit(was) != entitlement.IsImplicit(is) || LedgersDiffer(was, is)
	})
	BookingChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.BookingGrant).Status, after.(*v1alpha1.BookingGrant).Status
		return !equality.Semantic.DeepEqual(a.Terms, b.Terms) || !equality.Semantic.DeepEqual(a.Groups, b.Groups)
	})
	PlaceChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.PlaceMapping).Status, after.(*v1alpha1.PlaceMapping).Status
		return a.KisiPlaceID != b.KisiPlaceID || a.KisiPlaceName != b.KisiPlaceName || conditions.StateOf(a.Conditions) != conditions.StateOf(b.Conditions)
	})
	GroupChanges = orAnnotations(changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.KisiGroup).Status, after.(*v1alpha1.KisiGroup).Status
		return a.KisiGroupID != b.KisiGroupID || a.PlaceID != b.PlaceID || conditions.StateOf(a.Conditions) != conditions.StateOf(b.Conditions)
	}))
	GroupCountChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.KisiGroup).Status, after.(*v1alpha1.KisiGroup).Status
		return a.KisiGroupID != b.KisiGroupID || a.Counts == nil || b.Counts == nil || a.Counts.Foreign != b.Counts.Foreign
	})
	ConnectionChanges = orAnnotations(changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.KisiConnection).Status, after.(*v1alpha1.KisiConnection).Status
		return conditions.StateOf(a.Conditions) != conditions.StateOf(b.Conditions) ||
			!equality.Semantic.DeepEqual(a.Organization, b.Organization) || !equality.Semantic.DeepEqual(a.API, b.API)
	}))
	// LedgerChanges lets through what sources show of a Member.
	LedgerChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.Member).Status, after.(*v1alpha1.Member).Status
		return !equality.Semantic.DeepEqual(a.Grants, b.Grants) || a.PlannedCount != b.PlannedCount ||
			conditions.Refusal(a.Conditions) != conditions.Refusal(b.Conditions) || isHeld(a) != isHeld(b) ||
			entitlement.IsImplicit(before.(*v1alpha1.Member)) != entitlement.IsImplicit(after.(*v1alpha1.Member))
	})
)

// LedgersDiffer reports whether two states of a Member have different ledgers.
func LedgersDiffer(before, after *v1alpha1.Member) bool {
	a, b := before.Status, after.Status
	return !equality.Semantic.DeepEqual(a.Grants, b.Grants) || !equality.Semantic.DeepEqual(a.Accounts, b.Accounts) ||
		!equality.Semantic.DeepEqual(a.Logins, b.Logins)
}

// isHeld reports whether a Member waits for an approval, which is not what the mode of a connection keeps from being done.
func isHeld(status v1alpha1.MemberStatus) bool {
	return conditions.StateOf(status.Conditions).Reason == v1alpha1.ReasonRevocationsHeld
}

// changes lets an update through when the spec or the deletion changed, or the given part of the status.
func changes(inStatus func(before, after client.Object) bool) predicate.Funcs {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
			e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero() ||
			inStatus(e.ObjectOld, e.ObjectNew)
	}}
}

// orAnnotations lets a change of the annotations through, too: of kinds whose annotations decide about other objects.
func orAnnotations(of predicate.Funcs) predicate.Funcs {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return !equality.Semantic.DeepEqual(e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations()) || of.UpdateFunc(e)
	}}
}
