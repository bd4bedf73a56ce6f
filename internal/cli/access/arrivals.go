package access

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Arrival is a person who is expected on some day, because of one source.
type Arrival struct {
	Person Person
	// Source that expects the person. Its window is when doors open to them; unset where it opens none.
	Source Source
	// Doors that it opens, with the KisiGroups by which it does.
	Doors []Door
	// Answer as of the later of now and the beginning of the window: of several doors, that of the one which says no.
	Answer Answer
	// Ended is set for a booking whose time is over.
	Ended bool
	// Next is what has to happen before the person gets in.
	Next *Step
	// Problem is why the source opens nothing.
	Problem *Problem
}

// Arrivals lists who is expected between two instants, in order of time: everybody whom a booking of that time names, and
// everybody whose access by another source begins then.
func (q Question) Arrivals(from, until time.Time) ([]Arrival, error) {
	if err := q.In.Readable(personal...); err != nil {
		return nil, err
	}
	expected, err := q.expected(entitlement.Window{From: from, Until: until})
	if err != nil {
		return nil, err
	}
	all := []Arrival{}
	for address, bookings := range expected {
		person := individual{question: q, address: address}
		arrivals, err := person.arrivals(entitlement.Window{From: from, Until: until}, bookings)
		if err != nil {
			return nil, err
		}
		all = append(all, arrivals...)
	}
	slices.SortFunc(all, func(a, b Arrival) int {
		return cmp.Or(startOf(a.Source).Compare(startOf(b.Source)), cmp.Compare(strings.ToLower(a.Person.Named()), strings.ToLower(b.Person.Named())),
			cmp.Compare(a.Person.Email, b.Person.Email), cmp.Compare(a.Source.Name, b.Source.Name))
	})
	return all, nil
}

// expected lists the people who may arrive in a span of time, with the bookings of that time that name them.
func (q Question) expected(span entitlement.Window) (map[entitlement.Address][]*v1alpha1.BookingGrant, error) {
	people := map[entitlement.Address][]*v1alpha1.BookingGrant{}
	begins := func(address entitlement.Address, from *metav1.Time) {
		if _, expected := people[address]; !expected && from != nil && span.Contains(from.Time) {
			people[address] = nil // no booking
		}
	}
	for _, b := range q.In.Set.Bookings {
		verdict, err := entitlement.EvaluateBooking(q.In, b, q.judgedAt())
		if err != nil {
			return nil, err
		}
		if !b.DeletionTimestamp.IsZero() || !bookedWindow(b, verdict).Overlaps(span) {
			continue
		}
		for _, invitee := range verdict.People {
			people[invitee.Address] = append(people[invitee.Address], b)
		}
	}
	for _, s := range q.In.Subscriptions {
		if s.Spec.StartTime == nil || !span.Contains(s.Spec.StartTime.Time) {
			continue
		}
		verdict, err := entitlement.EvaluateSubscription(q.In, s, q.judgedAt())
		if err != nil {
			return nil, err
		}
		for _, holder := range verdict.People {
			begins(holder.Address, s.Spec.StartTime)
		}
	}
	for _, m := range q.In.Set.Members {
		address := entitlement.Fold(m.Spec.Email)
		for _, ref := range m.Spec.GroupRefs {
			begins(address, ref.StartTime)
		}
		for _, place := range m.Spec.Places {
			begins(address, place.StartTime)
		}
	}
	return people, nil
}

// bookedWindow is when a booking opens doors, or, where it opens none, the time that is booked.
func bookedWindow(b *v1alpha1.BookingGrant, verdict entitlement.Booking) entitlement.Window {
	if verdict.Window != (entitlement.Window{}) {
		return verdict.Window
	}
	start, end := b.Spec.StartTime, b.Spec.EndTime
	return entitlement.NewWindow(&start, &end)
}

// individual is one person, asked about at several times.
type individual struct {
	question Question
	address  entitlement.Address
	reports  map[time.Time]*Report
}

// at returns the report as of an instant, or as of now if that is later.
func (p *individual) at(t time.Time) (*Report, error) {
	if t.Before(p.question.Now) {
		t = p.question.Now
	}
	if report, known := p.reports[t]; known {
		return report, nil
	}
	report, err := Question{In: p.question.In, Now: p.question.Now, At: t}.Of(p.address)
	if err != nil {
		return nil, err
	}
	if p.reports == nil {
		p.reports = map[time.Time]*Report{}
	}
	p.reports[t] = report
	return report, nil
}

