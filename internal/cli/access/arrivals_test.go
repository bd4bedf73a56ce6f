package access

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// booked adds a booking of some hours to a namespace, by ana for gil, who is no member.
func booked(in *objects.Set, name string, from, until int, change func(*v1alpha1.BookingGrant)) {
	b := &v1alpha1.BookingGrant{ObjectMeta: metav1.ObjectMeta{Name: name}}
	b.Spec.GroupRefs = []v1alpha1.GroupReference{{Name: "members"}}
	b.Spec.Organizer.Email, b.Spec.State = "ana@example.com", v1alpha1.BookingConfirmed
	b.Spec.Attendees = []v1alpha1.Person{{Email: "Gil@example.com", FullName: "Gil Ott"}}
	b.Spec.StartTime, b.Spec.EndTime = metav1.Time{Time: now.Add(time.Duration(from) * time.Hour)}, metav1.Time{Time: now.Add(time.Duration(until) * time.Hour)}
	if change != nil {
		change(b)
	}
	in.Bookings = append(in.Bookings, b)
}

// Noon is in the middle of the day that is asked about.
func TestArrivals(t *testing.T) {
	for _, test := range []struct {
		name    string
		objects func() *objects.Set
		want    []string // hour, address, source, answer, problem
	}{
		{"a reference of the Member that begins today", func() *objects.Set { return set(row(9, v1alpha1.GrantScheduled, in(1), in(3))) },
			[]string{"13:00 ana@example.com Member/ana Open"}},
		{"not written to Kisi yet", func() *objects.Set { return set() }, []string{"13:00 ana@example.com Member/ana Expected"}},
		{"withheld, as of when it begins", func() *objects.Set {
			objects := set(row(0, v1alpha1.GrantWithheld, in(1), in(3)))
			objects.Members[0].Status.Accounts[0].Access = v1alpha1.AccountRemovedInKisi
			return objects
		}, []string{"13:00 ana@example.com Member/ana Withheld"}},
		{"one that began before", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.GroupRefs[0].StartTime = in(-30)
			return objects
		}, nil},
		{"one without a beginning", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.GroupRefs[0].StartTime = nil
			return objects
		}, nil},
		{"a booking, from half an hour before", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.GroupRefs = nil
			booked(objects, "b1", 2, 4, nil)
			return objects
		}, []string{"13:30 ana@example.com BookingGrant/b1 Expected", "13:30 gil@example.com BookingGrant/b1 Expected"}},
		{"a booking that has begun, and Kisi does not have", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.GroupRefs = nil
			booked(objects, "b1", -2, 4, func(b *v1alpha1.BookingGrant) { b.Spec.Attendees = nil })
			return objects
		}, []string{"09:30 ana@example.com BookingGrant/b1 Waiting"}},
		{"a booking since yesterday", func() *objects.Set {
			objects := set(row(9, v1alpha1.GrantActive, in(-31), in(4)))
			objects.Members[0].Spec.GroupRefs = nil
			booked(objects, "b1", -30, 3, func(b *v1alpha1.BookingGrant) { b.Spec.Attendees = nil })
			return objects
		}, []string{"05:30 ana@example.com BookingGrant/b1 Open"}},
		{"a booking that is over", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.GroupRefs = nil
			booked(objects, "b1", -4, -2, func(b *v1alpha1.BookingGrant) { b.Spec.Attendees = nil })
			return objects
		}, []string{"07:30 ana@example.com BookingGrant/b1 No ended"}},
		{"a booking that is over, within what is given anyway", func() *objects.Set {
			objects := set(row(9, v1alpha1.GrantActive, nil, nil))
			objects.Members[0].Spec.GroupRefs[0] = v1alpha1.MemberGroupReference{Name: "members"}
			booked(objects, "b1", -4, -2, func(b *v1alpha1.BookingGrant) { b.Spec.Attendees = nil })
			return objects
		}, []string{"07:30 ana@example.com BookingGrant/b1 No ended"}},
		{"a booking within what is given anyway", func() *objects.Set {
			objects := set(row(9, v1alpha1.GrantActive, nil, nil))
			objects.Members[0].Spec.GroupRefs[0] = v1alpha1.MemberGroupReference{Name: "members"}
			booked(objects, "b1", 2, 4, func(b *v1alpha1.BookingGrant) { b.Spec.Attendees = nil })
			return objects
		}, []string{"13:30 ana@example.com BookingGrant/b1 Open"}},
		{"a canceled booking", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.GroupRefs = nil
			booked(objects, "b1", 2, 4, func(b *v1alpha1.BookingGrant) { b.Spec.State, b.Spec.Attendees = v1alpha1.BookingCanceled, nil })
			return objects
		}, []string{"13:30 ana@example.com BookingGrant/b1 No Canceled"}},
		{"a booking at a place that there is not", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.GroupRefs = nil
			booked(objects, "b1", 2, 4, func(b *v1alpha1.BookingGrant) {
				b.Spec.GroupRefs, b.Spec.Attendees, b.Spec.PlaceRef = nil, nil, &v1alpha1.PlaceReference{Name: "roof"}
			})
			return objects
		}, []string{"14:00 ana@example.com BookingGrant/b1 No PlaceNotFound"}},
		{"a booking of a person who is suspended", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.State = v1alpha1.MemberSuspended
			booked(objects, "b1", 2, 4, func(b *v1alpha1.BookingGrant) { b.Spec.Attendees = nil })
			return objects
		}, []string{"13:30 ana@example.com BookingGrant/b1 No NotActive"}},
		{"a booking of tomorrow", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.GroupRefs = nil
			booked(objects, "b1", 26, 28, nil)
			return objects
		}, nil},
		{"a subscription that begins today", func() *objects.Set {
			objects := set()
			objects.Members[0].Spec.GroupRefs = nil
			s := &v1alpha1.AccessSubscription{ObjectMeta: metav1.ObjectMeta{Name: "trial"}}
			s.Spec.Subject.Email, s.Spec.State, s.Spec.StartTime = "fay@example.com", v1alpha1.SubscriptionActive, in(5)
			s.Spec.GroupRefs = []v1alpha1.GroupReference{{Name: "members"}}
			objects.Subscriptions = append(objects.Subscriptions, s)
			return objects
		}, []string{"17:00 fay@example.com AccessSubscription/trial Expected"}},
	} {
		midnight := now.Truncate(24 * time.Hour)
		arrivals, err := Question{In: test.objects().Index(), Now: now, At: now}.Arrivals(midnight, midnight.Add(24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range arrivals {
			said := fmt.Sprintf("%s %s %s/%s %s", a.Source.From.UTC().Format("15:04"), entitlement.Fold(a.Person.Email), a.Source.Kind, a.Source.Name, a.Answer)
			if a.Ended {
				said += " ended"
			}
			if a.Problem != nil {
				said += " " + a.Problem.Reason
			}
			got = append(got, said)
			if a.Problem == nil && !a.Ended && (len(a.Doors) != 1 || a.Doors[0].Name != "Members" || len(a.Doors[0].Groups) != 1) {
				t.Errorf("%s: doors %+v", test.name, a.Doors)
			}
		}
		if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
			t.Errorf("%s: %q, not %q", test.name, got, test.want)
		}
	}
}

