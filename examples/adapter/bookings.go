package main

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	apply "github.com/kisi-operator/kisi-operator/api/applyconfiguration/api/v1alpha1"
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

// Grant says what the object for the booking should be.
func (b Booking) Grant(namespace string) *apply.BookingGrantApplyConfiguration {
	spec := apply.BookingGrantSpec().
		WithExternalID(v1alpha1.ExternalID(b.ID)).
		WithPlaceRef(apply.PlaceReference().WithExternalID(v1alpha1.ExternalID(b.Room))).
		WithOrganizer(b.By.person()).
		WithStartTime(metav1.NewTime(b.Start)).
		WithEndTime(metav1.NewTime(b.End)).
		WithState(v1alpha1.BookingConfirmed)
	for _, guest := range b.Guests {
		spec.WithAttendees(guest.person())
	}
	if b.Canceled {
		spec.WithState(v1alpha1.BookingCanceled)
	}
	return apply.BookingGrant(nameOf(b.ID), namespace).
		WithLabels(map[string]string{ManagedByLabel: Manager}).
		WithSpec(spec)
}

func (p Person) person() *apply.PersonApplyConfiguration {
	person := apply.Person().WithEmail(v1alpha1.EmailAddress(p.Email))
	if p.Name != "" {
		person.WithFullName(v1alpha1.FullName(p.Name))
	}
	return person
}

// nameOf makes a name of an id, whatever is in the id: the same one each time, and another one for another id.
func nameOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "bk-" + hex.EncodeToString(sum[:10])
}
