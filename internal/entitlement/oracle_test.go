package entitlement_test

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// oracle answers, for one instant at a time and by looking at every object, what the rules say. It knows no windows.
type oracle struct {
	*world
	now time.Time
}

func same(a, b v1alpha1.EmailAddress) bool {
	return strings.EqualFold(strings.TrimSpace(string(a)), strings.TrimSpace(string(b)))
}

func within(t time.Time, from, until *metav1.Time) bool {
	return (from == nil || t.Unix() >= from.Unix()) && (until == nil || t.Unix() < until.Unix())
}

func gone(o metav1.Object) bool { return o.GetDeletionTimestamp() != nil }

// stands finds the explicit Member who stands for the address: none that is present comes before.
func (o oracle) stands(email v1alpha1.EmailAddress) *v1alpha1.Member {
	for _, m := range o.members {
		if gone(m) || entitlement.IsImplicit(m) || !same(m.Spec.Email, email) {
			continue
		}
		first := true
		for _, other := range o.members {
			if gone(other) || entitlement.IsImplicit(other) || !same(other.Spec.Email, email) {
				continue
			}
			earlier := other.CreationTimestamp.Time.Before(m.CreationTimestamp.Time)
			tie := other.CreationTimestamp.Time.Equal(m.CreationTimestamp.Time)
			first = first && !earlier && (!tie || m.Name <= other.Name)
		}
		if first {
			return m
		}
	}
	return nil
}

func (o oracle) fitting(ref v1alpha1.PlaceReference) []*v1alpha1.PlaceMapping {
	found, _ := o.Places(ref)
	return filter(found, func(p *v1alpha1.PlaceMapping) bool { return !gone(p) })
}

func (o oracle) contradicts(p *v1alpha1.PlaceMapping) bool {
	for _, g := range o.groups {
		if gone(g) || !slices.Contains(entitlement.PlaceGroups(p), v1alpha1.ObjectName(g.Name)) {
			continue
		}
		if g.Spec.ConnectionRef != p.Spec.ConnectionRef {
			return true
		}
		if k := p.Spec.KisiPlace; k != nil && g.Status.PlaceID != 0 && g.Status.PlaceID != p.Status.KisiPlaceID {
			return true
		}
	}
	return o.unverified(p)
}

// unverified reports whether it is not known which place in Kisi the mapping means. What the status says of another
// reference says nothing, whatever generation it speaks of.
func (o oracle) unverified(p *v1alpha1.PlaceMapping) bool {
	switch k := p.Spec.KisiPlace; {
	case k == nil:
		return false
	case k.ID != 0:
		return p.Status.KisiPlaceID != k.ID
	default:
		return p.Status.KisiPlaceID == 0 || p.Status.KisiPlaceName != k.Name
	}
}

func audienceGives(p *v1alpha1.PlaceMapping, audience v1alpha1.Audience, group string) bool {
	for _, a := range p.Spec.Access {
		if a.Audience == audience {
			return slices.Contains(a.GroupRefs, v1alpha1.GroupReference{Name: v1alpha1.ObjectName(group)})
		}
	}
	return false
}

