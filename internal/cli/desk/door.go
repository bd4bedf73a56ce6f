package desk

import (
	"net/http"
	"slices"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
)

// doorPage is who may enter by a door, now and later today.
type doorPage struct {
	Name   string
	Groups []access.WhoGroup
	Now    []entrantRow
	Later  []arrivalRow
	Hidden string
}

// entrantRow is one person who may enter now, or should.
type entrantRow struct {
	Person link
	Email  string
	State  string
	Tone   tone
	Reason string
	Next   string
}

func (d *Desk) door(w http.ResponseWriter, r *http.Request) {
	question := d.question()
	report, err := question.Who(r.PathValue("door"))
	if err != nil {
		d.wrong(w, r, http.StatusNotFound, "Not known", err)
		return
	}
	page := doorPage{Name: report.Target, Groups: report.Groups, Hidden: report.Hidden}
	for _, e := range report.People {
		page.Now = append(page.Now, d.entrantRowOf(e))
	}
	if report.Hidden == "" {
		if page.Later, err = d.later(question, report.Groups); err != nil {
			d.wrong(w, r, http.StatusForbidden, "Not known", err)
			return
		}
	}
	d.show(w, r, http.StatusOK, "door", frame{Title: page.Name, Live: true, Page: page})
}

func (d *Desk) entrantRowOf(e access.Entrant) entrantRow {
	clock := d.clock()
	row := entrantRow{Person: link{e.Person.Named(), personLink(string(e.Person.Email))}, Email: string(e.Person.Email), Tone: toneOf(e.Answer), Reason: "nothing any more"}
	if e.Window == nil {
		row.State = clock.Entry(e.Person, e.Answer, nil, e.Until)
		if len(e.Leftover) > 0 && e.Leftover[0].Next != nil {
			row.Next = e.Leftover[0].Next.Text
		}
		return row
	}
	row.State, row.Reason = clock.Entry(e.Person, e.Answer, e.Window.From, e.Window.Until), clock.Reasons(e.Window.Sources)
	if e.Window.Next != nil {
		row.Next = e.Window.Next.Text
	}
	return row
}

// later lists who arrives through some groups later today.
func (d *Desk) later(question access.Question, groups []access.WhoGroup) ([]arrivalRow, error) {
	_, midnight := d.dayOf(question.Now)
	arrivals, err := question.Arrivals(question.Now, midnight)
	if err != nil {
		return nil, err
	}
	var rows []arrivalRow
	for _, a := range arrivals {
		through := slices.ContainsFunc(a.Doors, func(door access.Door) bool {
			return slices.ContainsFunc(groups, func(g access.WhoGroup) bool { return slices.Contains(door.Groups, g.Name) })
		})
		if through && a.Source.From != nil && a.Source.From.After(question.Now) {
			rows = append(rows, arrivalRowOf(d.clock(), a, arrivals))
		}
	}
	return rows, nil
}
