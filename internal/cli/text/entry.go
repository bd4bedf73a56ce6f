package text

import (
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
)

// Entry says in a few words whether a door opens to a person in a window, such as "in from 11:30": for people at a desk. The
// answer is that of the later of now and the beginning of the window.
func (c Clock) Entry(person access.Person, answer access.Answer, from, until *metaTime) string {
	switch answer {
	case access.AnswerOpen:
		return c.in(from, until)
	case access.AnswerCovered:
		return c.in(from, until) + ", by a foreign assignment in Kisi"
	case access.AnswerExpected:
		return c.in(from, until) + "; written to Kisi before"
	case access.AnswerStillOpen:
		return "still in, though nothing gives it any more"
	case access.AnswerWaiting:
		return "waits for Kisi"
	case access.AnswerWithheld:
		return keptOut(person)
	case access.AnswerLater:
		return "later"
	}
	return "no access"
}

func (c Clock) in(from, until *metaTime) string {
	switch {
	case from != nil && from.After(c.Now):
		return "in from " + c.soon(from.Time)
	case until != nil:
		return "in until " + c.soon(until.Time)
	}
	return "in"
}

// soon writes an instant without the day where that is today.
func (c Clock) soon(t time.Time) string {
	if c.dayNumber(t) == c.dayNumber(c.Now) {
		return c.Hour(t)
	}
	return c.Moment(t)
}

// keptOut says who keeps a person out, and whom to ask.
func keptOut(person access.Person) string {
	is := func(fits func(v1alpha1.MemberAccount) bool) bool { return slices.ContainsFunc(person.Accounts, fits) }
	switch {
	case is(func(a v1alpha1.MemberAccount) bool { return a.SuspendedBy == v1alpha1.SuspendedByDirectory }):
		return "switched off in the directory: ask who runs it"
	case is(func(a v1alpha1.MemberAccount) bool { return a.Access == v1alpha1.AccountSuspendedInKisi }):
		return "suspended in Kisi on purpose: ask the administrator"
	}
	return "removed in Kisi on purpose: ask the administrator"
}

// Arrival says in a few words whether the person gets in.
func (c Clock) Arrival(a access.Arrival) string {
	switch {
	case a.Ended && a.Source.Until != nil:
		return "ended at " + c.soon(a.Source.Until.Time)
	case a.Problem != nil:
		return "not let in: " + a.Problem.Message
	}
	return c.Entry(a.Person, a.Answer, a.Source.From, a.Source.Until)
}
