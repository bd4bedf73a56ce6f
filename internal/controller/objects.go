package controller

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

// objects reads one namespace from the informer cache for the pure parts. Its objects are shared and read-only.
type objects struct {
	ctx       context.Context
	reader    client.Reader
	namespace string
}

var _ access.Objects = objects{}

// objectsIn reads one namespace, for as long as the context lasts.
func objectsIn(ctx context.Context, reader client.Reader, namespace string) objects {
	return objects{ctx, reader, namespace}
}

// list reads what an index leads to, without copying it.
func (o objects) list(list client.ObjectList, field, value string) error {
	err := o.reader.List(o.ctx, list, client.InNamespace(o.namespace), client.MatchingFields{field: value}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fmt.Errorf("listing %T by %s in namespace %s: %w", list, field, o.namespace, err)
	}
	return nil
}

func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

func (o objects) Members(address access.Address) ([]*v1alpha1.Member, error) {
	var list v1alpha1.MemberList
	err := o.list(&list, byAddress, string(address))
	return pointers(list.Items), err
}

func (o objects) Bookings(address access.Address) ([]*v1alpha1.BookingGrant, error) {
	var list v1alpha1.BookingGrantList
	err := o.list(&list, byAddress, string(address))
	return pointers(list.Items), err
}

func (o objects) SubscriptionsOf(address access.Address) ([]*v1alpha1.AccessSubscription, error) {
	var list v1alpha1.AccessSubscriptionList
	err := o.list(&list, byAddress, string(address))
	return pointers(list.Items), err
}

func (o objects) Places(ref v1alpha1.PlaceReference) ([]*v1alpha1.PlaceMapping, error) {
	if ref.Name != "" {
		place := &v1alpha1.PlaceMapping{}
		found, err := o.get(ref.Name, place)
		if !found {
			return nil, err
		}
		return []*v1alpha1.PlaceMapping{place}, nil
	}
	var list v1alpha1.PlaceMappingList
	if err := o.list(&list, byExternalID, string(ref.ExternalID)); err != nil {
		return nil, err
	}
	var places []*v1alpha1.PlaceMapping
	for _, place := range pointers(list.Items) {
		if ref.Kind == "" || place.Spec.Kind == ref.Kind {
			places = append(places, place)
		}
	}
	return places, nil
}

func (o objects) MembersByReference(ref v1alpha1.MemberReference) ([]*v1alpha1.Member, error) {
	if ref.Name != "" {
		member := &v1alpha1.Member{}
		found, err := o.get(ref.Name, member)
		if !found {
			return nil, err
		}
		return []*v1alpha1.Member{member}, nil
	}
	var list v1alpha1.MemberList
	err := o.list(&list, byExternalID, string(ref.ExternalID))
	return pointers(list.Items), err
}

func (o objects) TeamMembers(team v1alpha1.Team) ([]*v1alpha1.Member, error) {
	var list v1alpha1.MemberList
	err := o.list(&list, byTeam, string(team))
	return pointers(list.Items), err
}

func (o objects) SubscriptionsOfMember(member *v1alpha1.Member) ([]*v1alpha1.AccessSubscription, error) {
	var all []*v1alpha1.AccessSubscription
	for _, value := range referenceIndexes(member.Name, member.Spec.ExternalID) {
		var list v1alpha1.AccessSubscriptionList
		if err := o.list(&list, byMember, value); err != nil {
			return nil, err
		}
		all = append(all, pointers(list.Items)...)
	}
	return all, nil
}

func (o objects) SubscriptionsOfTeam(team v1alpha1.Team) ([]*v1alpha1.AccessSubscription, error) {
	var list v1alpha1.AccessSubscriptionList
	err := o.list(&list, byTeam, string(team))
	return pointers(list.Items), err
}

func (o objects) Plans(ref v1alpha1.PlanReference) ([]*v1alpha1.AccessPlan, error) {
	if ref.Name != "" {
		plan := &v1alpha1.AccessPlan{}
		found, err := o.get(ref.Name, plan)
		if !found {
			return nil, err
		}
		return []*v1alpha1.AccessPlan{plan}, nil
	}
	var list v1alpha1.AccessPlanList
	err := o.list(&list, byExternalID, string(ref.ExternalID))
	return pointers(list.Items), err
}

func (o objects) Group(name v1alpha1.ObjectName) (*v1alpha1.KisiGroup, error) {
	group := &v1alpha1.KisiGroup{}
	if found, err := o.get(name, group); !found {
		return nil, err
	}
	if !group.DeletionTimestamp.IsZero() {
		return nil, nil // what is being deleted gives nothing any more
	}
	return group, nil
}

// abandonedGroup names, as Kind/name, a KisiGroup that is being deleted and leaves what it gave as it is; empty if it is
// not, or gone.
func (o objects) abandonedGroup(name v1alpha1.ObjectName) (string, error) {
	group := &v1alpha1.KisiGroup{}
	if found, err := o.get(name, group); !found || group.DeletionTimestamp.IsZero() || !abandons(group) {
		return "", err
	}
	return "KisiGroup/" + group.Name, nil
}

// connections reads every connection of the namespace.
func (o objects) connections() ([]v1alpha1.KisiConnection, error) {
	var list v1alpha1.KisiConnectionList
	if err := o.reader.List(o.ctx, &list, client.InNamespace(o.namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the connections of namespace %s: %w", o.namespace, err)
	}
	return list.Items, nil
}

// allMembers reads every Member of the namespace.
func (o objects) allMembers() ([]*v1alpha1.Member, error) {
	var list v1alpha1.MemberList
	if err := o.reader.List(o.ctx, &list, client.InNamespace(o.namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the Members of namespace %s: %w", o.namespace, err)
	}
	return pointers(list.Items), nil
}

func (o objects) get(name v1alpha1.ObjectName, object client.Object) (found bool, err error) {
	key := client.ObjectKey{Namespace: o.namespace, Name: string(name)}
	err = o.reader.Get(o.ctx, key, object, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %T %s: %w", object, key, err)
	}
	return true, nil
}
