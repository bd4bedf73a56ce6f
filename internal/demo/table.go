package demo

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Attempt is what came of one person's try at one door.
type Attempt struct {
	Opened bool
	// Refusal is what Kisi said otherwise.
	Refusal string
}

type attemptKey struct {
	email, door string
	phase       Phase
}

// Attempts are those made so far.
type Attempts map[attemptKey]Attempt

// Record notes what came of a try.
func (a Attempts) Record(person Person, door string, phase Phase, attempt Attempt) {
	a[attemptKey{person.Email, door, phase}] = attempt
}

// Table shows person × door before, during and after the event. A cell that is not as the story promises is marked.
func (s *Story) Table(attempts Attempts) string {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	header := []string{"PERSON", "WHO", "DOOR"}
	for _, phase := range Phases {
		header = append(header, strings.ToUpper(phase.String()))
	}
	row := func(cells ...string) { _, _ = fmt.Fprintln(table, strings.Join(cells, "\t")) } // a strings.Builder never fails
	row(header...)
	for _, person := range s.People {
		name, role := person.Name, person.Role
		for _, door := range s.Doors {
			cells := []string{name, role, door}
			for _, phase := range Phases {
				cells = append(cells, cell(person, door, phase, attempts))
			}
			row(cells...)
			name, role = "", ""
		}
	}
	_ = table.Flush()
	return strings.TrimSuffix(trimLines(out.String()), "\n")
}

func cell(person Person, door string, phase Phase, attempts Attempts) string {
	attempt, made := attempts[attemptKey{person.Email, door, phase}]
	text := "refused"
	switch {
	case !made:
		text = "not tried"
	case attempt.Opened:
		text = "opens"
	}
	if !made || attempt.Opened != person.Expects(door, phase) {
		text += " (!)"
	}
	return text
}

// Surprises lists, one sentence each, the tries that did not end as the story promises, and those not made.
func (s *Story) Surprises(attempts Attempts) []string {
	var surprises []string
	for _, person := range s.People {
		for _, door := range s.Doors {
			for _, phase := range Phases {
				attempt, made := attempts[attemptKey{person.Email, door, phase}]
				expected := person.Expects(door, phase)
				where := fmt.Sprintf("%s at %s, %s %s", person.Name, door, phase, s.Occasion)
				switch {
				case !made:
					surprises = append(surprises, where+": was not tried")
				case expected && !attempt.Opened:
					surprises = append(surprises, fmt.Sprintf("%s: should open, was refused (%s)", where, attempt.Refusal))
				case !expected && attempt.Opened:
					surprises = append(surprises, where+": should be refused, opened")
				}
			}
		}
	}
	return surprises
}

func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
