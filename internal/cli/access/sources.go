package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// sources lists what gives a window in a group, each with the fields that say so, in order of time.
func sources(in *objects.Indexed, who somebody, group v1alpha1.ObjectName, window entitlement.Sourced, claims []entitlement.Claim, now time.Time) ([]Source, error) {
	var all []Source
	for _, claim := range claims {
		if claim.Group != group || claim.Window.Empty() || !within(claim.Window, window.Window) || !slices.Contains(window.Sources, claim.Source) {
			continue
		}
		kind, name, _ := strings.Cut(claim.Source, "/")
		given := claim.Window.API()
		source := Source{Kind: kind, Name: name, From: given.From, Until: given.Until}
		t := trail{in: in, who: who, group: group, window: claim.Window, now: now}
		if err := t.follow(kind, name); err != nil {
			return nil, err
		}
		source.Fields = t.fields
		all = append(all, source)
	}
	slices.SortStableFunc(all, func(a, b Source) int { return startOf(a).Compare(startOf(b)) })
	return all, nil
}

func startOf(s Source) time.Time { return timeOf(s.From) }

// within reports whether a window that was united with others lies in the union.
func within(part, union entitlement.Window) bool {
	starts := union.From.IsZero() || !part.From.IsZero() && !part.From.Before(union.From)
	ends := union.Until.IsZero() || !part.Until.IsZero() && !part.Until.After(union.Until)
	return starts && ends
}

// trail gathers the fields by which a source gives a group to a person.
type trail struct {
	in     *objects.Indexed
	who    somebody
	group  v1alpha1.ObjectName
	window entitlement.Window
	now    time.Time
	fields []Field
}

func (t *trail) say(object, path, format string, args ...any) {
	t.fields = append(t.fields, Field{Object: object, Path: path, Value: fmt.Sprintf(format, args...)})
}

func (t *trail) time(object, path string, at *metav1.Time) {
	if at != nil && !at.IsZero() {
		t.say(object, path, "%s", at.UTC().Format(time.RFC3339))
	}
}

func (t *trail) follow(kind, name string) error {
	switch kind {
	case entitlement.KindMember:
		t.ownGroup()
	case entitlement.KindPlaceMapping:
		return t.ownPlace(name)
	case entitlement.KindAccessSubscription:
		if s, found := t.in.Named(kind, name).(*v1alpha1.AccessSubscription); found {
			return t.subscription(s)
		}
	case entitlement.KindBookingGrant:
		if b, found := t.in.Named(kind, name).(*v1alpha1.BookingGrant); found {
			return t.booking(b)
		}
	}
	return nil
}

// ownGroup follows Member.spec.groupRefs.
func (t *trail) ownGroup() {
	member := t.who.judged
	for i, ref := range member.Spec.GroupRefs {
		if ref.Name == t.group {
			object, path := objects.Name(member), fmt.Sprintf("spec.groupRefs[%d]", i)
			t.say(object, path+".name", "%s", ref.Name)
			t.time(object, path+".startTime", ref.StartTime)
			t.time(object, path+".endTime", ref.EndTime)
		}
	}
}

// ownPlace follows Member.spec.places.
func (t *trail) ownPlace(name string) error {
	member := t.who.judged
	for i, entry := range member.Spec.Places {
		place, err := t.placeOf(entry.PlaceRef)
		if err != nil {
			return err
		}
		if place == nil || place.Name != name || !entitlement.NewWindow(entry.StartTime, entry.EndTime).Equal(t.window) {
			continue
		}
		at, given := listedAt(place, entry.Audience, t.group)
		if !given {
			continue
		}
		object, path := objects.Name(member), fmt.Sprintf("spec.places[%d]", i)
		t.say(object, path+".placeRef", "%s", describe(entry.PlaceRef))
		t.say(object, path+".audience", "%s", orDefault(string(entry.Audience), v1alpha1.DefaultAudience))
		t.time(object, path+".startTime", entry.StartTime)
		t.time(object, path+".endTime", entry.EndTime)
		t.say(objects.Name(place), at, "%s", t.group)
		return nil
	}
	return nil
}

func (t *trail) subscription(s *v1alpha1.AccessSubscription) error {
	object, subject := objects.Name(s), s.Spec.Subject
	switch {
	case subject.Email != "":
		t.say(object, "spec.subject.email", "%s", subject.Email)
	case subject.MemberRef != nil:
		t.say(object, "spec.subject.memberRef", "%s", cmp.Or(string(subject.MemberRef.Name), string(subject.MemberRef.ExternalID)))
	default:
		t.say(object, "spec.subject.team", "%s", subject.Team)
		t.say(objects.Name(t.who.judged), "spec.teams", "%s", subject.Team)
	}
	t.time(object, "spec.startTime", s.Spec.StartTime)
	t.time(object, "spec.endTime", s.Spec.EndTime)
	if p := s.Spec.DayPasses; p != nil {
		t.say(object, "spec.dayPasses", "%d of %d used", p.Used, p.Total)
		t.time(object, "spec.dayPasses.openUntil", p.OpenUntil)
	}
	if i := indexOf(s.Spec.GroupRefs, t.group); i >= 0 {
		t.say(object, fmt.Sprintf("spec.groupRefs[%d].name", i), "%s", t.group)
		return nil
	}
	if given, err := t.plan(object, s); given || err != nil {
		return err
	}
	if s.Spec.PlaceRef == nil {
		return nil
	}
	place, err := t.placeOf(*s.Spec.PlaceRef)
	if place == nil || err != nil {
		return err
	}
	if at, given := listedAt(place, s.Spec.Audience, t.group); given {
		t.say(object, "spec.placeRef", "%s", describe(*s.Spec.PlaceRef))
		t.say(objects.Name(place), at, "%s", t.group)
	}
	return nil
}

