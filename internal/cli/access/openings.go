package access

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Opening is a stretch of time in which a door opens to a person, or should.
type Opening struct {
	From, Until *metav1.Time
	// Answer as of the later of now and the beginning.
	Answer Answer
	// Sources that give the access; none where Kisi has more than anything asks for.
	Sources []Source
	// Next is what has to happen before the door opens, or before it no longer does.
	Next *Step
}

// DoorOpenings is when one door opens to a person.
type DoorOpenings struct {
	Door     Door
	Openings []Opening
}

// Openings says when which door opens to a person between two instants, and how things stand. Doors without an opening in
// that time are among them.
func (q Question) Openings(address entitlement.Address, from, until time.Time) (*Report, []DoorOpenings, error) {
	person := individual{question: q, address: address}
	report, err := person.at(q.Now)
	if err != nil {
		return nil, nil, err
	}
	span := entitlement.Window{From: from, Until: until}
	openings := make([]DoorOpenings, 0, len(report.Doors))
	for _, door := range report.Doors {
		all := DoorOpenings{Door: door}
		for _, g := range report.Groups {
			if !slices.Contains(door.Groups, g.Name) {
				continue
			}
			through, err := person.openings(g, span)
			if err != nil {
				return nil, nil, err
			}
			all.Openings = append(all.Openings, through...)
		}
		slices.SortStableFunc(all.Openings, func(a, b Opening) int { return timeOf(a.From).Compare(timeOf(b.From)) })
		openings = append(openings, all)
	}
	return report, openings, nil
}

// openings lists when a group opens its doors to the person within a span of time.
func (p *individual) openings(g Group, span entitlement.Window) ([]Opening, error) {
	var all []Opening
	for _, w := range g.Windows {
		if !entitlement.NewWindow(w.From, w.Until).Overlaps(span) {
			continue
		}
		answer, next, err := p.standing(g.Name, timeOf(w.From))
		if err != nil {
			return nil, err
		}
		all = append(all, Opening{From: w.From, Until: w.Until, Answer: answer, Sources: w.Sources, Next: next})
	}
	for _, left := range g.Leftover {
		if g.Answer == AnswerStillOpen && entitlement.NewWindow(left.From, left.Until).Overlaps(span) {
			all = append(all, Opening{From: left.From, Until: left.Until, Answer: AnswerStillOpen, Next: left.Next})
		}
	}
	return all, nil
}

// timeOf is zero for a bound that is not set.
func timeOf(bound *metav1.Time) time.Time {
	if bound == nil {
		return time.Time{}
	}
	return bound.Time
}
