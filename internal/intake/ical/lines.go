package ical

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	ics "github.com/arran4/golang-ical"
)

const (
	maxDepth  = 8       // components within components
	maxEvents = 50_000  // of one calendar
	maxLine   = 256_000 // bytes of a property that is read
)

// component is a BEGIN … END of a calendar with those of its properties that matter here.
type component struct {
	name     string
	line     int
	props    []property
	children []*component
	err      error // about the first property that could not be read
}

// property is one content line.
type property struct {
	*ics.BaseProperty
	line int
}

// read are the properties that matter, by component. All others are skipped unread: a description that is broken, as many
// exports have them, costs nothing.
var read = map[string][]string{
	"VCALENDAR": {"METHOD"},
	"VEVENT": {
		"UID", "SEQUENCE", "DTSTAMP", "STATUS", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID",
		"ORGANIZER", "ATTENDEE",
	},
	"VTIMEZONE": {"TZID", "X-LIC-LOCATION"},
	"STANDARD":  {"DTSTART", "RRULE", "RDATE", "TZOFFSETFROM", "TZOFFSETTO"},
	"DAYLIGHT":  {"DTSTART", "RRULE", "RDATE", "TZOFFSETFROM", "TZOFFSETTO"},
}

// parse returns the calendars of a file. It fails if the content is anything but whole calendars.
func parse(content []byte) ([]*component, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	p := parser{root: &component{}}
	p.open = []*component{p.root}
	for line := range contentLines(content) {
		if err := p.take(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", line.number, err)
		}
	}
	if len(p.open) > 1 {
		return nil, fmt.Errorf("the calendar ends within %s, which began on line %d: it was not read whole", p.innermost().name, p.innermost().line)
	}
	if len(p.root.children) == 0 {
		return nil, errors.New("the content is empty, not an iCalendar file")
	}
	return p.root.children, nil
}

type parser struct {
	root   *component
	open   []*component // from the root to the innermost
	events int
}

func (p *parser) innermost() *component { return p.open[len(p.open)-1] }

// take reads one content line. It fails if the line shows that the content is not a calendar; what is wrong with a property
// is kept with its component.
func (p *parser) take(line contentLine) error {
	switch name := line.name(); name {
	case "BEGIN":
		return p.begin(line)
	case "END":
		if got := line.value(); len(p.open) == 1 || !strings.EqualFold(got, p.innermost().name) {
			return fmt.Errorf("END:%.40q does not end what began before", got)
		}
		p.open = p.open[:len(p.open)-1]
	default:
		if len(p.open) == 1 {
			return errors.New("this is not an iCalendar file, which begins with BEGIN:VCALENDAR; check the address, and whether it asks for a login")
		}
		into := p.innermost()
		if !slices.Contains(read[into.name], name) {
			return nil
		}
		prop, err := line.property()
		if err != nil && into.err == nil {
			into.err = fmt.Errorf("line %d: %w", line.number, err)
		}
		if err == nil {
			into.props = append(into.props, prop)
		}
	}
	return nil
}

func (p *parser) begin(line contentLine) error {
	child := &component{name: strings.ToUpper(line.value()), line: line.number}
	within := p.innermost()
	switch {
	case within == p.root && child.name != "VCALENDAR":
		return fmt.Errorf("this is not an iCalendar file, which begins with BEGIN:VCALENDAR, not BEGIN:%.40q", child.name)
	case len(p.open) > maxDepth:
		return fmt.Errorf("more than %d components within each other", maxDepth)
	case child.name == "VEVENT":
		if p.events++; p.events > maxEvents {
			return fmt.Errorf("more than %d events; export a shorter time", maxEvents)
		}
	}
	if within == p.root || within.name == "VCALENDAR" || within.name == "VTIMEZONE" {
		within.children = append(within.children, child)
	}
	p.open = append(p.open, child)
	return nil
}

// contentLine is a property, as it stands in the file: one line, and the folded rest of it.
type contentLine struct {
	number int
	first  []byte
	more   [][]byte
}

// contentLines yields the content lines of a file. Empty lines are left out.
func contentLines(content []byte) func(yield func(contentLine) bool) {
	return func(yield func(contentLine) bool) {
		number, line := 0, contentLine{}
		for physical := range bytes.Lines(content) {
			number++
			physical = bytes.TrimRight(physical, "\r\n")
			switch {
			case len(physical) > 0 && (physical[0] == ' ' || physical[0] == '\t') && line.number > 0:
				line.more = append(line.more, physical[1:])
			case len(bytes.TrimSpace(physical)) == 0: // no property
			default:
				if line.number > 0 && !yield(line) {
					return
				}
				line = contentLine{number: number, first: physical}
			}
		}
		if line.number > 0 {
			yield(line)
		}
	}
}

// name is the upper-case name of the property, or empty if there is none.
func (l contentLine) name() string {
	first := l.first
	if len(l.more) > 0 && !bytes.ContainsAny(first, ":;") {
		first = append(slices.Clip(first), l.more[0]...) // folded within the name
	}
	if end := bytes.IndexAny(first, ":;"); end >= 0 && end <= 64 {
		return strings.ToUpper(string(first[:end]))
	}
	return ""
}

// value is what follows the first colon, which is the value of a property without parameters.
func (l contentLine) value() string {
	_, value, _ := strings.Cut(string(l.first), ":")
	return strings.TrimSpace(value)
}

func (l contentLine) property() (property, error) {
	size := len(l.first)
	for _, more := range l.more {
		size += len(more)
	}
	if size > maxLine {
		return property{}, fmt.Errorf("%s has %d bytes, more than the %d that are read", l.name(), size, maxLine)
	}
	text := strings.ToValidUTF8(string(bytes.Join(append([][]byte{l.first}, l.more...), nil)), "\ufffd")
	parsed, err := ics.ParseProperty(ics.ContentLine(text))
	if err != nil || parsed == nil {
		return property{}, fmt.Errorf("%s is not NAME;PARAMETER=…:VALUE as RFC 5545 has it", l.name())
	}
	parsed.IANAToken = strings.ToUpper(parsed.IANAToken)
	params := make(map[string][]string, len(parsed.ICalParameters))
	for name, values := range parsed.ICalParameters {
		params[strings.ToUpper(name)] = values
	}
	parsed.ICalParameters = params
	return property{parsed, l.number}, nil
}

// all returns the properties of a name.
func (c *component) all(name string) []property {
	var found []property
	for _, p := range c.props {
		if p.IANAToken == name {
			found = append(found, p)
		}
	}
	return found
}

// get returns the first property of a name, or nil.
func (c *component) get(name string) *property {
	for i := range c.props {
		if c.props[i].IANAToken == name {
			return &c.props[i]
		}
	}
	return nil
}

// text is the value of the first property of a name, without spaces around it; empty if there is none.
func (c *component) text(name string) string {
	if p := c.get(name); p != nil {
		return strings.TrimSpace(p.Value)
	}
	return ""
}

// param is the first value of a parameter.
func (p property) param(name string) string {
	if values := p.ICalParameters[name]; len(values) > 0 {
		return strings.TrimSpace(values[0])
	}
	return ""
}
