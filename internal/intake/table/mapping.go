// Package table reads exports that are tables, in CSV or JSON, and makes entries of their rows. A Mapping says what a row
// means. What is wrong in one row costs no other row anything; an export that is not whole is refused as a whole.
package table

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Mapping says what the rows of an export mean.
type Mapping struct {
	// Ready names a mapping that comes along. What is set beside it replaces what is set there.
	Ready string `json:"ready,omitempty"`

	Format Format `json:"format,omitempty"`

	// Separator is the character between two values of a CSV export. Unset, it is the one of , ; | and tab that the header
	// has most of.
	Separator string `json:"separator,omitempty"`
	// Encoding of a CSV export without a byte order mark. Defaults to UTF-8.
	Encoding Encoding `json:"encoding,omitempty"`
	// LastLine says whether the last line of a CSV export ends like the others. Defaults to Ended: then an export that does
	// not end so was cut off, and is refused.
	LastLine LastLine `json:"lastLine,omitempty"`

	// Rows is the JSONPath of the list of rows in a JSON export, such as {.data.bookings}. Unset, the export is that list.
	Rows string `json:"rows,omitempty"`
	// Total is the JSONPath of the number of rows that a JSON export should have. An export with another number is refused.
	Total string `json:"total,omitempty"`
	// Next is the JSONPath of what a JSON export has only if more pages follow. An export that has it is refused.
	Next string `json:"next,omitempty"`

	// TimeZone is that of dates and times without one, such as Europe/Berlin. Unset, such a time is a problem of its row.
	TimeZone string `json:"timeZone,omitempty"`

	// Objects are what a row is made into.
	Objects []Object `json:"objects,omitempty"`
}

// Format of an export.
type Format string

// The formats.
const (
	CSV  Format = "CSV"
	JSON Format = "JSON"
)

// Encoding of a text.
type Encoding string

// The encodings. UTF-16 is known by its byte order mark.
const (
	UTF8        Encoding = "UTF-8"
	Windows1252 Encoding = "Windows-1252"
)

// LastLine says how the last line of an export ends.
type LastLine string

const (
	// LastLineEnded has a line break as every other line.
	LastLineEnded LastLine = "Ended"
	// LastLineAny may end without one.
	LastLineAny LastLine = "Any"
)

// Object says which object a row is made into.
type Object struct {
	Kind string `json:"kind"`
	// When is a CEL expression over row. A row for which it is false makes no such object.
	When string `json:"when,omitempty"`
	// ID is the id in the business system.
	ID Value `json:"id"`
	// Fields of the spec by their paths, such as organizer.email.
	Fields map[string]Value `json:"fields"`
}

// Value says where a value comes from: exactly one of From, Text and CEL. A mere string stands for From.
type Value struct {
	// From is a column of a CSV export; a field of a row, or a JSONPath in it such as {.member.email}, of a JSON export.
	From string `json:"from,omitempty"`
	// Text is the value in every row.
	Text string `json:"text,omitempty"`
	// CEL is an expression over row, such as row["First name"] + " " + row["Last name"].
	CEL string `json:"cel,omitempty"`

	// Values translates what the export has. Anything else is a problem of its row, and so is nothing, unless it is optional.
	Values map[string]string `json:"values,omitempty"`
	// Layout of a time, such as DD/MM/YYYY HH:mm, or Unix for seconds since 1970. Unset, ISO 8601 is read.
	Layout string `json:"layout,omitempty"`
	// LastDay says what a date without a time of day means in endTime. Defaults to Included: access ends with that day.
	LastDay LastDay `json:"lastDay,omitempty"`
	// Separator is what stands between the elements of a list in one text. Unset, the text is one element.
	Separator string `json:"separator,omitempty"`
	// Optional is true for a column that some exports do not have.
	Optional bool `json:"optional,omitempty"`
}

// LastDay says what a date means that something ends on.
type LastDay string

const (
	// LastDayIncluded ends with the day.
	LastDayIncluded LastDay = "Included"
	// LastDayExcluded ends when the day begins.
	LastDayExcluded LastDay = "Excluded"
)

// UnmarshalJSON reads a value, or a string that stands for From.
func (v *Value) UnmarshalJSON(content []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte(`"`)) {
		*v = Value{}
		return json.Unmarshal(content, &v.From)
	}
	type plain Value
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*plain)(v))
}

//go:embed mappings/*.yaml
var mappings embed.FS

// Names lists the mappings that come along.
func Names() []string {
	entries, err := mappings.ReadDir("mappings")
	if err != nil {
		return nil
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".yaml"))
	}
	return names
}

// resolved returns the mapping with what is ready filled in.
func (m Mapping) resolved() (Mapping, error) {
	if m.Ready == "" {
		return m, nil
	}
	if !slices.Contains(Names(), m.Ready) {
		return m, fmt.Errorf("ready: there is no mapping %q; there are %s", m.Ready, strings.Join(Names(), ", "))
	}
	content, err := mappings.ReadFile("mappings/" + m.Ready + ".yaml")
	if err != nil {
		return m, err
	}
	var ready Mapping
	if err := yaml.UnmarshalStrict(content, &ready); err != nil {
		return m, fmt.Errorf("ready: reading %s: %w", m.Ready, err)
	}
	set, err := json.Marshal(m)
	if err != nil {
		return m, err
	}
	return ready, json.Unmarshal(set, &ready)
}
