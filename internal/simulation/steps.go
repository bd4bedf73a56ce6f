package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// step is one thing that happens. Which of the fields count, do says.
type step struct {
	// At is when, from the beginning of the history.
	At   time.Duration
	Do   string
	Name string        `json:",omitempty"`
	For  time.Duration `json:",omitempty"` // of a fault, or how long a killed process is away
	N    int           `json:",omitempty"` // how many more requests a process sends before it is killed
	Gone bool          `json:",omitempty"` // a group is deleted instead of made

	Person       *person          `json:",omitempty"`
	Subscription *subscription    `json:",omitempty"`
	Booking      *booking         `json:",omitempty"`
	Plan         *plan            `json:",omitempty"`
	Place        *place           `json:",omitempty"`
	Foreign      *foreign         `json:",omitempty"`
	Fault        *simulator.Fault `json:",omitempty"`
}

func (s step) String() string {
	parts := []string{s.At.Round(time.Second).String(), s.Do}
	if s.Name != "" {
		parts = append(parts, s.Name)
	}
	for _, detail := range []any{s.Person, s.Subscription, s.Booking, s.Plan, s.Place, s.Foreign} {
		if text := fmt.Sprintf("%+v", detail); text != "<nil>" {
			parts = append(parts, strings.TrimPrefix(text, "&"))
		}
	}
	if s.Fault != nil {
		parts = append(parts, fmt.Sprintf("%s %s %d", s.Fault.Kind, s.Fault.Method, s.Fault.Status))
	}
	if s.For > 0 {
		parts = append(parts, "for "+s.For.String())
	}
	if s.Gone {
		parts = append(parts, "gone")
	}
	if s.N > 0 {
		parts = append(parts, fmt.Sprintf("after %d more requests", s.N))
	}
	return strings.Join(parts, " ")
}

// do carries a step out.
func (w *world) do(s step) error {
	w.count.Steps++
	switch s.Do {
	case "member":
		return w.write(&v1alpha1.Member{ObjectMeta: meta(s.Name)}, s.Person == nil, func(o client.Object) { o.(*v1alpha1.Member).Spec = memberSpec(*s.Person) },
			func(b *business) { set(b.People, s.Name, s.Person) })
	case "subscription":
		return w.write(&v1alpha1.AccessSubscription{ObjectMeta: meta(s.Name)}, s.Subscription == nil,
			func(o client.Object) { o.(*v1alpha1.AccessSubscription).Spec = subscriptionSpec(*s.Subscription) },
			func(b *business) { set(b.Subscriptions, s.Name, s.Subscription) })
	case "booking":
		return w.write(&v1alpha1.BookingGrant{ObjectMeta: meta(s.Name)}, s.Booking == nil, func(o client.Object) { o.(*v1alpha1.BookingGrant).Spec = bookingSpec(*s.Booking) },
			func(b *business) { set(b.Bookings, s.Name, s.Booking) })
	case "plan":
		return w.write(&v1alpha1.AccessPlan{ObjectMeta: meta(s.Name)}, s.Plan == nil,
			func(o client.Object) { o.(*v1alpha1.AccessPlan).Spec.GroupRefs = references(s.Plan.Groups) },
			func(b *business) { set(b.Plans, s.Name, s.Plan) })
	case "place":
		return w.write(&v1alpha1.PlaceMapping{ObjectMeta: meta(s.Name)}, s.Place == nil,
			func(o client.Object) { o.(*v1alpha1.PlaceMapping).Spec = placeSpec(s.Name, *s.Place) },
			func(b *business) { set(b.Places, s.Name, s.Place) })
	case "group":
		return w.write(w.group(s.Name), s.Gone, func(client.Object) {}, func(b *business) { b.Gone[s.Name] = s.Gone })
	}
	return w.disturb(s)
}

func set[V any](into map[string]V, name string, value *V) {
	if value == nil {
		delete(into, name)
		return
	}
	into[name] = *value
}

// write brings one object to what a step says, and the business with it.
func (w *world) write(object client.Object, gone bool, fill func(client.Object), change func(*business)) error {
	err := w.client.Get(w.ctx, client.ObjectKeyFromObject(object), object)
	exists := err == nil
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if exists && object.GetDeletionTimestamp() != nil {
		return nil // it is on its way out; whoever made the history did not know
	}
	switch {
	case gone && !exists:
		return nil
	case gone:
		err = w.client.Delete(w.ctx, object)
	case exists:
		fill(object)
		err = w.client.Update(w.ctx, object)
	default:
		fill(object)
		err = w.client.Create(w.ctx, object)
	}
	if err != nil {
		return fmt.Errorf("writing %T %s: %w", object, object.GetName(), err)
	}
	w.change(change)
	return nil
}

