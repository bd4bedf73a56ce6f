package desk

import (
	"cmp"
	"net/http"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
)

// link is a name that leads to a page.
type link struct{ Text, To string }

// arrivalRow is one person who is expected.
type arrivalRow struct {
	Time   string
	Person link
	Email  string
	Doors  []link
	State  string
	Tone   tone
	Next   string
	Reason string
}

// dayPage is everybody who is expected on a day.
type dayPage struct {
	dayMenu

	From     string // time of day from which on people are listed; empty for all of the day
	Arrivals []arrivalRow
	Unknown  string // why nobody can be listed
}

// tone says at a glance how something stands. It is also said in words.
type tone string

const (
	good    tone = "good"
	waiting tone = "waiting"
	bad     tone = "bad"
	past    tone = "past"
)

func toneOf(answer access.Answer) tone {
	switch answer {
	case access.AnswerOpen, access.AnswerCovered, access.AnswerExpected:
		return good
	case access.AnswerWaiting, access.AnswerStillOpen, access.AnswerLater:
		return waiting
	}
	return bad
}

func (d *Desk) today(w http.ResponseWriter, r *http.Request) {
	from, until := d.day(r)
	clock := d.clock()
	page := dayPage{dayMenu: d.dayMenuOf(from)}
	arrivals, err := d.question().Arrivals(from, until)
	if err != nil {
		page.Unknown = err.Error()
	}
	if at, err := time.ParseInLocation("2006-01-02 15:04", page.Date+" "+r.FormValue("from"), d.zone); err == nil {
		page.From, from = at.Format("15:04"), at
	}
	for _, a := range arrivals {
		if a.Source.Until == nil || a.Source.Until.After(from) {
			page.Arrivals = append(page.Arrivals, arrivalRowOf(clock, a, arrivals))
		}
	}
	title := "Arrivals today"
	if !page.Today {
		title = "Arrivals on " + page.Day
	}
	d.show(w, r, http.StatusOK, "today", frame{Title: title, Live: true, Current: "today", Page: page})
}

func arrivalRowOf(clock text.Clock, a access.Arrival, all []access.Arrival) arrivalRow {
	row := arrivalRow{
		Time:   clock.Span(a.Source.From, a.Source.Until),
		Person: link{a.Person.Named(), personLink(string(a.Person.Email))}, Email: string(a.Person.Email),
		State: clock.Arrival(a), Tone: toneOf(a.Answer), Reason: clock.Reasons([]access.Source{a.Source}),
	}
	switch {
	case a.Ended:
		row.Tone = past
	case a.Next != nil:
		row.Next = a.Next.Text
	}
	for _, door := range a.Doors {
		row.Doors = append(row.Doors, linkToDoor(door, doorsOf(all)))
	}
	return row
}

func doorsOf(arrivals []access.Arrival) []access.Door {
	var doors []access.Door
	for _, a := range arrivals {
		doors = append(doors, a.Doors...)
	}
	return doors
}

// linkToDoor leads to the page of a door, or, where the objects do not name the doors of a group, to that of the group.
func linkToDoor(door access.Door, among []access.Door) link {
	to := door.Name
	if door.OfGroup {
		to = cmp.Or(append(door.Groups, door.Name)...)
	}
	return link{text.DoorName(door, among), doorLink(to)}
}
