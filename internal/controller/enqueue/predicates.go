package enqueue

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
)

// Counts and messages in a status concern no one else; these predicates let through what does.
var (
	SpecChanges    = changes(func(_, _ client.Object) bool { return false })
	BookingChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.BookingGrant).Status, after.(*v1alpha1.BookingGrant).Status
		return !equality.Semantic.DeepEqual(a.Terms, b.Terms) || !equality.Semantic.DeepEqual(a.Groups, b.Groups)
	})
	PlaceChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.PlaceMapping).Status, after.(*v1alpha1.PlaceMapping).Status
		return a.KisiPlaceID != b.KisiPlaceID || a.KisiPlaceName != b.KisiPlaceName || conditions.StateOf(a.Conditions) != conditions.StateOf(b.Conditions)
	})
	GroupChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.KisiGroup).Status, after.(*v1alpha1.KisiGroup).Status
		return a.KisiGroupID != b.KisiGroupID || a.PlaceID != b.PlaceID || conditions.StateOf(a.Conditions) != conditions.StateOf(b.Conditions)
	})
	GroupCountChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.KisiGroup).Status, after.(*v1alpha1.KisiGroup).Status
		return a.KisiGroupID != b.KisiGroupID || a.Counts == nil || b.Counts == nil || a.Counts.Foreign != b.Counts.Foreign
	})
	ConnectionChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.KisiConnection).Status, after.(*v1alpha1.KisiConnection).Status
		return conditions.StateOf(a.Conditions) != conditions.StateOf(b.Conditions) ||
			!equality.Semantic.DeepEqual(a.Organization, b.Organization) || !equality.Semantic.DeepEqual(a.API, b.API)
	})
	// LedgerChanges lets through what sources show of a Member.
	LedgerChanges = changes(func(before, after client.Object) bool {
		a, b := before.(*v1alpha1.Member).Status, after.(*v1alpha1.Member).Status
		return !equality.Semantic.DeepEqual(a.Grants, b.Grants) || a.PlannedCount != b.PlannedCount ||
			conditions.Refusal(a.Conditions) != conditions.Refusal(b.Conditions)
	})
)

// changes lets an update through when the spec, the annotations or the deletion changed, or the given part of the status.
func changes(inStatus func(before, after client.Object) bool) predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
			e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero() ||
			!equality.Semantic.DeepEqual(e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations()) ||
			inStatus(e.ObjectOld, e.ObjectNew)
	}}
}
