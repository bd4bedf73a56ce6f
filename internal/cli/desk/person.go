package desk

import (
	"errors"
	"net/http"
	"strings"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
)

// personPage is what one person may open, and when.
type personPage struct {
	dayMenu

	Person    access.Person
	Name      string
	Hours     []tick
	Now       string // where now is on the chart; empty on another day
	Doors     []doorChart
	Problems  []access.Problem
	OtherWays []access.OtherWay
}

// doorChart is the day of one door.
type doorChart struct {
	Door     link
	Summary  string // of the bars, for who does not see them
	Bars     []bar
	Openings []openingRow
}

// openingRow says in words when a door opens, and why.
type openingRow struct {
	Door        link
	When, State string
	Tone        tone
	Reason      string
	Next        string
	Command     string
}

func (d *Desk) person(w http.ResponseWriter, r *http.Request) {
	question := d.question()
	address, err := access.Addressed(question.In, r.PathValue("address"))
	if err != nil {
		d.wrong(w, r, http.StatusNotFound, "Not known", err)
		return
	}
	from, until := d.day(r)
	report, doors, err := question.Openings(address, from, until)
	if err != nil {
		d.wrong(w, r, http.StatusForbidden, "Not known", errors.New("what a person may open is not known: "+err.Error()))
		return
	}
	clock := d.clock()
	chart := chart{from, until}
	page := personPage{
		dayMenu: d.dayMenuOf(from), Person: report.Person, Name: report.Person.Named(), Hours: chart.hours(), Problems: report.Problems, OtherWays: report.OtherWays,
	}
	if page.Today {
		page.Now = chart.place(clock.Now)
	}
	for _, door := range doors {
		one := doorChart{Door: linkToDoor(door.Door, report.Doors)}
		for _, o := range door.Openings {
			row := openingRowOf(clock, report.Person, o)
			row.Door = one.Door
			one.Openings = append(one.Openings, row)
			one.Bars = append(one.Bars, chart.bar(o, row))
		}
		one.Summary = summary(one)
		page.Doors = append(page.Doors, one)
	}
	d.show(w, r, http.StatusOK, "person", frame{Title: page.Name, Live: true, Page: page})
}

func openingRowOf(clock text.Clock, person access.Person, o access.Opening) openingRow {
	row := openingRow{
		When: clock.Span(o.From, o.Until), State: clock.Entry(person, o.Answer, o.From, o.Until),
		Tone: toneOf(o.Answer), Reason: clock.Reasons(o.Sources),
	}
	if row.Reason == "" {
		row.Reason = "nothing any more"
	}
	if o.Next != nil {
		row.Next, row.Command = o.Next.Text, o.Next.Command
	}
	return row
}

func summary(c doorChart) string {
	if len(c.Openings) == 0 {
		return c.Door.Text + ": not on this day"
	}
	var openings []string
	for _, o := range c.Openings {
		openings = append(openings, o.When+", "+o.State)
	}
	return c.Door.Text + ": " + strings.Join(openings, "; ")
}
