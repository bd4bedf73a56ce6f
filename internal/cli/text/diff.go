package text

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/compare"
)

// changeColumns are those of the tables of who gains and who loses.
var changeColumns = []string{"Person", "Door", "When", "Given by", "Because of"}

// Diff writes who gains and who loses what.
func (c Clock) Diff(out io.Writer, r *compare.Report) {
	fmt.Fprintln(out, differing(r))
	for _, part := range parts(r) {
		if len(part.changes) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n%s\n", part.title)
		table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
		fmt.Fprintln(table, strings.ToUpper(strings.Join(changeColumns, "\t")))
		for _, change := range part.changes {
			fmt.Fprintln(table, strings.TrimRight(strings.Join(c.changeCells(change, part.changes), "\t"), "\t"))
		}
		_ = table.Flush()
	}
	if len(r.Problems) > 0 {
		fmt.Fprintln(out, "\nProblems that are new:")
		for _, p := range r.Problems {
			fmt.Fprintf(out, "  %s: %s (%s)\n", p.Object, p.Message, p.Reason)
		}
	}
}

// Markdown is Diff as a comment on a pull request.
func (c Clock) Markdown(out io.Writer, r *compare.Report) {
	fmt.Fprintf(out, "### Doors: %s\n\n%s\n", verdict(r), escape(differing(r)))
	for _, part := range parts(r) {
		if len(part.changes) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n**%s**\n\n| %s |\n|%s\n", escape(part.title), strings.Join(changeColumns, " | "), strings.Repeat(" --- |", len(changeColumns)))
		for _, change := range part.changes {
			cells := c.changeCells(change, part.changes)
			for i := range cells {
				cells[i] = escape(cells[i])
			}
			fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	if len(r.Problems) > 0 {
		fmt.Fprint(out, "\n**Problems that are new:**\n\n")
		for _, p := range r.Problems {
			fmt.Fprintf(out, "- %s: %s (%s)\n", escape(p.Object), escape(p.Message), p.Reason)
		}
	}
	fmt.Fprintf(out, "\nTimes are in %s.\n", c.ZoneName(r.Time.Time))
}

// escape keeps what others wrote from being markup.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "]", `\]`, ">", "&gt;", "|", `\|`, "\n", " ", "<", "&lt;", "@", "@\u200b", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`).Replace(text)
}

type part struct {
	title   string
	changes []compare.Change
}

func parts(r *compare.Report) []part {
	return []part{
		{people(r.Loses, "loses", "lose") + " access:", r.Loses},
		{people(r.Gains, "gains", "gain") + " access:", r.Gains},
		{people(r.Frozen, "keeps", "keep") + " access only because an object contradicts itself; put it right:", r.Frozen},
	}
}

func people(changes []compare.Change, one, many string) string {
	if n := Count(changes); n != 1 {
		return fmt.Sprintf("%d people %s", n, many)
	}
	return "1 person " + one
}

// Count counts the people of some changes.
func Count(changes []compare.Change) int {
	found := map[string]bool{}
	for _, change := range changes {
		found[string(change.Person.Email)] = true
	}
	return len(found)
}

func verdict(r *compare.Report) string {
	switch {
	case len(r.Loses) > 0:
		return people(r.Loses, "loses", "lose") + " access"
	case len(r.Gains) > 0:
		return "nobody loses access, " + people(r.Gains, "gains", "gain")
	}
	return "nobody gains or loses access"
}

func differing(r *compare.Report) string {
	const few = 10
	if len(r.Objects) == 0 {
		return "No object differs."
	}
	var names []string
	for i, o := range r.Objects {
		if i == few {
			names = append(names, fmt.Sprintf("%d more", len(r.Objects)-few))
			break
		}
		names = append(names, fmt.Sprintf("%s/%s (%s)", o.Kind, o.Name, strings.ToLower(o.Change)))
	}
	text := fmt.Sprintf("%d objects differ: %s.", len(r.Objects), strings.Join(names, ", "))
	if len(r.Objects) == 1 {
		text = fmt.Sprintf("1 object differs: %s.", names[0])
	}
	if len(r.Loses)+len(r.Gains)+len(r.Frozen) == 0 {
		text += " Nobody gains or loses access."
	}
	return text
}

func (c Clock) changeCells(change compare.Change, among []compare.Change) []string {
	doors := make([]access.Door, 0, len(among))
	for _, other := range among {
		doors = append(doors, access.Door{Name: other.Door, Connection: other.Connection, Place: other.Place, OfGroup: other.OfGroup})
	}
	door := DoorName(access.Door{Name: change.Door, Connection: change.Connection, Place: change.Place, OfGroup: change.OfGroup}, doors)
	var spans []string
	for i, w := range change.Windows {
		if i == few {
			spans = append(spans, fmt.Sprintf("%d more times", len(change.Windows)-few))
			break
		}
		spans = append(spans, c.Span(w.From, w.Until))
	}
	return []string{change.Person.Named(), door, strings.Join(spans, "; "), strings.Join(change.Sources, ", "), strings.Join(change.Causes, ", ")}
}
