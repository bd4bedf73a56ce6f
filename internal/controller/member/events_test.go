package member

import (
	"maps"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue/enqueuetest"
)

const teamSize = 1000

func newHouse(t *testing.T) (*enqueuetest.House, []enqueue.Watch) {
	t.Helper()
	h, err := enqueuetest.NewHouse(teamSize)
	if err != nil {
		t.Fatal(err)
	}
	return h, Watches(h)
}

func TestFillingTheCachesEnqueuesNobodyTwice(t *testing.T) {
	h, watches := newHouse(t)
	for _, object := range h.Objects {
		if asked := h.Fill(watches, object); len(asked.Times) > 0 {
			t.Fatalf("%T %s enqueued %d Members, which a start reconciles anyway", object, object.GetName(), len(asked.Times))
		}
		if h.Lookups > len(h.Objects) || h.Walked > len(h.Objects) {
			t.Fatalf("%d lookups and %d objects after %T %s, of %d objects in all", h.Lookups, h.Walked, object, object.GetName(), len(h.Objects))
		}
	}
}

// Whatever happens to one person of a team or booking costs the same however many others there are.
func TestAnEventOfOnePersonConcernsNobodyElse(t *testing.T) {
	member := enqueuetest.TeamMember(1)
	guest := enqueuetest.Edited(enqueuetest.TeamMember(1), func(m *v1alpha1.Member) { m.Spec.Teams = nil })
	var gone *v1alpha1.Member
	for shows, change := range map[string][2]*v1alpha1.Member{
		"joins the team":        {guest, enqueuetest.Edited(guest, func(m *v1alpha1.Member) { m.Spec.Teams = member.Spec.Teams })},
		"leaves the team":       {member, enqueuetest.Edited(member, func(m *v1alpha1.Member) { m.Spec.Teams = nil })},
		"is suspended":          {member, enqueuetest.Edited(member, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })},
		"appears":               {gone, member},
		"begins to go":          {member, enqueuetest.Written(member, func(m *v1alpha1.Member) { m.DeletionTimestamp = &metav1.Time{Time: time.Now()} })},
		"is gone":               {member, gone},
		"is annotated":          {member, enqueuetest.Written(member, func(m *v1alpha1.Member) { m.Annotations = map[string]string{"a": "b"} })},
		"has another address":   {member, enqueuetest.Edited(member, func(m *v1alpha1.Member) { m.Spec.Email = "another@example.com" })},
		"has something in Kisi": {member, enqueuetest.Written(member, func(m *v1alpha1.Member) { m.Status.Grants = []v1alpha1.MemberGrant{{Group: "doors", UserID: 5}} })},
	} {
		t.Run(shows, func(t *testing.T) {
			h, watches := newHouse(t)
			asked := h.Change(watches, enqueuetest.OrNil(change[0]), enqueuetest.OrNil(change[1]))
			delete(asked.Times, member.Name) // which is enqueued by its own change
			if len(asked.Times) > 0 || h.Lookups > 20 || h.Walked > 40 {
				t.Errorf("%d others enqueued, %d lookups, %d objects", len(asked.Times), h.Lookups, h.Walked)
			}
		})
	}
	h, watches := newHouse(t)
	if h.Change(watches, member, enqueuetest.Written(member, func(m *v1alpha1.Member) { m.Status.PlannedCount = 3 })); h.Lookups > 0 {
		t.Errorf("%d lookups though the status says nothing that concerns others", h.Lookups)
	}
}

