package member

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Watches enqueue Members by everything that changes what a person should have or can be given.
func Watches(reader client.Reader) []enqueue.Watch {
	concerned := enqueue.Concerned[*v1alpha1.Member](func(ctx context.Context, before, after client.Object) ([]*v1alpha1.Member, error) {
		return tenant.PeopleConcerned(ctx, reader, before, after)
	})
	changes := enqueue.Changes(concerned.Enqueue)
	return []enqueue.Watch{
		{Kind: &v1alpha1.Member{}, Handler: changes, When: enqueue.MemberChanges},
		{Kind: &v1alpha1.BookingGrant{}, Handler: changes, When: enqueue.BookingChanges},
		{Kind: &v1alpha1.AccessSubscription{}, Handler: changes, When: enqueue.SpecChanges},
		{Kind: &v1alpha1.AccessPlan{}, Handler: changes, When: enqueue.SpecChanges},
		{Kind: &v1alpha1.PlaceMapping{}, Handler: changes, When: enqueue.PlaceChanges},
		{Kind: &v1alpha1.KisiGroup{}, Handler: enqueue.Behind(changes), When: enqueue.GroupChanges},
		{Kind: &v1alpha1.KisiConnection{}, Handler: enqueue.Behind(changes), When: enqueue.ConnectionChanges},
	}
}
