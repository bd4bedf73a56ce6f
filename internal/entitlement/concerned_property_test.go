package entitlement_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue/enqueuetest"
	"github.com/kisi-operator/kisi-operator/internal/controller/member"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// objects lists everything that the world holds.
func (w *world) objects() []client.Object {
	var all []client.Object
	for _, o := range w.members {
		all = append(all, o)
	}
	for _, o := range w.bookings {
		all = append(all, o)
	}
	for _, o := range w.subscriptions {
		all = append(all, o)
	}
	for _, o := range w.places {
		all = append(all, o)
	}
	for _, o := range w.plans {
		all = append(all, o)
	}
	for _, o := range w.groups {
		all = append(all, o)
	}
	return all
}

// with is the world with another state of an object; after is nil where it is gone.
func (w *world) with(before, after client.Object) *world {
	return &world{
		members:       swap(w.members, before, after),
		bookings:      swap(w.bookings, before, after),
		subscriptions: swap(w.subscriptions, before, after),
		places:        swap(w.places, before, after),
		plans:         swap(w.plans, before, after),
		groups:        swap(w.groups, before, after),
	}
}

func swap[T client.Object](all []T, before, after client.Object) []T {
	var left []T
	for _, o := range all {
		if client.Object(o) != before {
			left = append(left, o)
		}
	}
	if is, fits := after.(T); fits {
		left = append(left, is)
	}
	return left
}

// edit draws a state of the object that differs in some of its parts.
func (d draw) edit(object client.Object) client.Object {
	after := object.DeepCopyObject().(client.Object)
	var parts []func()
	switch o := after.(type) {
	case *v1alpha1.Member:
		drawn := d.member(9)
		parts = []func(){
			func() { o.Spec.ExternalID = drawn.Spec.ExternalID }, func() { o.Spec.State = drawn.Spec.State }, func() { o.Spec.Teams = drawn.Spec.Teams },
			func() { o.Spec.GroupRefs = drawn.Spec.GroupRefs }, func() { o.Spec.Places = drawn.Spec.Places }, func() { o.Labels = nil },
		}
		if !entitlement.IsImplicit(o) {
			parts = append(parts, func() { o.Spec.Email = drawn.Spec.Email })
		}
	case *v1alpha1.AccessSubscription:
		drawn := d.subscription(9)
		parts = []func(){
			func() { o.Spec.State = drawn.Spec.State }, func() { o.Spec.StartTime = drawn.Spec.StartTime }, func() { o.Spec.EndTime = drawn.Spec.EndTime },
			func() { o.Spec.Subject = drawn.Spec.Subject }, func() { o.Spec.GroupRefs = drawn.Spec.GroupRefs }, func() { o.Spec.PlanRef = drawn.Spec.PlanRef },
			func() { o.Spec.PlaceRef, o.Spec.Audience = drawn.Spec.PlaceRef, drawn.Spec.Audience }, func() { o.Spec.DayPasses = drawn.Spec.DayPasses },
		}
	case *v1alpha1.BookingGrant:
		drawn := d.booking(9)
		parts = []func(){
			func() { o.Spec.State = drawn.Spec.State }, func() { o.Spec.Organizer = drawn.Spec.Organizer }, func() { o.Spec.Attendees = drawn.Spec.Attendees },
			func() { o.Spec.StartTime, o.Spec.EndTime = drawn.Spec.StartTime, drawn.Spec.EndTime },
			func() { o.Spec.PlaceRef, o.Spec.GroupRefs = drawn.Spec.PlaceRef, drawn.Spec.GroupRefs },
		}
		if d.chance("only the status", 30) {
			o.Status = drawn.Status
			return after
		}
	case *v1alpha1.PlaceMapping:
		drawn := d.place(9)
		parts = []func(){
			func() { o.Spec.Kind = drawn.Spec.Kind }, func() { o.Spec.ExternalID = drawn.Spec.ExternalID }, func() { o.Spec.Access = drawn.Spec.Access },
			func() { o.Spec.Bookings = drawn.Spec.Bookings }, func() { o.Spec.KisiPlace = drawn.Spec.KisiPlace },
		}
		if d.chance("only the status", 30) {
			o.Status = drawn.Status
			return after
		}
	case *v1alpha1.AccessPlan:
		parts = []func(){
			func() { o.Spec.GroupRefs = d.refs("plan groups", 2) },
			func() { o.Spec.ExternalID = pick(d, "plan id", []v1alpha1.ExternalID{"a", "b"}) },
		}
	case *v1alpha1.KisiGroup:
		if d.chance("only the status", 50) {
			o.Status.PlaceID = pick(d, "lies in", []v1alpha1.KisiID{0, 7, 8})
			return after
		}
		parts = []func(){func() { o.Spec.ConnectionRef.Name = pick(d, "connection", []v1alpha1.ObjectName{"hq", "branch"}) }}
	}
	if d.chance("begins to go", 20) && after.GetDeletionTimestamp().IsZero() {
		after.SetDeletionTimestamp(when(at(0)))
		return after
	}
	pick(d, "part", parts)()
	if d.chance("another part", 20) {
		pick(d, "part", parts)()
	}
	after.SetGeneration(object.GetGeneration() + 1)
	return after
}

// change draws what happens to one object: it appears, goes, or is edited.
func (d draw) change(w *world) (was, is *world, before, after client.Object) {
	object := pick(d, "object", w.objects())
	switch d.count("change", 5) {
	case 0:
		return w.with(object, nil), w, nil, object
	case 1:
		return w, w.with(object, nil), object, nil
	}
	edited := d.edit(object)
	return w, w.with(object, edited), object, edited
}

// acts reports whether something is done in Kisi by the Member's plan: it stands for its address, or leaves with nobody to do
// so.
func acts(w *world, m *v1alpha1.Member) bool {
	all, _ := w.Members(entitlement.Fold(m.Spec.Email))
	standing := entitlement.Primary(all)
	return slices.Contains(w.members, m) && (standing == m || standing == nil && gone(m))
}

// This is what keeps it safe that an event enqueues so few: whoever should have something else is among them.
func TestAChangeEnqueuesEverybodyWhoShouldHaveSomethingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		w := d.world()
		for _, email := range emails {
			if d.chance("implicit", 40) {
				w.members = append(w.members, implicitMember(string(email)))
			}
		}
		now := at(rapid.IntRange(0, 240).Draw(rt, "now"))
		was, is, before, after := d.change(w)
		cache := &enqueuetest.Cache{}
		if err := tenant.RegisterIndexes(context.Background(), cache); err != nil {
			rt.Fatal(err)
		}
		for _, o := range was.objects() {
			cache.Put(o)
		}
		asked := cache.Change(member.Watches(cache), before, after)
		for _, m := range is.members {
			if client.Object(m) == after || asked.Times[m.Name] > 0 || !acts(is, m) {
				continue
			}
			if !acts(was, m) {
				rt.Fatalf("%s acts for %s since %T %v became %v, and nothing enqueued it", m.Name, m.Spec.Email, after, before, after)
			}
			if a, b := forPerson(rt, was, m, now), forPerson(rt, is, m, now); !reflect.DeepEqual(a, b) {
				rt.Fatalf("%s should have %+v instead of %+v since %T became %+v, and nothing enqueued it", m.Spec.Email, b, a, before, after)
			}
		}
	})
}
