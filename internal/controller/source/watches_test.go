package source

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue/enqueuetest"
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
		bookings, subscriptions := h.Fill(BookingWatches(h), object), h.Fill(SubscriptionWatches(h), object)
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
			bookings := h.Change(BookingWatches(h), test.before, test.after)
			subscriptions := h.Change(SubscriptionWatches(h), test.before, test.after)
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
