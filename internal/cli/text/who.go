package text

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
)

// Who writes who may enter: a table of people, and what the counts tell of others.
func (c Clock) Who(out io.Writer, r *access.WhoReport, wide bool) {
	fmt.Fprintf(out, "%s. %s.\n\n", r.Target, c.Header(r.Time.Time))
	if r.Hidden != "" {
		fmt.Fprintln(out, r.Hidden)
		fmt.Fprintln(out, "How many may enter now, by the counts of the groups:")
	} else {
		c.people(out, r, wide)
		out = &apart{Writer: out}
	}
	for _, g := range r.Groups {
		if g.Counts == nil {
			fmt.Fprintf(out, "Group %s has no counts yet.\n", g.Name)
			continue
		}
		if r.Hidden != "" {
			fmt.Fprintf(out, "Group %s: %d in, %d later, %d pending, %d held.\n", g.Name, g.Counts.Granted, g.Counts.Scheduled, g.Counts.Pending, g.Counts.Held)
		}
		if g.Counts.Foreign+g.Counts.Unclaimed > 0 {
			fmt.Fprintf(out, "Group %s has %d more assignment(s) in Kisi that are not the operator's; look there for whose they are.\n", g.Name, g.Counts.Foreign+g.Counts.Unclaimed)
		}
	}
}

// apart writes an empty line before the first line.
type apart struct {
	io.Writer

	begun bool
}

func (a *apart) Write(text []byte) (int, error) {
	if !a.begun {
		a.begun = true
		if _, err := io.WriteString(a.Writer, "\n"); err != nil {
			return 0, err
		}
	}
	return a.Writer.Write(text)
}

func (c Clock) people(out io.Writer, r *access.WhoReport, wide bool) {
	if len(r.People) == 0 {
		fmt.Fprintln(out, "Nobody whom the objects name may enter at that time.")
		return
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	header := []string{"PERSON", "ENTERS", "UNTIL", "BECAUSE"}
	if wide {
		header = append(header, "MEMBER", "EMAIL", "GROUP", "NEXT")
	}
	fmt.Fprintln(table, strings.Join(header, "\t"))
	for _, p := range r.People {
		cells := []string{p.Person.Named(), enters(p.Answer), "", "nothing any more"}
		until := p.Until
		if p.Window != nil {
			cells[3] = c.Reasons(p.Window.Sources)
			until = p.Window.Until
		}
		if until != nil {
			cells[2] = c.Moment(until.Time)
		}
		if wide {
			next := ""
			switch {
			case p.Window != nil && p.Window.Next != nil:
				next = stepText(p.Window.Next)
			case len(p.Leftover) > 0:
				next = stepText(p.Leftover[0].Next)
			}
			cells = append(cells, p.Person.Member, string(p.Person.Email), p.Group, next)
		}
		fmt.Fprintln(table, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	_ = table.Flush()
}

func enters(a access.Answer) string {
	switch a {
	case access.AnswerOpen, access.AnswerExpected:
		return "yes"
	case access.AnswerCovered:
		return "yes, not by us"
	case access.AnswerStillOpen:
		return "still"
	case access.AnswerWithheld:
		return "no, withheld"
	}
	return "not yet"
}
