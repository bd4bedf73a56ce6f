package source

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue/enqueuetest"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

const teamSize = 1000

func newHouse(t *testing.T) *enqueuetest.House {
	t.Helper()
	h, err := enqueuetest.NewHouse(teamSize)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFillingTheCachesEnqueuesNoSource(t *testing.T) {
	h := newHouse(t)
	for _, object := range h.Objects {
		bookings, subscriptions := h.Fill((&BookingReconciler{}).watches(h), object), h.Fill((&SubscriptionReconciler{}).watches(h), object)
		if len(bookings.Times)+len(subscriptions.Times) > 0 || h.Lookups > len(h.Objects) {
			t.Fatalf("%T %s enqueued %d bookings and %d subscriptions, after %d lookups", object, object.GetName(), len(bookings.Times), len(subscriptions.Times), h.Lookups)
		}
	}
}

func TestWhichSourcesAnEventConcerns(t *testing.T) {
	member := enqueuetest.TeamMember(1)
	team := []string{"doors", "parking", "sauna"}
	granted := func(m *v1alpha1.Member) {
		m.Status.Grants = []v1alpha1.MemberGrant{{Group: "doors", State: v1alpha1.GrantActive}}
	}
	for _, test := range []struct {
		shows                   string
		before, after           client.Object
		bookings, subscriptions []string
		setUp                   func(*enqueuetest.House)
	}{
		{shows: "what a Member has in Kisi", before: member, after: enqueuetest.Written(member, granted), bookings: []string{"fair"}, subscriptions: team},
		{shows: "a team that a Member leaves", before: member, after: enqueuetest.Edited(member, func(m *v1alpha1.Member) { m.Spec.Teams = nil }),
			bookings: []string{"fair"}, subscriptions: team},
		{shows: "an annotation", before: member, after: enqueuetest.Written(member, func(m *v1alpha1.Member) { m.Annotations = map[string]string{"a": "b"} })},
		{shows: "what somebody has who was referred to by another Member of the address", before: member, after: enqueuetest.Written(member, granted),
			bookings: []string{"fair"}, subscriptions: append([]string{"referred"}, team...), setUp: func(h *enqueuetest.House) {
				other := enqueuetest.TeamMember(1)
				other.Name, other.Spec.Teams = "alias", nil
				h.Put(other)
				referred := enqueuetest.TeamSubscription("referred")
				referred.Spec.Subject = v1alpha1.Subject{MemberRef: &v1alpha1.MemberReference{Name: "alias"}}
				h.Put(referred)
			}},
		{shows: "a group", before: &v1alpha1.KisiGroup{ObjectMeta: enqueuetest.Named("doors")}, subscriptions: []string{"doors"}},
		{shows: "a group that was recorded when a booking began", before: &v1alpha1.KisiGroup{ObjectMeta: enqueuetest.Named("cellar")}, bookings: []string{"begun"},
			setUp: func(h *enqueuetest.House) {
				begun := enqueuetest.Object[*v1alpha1.BookingGrant](h, "fair").DeepCopy()
				begun.Name, begun.Status.Groups, begun.Status.Terms = "begun", []v1alpha1.ObjectName{"cellar"}, &v1alpha1.BookingTerms{}
				h.Put(begun)
			}},
		{shows: "a connection without groups", before: &v1alpha1.KisiConnection{ObjectMeta: enqueuetest.Named("branch")}},
		{shows: "the subscription that makes an organizer a member", after: func() client.Object {
			made := enqueuetest.TeamSubscription("organizer")
			made.Spec.Subject = v1alpha1.Subject{Email: enqueuetest.AddressOf(0)}
			return made
		}(), bookings: []string{"fair"}},
		{shows: "the subscription of a guest", after: func() client.Object {
			made := enqueuetest.TeamSubscription("guest")
			made.Spec.Subject = v1alpha1.Subject{Email: enqueuetest.AddressOf(5)}
			return made
		}()},
		{shows: "the end of a team's subscription", before: enqueuetest.TeamSubscription("doors"), after: enqueuetest.Edited(enqueuetest.TeamSubscription("doors"),
			func(s *v1alpha1.AccessSubscription) { s.Spec.EndTime = &metav1.Time{} })},
	} {
		t.Run(test.shows, func(t *testing.T) {
			h := newHouse(t)
			if test.setUp != nil {
				test.setUp(h)
			}
			h.Forget()
			bookings := h.Change((&BookingReconciler{}).watches(h), test.before, test.after)
			subscriptions := h.Change((&SubscriptionReconciler{}).watches(h), test.before, test.after)
			for _, wants := range []struct {
				names []string
				asked *enqueuetest.Asked
			}{{test.bookings, bookings}, {test.subscriptions, subscriptions}} {
				for _, name := range wants.names {
					if wants.asked.Times[name] != 1 {
						t.Errorf("%s was enqueued %d times", name, wants.asked.Times[name])
					}
				}
				if len(wants.asked.Times) != len(wants.names) {
					t.Errorf("enqueued %v, want %v", wants.asked.Times, wants.names)
				}
			}
			if h.Lookups > 20 || h.Walked > 20 {
				t.Errorf("%d lookups and %d objects", h.Lookups, h.Walked)
			}
		})
	}
}

func TestASourceOfManyPeopleIsNotLookedAtForEachOfThem(t *testing.T) {
	h, r := newHouse(t), &SubscriptionReconciler{}
	r.looks.Note(types.NamespacedName{Namespace: "acme", Name: "doors"}, teamSize)
	r.looks.Note(types.NamespacedName{Namespace: "acme", Name: "sauna"}, 3)
	member := enqueuetest.TeamMember(1)
	asked := h.Change(r.watches(h), member, enqueuetest.Written(member, func(m *v1alpha1.Member) { m.Status.PlannedCount = 1 }))
	if asked.After["doors"] < time.Second/2 || asked.After["sauna"] > 0 || asked.Times["doors"] != 1 || asked.Times["sauna"] != 1 {
		t.Errorf("many people are looked at again after %s, a few after %s", asked.After["doors"], asked.After["sauna"])
	}
	doors := enqueuetest.TeamSubscription("doors")
	plan := &v1alpha1.AccessPlan{ObjectMeta: enqueuetest.Named("everything")}
	planned := enqueuetest.Edited(doors, func(s *v1alpha1.AccessSubscription) { s.Spec.PlanRef = &v1alpha1.PlanReference{Name: "everything"} })
	h.Put(planned)
	if asked := h.Change(r.watches(h), nil, plan); asked.Times["doors"] != 1 || asked.After["doors"] > 0 {
		t.Errorf("what a plan says by now is told after %s", asked.After["doors"])
	}
}

// A team is read at once, not person by person, except where somebody shares an address.
func TestATeamIsEvaluatedWithoutLookingUpItsPeople(t *testing.T) {
	h, r := newHouse(t), &SubscriptionReconciler{}
	watches := r.watches(h)
	evaluate := func() entitlement.Subscription {
		t.Helper()
		in := teams{Objects: tenant.In(context.Background(), h, "acme"), crowds: &r.crowds, alone: map[entitlement.Address]*v1alpha1.Member{}}
		h.Forget()
		found, err := entitlement.EvaluateSubscription(in, enqueuetest.Object[*v1alpha1.AccessSubscription](h, "doors"), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, person := range found.People {
			if members, err := in.Members(person.Address); err != nil || len(members) == 0 {
				t.Fatal(err)
			}
		}
		return found
	}
	for _, object := range h.Objects {
		h.Fill(watches, object)
	}
	if found := evaluate(); len(found.People) != teamSize || h.Lookups > 10 || h.Walked > teamSize+10 {
		t.Errorf("%d people after %d lookups of %d objects", len(found.People), h.Lookups, h.Walked)
	}
	older := enqueuetest.TeamMember(1) // of no team, and the one who stands for the address
	older.Name, older.Spec.Teams, older.CreationTimestamp = "older", nil, metav1.NewTime(time.Now().Add(-time.Hour))
	younger := enqueuetest.Edited(enqueuetest.TeamMember(1), func(m *v1alpha1.Member) { m.CreationTimestamp = metav1.Now() })
	h.Change(watches, enqueuetest.TeamMember(1), younger)
	if asked := h.Change(watches, nil, older); asked.Times["doors"] != 1 {
		t.Error("the team of the other Member of the address was not enqueued")
	}
	if found := evaluate(); len(found.People) != teamSize-1 || h.Lookups > 10 {
		t.Errorf("%d people after %d lookups, with another Member for the address of one", len(found.People), h.Lookups)
	}
	h.Change(watches, older, nil)
	if found := evaluate(); len(found.People) != teamSize || len(r.crowds.several) > 0 {
		t.Errorf("%d people after the other is gone, and %d addresses remembered", len(found.People), len(r.crowds.several))
	}
}