// gives lists the sources that let the person into the group at the instant t, as far as is known now.
func (o oracle) gives(m *v1alpha1.Member, group string, t time.Time) []string {
	email := m.Spec.Email
	standing := m
	if gone(m) || entitlement.IsImplicit(m) {
		standing = o.stands(email)
		if !gone(m) {
			standing = nil
		}
	}
	if standing != nil && standing.Spec.State != v1alpha1.MemberActive {
		return nil
	}
	var sources []string
	if standing != nil {
		for _, ref := range standing.Spec.GroupRefs {
			if string(ref.Name) == group && within(t, ref.StartTime, ref.EndTime) {
				sources = append(sources, "Member/"+standing.Name)
			}
		}
		for _, entry := range standing.Spec.Places {
			found := o.fitting(entry.PlaceRef)
			if len(found) == 1 && !o.contradicts(found[0]) && entry.State != v1alpha1.MemberPlacePending &&
				within(t, entry.StartTime, entry.EndTime) && audienceGives(found[0], entry.Audience, group) {
				sources = append(sources, "PlaceMapping/"+found[0].Name)
			}
		}
	}
	for _, s := range o.subscriptions {
		if o.holds(s, standing, email) && !o.subscriptionContradicts(s) && o.subscriptionOpen(s, t) && o.subscriptionGives(s, group) {
			sources = append(sources, "AccessSubscription/"+s.Name)
		}
	}
	for _, b := range o.bookings {
		if o.names(b, email) && o.bookingGives(b, group, t) {
			sources = append(sources, "BookingGrant/"+b.Name)
		}
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}

// frozen lists the sources under a contradiction that concern the person.
func (o oracle) frozen(m *v1alpha1.Member) []string {
	standing := m
	if gone(m) || entitlement.IsImplicit(m) {
		standing = o.stands(m.Spec.Email)
		if !gone(m) {
			standing = nil
		}
	}
	if standing != nil && standing.Spec.State != v1alpha1.MemberActive {
		return nil
	}
	var sources []string
	if standing != nil {
		for _, entry := range standing.Spec.Places {
			over := entry.EndTime != nil && o.now.Unix() >= entry.EndTime.Unix()
			found := o.fitting(entry.PlaceRef)
			if over || entry.State == v1alpha1.MemberPlacePending || len(found) == 0 || len(found) == 1 && !o.contradicts(found[0]) {
				continue
			}
			for _, p := range found {
				sources = append(sources, "PlaceMapping/"+p.Name)
			}
		}
	}
	for _, s := range o.subscriptions {
		ever := false
		for minute := range horizon {
			ever = ever || !at(minute).Before(o.now) && o.subscriptionOpen(s, at(minute))
		}
		if o.holds(s, standing, m.Spec.Email) && ever && o.subscriptionContradicts(s) {
			sources = append(sources, "AccessSubscription/"+s.Name)
		}
	}
	for _, b := range o.bookings {
		if o.names(b, m.Spec.Email) && b.Spec.State != v1alpha1.BookingCanceled && o.bookingContradicts(b) {
			sources = append(sources, "BookingGrant/"+b.Name)
		}
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}

// holds reports whether the subscription's subject is the person, or one of whom its reference may mean the person.
func (o oracle) holds(s *v1alpha1.AccessSubscription, standing *v1alpha1.Member, email v1alpha1.EmailAddress) bool {
	if gone(s) {
		return false
	}
	switch subject := s.Spec.Subject; {
	case subject.Email != "":
		return same(subject.Email, email)
	case subject.MemberRef != nil:
		for _, m := range o.members {
			if !gone(m) && memberFits(m, *subject.MemberRef) && same(m.Spec.Email, email) {
				return true
			}
		}
		return false
	default:
		return standing != nil && slices.Contains(standing.Spec.Teams, subject.Team)
	}
}

func (o oracle) subscriptionContradicts(s *v1alpha1.AccessSubscription) bool {
	if ref := s.Spec.Subject.MemberRef; ref != nil {
		var first *v1alpha1.Member
		for _, m := range o.members {
			if gone(m) || !memberFits(m, *ref) {
				continue
			}
			if first != nil && !same(first.Spec.Email, m.Spec.Email) {
				return true
			}
			first = m
		}
	}
	if ref := s.Spec.PlanRef; ref != nil {
		plans, _ := o.Plans(*ref)
		if len(filter(plans, func(p *v1alpha1.AccessPlan) bool { return !gone(p) })) > 1 {
			return true
		}
	}
	if ref := s.Spec.PlaceRef; ref != nil {
		found := o.fitting(*ref)
		return len(found) > 1 || len(found) == 1 && o.contradicts(found[0])
	}
	return false
}

func (o oracle) subscriptionOpen(s *v1alpha1.AccessSubscription, t time.Time) bool {
	if s.Spec.State != v1alpha1.SubscriptionActive || !within(t, s.Spec.StartTime, s.Spec.EndTime) {
		return false
	}
	p := s.Spec.DayPasses
	return p == nil || p.Used < p.Total || p.OpenUntil != nil && t.Unix() < p.OpenUntil.Unix()
}

func (o oracle) subscriptionGives(s *v1alpha1.AccessSubscription, group string) bool {
	wanted := v1alpha1.GroupReference{Name: v1alpha1.ObjectName(group)}
	if slices.Contains(s.Spec.GroupRefs, wanted) {
		return true
	}
	if ref := s.Spec.PlanRef; ref != nil && len(s.Spec.GroupRefs) == 0 {
		plans, _ := o.Plans(*ref)
		for _, p := range plans {
			if !gone(p) && slices.Contains(p.Spec.GroupRefs, wanted) {
				return true
			}
		}
	}
	if ref := s.Spec.PlaceRef; ref != nil {
		audience := s.Spec.Audience
		if audience == "" {
			audience = "members"
		}
		for _, p := range o.fitting(*ref) {
			if audienceGives(p, audience, group) {
				return true
			}
		}
	}
	return false
}

func (o oracle) names(b *v1alpha1.BookingGrant, email v1alpha1.EmailAddress) bool {
	named := same(b.Spec.Organizer.Email, email)
	for _, a := range b.Spec.Attendees {
		named = named || same(a.Email, email)
	}
	return named && !gone(b)
}

// recorded reports whether what was recorded when the booking started decides.
func (o oracle) recorded(b *v1alpha1.BookingGrant) bool {
	return b.Spec.PlaceRef != nil && b.Status.Terms != nil && *b.Spec.PlaceRef == b.Status.Terms.PlaceRef &&
		o.now.Unix() >= b.Spec.StartTime.Unix()
}

func (o oracle) bookingContradicts(b *v1alpha1.BookingGrant) bool {
	if b.Spec.PlaceRef == nil || o.recorded(b) {
		return false
	}
	found := o.fitting(*b.Spec.PlaceRef)
	return len(found) > 1 || len(found) == 1 && found[0].Spec.Bookings != nil && o.contradicts(found[0])
}

func (o oracle) bookingGives(b *v1alpha1.BookingGrant, group string, t time.Time) bool {
	if b.Spec.State != v1alpha1.BookingConfirmed || o.bookingContradicts(b) {
		return false
	}
	lead, lag, membersOnly := 30*time.Minute, 30*time.Minute, false
	var names []v1alpha1.ObjectName
	for _, ref := range b.Spec.GroupRefs {
		names = append(names, ref.Name)
	}
	switch {
	case o.recorded(b):
		terms := b.Status.Terms
		lead, lag = time.Duration(terms.LeadSeconds)*time.Second, time.Duration(terms.LagSeconds)*time.Second
		membersOnly, names = terms.NonMembers == v1alpha1.NonMembersDeny, b.Status.Groups
	case b.Spec.PlaceRef != nil:
		found := o.fitting(*b.Spec.PlaceRef)
		if len(found) == 0 || found[0].Spec.Bookings == nil {
			return false
		}
		terms := found[0].Spec.Bookings
		if terms.LeadTime != nil {
			lead = terms.LeadTime.Duration
		}
		if terms.LagTime != nil {
			lag = terms.LagTime.Duration
		}
		membersOnly = terms.NonMembers == v1alpha1.NonMembersDeny
		for _, ref := range terms.GroupRefs {
			names = append(names, ref.Name)
		}
	}
	if membersOnly && !o.memberWhen(b) {
		return false
	}
	in := t.Unix() >= b.Spec.StartTime.Unix()-int64(lead/time.Second) && t.Unix() < b.Spec.EndTime.Unix()+int64(lag/time.Second)
	return in && slices.Contains(names, v1alpha1.ObjectName(group))
}

// memberWhen reports whether the organizer will be, is, or was a member in the second in which the booking starts, as far
// as is known now: whatever the time is now.
func (o oracle) memberWhen(b *v1alpha1.BookingGrant) bool {
	email, starts := b.Spec.Organizer.Email, b.Spec.StartTime.Unix()
	if m := o.stands(email); m != nil {
		return m.Spec.State == v1alpha1.MemberActive
	}
	for _, s := range o.subscriptions {
		lasts := s.Spec.EndTime == nil || s.Spec.EndTime.Unix() > starts
		if !gone(s) && s.Spec.Subject.Email != "" && same(s.Spec.Subject.Email, email) && s.Spec.State == v1alpha1.SubscriptionActive && lasts {
			return true
		}
	}
	return false
}
