package entitlement_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// names lists the sources that name the person for the group, by looking at every object and at no date or state.
func (o oracle) namesFor(m *v1alpha1.Member, group string) []string {
	email, standing := m.Spec.Email, o.stands(m.Spec.Email)
	if !gone(m) && standing != m {
		standing = nil // an implicit Member lists nothing
	}
	wanted := v1alpha1.GroupReference{Name: v1alpha1.ObjectName(group)}
	var sources []string
	if standing != nil {
		for _, ref := range standing.Spec.GroupRefs {
			if string(ref.Name) == group {
				sources = append(sources, "Member/"+standing.Name)
			}
		}
		for _, entry := range standing.Spec.Places {
			for _, p := range o.fitting(entry.PlaceRef) {
				if audienceGives(p, entry.Audience, group) {
					sources = append(sources, "PlaceMapping/"+p.Name)
				}
			}
		}
	}
	for _, s := range o.subscriptions {
		listed := slices.Contains(s.Spec.GroupRefs, wanted)
		if ref := s.Spec.PlanRef; ref != nil && len(s.Spec.GroupRefs) == 0 {
			plans, _ := o.Plans(*ref)
			listed = listed || slices.ContainsFunc(plans, func(p *v1alpha1.AccessPlan) bool { return !gone(p) && slices.Contains(p.Spec.GroupRefs, wanted) })
		}
		if ref := s.Spec.PlaceRef; ref != nil {
			audience := s.Spec.Audience
			if audience == "" {
				audience = "members"
			}
			listed = listed || slices.ContainsFunc(o.fitting(*ref), func(p *v1alpha1.PlaceMapping) bool { return audienceGives(p, audience, group) })
		}
		if o.holds(s, standing, email) && listed {
			sources = append(sources, "AccessSubscription/"+s.Name)
		}
	}
	for _, b := range o.bookings {
		if o.names(b, email) && o.bookingLists(b, wanted) && !o.excludedByNobody(b) {
			sources = append(sources, "BookingGrant/"+b.Name)
		}
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}

func (o oracle) bookingLists(b *v1alpha1.BookingGrant, wanted v1alpha1.GroupReference) bool {
	switch {
	case o.recorded(b):
		return slices.Contains(b.Status.Groups, wanted.Name)
	case b.Spec.PlaceRef == nil:
		return slices.Contains(b.Spec.GroupRefs, wanted)
	}
	return slices.ContainsFunc(o.fitting(*b.Spec.PlaceRef), func(p *v1alpha1.PlaceMapping) bool {
		return p.Spec.Bookings != nil && slices.Contains(p.Spec.Bookings.GroupRefs, wanted)
	})
}

// excludedByNobody reports whether the booking would let its people in, were its organizer a member, and there is neither
// a Member nor a subscription that says of itself that it is none.
func (o oracle) excludedByNobody(b *v1alpha1.BookingGrant) bool {
	lag, membersOnly, _ := o.terms(b)
	over := b.Spec.State == v1alpha1.BookingCanceled || o.now.Unix() >= b.Spec.EndTime.Unix()+lag
	if over || !membersOnly || o.memberWhen(b) || o.stands(b.Spec.Organizer.Email) != nil {
		return false
	}
	return !slices.ContainsFunc(o.subscriptions, func(s *v1alpha1.AccessSubscription) bool {
		return !gone(s) && s.Spec.Subject.Email != "" && same(s.Spec.Subject.Email, b.Spec.Organizer.Email)
	})
}

// terms are what the booking, its recorded terms or its place says of it; told is false where none of them says anything.
func (o oracle) terms(b *v1alpha1.BookingGrant) (lag int64, membersOnly, told bool) {
	lag, told = int64(30*60), b.Spec.PlaceRef == nil
	switch {
	case o.recorded(b):
		told = true
		lag, membersOnly = b.Status.Terms.LagSeconds, b.Status.Terms.NonMembers == v1alpha1.NonMembersDeny
	case b.Spec.PlaceRef != nil:
		if found := o.fitting(*b.Spec.PlaceRef); len(found) == 1 && found[0].Spec.Bookings != nil {
			terms := found[0].Spec.Bookings
			told = true
			membersOnly = terms.NonMembers == v1alpha1.NonMembersDeny
			if terms.LagTime != nil {
				lag = int64(terms.LagTime.Seconds())
			}
		}
	}
	return lag, membersOnly, told
}

// closed lists the bookings and subscriptions of the person that say of themselves that they give nothing.
func (o oracle) closed(m *v1alpha1.Member) []string {
	standing := o.stands(m.Spec.Email)
	if !gone(m) && standing != m {
		standing = nil
	}
	var sources []string
	for _, s := range o.subscriptions {
		open := false
		for minute := range horizon {
			open = open || !at(minute).Before(o.now) && o.subscriptionOpen(s, at(minute))
		}
		if o.holds(s, standing, m.Spec.Email) && !open {
			sources = append(sources, "AccessSubscription/"+s.Name)
		}
	}
	for _, b := range o.bookings {
		lag, membersOnly, told := o.terms(b)
		over := told && o.now.Unix() >= b.Spec.EndTime.Unix()+lag
		shut := membersOnly && !o.memberWhen(b) && !o.excludedByNobody(b)
		says := b.Spec.State == v1alpha1.BookingCanceled || !o.bookingContradicts(b) && (over || shut)
		if o.names(b, m.Spec.Email) && says {
			sources = append(sources, "BookingGrant/"+b.Name)
		}
	}
	return sources
}

func TestWhoSaysOfItselfThatItGivesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, now, m := anyoneAnyTime(rt)
		got := slices.Sorted(maps.Keys(forPerson(rt, w, m, now).Closed))
		want := (oracle{w, now}).closed(m)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			rt.Fatalf("%s: %v, the rules say %v", m.Spec.Email, got, want)
		}
	})
}

