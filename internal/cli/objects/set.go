// Package objects holds the objects of one namespace in memory and finds them as the operator's caches do, so that
// entitlement can be asked without a cluster.
package objects

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Kinds are those that a Set holds, in the order in which they refer to each other.
var Kinds = []string{
	entitlement.KindKisiConnection, entitlement.KindKisiGroup, entitlement.KindPlaceMapping, entitlement.KindAccessPlan,
	entitlement.KindMember, entitlement.KindAccessSubscription, entitlement.KindBookingGrant,
}

// Set is the objects of one namespace. They are shared with whoever asks, and not to be modified once the Set is asked.
type Set struct {
	Namespace string

	Connections   []*v1alpha1.KisiConnection
	Groups        []*v1alpha1.KisiGroup
	Places        []*v1alpha1.PlaceMapping
	Plans         []*v1alpha1.AccessPlan
	Members       []*v1alpha1.Member
	Subscriptions []*v1alpha1.AccessSubscription
	Bookings      []*v1alpha1.BookingGrant

	// Unreadable says, by kind, why its objects are not known. Whoever needs them gets that error, never an empty answer.
	Unreadable map[string]error
}

// Add takes an object in, and reports whether it is of one of the kinds.
func (s *Set) Add(object runtime.Object) bool {
	switch o := object.(type) {
	case *v1alpha1.KisiConnection:
		s.Connections = append(s.Connections, o)
	case *v1alpha1.KisiGroup:
		s.Groups = append(s.Groups, o)
	case *v1alpha1.PlaceMapping:
		s.Places = append(s.Places, o)
	case *v1alpha1.AccessPlan:
		s.Plans = append(s.Plans, o)
	case *v1alpha1.Member:
		s.Members = append(s.Members, o)
	case *v1alpha1.AccessSubscription:
		s.Subscriptions = append(s.Subscriptions, o)
	case *v1alpha1.BookingGrant:
		s.Bookings = append(s.Bookings, o)
	default:
		return false
	}
	return true
}

// Object is an object of any of the kinds.
type Object interface {
	runtime.Object
	metav1.Object
	v1alpha1.WithConditions
}

// All lists every object, kind by kind and by name.
func (s *Set) All() []Object {
	var all []Object
	all = append(all, sorted(s.Connections)...)
	all = append(all, sorted(s.Groups)...)
	all = append(all, sorted(s.Places)...)
	all = append(all, sorted(s.Plans)...)
	all = append(all, sorted(s.Members)...)
	all = append(all, sorted(s.Subscriptions)...)
	return append(all, sorted(s.Bookings)...)
}

func sorted[T Object](objects []T) []Object {
	all := make([]Object, 0, len(objects))
	for _, object := range objects {
		all = append(all, object)
	}
	slices.SortFunc(all, ByName)
	return all
}

// ByName orders objects by their names.
func ByName[T metav1.Object](a, b T) int { return cmp.Compare(a.GetName(), b.GetName()) }

// KindOf names the kind of an object.
func KindOf(object runtime.Object) string {
	switch object.(type) {
	case *v1alpha1.KisiConnection:
		return entitlement.KindKisiConnection
	case *v1alpha1.KisiGroup:
		return entitlement.KindKisiGroup
	case *v1alpha1.PlaceMapping:
		return entitlement.KindPlaceMapping
	case *v1alpha1.AccessPlan:
		return entitlement.KindAccessPlan
	case *v1alpha1.Member:
		return entitlement.KindMember
	case *v1alpha1.AccessSubscription:
		return entitlement.KindAccessSubscription
	case *v1alpha1.BookingGrant:
		return entitlement.KindBookingGrant
	}
	return ""
}

// New returns an empty object of a kind, or nil.
func New(kind string) Object {
	switch kind {
	case entitlement.KindKisiConnection:
		return &v1alpha1.KisiConnection{}
	case entitlement.KindKisiGroup:
		return &v1alpha1.KisiGroup{}
	case entitlement.KindPlaceMapping:
		return &v1alpha1.PlaceMapping{}
	case entitlement.KindAccessPlan:
		return &v1alpha1.AccessPlan{}
	case entitlement.KindMember:
		return &v1alpha1.Member{}
	case entitlement.KindAccessSubscription:
		return &v1alpha1.AccessSubscription{}
	case entitlement.KindBookingGrant:
		return &v1alpha1.BookingGrant{}
	}
	return nil
}

// Resource names a kind as the paths of the API server and its rules about rights do, such as kisigroups.
func Resource(kind string) string { return strings.ToLower(kind) + "s" }

// Name is how an object is named in messages and in the ledger.
func Name(object Object) string { return entitlement.SourceName(KindOf(object), object.GetName()) }

// Readable returns why one of the kinds is not known, or nil.
func (s *Set) Readable(kinds ...string) error {
	for _, kind := range kinds {
		if err := s.Unreadable[kind]; err != nil {
			return fmt.Errorf("the %ss of namespace %s are not known: %w", kind, s.Namespace, err)
		}
	}
	return nil
}

// Connection returns the KisiConnection of a name, or nil.
func (s *Set) Connection(name v1alpha1.ObjectName) *v1alpha1.KisiConnection {
	i := slices.IndexFunc(s.Connections, func(c *v1alpha1.KisiConnection) bool { return c.Name == string(name) })
	if i < 0 {
		return nil
	}
	return s.Connections[i]
}