// plan follows the plan of a subscription, and reports whether it is what gives the group.
func (t *trail) plan(object string, s *v1alpha1.AccessSubscription) (given bool, err error) {
	if s.Spec.PlanRef == nil || len(s.Spec.GroupRefs) > 0 {
		return false, nil
	}
	plans, err := t.in.Plans(*s.Spec.PlanRef)
	if err != nil {
		return false, err
	}
	for _, plan := range plans {
		if i := indexOf(plan.Spec.GroupRefs, t.group); i >= 0 && plan.DeletionTimestamp.IsZero() {
			t.say(object, "spec.planRef", "%s", cmp.Or(string(s.Spec.PlanRef.Name), string(s.Spec.PlanRef.ExternalID)))
			t.say(objects.Name(plan), fmt.Sprintf("spec.groupRefs[%d].name", i), "%s", t.group)
			return true, nil
		}
	}
	return false, nil
}

func (t *trail) booking(b *v1alpha1.BookingGrant) error {
	object := objects.Name(b)
	if entitlement.Fold(b.Spec.Organizer.Email) == t.who.address {
		t.say(object, "spec.organizer.email", "%s", b.Spec.Organizer.Email)
	} else {
		for i, attendee := range b.Spec.Attendees {
			if entitlement.Fold(attendee.Email) == t.who.address {
				t.say(object, fmt.Sprintf("spec.attendees[%d].email", i), "%s", attendee.Email)
				break
			}
		}
	}
	start, end := b.Spec.StartTime, b.Spec.EndTime
	t.time(object, "spec.startTime", &start)
	t.time(object, "spec.endTime", &end)
	if b.Spec.PlaceRef == nil {
		t.say(object, fmt.Sprintf("spec.groupRefs[%d].name", indexOf(b.Spec.GroupRefs, t.group)), "%s, from %s before to %s after", t.group, shortly(entitlement.DefaultGrace), shortly(entitlement.DefaultGrace))
		return nil
	}
	t.say(object, "spec.placeRef", "%s", describe(*b.Spec.PlaceRef))
	lead, lag := start.Sub(t.window.From).Truncate(time.Second), t.window.Until.Sub(end.Time).Truncate(time.Second)
	place, err := t.placeOf(*b.Spec.PlaceRef)
	if err != nil {
		return err
	}
	if t.recorded(b) || place == nil || place.Spec.Bookings == nil || indexOf(place.Spec.Bookings.GroupRefs, t.group) < 0 {
		t.say(object, "status.terms", "opens %s before and closes %s after, as recorded when the booking started", shortly(lead), shortly(lag))
		t.say(object, "status.groups", "%s", t.group)
		return nil
	}
	t.say(objects.Name(place), "spec.bookings.leadTime", "%s", unlessSet(place.Spec.Bookings.LeadTime, lead))
	t.say(objects.Name(place), "spec.bookings.lagTime", "%s", unlessSet(place.Spec.Bookings.LagTime, lag))
	t.say(objects.Name(place), fmt.Sprintf("spec.bookings.groupRefs[%d].name", indexOf(place.Spec.Bookings.GroupRefs, t.group)), "%s", t.group)
	return nil
}

// recorded reports whether what was recorded when the booking started decides, whatever its place says by now.
func (t *trail) recorded(b *v1alpha1.BookingGrant) bool {
	terms := b.Status.Terms
	return terms != nil && b.Spec.PlaceRef != nil && terms.PlaceRef == *b.Spec.PlaceRef && !t.now.Before(b.Spec.StartTime.Time)
}

// placeOf returns the one place that a reference means, or nil.
func (t *trail) placeOf(ref v1alpha1.PlaceReference) (*v1alpha1.PlaceMapping, error) {
	found, err := t.in.Places(ref)
	for _, place := range found {
		if place.DeletionTimestamp.IsZero() {
			return place, err
		}
	}
	return nil, err
}

// listedAt returns the path of a group in what a place gives to an audience.
func listedAt(place *v1alpha1.PlaceMapping, audience v1alpha1.Audience, group v1alpha1.ObjectName) (path string, given bool) {
	for i, access := range place.Spec.Access {
		if audienceOf(access.Audience) != audienceOf(audience) {
			continue
		}
		if j := indexOf(access.GroupRefs, group); j >= 0 {
			return fmt.Sprintf("spec.access[%d].groupRefs[%d].name", i, j), true
		}
	}
	return "", false
}

func audienceOf(audience v1alpha1.Audience) v1alpha1.Audience {
	if audience == "" {
		return v1alpha1.DefaultAudience
	}
	return audience
}

func indexOf(refs []v1alpha1.GroupReference, group v1alpha1.ObjectName) int {
	return slices.IndexFunc(refs, func(ref v1alpha1.GroupReference) bool { return ref.Name == group })
}

func describe(ref v1alpha1.PlaceReference) string {
	if ref.Name != "" {
		return string(ref.Name)
	}
	return strings.TrimSpace(string(ref.Kind) + " " + string(ref.ExternalID))
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise + " (default)"
	}
	return value
}

func unlessSet(set *metav1.Duration, d time.Duration) string {
	if set == nil {
		return shortly(d) + " (default)"
	}
	return shortly(d)
}

// shortly writes a duration without the parts that are zero, such as 30m.
func shortly(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