func objectName(group string) string { return strings.ToLower(group) }

func references(groups []string) []v1alpha1.GroupReference {
	var out []v1alpha1.GroupReference
	for _, group := range groups {
		out = append(out, v1alpha1.GroupReference{Name: v1alpha1.ObjectName(objectName(group))})
	}
	return out
}

func timeOf(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t}
}

func memberSpec(p person) v1alpha1.MemberSpec {
	spec := v1alpha1.MemberSpec{Email: v1alpha1.EmailAddress(p.Address), State: v1alpha1.MemberState(p.State)}
	for _, team := range p.Teams {
		spec.Teams = append(spec.Teams, v1alpha1.Team(team))
	}
	for _, group := range slices.Sorted(maps.Keys(p.Groups)) {
		is := p.Groups[group]
		spec.GroupRefs = append(spec.GroupRefs, v1alpha1.MemberGroupReference{
			Name: v1alpha1.ObjectName(objectName(group)), StartTime: timeOf(is.From), EndTime: timeOf(is.Until)})
	}
	for _, name := range slices.Sorted(maps.Keys(p.Places)) {
		is := p.Places[name]
		spec.Places = append(spec.Places, v1alpha1.MemberPlace{
			PlaceRef: v1alpha1.PlaceReference{Name: v1alpha1.ObjectName(name)}, StartTime: timeOf(is.From), EndTime: timeOf(is.Until)})
	}
	return spec
}

func subscriptionSpec(s subscription) v1alpha1.AccessSubscriptionSpec {
	spec := v1alpha1.AccessSubscriptionSpec{
		GroupRefs: references(s.Groups), StartTime: timeOf(s.Span.From), EndTime: timeOf(s.Span.Until), State: v1alpha1.SubscriptionState(s.State),
	}
	if s.Plan != "" {
		spec.PlanRef = &v1alpha1.PlanReference{Name: v1alpha1.ObjectName(s.Plan)}
	}
	if s.Passes > 0 {
		spec.DayPasses = &v1alpha1.DayPasses{Total: s.Passes, Used: s.Used}
	}
	switch {
	case s.Member != "":
		spec.Subject.MemberRef = &v1alpha1.MemberReference{Name: v1alpha1.ObjectName(s.Member)}
	case s.Team != "":
		spec.Subject.Team = v1alpha1.Team(s.Team)
	default:
		spec.Subject.Email = v1alpha1.EmailAddress(s.Person)
	}
	return spec
}

func bookingSpec(b booking) v1alpha1.BookingGrantSpec {
	spec := v1alpha1.BookingGrantSpec{
		PlaceRef:  &v1alpha1.PlaceReference{Name: v1alpha1.ObjectName(b.Place)},
		Organizer: v1alpha1.Person{Email: v1alpha1.EmailAddress(b.Organizer)},
		StartTime: metav1.NewTime(b.Span.From), EndTime: metav1.NewTime(b.Span.Until), State: v1alpha1.BookingConfirmed,
	}
	if b.Canceled {
		spec.State = v1alpha1.BookingCanceled
	}
	for _, address := range b.Attendees {
		spec.Attendees = append(spec.Attendees, v1alpha1.Person{Email: v1alpha1.EmailAddress(address)})
	}
	return spec
}

func placeSpec(name string, p place) v1alpha1.PlaceMappingSpec {
	spec := v1alpha1.PlaceMappingSpec{Kind: "Room", ExternalID: v1alpha1.ExternalID(name)}
	if len(p.Groups) > 0 {
		spec.Bookings = &v1alpha1.PlaceBookings{
			GroupRefs: references(p.Groups), LeadTime: &metav1.Duration{Duration: p.Lead}, LagTime: &metav1.Duration{Duration: p.Lag}, NonMembers: v1alpha1.NonMembersDeny,
		}
		if p.NonMembers {
			spec.Bookings.NonMembers = v1alpha1.NonMembersAllow
		}
	}
	if len(p.Members) > 0 {
		spec.Access = []v1alpha1.PlaceAccess{{GroupRefs: references(p.Members)}}
	}
	return spec
}