func TestWhoNamesThePersonIsWhatTheRulesSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, now, m := anyoneAnyTime(rt)
		got := forPerson(rt, w, m, now)
		for _, group := range allGroups {
			var named []string
			for source := range got.Naming[v1alpha1.ObjectName(group)] {
				named = append(named, source)
			}
			slices.Sort(named)
			if want := (oracle{w, now}).namesFor(m, group); !slices.Equal(named, want) {
				rt.Fatalf("%s for %s: %v, the rules say %v", m.Spec.Email, group, named, want)
			}
		}
	})
}

// Whatever an object says of itself, who gave access before names the person still; a source that has gone names nobody.
func TestOnlyWhatDisappearsStopsNaming(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		w := d.world()
		now := at(rapid.IntRange(0, 240).Draw(rt, "now"))
		m := anyone(d, w)
		before := forPerson(rt, w, m, now)
		d.sayOtherwise(w)
		after := forPerson(rt, w, m, now)
		for _, e := range before.Groups {
			for _, window := range e.Windows {
				for _, source := range window.Sources {
					if !after.Naming.Names(source, e.Group) {
						rt.Fatalf("%s gave %s, and does not name %s any more", source, e.Group, m.Spec.Email)
					}
				}
			}
		}
		w.subscriptions, w.bookings = nil, nil
		for group, sources := range forPerson(rt, w, m, now).Naming {
			for source := range sources {
				if source[:6] != "Member" && source[:5] != "Place" {
					rt.Fatalf("%s has gone and names %s for %s", source, m.Spec.Email, group)
				}
			}
		}
	})
}

// sayOtherwise changes what objects say of themselves: states, dates and day passes.
func (d draw) sayOtherwise(w *world) {
	for _, m := range w.members {
		for i := range m.Spec.GroupRefs {
			m.Spec.GroupRefs[i].StartTime, m.Spec.GroupRefs[i].EndTime = d.span("other dates")
		}
		for i := range m.Spec.Places {
			m.Spec.Places[i].State = pick(d, "other place state", []v1alpha1.MemberPlaceState{v1alpha1.MemberPlaceActive, v1alpha1.MemberPlacePending})
			m.Spec.Places[i].StartTime, m.Spec.Places[i].EndTime = d.span("other dates")
		}
		m.Spec.State = pick(d, "other state", states)
	}
	for _, s := range w.subscriptions {
		s.Spec.State = pick(d, "other state", []v1alpha1.SubscriptionState{v1alpha1.SubscriptionActive, v1alpha1.SubscriptionPending, v1alpha1.SubscriptionCanceled})
		s.Spec.StartTime, s.Spec.EndTime = d.span("other dates")
		s.Spec.DayPasses = &v1alpha1.DayPasses{Total: 1, Used: int32(d.count("used", 2))}
	}
	for _, b := range w.bookings {
		b.Spec.State = pick(d, "other state", []v1alpha1.BookingState{v1alpha1.BookingConfirmed, v1alpha1.BookingCanceled})
	}
}