// An empty list would say that nobody comes.
func TestArrivalsAreUnknownRatherThanNone(t *testing.T) {
	objects := set()
	objects.Unreadable = map[string]error{entitlement.KindBookingGrant: errors.New("you may not list bookinggrants")}
	if arrivals, err := (Question{In: objects.Index(), Now: now, At: now}).Arrivals(now, now.Add(time.Hour)); err == nil || arrivals != nil {
		t.Errorf("%v, %v", arrivals, err)
	}
}

func TestOpeningsOfADay(t *testing.T) {
	objects := set(row(9, v1alpha1.GrantScheduled, in(1), in(3)), row(8, v1alpha1.GrantHeld, in(-50), in(2)))
	objects.Members[0].Spec.GroupRefs = append(objects.Members[0].Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "members", StartTime: in(30), EndTime: in(31)})
	question := Question{In: objects.Index(), Now: now, At: now}
	midnight := now.Truncate(24 * time.Hour)
	report, today, err := question.Openings("ana@example.com", midnight, midnight.Add(24*time.Hour))
	if err != nil || report.Person.Member != "ana" || len(today) != 1 {
		t.Fatalf("%v %+v %+v", err, report, today)
	}
	var got []string
	for _, o := range today[0].Openings {
		got = append(got, fmt.Sprintf("%s-%s %s %d %v", o.From.UTC().Format("15:04"), o.Until.UTC().Format("15:04"), o.Answer, len(o.Sources), o.Next != nil))
	}
	if want := []string{"10:00-14:00 StillOpen 0 true", "13:00-15:00 Open 1 false"}; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, not %q", got, want)
	}
	_, tomorrow, err := question.Openings("ana@example.com", midnight.Add(24*time.Hour), midnight.Add(48*time.Hour))
	if err != nil || len(tomorrow) != 1 || len(tomorrow[0].Openings) != 1 || tomorrow[0].Openings[0].Answer != AnswerExpected {
		t.Errorf("%v %+v", err, tomorrow)
	}
}
