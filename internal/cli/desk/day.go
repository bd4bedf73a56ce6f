package desk

import (
	"net/http"
	"time"
)

// dayMenu leads from the day that a page is about to those beside it.
type dayMenu struct {
	Day   string // as people say it
	Today bool
	// Date, and those of the days before and after.
	Date, Before, After string
}

func (d *Desk) dayMenuOf(from time.Time) dayMenu {
	today, _ := d.dayOf(d.now())
	return dayMenu{
		Day: from.Format("Monday 2 January 2006"), Today: from.Equal(today), Date: from.Format(time.DateOnly),
		Before: from.AddDate(0, 0, -1).Format(time.DateOnly), After: from.AddDate(0, 0, 1).Format(time.DateOnly),
	}
}

// day returns the bounds of the day that a request asks for, today if it asks for none.
func (d *Desk) day(r *http.Request) (from, until time.Time) {
	asked, err := time.ParseInLocation(time.DateOnly, r.URL.Query().Get("day"), d.zone)
	if err != nil {
		return d.dayOf(d.now())
	}
	return d.dayOf(asked)
}

// dayOf returns the bounds of the day, in the zone of the desk, in which an instant lies.
func (d *Desk) dayOf(t time.Time) (from, until time.Time) {
	year, month, day := t.In(d.zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, d.zone), time.Date(year, month, day+1, 0, 0, 0, 0, d.zone)
}
