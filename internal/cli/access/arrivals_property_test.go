package access

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Whatever a booking comes to, whoever comes because of it is on the list of the day, once, and the list is in order of time.
func TestWhoeverABookingOfTheDayNamesIsListedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		objects := set()
		if rapid.Bool().Draw(t, "anyway") {
			objects.Members[0].Spec.GroupRefs[0] = v1alpha1.MemberGroupReference{Name: "members"}
		}
		objects.Members[0].Spec.State = rapid.SampledFrom([]v1alpha1.MemberState{v1alpha1.MemberActive, v1alpha1.MemberSuspended}).Draw(t, "state of ana")
		midnight := now.Truncate(24 * time.Hour)
		want := map[string]int{}
		for i := range rapid.IntRange(0, 6).Draw(t, "bookings") {
			name, from := fmt.Sprint("b", i), rapid.IntRange(-40, 40).Draw(t, "from")
			until := from + rapid.IntRange(1, 30).Draw(t, "hours")
			booked(objects, name, from, until, func(b *v1alpha1.BookingGrant) {
				b.Spec.State = rapid.SampledFrom([]v1alpha1.BookingState{v1alpha1.BookingConfirmed, v1alpha1.BookingCanceled}).Draw(t, "state")
				if rapid.Bool().Draw(t, "alone") {
					b.Spec.Attendees = nil
				}
				opens, closes := b.Spec.StartTime.Add(-entitlement.DefaultGrace), b.Spec.EndTime.Add(entitlement.DefaultGrace)
				if opens.Before(midnight.Add(24*time.Hour)) && closes.After(midnight) {
					want["ana@example.com "+name]++
					for range b.Spec.Attendees {
						want["gil@example.com "+name]++
					}
				}
			})
		}
		arrivals, err := Question{In: objects.Index(), Now: now, At: now}.Arrivals(midnight, midnight.Add(24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, a := range arrivals {
			if a.Source.Kind == entitlement.KindBookingGrant {
				got[string(entitlement.Fold(a.Person.Email))+" "+a.Source.Name]++
			}
			if a.Ended != !a.Source.Until.After(now) && a.Problem == nil {
				t.Errorf("%s/%s until %s: ended %v", a.Source.Kind, a.Source.Name, a.Source.Until, a.Ended)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("listed %v, not %v", got, want)
		}
		if !slices.IsSortedFunc(arrivals, func(a, b Arrival) int { return startOf(a.Source).Compare(startOf(b.Source)) }) {
			t.Error("not in order of time")
		}
	})
}
