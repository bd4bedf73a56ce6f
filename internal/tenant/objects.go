package tenant

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Objects reads one namespace from the informer cache for the pure parts. Its objects are shared and read-only.
type Objects struct {
	ctx       context.Context
	reader    client.Reader
	Namespace string
}

var _ entitlement.Objects = Objects{}

// In reads one namespace, for as long as the context lasts.
func In(ctx context.Context, reader client.Reader, namespace string) Objects {
	return Objects{ctx, reader, namespace}
}

// List reads what an index leads to, without copying it.
func (o Objects) List(list client.ObjectList, field, value string) error {
	err := o.reader.List(o.ctx, list, client.InNamespace(o.Namespace), client.MatchingFields{field: value}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fmt.Errorf("listing %T by %s in namespace %s: %w", list, field, o.Namespace, err)
	}
	return nil
}

// Pointers returns a pointer to each item, in its place.
func Pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

// Members returns the Members of an address.
func (o Objects) Members(address entitlement.Address) ([]*v1alpha1.Member, error) {
	var list v1alpha1.MemberList
	err := o.List(&list, ByAddress, string(address))
	return Pointers(list.Items), err
}

// Bookings returns the bookings that name an address.
func (o Objects) Bookings(address entitlement.Address) ([]*v1alpha1.BookingGrant, error) {
	var list v1alpha1.BookingGrantList
	err := o.List(&list, ByAddress, string(address))
	return Pointers(list.Items), err
}

// SubscriptionsOf returns the subscriptions of an address.
func (o Objects) SubscriptionsOf(address entitlement.Address) ([]*v1alpha1.AccessSubscription, error) {
	var list v1alpha1.AccessSubscriptionList
	err := o.List(&list, ByAddress, string(address))
	return Pointers(list.Items), err
}

// Places returns the mappings that a reference means; by external id there may be several.
func (o Objects) Places(ref v1alpha1.PlaceReference) ([]*v1alpha1.PlaceMapping, error) {
	if ref.Name != "" {
		place := &v1alpha1.PlaceMapping{}
		found, err := o.Get(ref.Name, place)
		if !found {
			return nil, err
		}
		return []*v1alpha1.PlaceMapping{place}, nil
	}
	var list v1alpha1.PlaceMappingList
	if err := o.List(&list, byExternalID, string(ref.ExternalID)); err != nil {
		return nil, err
	}
	var places []*v1alpha1.PlaceMapping
	for _, place := range Pointers(list.Items) {
		if ref.Kind == "" || place.Spec.Kind == ref.Kind {
			places = append(places, place)
		}
	}
	return places, nil
}

// MembersByReference returns the Members that a reference means; by external id there may be several.
func (o Objects) MembersByReference(ref v1alpha1.MemberReference) ([]*v1alpha1.Member, error) {
	if ref.Name != "" {
		member := &v1alpha1.Member{}
		found, err := o.Get(ref.Name, member)
		if !found {
			return nil, err
		}
		return []*v1alpha1.Member{member}, nil
	}
	var list v1alpha1.MemberList
	err := o.List(&list, byExternalID, string(ref.ExternalID))
	return Pointers(list.Items), err
}

// TeamMembers returns the Members of a team.
func (o Objects) TeamMembers(team v1alpha1.Team) ([]*v1alpha1.Member, error) {
	var list v1alpha1.MemberList
	err := o.List(&list, byTeam, string(team))
	return Pointers(list.Items), err
}

// SubscriptionsOfMember returns the subscriptions that refer to the Member, by name or by external id.
func (o Objects) SubscriptionsOfMember(member *v1alpha1.Member) ([]*v1alpha1.AccessSubscription, error) {
	var all []*v1alpha1.AccessSubscription
	for _, value := range referenceIndexes(member.Name, member.Spec.ExternalID) {
		var list v1alpha1.AccessSubscriptionList
		if err := o.List(&list, byMember, value); err != nil {
			return nil, err
		}
		all = append(all, Pointers(list.Items)...)
	}
	return all, nil
}

// SubscriptionsOfTeam returns the subscriptions of a team.
func (o Objects) SubscriptionsOfTeam(team v1alpha1.Team) ([]*v1alpha1.AccessSubscription, error) {
	var list v1alpha1.AccessSubscriptionList
	err := o.List(&list, byTeam, string(team))
	return Pointers(list.Items), err
}

// Plans returns the plans that a reference means; by external id there may be several.
func (o Objects) Plans(ref v1alpha1.PlanReference) ([]*v1alpha1.AccessPlan, error) {
	if ref.Name != "" {
		plan := &v1alpha1.AccessPlan{}
		found, err := o.Get(ref.Name, plan)
		if !found {
			return nil, err
		}
		return []*v1alpha1.AccessPlan{plan}, nil
	}
	var list v1alpha1.AccessPlanList
	err := o.List(&list, byExternalID, string(ref.ExternalID))
	return Pointers(list.Items), err
}

// Group returns a KisiGroup, nil if there is none or it is being deleted.
func (o Objects) Group(name v1alpha1.ObjectName) (*v1alpha1.KisiGroup, error) {
	group := &v1alpha1.KisiGroup{}
	if found, err := o.Get(name, group); !found {
		return nil, err
	}
	if !group.DeletionTimestamp.IsZero() {
		return nil, nil // what is being deleted gives nothing any more
	}
	return group, nil
}

// abandonedGroup names, as Kind/name, a KisiGroup that is being deleted and leaves what it gave as it is; empty if it is
// not, or gone.
func (o Objects) abandonedGroup(name v1alpha1.ObjectName) (string, error) {
	group := &v1alpha1.KisiGroup{}
	if found, err := o.Get(name, group); !found || group.DeletionTimestamp.IsZero() || !Abandons(group) {
		return "", err
	}
	return "KisiGroup/" + group.Name, nil
}

// Connections reads every connection of the namespace.
func (o Objects) Connections() ([]v1alpha1.KisiConnection, error) {
	var list v1alpha1.KisiConnectionList
	if err := o.reader.List(o.ctx, &list, client.InNamespace(o.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the connections of namespace %s: %w", o.Namespace, err)
	}
	return list.Items, nil
}

// AllMembers reads every Member of the namespace.
func (o Objects) AllMembers() ([]*v1alpha1.Member, error) {
	var list v1alpha1.MemberList
	if err := o.reader.List(o.ctx, &list, client.InNamespace(o.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the Members of namespace %s: %w", o.Namespace, err)
	}
	return Pointers(list.Items), nil
}

// Get reads one object of the namespace without copying it, and reports whether it is there.
func (o Objects) Get(name v1alpha1.ObjectName, object client.Object) (found bool, err error) {
	key := client.ObjectKey{Namespace: o.Namespace, Name: string(name)}
	err = o.reader.Get(o.ctx, key, object, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %T %s: %w", object, key, err)
	}
	return true, nil
}
