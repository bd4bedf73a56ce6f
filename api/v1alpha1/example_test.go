package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// A booking of the boardroom with two people invited. Its doors open for all three from half an hour before to half an hour
// after, unless the room's PlaceMapping says otherwise.
func ExampleBookingGrant() {
	start := time.Date(2026, time.December, 1, 9, 0, 0, 0, time.UTC)
	booking := v1alpha1.BookingGrant{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "BookingGrant"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: "bk-8812"},
		Spec: v1alpha1.BookingGrantSpec{
			ExternalID: "bk_8812",
			PlaceRef:   &v1alpha1.PlaceReference{Kind: v1alpha1.PlaceKindRoom, ExternalID: "boardroom"},
			Organizer:  v1alpha1.Person{Email: "ana@example.com", FullName: "Ana Pop"},
			Attendees:  []v1alpha1.Person{{Email: "gil@example.com"}, {Email: "mia@example.com"}},
			StartTime:  metav1.NewTime(start),
			EndTime:    metav1.NewTime(start.Add(3 * time.Hour)),
		},
	}
	show(booking.Spec)
	// Output:
	// {
	//   "externalID": "bk_8812",
	//   "placeRef": {
	//     "kind": "Room",
	//     "externalID": "boardroom"
	//   },
	//   "organizer": {
	//     "email": "ana@example.com",
	//     "fullName": "Ana Pop"
	//   },
	//   "attendees": [
	//     {
	//       "email": "gil@example.com"
	//     },
	//     {
	//       "email": "mia@example.com"
	//     }
	//   ],
	//   "startTime": "2026-12-01T09:00:00Z",
	//   "endTime": "2026-12-01T12:00:00Z"
	// }
}

// A team holds a plan until the end of the year: every Member whose spec.teams has the team gets the plan's groups.
func ExampleAccessSubscription() {
	end := metav1.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC)
	subscription := v1alpha1.AccessSubscription{
		ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: "sub-77"},
		Spec: v1alpha1.AccessSubscriptionSpec{
			ExternalID: "sub_77",
			PlanRef:    &v1alpha1.PlanReference{ExternalID: "hot-desk"},
			Subject:    v1alpha1.Subject{Team: "Acme Ltd"},
			EndTime:    &end, // without a startTime it has always been so
			State:      v1alpha1.SubscriptionActive,
		},
	}
	show(subscription.Spec)

	// When it is canceled say so. What is deleted may be an accident, and counts as one for the revocation limit.
	subscription.Spec.State = v1alpha1.SubscriptionCanceled
	fmt.Println("later:", subscription.Spec.State)
	// Output:
	// {
	//   "externalID": "sub_77",
	//   "planRef": {
	//     "externalID": "hot-desk"
	//   },
	//   "subject": {
	//     "team": "Acme Ltd"
	//   },
	//   "endTime": "2027-01-01T00:00:00Z",
	//   "state": "Active"
	// }
	// later: Canceled
}

// Ten day passes of one person, who is named by address and needs no Member. Access ends when all are used; openUntil keeps
// the day of the last one open.
func ExampleDayPasses() {
	evening := metav1.Date(2026, time.December, 1, 22, 0, 0, 0, time.UTC)
	show(v1alpha1.AccessSubscriptionSpec{
		ExternalID: "passes_31",
		PlanRef:    &v1alpha1.PlanReference{Name: "day-pass"},
		Subject:    v1alpha1.Subject{Email: "gil@example.com"},
		DayPasses:  &v1alpha1.DayPasses{Total: 10, Used: 10, OpenUntil: &evening},
	})
	// Output:
	// {
	//   "externalID": "passes_31",
	//   "planRef": {
	//     "name": "day-pass"
	//   },
	//   "subject": {
	//     "email": "gil@example.com"
	//   },
	//   "dayPasses": {
	//     "total": 10,
	//     "used": 10,
	//     "openUntil": "2026-12-01T22:00:00Z"
	//   }
	// }
}

// A booking is written for the second time, and the operator catches up with it.
func ExampleSettled() {
	booking := v1alpha1.BookingGrant{ObjectMeta: metav1.ObjectMeta{Generation: 2}}
	tell := func(conditions ...metav1.Condition) {
		booking.Status.Conditions = conditions
		switch ready := v1alpha1.Settled(&booking); {
		case ready == nil:
			fmt.Println("wait")
		case ready.Status == metav1.ConditionTrue:
			fmt.Println("done:", ready.Reason)
		default:
			fmt.Println("show this:", ready.Message)
		}
	}
	ready := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonGranted, ObservedGeneration: 1,
	}
	tell(ready) // of what the booking said before

	ready.ObservedGeneration = 2
	ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, v1alpha1.ReasonGranting, "granting access: 1 of 3 people pending"
	tell(ready, metav1.Condition{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue})

	ready.Status, ready.Reason, ready.Message = metav1.ConditionTrue, v1alpha1.ReasonGranted, ""
	tell(ready)

	ready.Status, ready.Reason = metav1.ConditionFalse, v1alpha1.ReasonPlaceNotFound
	ready.Message = `placeRef: there is no PlaceMapping named "boardrom" in this namespace; create it or correct the reference`
	tell(ready)
	// Output:
	// wait
	// wait
	// done: Granted
	// show this: placeRef: there is no PlaceMapping named "boardrom" in this namespace; create it or correct the reference
}

func show(spec any) {
	text, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
