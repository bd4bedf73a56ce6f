package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	apply "github.com/kisi-operator/kisi-operator/api/applyconfiguration/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// A booking with two people invited. Apply it with a field manager of your own, such as
//
//	err := c.Apply(ctx, booking, client.FieldOwner("bookings.example.com"), client.ForceOwnership)
//
// with the client of controller-runtime. Applied again, it changes nothing; with other attendees, those are the booking's.
func ExampleBookingGrant() {
	start := time.Date(2026, time.December, 1, 9, 0, 0, 0, time.UTC)
	booking := apply.BookingGrant("bk-8812", "acme").
		WithLabels(map[string]string{"app.kubernetes.io/managed-by": "bookings.example.com"}).
		WithSpec(apply.BookingGrantSpec().
			WithExternalID("bk_8812").
			WithPlaceRef(apply.PlaceReference().WithKind(v1alpha1.PlaceKindRoom).WithExternalID("boardroom")).
			WithOrganizer(apply.Person().WithEmail("ana@example.com").WithFullName("Ana Pop")).
			WithAttendees(
				apply.Person().WithEmail("gil@example.com"),
				apply.Person().WithEmail("mia@example.com"),
			).
			WithStartTime(metav1.NewTime(start)).
			WithEndTime(metav1.NewTime(start.Add(3 * time.Hour))).
			WithState(v1alpha1.BookingConfirmed))
	show(booking)
	// Output:
	// {
	//   "kind": "BookingGrant",
	//   "apiVersion": "access.kisi-operator.dev/v1alpha1",
	//   "metadata": {
	//     "name": "bk-8812",
	//     "namespace": "acme",
	//     "labels": {
	//       "app.kubernetes.io/managed-by": "bookings.example.com"
	//     }
	//   },
	//   "spec": {
	//     "externalID": "bk_8812",
	//     "placeRef": {
	//       "kind": "Room",
	//       "externalID": "boardroom"
	//     },
	//     "organizer": {
	//       "email": "ana@example.com",
	//       "fullName": "Ana Pop"
	//     },
	//     "attendees": [
	//       {
	//         "email": "gil@example.com"
	//       },
	//       {
	//         "email": "mia@example.com"
	//       }
	//     ],
	//     "startTime": "2026-12-01T09:00:00Z",
	//     "endTime": "2026-12-01T12:00:00Z",
	//     "state": "Confirmed"
	//   }
	// }
}

// A cancellation says all that the booking said before, with another state: a field that an apply leaves out, and that the
// same field manager set before, is taken out of the object, and here the API server would refuse that.
func ExampleBookingGrantSpecApplyConfiguration_WithState() {
	said := apply.BookingGrantSpec().
		WithGroupRefs(apply.GroupReference().WithName("studio")).
		WithOrganizer(apply.Person().WithEmail("ana@example.com")).
		WithStartTime(metav1.Date(2026, time.December, 1, 9, 0, 0, 0, time.UTC)).
		WithEndTime(metav1.Date(2026, time.December, 1, 12, 0, 0, 0, time.UTC))
	said.WithState(v1alpha1.BookingCanceled)
	show(said)
	// Output:
	// {
	//   "groupRefs": [
	//     {
	//       "name": "studio"
	//     }
	//   ],
	//   "organizer": {
	//     "email": "ana@example.com"
	//   },
	//   "startTime": "2026-12-01T09:00:00Z",
	//   "endTime": "2026-12-01T12:00:00Z",
	//   "state": "Canceled"
	// }
}

// A person of a team, and what the team holds.
func ExampleAccessSubscription() {
	show(apply.Member("ana", "acme").
		WithSpec(apply.MemberSpec().
			WithEmail("ana@example.com").
			WithTeams("Acme Ltd")))
	show(apply.AccessSubscription("sub-77", "acme").
		WithSpec(apply.AccessSubscriptionSpec().
			WithPlanRef(apply.PlanReference().WithExternalID("hot-desk")).
			WithSubject(apply.Subject().WithTeam("Acme Ltd"))))
	// Output:
	// {
	//   "kind": "Member",
	//   "apiVersion": "access.kisi-operator.dev/v1alpha1",
	//   "metadata": {
	//     "name": "ana",
	//     "namespace": "acme"
	//   },
	//   "spec": {
	//     "email": "ana@example.com",
	//     "teams": [
	//       "Acme Ltd"
	//     ]
	//   }
	// }
	// {
	//   "kind": "AccessSubscription",
	//   "apiVersion": "access.kisi-operator.dev/v1alpha1",
	//   "metadata": {
	//     "name": "sub-77",
	//     "namespace": "acme"
	//   },
	//   "spec": {
	//     "planRef": {
	//       "externalID": "hot-desk"
	//     },
	//     "subject": {
	//       "team": "Acme Ltd"
	//     }
	//   }
	// }
}

// What a field manager has said before, without what others said of the object: to change one thing of it and apply it again.
func ExampleExtractBookingGrant() {
	stored := &v1alpha1.BookingGrant{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "acme", Name: "bk-8812", ResourceVersion: "7",
			ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: "bookings.example.com", Operation: metav1.ManagedFieldsOperationApply,
				APIVersion: v1alpha1.GroupVersion.String(), FieldsType: "FieldsV1",
				FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:externalID":{},"f:state":{}}}`),
			}},
		},
		Spec: v1alpha1.BookingGrantSpec{ExternalID: "bk_8812", State: v1alpha1.BookingConfirmed, TTLSecondsAfterEnd: new(int64)},
	}
	said, err := apply.ExtractBookingGrant(stored, "bookings.example.com")
	if err != nil {
		panic(err)
	}
	said.Spec.WithState(v1alpha1.BookingCanceled)
	show(said.Spec)
	// Output:
	// {
	//   "externalID": "bk_8812",
	//   "state": "Canceled"
	// }
}

func show(said any) {
	text, err := json.MarshalIndent(said, "", "  ")
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
