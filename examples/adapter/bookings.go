package main

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Manager is who writes these objects: the field manager, and the value of a label by which they are found again.
const Manager = "bookings.example.com"

// ManagedByLabel is Kubernetes' own.
const ManagedByLabel = "app.kubernetes.io/managed-by"

// Booking is what the booking system says.
type Booking struct {
	ID       string    `json:"id"`
	Room     string    `json:"room"`
	By       Person    `json:"by"`
	Guests   []Person  `json:"guests"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Canceled bool      `json:"canceled"`
}

// Person is somebody whom a booking names.
type Person struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// Grant returns the object for the booking.
func (b Booking) Grant(namespace string) *v1alpha1.BookingGrant {
	grant := &v1alpha1.BookingGrant{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "BookingGrant"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: nameOf(b.ID), Labels: map[string]string{ManagedByLabel: Manager},
		},
		Spec: v1alpha1.BookingGrantSpec{
			ExternalID: v1alpha1.ExternalID(b.ID),
			PlaceRef:   &v1alpha1.PlaceReference{ExternalID: v1alpha1.ExternalID(b.Room)},
			Organizer:  b.By.ref(),
			StartTime:  metav1.NewTime(b.Start),
			EndTime:    metav1.NewTime(b.End),
			State:      v1alpha1.BookingConfirmed,
		},
	}
	for _, guest := range b.Guests {
		grant.Spec.Attendees = append(grant.Spec.Attendees, guest.ref())
	}
	if b.Canceled {
		grant.Spec.State = v1alpha1.BookingCanceled
	}
	return grant
}

func (p Person) ref() v1alpha1.Person {
	return v1alpha1.Person{Email: v1alpha1.EmailAddress(p.Email), FullName: v1alpha1.FullName(p.Name)}
}

// nameOf makes a name of an id, whatever is in the id: the same one each time, and another one for another id.
func nameOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "bk-" + hex.EncodeToString(sum[:10])
}
