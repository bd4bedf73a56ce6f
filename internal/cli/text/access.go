package text

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
)

// few is how many windows of a group are told in words; the tree has more.
const few = 3

// Access writes what a person may open: sentences, then the tree of why. Wide adds the ids in Kisi.
func (c Clock) Access(out io.Writer, r *access.Report, wide bool) {
	who := r.Person.Named()
	fmt.Fprintf(out, "%s%s. %s.\n\n", who, identity(r.Person), c.Header(r.Time.Time))
	said := false
	for _, opens := range []bool{true, false} {
		for _, d := range r.Doors {
			if d.Opens == opens {
				for _, sentence := range c.sentences(who, d, r) {
					fmt.Fprintln(out, sentence)
					said = true
				}
			}
		}
	}
	if !said {
		fmt.Fprintf(out, "%s may open no door, now or later.\n", who)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(out, "%s gives nothing, or less: %s (%s)\n", p.Object, p.Message, p.Reason)
	}
	if len(r.Groups) > 0 {
		fmt.Fprint(out, "\nWhy:\n")
		c.tree(out, r, wide)
	}
	if len(r.OtherWays) > 0 {
		fmt.Fprint(out, "\nOther ways in Kisi:\n")
		for _, way := range r.OtherWays {
			fmt.Fprintf(out, "  %s\n", way.Text)
		}
	}
}

// identity says by which address and Member a person is known.
func identity(p access.Person) string {
	var parts []string
	if string(p.Email) != p.Named() {
		parts = append(parts, string(p.Email))
	}
	switch {
	case p.Member == "":
		parts = append(parts, "no Member yet")
	case p.Implicit:
		parts = append(parts, "named by address only")
	default:
		parts = append(parts, "Member "+p.Member)
	}
	if p.Member != "" && p.State != "Active" {
		parts = append(parts, string(p.State))
	}
	if len(p.Duplicates) > 0 {
		parts = append(parts, "also Member "+strings.Join(p.Duplicates, ", ")+", which gives nothing")
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// DoorName is how a door is spoken of among others.
func DoorName(d access.Door, among []access.Door) string {
	name := d.Name
	if d.OfGroup {
		name = "the doors of " + d.Name
	}
	for _, other := range among {
		if other.Name != d.Name {
			continue
		}
		if other.Place != d.Place && d.Place != "" {
			name = strings.TrimSuffix(name, " at "+d.Place) + " at " + d.Place
		}
		if other.Connection != d.Connection {
			return fmt.Sprintf("%s (%s)", name, d.Connection)
		}
	}
	return name
}

// sentences say what a person may do at a door, now and later.
func (c Clock) sentences(who string, d access.Door, r *access.Report) []string {
	var all []string
	door := DoorName(d, r.Doors)
	for _, g := range r.Groups {
		if !contains(d.Groups, g.Name) {
			continue
		}
		shown := 0
		for _, w := range g.Windows {
			if shown == few {
				all = append(all, fmt.Sprintf("  and %d more times, by group %s", len(g.Windows)-shown, g.Name))
				break
			}
			shown++
			if text := c.sentence(who, door, w); text != "" {
				all = append(all, text+".")
			}
		}
		for _, left := range g.Leftover {
			if g.Answer == access.AnswerStillOpen {
				all = append(all, fmt.Sprintf("%s can still open %s%s, though nothing gives it any more: %s.", who, door, c.ending(left.Until), textOf(left.Next, "it is in Kisi")))
				break
			}
		}
	}
	return all
}

func (c Clock) sentence(who, door string, w access.Window) string {
	why := c.Reasons(w.Sources)
	switch w.Answer {
	case access.AnswerOpen:
		return fmt.Sprintf("%s may open %s%s: %s", who, door, c.ending(w.Until), why)
	case access.AnswerCovered:
		return fmt.Sprintf("%s may open %s%s, by an assignment in Kisi that is not the operator's: %s", who, door, c.ending(w.Until), why)
	case access.AnswerExpected:
		return fmt.Sprintf("%s may then open %s%s: %s", who, door, c.ending(w.Until), why)
	case access.AnswerWaiting:
		return fmt.Sprintf("%s cannot open %s yet, and should%s: %s. %s", who, door, c.ending(w.Until), why, capital(textOf(w.Next, "it is not in Kisi yet")))
	case access.AnswerWithheld:
		return fmt.Sprintf("%s cannot open %s: %s. Otherwise they could%s: %s", who, door, textOf(w.Next, "the person was removed or suspended in Kisi"), c.ending(w.Until), why)
	case access.AnswerLater:
		text := fmt.Sprintf("%s may open %s later, %s: %s", who, door, c.Span(w.From, w.Until), why)
		if w.Next != nil {
			text += "; " + w.Next.Text
		}
		return text
	}
	return ""
}

// ending says when a door closes.
func (c Clock) ending(until *metaTime) string {
	if until == nil {
		return ""
	}
	return " until " + c.Moment(until.Time)
}

func textOf(step *access.Step, otherwise string) string {
	if step == nil {
		return otherwise
	}
	return step.Text
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// stepText is a step with its command.
func stepText(step *access.Step) string {
	if step != nil && step.Command != "" {
		return step.Text + " (" + step.Command + ")"
	}
	return textOf(step, "")
}

// Reasons says in a few words why sources give access.
func (c Clock) Reasons(sources []access.Source) string {
	var words []string
	for i, s := range sources {
		if i == few {
			words = append(words, fmt.Sprintf("%d more", len(sources)-few))
			break
		}
		words = append(words, c.reason(s))
	}
	return strings.Join(words, ", ")
}

// reason says in a few words why a source gives access, such as "booking b1 (12:00-17:30, 30 min after)".
func (c Clock) reason(s access.Source) string {
	switch s.Kind {
	case "BookingGrant":
		start, hasStart := timeIn(s, "spec.startTime")
		end, hasEnd := timeIn(s, "spec.endTime")
		if !hasStart || !hasEnd || s.From == nil || s.Until == nil {
			return "booking " + s.Name
		}
		return fmt.Sprintf("booking %s (%s-%s%s)", s.Name, c.Hour(start), c.Hour(end), grace(start.Sub(s.From.Time), s.Until.Sub(end)))
	case "AccessSubscription":
		for _, f := range s.Fields {
			switch f.Path {
			case "spec.planRef":
				return fmt.Sprintf("subscription %s (plan %s)", s.Name, f.Value)
			case "spec.placeRef":
				return fmt.Sprintf("subscription %s (place %s)", s.Name, f.Value)
			}
		}
		return "subscription " + s.Name
	case "PlaceMapping":
		return "place " + s.Name
	}
	return "a group of their own (Member " + s.Name + ")"
}

func grace(lead, lag time.Duration) string {
	lead, lag = lead.Truncate(time.Second), lag.Truncate(time.Second)
	switch {
	case lead == 0 && lag == 0:
		return ""
	case lead == lag:
		return ", " + Minutes(lead) + " before and after"
	case lag == 0:
		return ", " + Minutes(lead) + " before"
	case lead == 0:
		return ", " + Minutes(lag) + " after"
	}
	return ", " + Minutes(lead) + " before, " + Minutes(lag) + " after"
}

func timeIn(s access.Source, path string) (time.Time, bool) {
	for _, f := range s.Fields {
		if f.Path == path {
			t, err := time.Parse(time.RFC3339, f.Value)
			return t, err == nil
		}
	}
	return time.Time{}, false
}

func contains(all []string, one string) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return false
}
