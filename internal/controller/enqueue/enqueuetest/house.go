package enqueuetest

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// House is a namespace with the team "everybody" of so many, three subscriptions of the team, and the booking "fair" at the
// place "hall", which Member 0 organizes and everybody is invited to.
type House struct {
	*Cache
	Objects []client.Object
}

// NewHouse makes a house with a team of so many.
func NewHouse(people int) (*House, error) {
	h := &House{Cache: &Cache{}}
	if err := tenant.RegisterIndexes(context.Background(), h.Cache); err != nil {
		return nil, err
	}
	booking := &v1alpha1.BookingGrant{ObjectMeta: Named("fair")}
	booking.Spec.PlaceRef = &v1alpha1.PlaceReference{Name: "hall"}
	booking.Spec.Organizer.Email = AddressOf(0)
	for i := range people {
		h.add(TeamMember(i))
		booking.Spec.Attendees = append(booking.Spec.Attendees, v1alpha1.Person{Email: AddressOf(i)})
	}
	place := &v1alpha1.PlaceMapping{ObjectMeta: Named("hall")}
	place.Spec.Bookings = &v1alpha1.PlaceBookings{GroupRefs: []v1alpha1.GroupReference{{Name: "hall"}}}
	for _, object := range []client.Object{TeamSubscription("doors"), TeamSubscription("parking"), TeamSubscription("sauna"), booking, place} {
		h.add(object)
	}
	h.Forget()
	return h, nil
}

func (h *House) add(object client.Object) {
	h.Put(object)
	h.Objects = append(h.Objects, object)
}

// Object finds an object that the house began with.
func Object[T client.Object](h *House, name string) T {
	for _, object := range h.Objects {
		if is, fits := object.(T); fits && is.GetName() == name {
			return is
		}
	}
	panic("no " + name)
}

// Named names an object of the house.
func Named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "acme", Name: name, Generation: 1, ResourceVersion: "1"}
}

// AddressOf is that of the Member with a number.
func AddressOf(i int) v1alpha1.EmailAddress {
	return v1alpha1.EmailAddress(fmt.Sprintf("m%d@example.com", i))
}

// TeamMember is the Member with a number.
func TeamMember(i int) *v1alpha1.Member {
	member := &v1alpha1.Member{ObjectMeta: Named(fmt.Sprintf("m%d", i))}
	member.Spec = v1alpha1.MemberSpec{Email: AddressOf(i), Teams: []v1alpha1.Team{"everybody"}, State: v1alpha1.MemberActive}
	return member
}

// TeamSubscription gives the team the group of its own name.
func TeamSubscription(name string) *v1alpha1.AccessSubscription {
	subscription := &v1alpha1.AccessSubscription{ObjectMeta: Named(name)}
	subscription.Spec.Subject.Team = "everybody"
	subscription.Spec.GroupRefs = []v1alpha1.GroupReference{{Name: v1alpha1.ObjectName(name)}}
	return subscription
}

// Edited is a copy of an object after an edit of its spec.
func Edited[T client.Object](object T, edit func(T)) T {
	after := object.DeepCopyObject().(T)
	edit(after)
	after.SetGeneration(object.GetGeneration() + 1)
	after.SetResourceVersion(object.GetResourceVersion() + "1")
	return after
}

// Written is a copy of an object after its status, or its metadata, was written.
func Written[T client.Object](object T, write func(T)) T {
	after := Edited(object, write)
	after.SetGeneration(object.GetGeneration())
	return after
}

// OrNil passes on an object, or that there is none.
func OrNil[T any, P interface {
	*T
	client.Object
}](object P) client.Object {
	if object == nil {
		return nil
	}
	return object
}
