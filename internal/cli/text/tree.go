package text

import (
	"fmt"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
)

type metaTime = metav1.Time

// node is a line of a tree, and what hangs below it.
type node struct {
	text  string
	below []node
}

func (n *node) add(format string, args ...any) *node {
	n.below = append(n.below, node{text: fmt.Sprintf(format, args...)})
	return &n.below[len(n.below)-1]
}

func (n *node) write(out io.Writer, indent string) {
	for i := range n.below {
		branch, deeper := "├─ ", "│  "
		if i == len(n.below)-1 {
			branch, deeper = "└─ ", "   "
		}
		fmt.Fprintf(out, "%s%s%s\n", indent, branch, n.below[i].text)
		n.below[i].write(out, indent+deeper)
	}
}

// tree writes door → group → window → source → field. A group that opens several doors is told at the first.
func (c Clock) tree(out io.Writer, r *access.Report, wide bool) {
	told := map[string]string{}
	for _, d := range r.Doors {
		name := DoorName(d, r.Doors)
		fmt.Fprintln(out, name)
		root := node{}
		for _, g := range r.Groups {
			if !contains(d.Groups, g.Name) {
				continue
			}
			if first, known := told[g.Name]; known {
				root.add("group %s: as for %s", g.Name, first)
				continue
			}
			told[g.Name] = name
			c.group(root.add("%s", groupLine(g, wide)), g, wide)
		}
		root.write(out, "")
	}
}

func groupLine(g access.Group, wide bool) string {
	line := "group " + g.Name
	if wide && g.KisiGroupID != 0 {
		line += fmt.Sprintf(" (Kisi group %d, connection %s)", g.KisiGroupID, g.Connection)
	}
	return line
}

func (c Clock) group(under *node, g access.Group, wide bool) {
	for _, w := range g.Windows {
		window := under.add("%s: %s", c.Span(w.From, w.Until), answerWords(w.Answer))
		for _, s := range w.Sources {
			source := window.add("%s/%s", s.Kind, s.Name)
			for _, f := range s.Fields {
				source.add("%s", c.field(s, f))
			}
		}
		for _, grant := range w.Grants {
			if grant.Next != nil && w.Next != nil && grant.Next.Text == w.Next.Text {
				grant.Next = nil // it is said below
			}
			if wide || grant.Next != nil {
				c.grant(window, grant, wide)
			}
		}
		if w.Next != nil && w.Answer != access.AnswerOpen {
			window.add("next: %s", stepText(w.Next))
		}
	}
	for _, grant := range g.Leftover {
		c.grant(under, grant, wide)
	}
}

// field writes a field; those of the source itself need no object.
func (c Clock) field(s access.Source, f access.Field) string {
	object := f.Object + " "
	if f.Object == s.Kind+"/"+s.Name {
		object = ""
	}
	return fmt.Sprintf("%s%s: %s", object, f.Path, f.Value)
}

func (c Clock) grant(under *node, g access.Grant, wide bool) {
	text := fmt.Sprintf("in the ledger: %s, %s", g.State, c.Span(g.From, g.Until))
	if wide && g.RoleAssignmentID != 0 {
		text += fmt.Sprintf(", role assignment %d of user %d", g.RoleAssignmentID, g.UserID)
	}
	line := under.add("%s", text)
	if g.Next != nil {
		line.add("next: %s", stepText(g.Next))
	}
}

func answerWords(a access.Answer) string {
	switch a {
	case access.AnswerOpen:
		return "open, in Kisi"
	case access.AnswerCovered:
		return "open, by an assignment that is not the operator's"
	case access.AnswerExpected:
		return "opens; written to Kisi before"
	case access.AnswerWaiting:
		return "not in Kisi yet"
	case access.AnswerWithheld:
		return "withheld in Kisi"
	case access.AnswerStillOpen:
		return "still in Kisi"
	case access.AnswerLater:
		return "opens later"
	}
	return strings.ToLower(string(a))
}