func TestAnEditOfASourceEnqueuesItsPeopleOnce(t *testing.T) {
	doors := enqueuetest.TeamSubscription("doors")
	fair := func(h *enqueuetest.House) *v1alpha1.BookingGrant {
		return enqueuetest.Object[*v1alpha1.BookingGrant](h, "fair")
	}
	for _, test := range []struct {
		shows           string
		change          func(*enqueuetest.House) (before, after client.Object)
		people          int
		lookups, walked int
	}{
		{"a subscription of the team", func(*enqueuetest.House) (client.Object, client.Object) {
			return doors, enqueuetest.Edited(doors, func(s *v1alpha1.AccessSubscription) { s.Spec.EndTime = &metav1.Time{Time: time.Now()} })
		}, teamSize, 5, teamSize + 5},
		{"a subscription that moves to a team of nobody", func(*enqueuetest.House) (client.Object, client.Object) {
			return doors, enqueuetest.Edited(doors, func(s *v1alpha1.AccessSubscription) { s.Spec.Subject.Team = "nobody" })
		}, teamSize, 5, teamSize + 5},
		{"a subscription of the team that goes", func(*enqueuetest.House) (client.Object, client.Object) { return doors, nil }, teamSize, 5, teamSize + 5},
		{"an annotation of a subscription", func(*enqueuetest.House) (client.Object, client.Object) {
			return doors, enqueuetest.Written(doors, func(s *v1alpha1.AccessSubscription) { s.Annotations = map[string]string{"a": "b"} })
		}, 0, 0, 0},
		{"a booking", func(h *enqueuetest.House) (client.Object, client.Object) {
			return fair(h), enqueuetest.Edited(fair(h), func(b *v1alpha1.BookingGrant) { b.Spec.EndTime = metav1.Now() })
		}, teamSize, teamSize + 5, teamSize + 5},
		{"one more guest of a booking, and one less", func(h *enqueuetest.House) (client.Object, client.Object) {
			return fair(h), enqueuetest.Edited(fair(h), func(b *v1alpha1.BookingGrant) {
				b.Spec.Attendees = append(slices.Clone(b.Spec.Attendees[:900]), b.Spec.Attendees[901:]...)
			})
		}, 1, 5, 5},
		{"the groups that a booking without terms was given, which are the place's", func(h *enqueuetest.House) (client.Object, client.Object) {
			return fair(h), enqueuetest.Written(fair(h), func(b *v1alpha1.BookingGrant) { b.Status.Groups = []v1alpha1.ObjectName{"hall"} })
		}, 0, 0, 0},
		{"the organizer of a booking, who is no member any more", func(*enqueuetest.House) (client.Object, client.Object) {
			organizer := enqueuetest.TeamMember(0)
			return organizer, enqueuetest.Edited(organizer, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberSuspended })
		}, teamSize - 1, teamSize + 20, teamSize + 40},
		{"the subscription that may make the organizer a member", func(*enqueuetest.House) (client.Object, client.Object) {
			made := enqueuetest.TeamSubscription("organizer")
			made.Spec.Subject = v1alpha1.Subject{Email: enqueuetest.AddressOf(0)}
			return nil, made
		}, teamSize, teamSize + 5, teamSize + 5},
		{"the subscription of a guest, who organizes nothing", func(*enqueuetest.House) (client.Object, client.Object) {
			made := enqueuetest.TeamSubscription("guest")
			made.Spec.Subject = v1alpha1.Subject{Email: enqueuetest.AddressOf(5)}
			return nil, made
		}, 1, 5, 5},
		{"the place of a booking", func(*enqueuetest.House) (client.Object, client.Object) {
			before := &v1alpha1.PlaceMapping{ObjectMeta: enqueuetest.Named("hall")}
			return before, enqueuetest.Edited(before, func(p *v1alpha1.PlaceMapping) { p.Spec.ExternalID = "9" })
		}, teamSize, teamSize + 10, teamSize + 10},
		{"a group that a plan of the team's subscription gives", func(h *enqueuetest.House) (client.Object, client.Object) {
			plan := &v1alpha1.AccessPlan{ObjectMeta: enqueuetest.Named("everything")}
			plan.Spec.GroupRefs = []v1alpha1.GroupReference{{Name: "pool"}}
			h.Put(plan)
			h.Put(enqueuetest.Edited(doors, func(s *v1alpha1.AccessSubscription) { s.Spec.PlanRef = &v1alpha1.PlanReference{Name: "everything"} }))
			return nil, &v1alpha1.KisiGroup{ObjectMeta: enqueuetest.Named("pool")}
		}, teamSize, 10, teamSize + 10},
		{"a group that the team's subscription gives", func(*enqueuetest.House) (client.Object, client.Object) {
			before := &v1alpha1.KisiGroup{ObjectMeta: enqueuetest.Named("doors")}
			return before, enqueuetest.Edited(before, func(g *v1alpha1.KisiGroup) { g.Spec.ConnectionRef.Name = "branch" })
		}, teamSize, 10, teamSize + 10},
	} {
		t.Run(test.shows, func(t *testing.T) {
			h, watches := newHouse(t)
			before, after := test.change(h)
			h.Forget()
			asked := h.Change(watches, before, after)
			if people := len(asked.Times); people != test.people {
				t.Errorf("%d people enqueued, want %d", people, test.people)
			}
			if twice := slices.Max(append(slices.Collect(maps.Values(asked.Times)), 0)); twice > 1 {
				t.Errorf("somebody was enqueued %d times", twice)
			}
			if h.Lookups > test.lookups || h.Walked > test.walked {
				t.Errorf("%d lookups and %d objects, want %d and %d at most", h.Lookups, h.Walked, test.lookups, test.walked)
			}
		})
	}
}
