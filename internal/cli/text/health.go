package text

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/kisi-operator/kisi-operator/internal/cli/health"
)

// Status writes how a namespace stands.
func (c Clock) Status(out io.Writer, r *health.Report, wide bool) {
	fmt.Fprintf(out, "Namespace %s. %s.\n\n", r.Namespace, c.Header(r.Time.Time))
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "CONNECTION\tORGANIZATION\tMODE\tREADY\tIN KISI\tTO GRANT\tTO REVOKE\tHELD\tFOREIGN\tLAST READ")
	for _, connection := range r.Connections {
		counts := []string{"", "", "", "", ""}
		if n := connection.Counts; n != nil {
			counts = strings.Fields(fmt.Sprint(n.Grants, n.PendingGrants, n.PendingRevocations, n.HeldRevocations, n.ForeignAssignments))
		}
		last := "never"
		if connection.LastSyncTime != nil {
			last = c.Moment(connection.LastSyncTime.Time)
		}
		cells := append([]string{connection.Name, connection.Organization, string(connection.Mode), connection.Reason}, counts...)
		fmt.Fprintln(table, strings.Join(append(cells, last), "\t"))
	}
	_ = table.Flush()
	next := 0
	for _, connection := range r.Connections {
		if connection.Next != nil {
			fmt.Fprintf(out, "\nKisiConnection/%s: %s\n", connection.Name, stepText(connection.Next))
			next++
		}
	}
	if len(r.Held) > 0 {
		fmt.Fprintln(out, "\nHeld by the revocation limit:")
		for _, h := range r.Held {
			fmt.Fprintf(out, "  group %s: %d of %s (%s)\n", h.Group, h.Count, strings.Join(h.Doors, ", "), h.Next.Command)
		}
	}
	if len(r.Problems) > 0 {
		fmt.Fprintln(out, "\nProblems:")
		for _, p := range r.Problems {
			fmt.Fprintf(out, "  %s: %s (%s)\n", p.Object, p.Message, p.Reason)
			if p.Next != nil {
				fmt.Fprintf(out, "    %s\n", stepText(p.Next))
			}
		}
	}
	for _, unknown := range r.Unknown {
		fmt.Fprintf(out, "\nNot known: %s\n", unknown)
	}
	if next+len(r.Held)+len(r.Problems)+len(r.Unknown) == 0 {
		fmt.Fprintln(out, "\nNothing to do.")
	}
	if wide {
		for _, h := range r.Held {
			fmt.Fprintln(out)
			c.Held(out, h)
		}
	}
}

// Held writes what an approval releases.
func (c Clock) Held(out io.Writer, h health.Held) {
	fmt.Fprintf(out, "Group %s (%s): %d grant(s) held.\n", h.Group, strings.Join(h.Doors, ", "), h.Count)
	if len(h.Grants) == 0 {
		return
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "PERSON\tMEMBER\tLOSES\tWAS GIVEN BY")
	for _, g := range h.Grants {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", g.Person.Named(), g.Person.Member, c.Span(g.From, g.Until), strings.Join(g.Sources, ", "))
	}
	_ = table.Flush()
}

// Doctor writes what was found; what is fine only if wide.
func (c Clock) Doctor(out io.Writer, e *health.Examination, wide bool) {
	fmt.Fprintf(out, "Namespace %s. %s.\n\n", e.Namespace, c.Header(e.Time.Time))
	fine := 0
	for _, f := range e.Findings {
		if f.Severity == health.Fine && !wide {
			fine++
			continue
		}
		fmt.Fprintf(out, "%-7s %s, %s: %s\n", f.Severity, f.Object, strings.ToLower(f.Check), f.Text)
		if f.WayOut != "" {
			fmt.Fprintf(out, "        → %s\n", f.WayOut)
		}
	}
	if fine > 0 {
		others := " other"
		if fine == len(e.Findings) {
			others = ""
		}
		fmt.Fprintf(out, "%-7s %d%s checks (-o wide lists them)\n", health.Fine, fine, others)
	}
	if e.Problems > 0 {
		fmt.Fprintf(out, "\n%d more problem(s), not of connections and groups: kubectl kisi status -n %s\n", e.Problems, e.Namespace)
	}
}