// standing says how a group stands to the person at an instant, or now if that is later, and what has to happen.
func (p *individual) standing(group string, t time.Time) (Answer, *Step, error) {
	report, err := p.at(t)
	if err != nil {
		return AnswerNo, nil, err
	}
	for _, g := range report.Groups {
		if g.Name != group {
			continue
		}
		for _, w := range g.Windows {
			if w.Answer != AnswerLater && w.Answer != AnswerNo {
				return w.Answer, w.Next, nil
			}
		}
		return g.Answer, nil, nil
	}
	return AnswerNo, nil, nil
}

// arrivals lists those of the person within a span of time. The bookings are those of that time that name the person.
func (p *individual) arrivals(span entitlement.Window, bookings []*v1alpha1.BookingGrant) ([]Arrival, error) {
	report, err := p.at(p.question.Now)
	if err != nil {
		return nil, err
	}
	found := map[string]*Arrival{}
	for _, g := range report.Groups {
		for _, w := range g.Windows {
			for _, s := range w.Sources {
				given := entitlement.NewWindow(s.From, s.Until)
				if s.From == nil || !given.Overlaps(span) || s.Kind != entitlement.KindBookingGrant && !span.Contains(s.From.Time) {
					continue
				}
				key := s.Kind + "/" + s.Name + " " + given.From.String()
				if found[key] == nil {
					found[key] = &Arrival{Person: report.Person, Source: s, Ended: given.Ended(p.question.Now)}
				}
				if err := p.through(found[key], g); err != nil {
					return nil, err
				}
			}
		}
	}
	all := make([]Arrival, 0, len(found))
	told := map[string]bool{}
	for _, a := range found {
		told[a.Source.Kind+"/"+a.Source.Name] = true
		slices.SortFunc(a.Doors, func(a, b Door) int { return a.key().compare(b.key()) })
		all = append(all, *a)
	}
	for _, b := range bookings {
		if told[objects.Name(b)] {
			continue
		}
		shut, err := p.shut(b, report)
		if err != nil {
			return nil, err
		}
		all = append(all, shut)
	}
	return all, nil
}

// through adds the doors of a group by which the person arrives.
func (p *individual) through(a *Arrival, g Group) error {
	object, err := p.question.In.Group(v1alpha1.ObjectName(g.Name))
	if err != nil {
		return err
	}
	answer, next, err := p.standing(g.Name, a.Source.From.Time)
	if err != nil {
		return err
	}
	if len(a.Doors) == 0 || a.Answer.Opens() && !answer.Opens() {
		a.Answer, a.Next = answer, next
	}
	for _, key := range doorsThrough(object, v1alpha1.ObjectName(g.Name)) {
		i := slices.IndexFunc(a.Doors, func(d Door) bool { return d.key() == key })
		if i < 0 {
			i = len(a.Doors)
			a.Doors = append(a.Doors, Door{Name: key.Name, Connection: key.Connection, Place: key.Place, OfGroup: key.OfGroup, Answer: answer, Opens: answer.Opens()})
		}
		a.Doors[i].Groups = append(a.Doors[i].Groups, g.Name)
	}
	return nil
}

// shut is an arrival by a booking that opens no door any more, or none at all.
func (p *individual) shut(b *v1alpha1.BookingGrant, report *Report) (Arrival, error) {
	verdict, err := entitlement.EvaluateBooking(p.question.In, b, p.question.judgedAt())
	if err != nil {
		return Arrival{}, err
	}
	window := bookedWindow(b, verdict).API()
	a := Arrival{Person: report.Person, Answer: AnswerNo, Source: Source{Kind: entitlement.KindBookingGrant, Name: b.Name, From: window.From, Until: window.Until}}
	if verdict.Phase == v1alpha1.BookingPhaseEnded {
		a.Ended = true
		return a, nil
	}
	for _, problem := range report.Problems {
		if problem.Object == objects.Name(b) || problem.Reason == v1alpha1.ReasonNotActive && a.Problem == nil {
			a.Problem = &problem
		}
	}
	if a.Problem == nil {
		a.Problem = &Problem{Object: objects.Name(b), Reason: v1alpha1.ReasonNoAccess, Message: "the booking opens no door"}
	}
	return a, nil
}
