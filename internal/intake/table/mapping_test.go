package table

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// What is wrong with a mapping is said before an export is read, with the place.
func TestWrongMappings(t *testing.T) {
	const member = "objects: [{kind: Member, id: ID, fields: {email: Email}}]\n"
	for mapping, want := range map[string]string{
		member:                                                                       `format: "" is neither CSV nor JSON`,
		"format: XML\n" + member:                                                     `format: "XML" is neither CSV nor JSON`,
		"format: CSV":                                                                "objects: say what a row is made into",
		"format: CSV\nrows: '{.a}'\n" + member:                                       "rows, total and next are for JSON: remove them, or set format: JSON",
		"format: JSON\nseparator: ;\n" + member:                                      "separator, encoding and lastLine are for CSV: remove them, or set format: CSV",
		"format: JSON\nrows: '{.a'\n" + member:                                       "rows: {.a is no JSONPath: unclosed action",
		"format: CSV\nseparator: ;;\n" + member:                                      `separator: ";;" is more than one character`,
		"format: CSV\nencoding: latin\n" + member:                                    `encoding: "latin" is neither UTF-8 nor Windows-1252`,
		"format: CSV\nlastLine: maybe\n" + member:                                    `lastLine: "maybe" is neither Ended nor Any`,
		"format: CSV\ntimeZone: CET+1\n" + member:                                    `timeZone: "CET+1" is no name of a time zone such as Europe/Berlin`,
		"format: CSV\ntimeZone: Local\n" + member:                                    `timeZone: "Local" is no name of a time zone such as Europe/Berlin`,
		"ready: nexudus":                                                             `ready: there is no mapping "nexudus"; there are ` + strings.Join(Names(), ", "),
		"format: CSV\nobjects: [{kind: KisiGroup, id: ID, fields: {}}]":              `objects[0].kind: "KisiGroup" is none of AccessPlan, AccessSubscription, BookingGrant, Member, PlaceMapping`,
		"format: CSV\nobjects: [{kind: Member, id: {}, fields: {}}]":                 "objects[0].id: set exactly one of from, text and cel",
		"format: CSV\nobjects: [{kind: Member, id: {from: a, text: b}, fields: {}}]": "objects[0].id: set exactly one of from, text and cel",
		"format: CSV\nobjects: [{kind: Member, id: ID, fields: {externalID: ID}}]":   "objects[0].fields.externalID: the id is said by id; remove it here",
		"format: CSV\nobjects: [{kind: Member, id: ID, fields: {mail: ID}}]":         "objects[0].fields: Member has no field spec.mail; at mail there are email, externalID, fullName, groupRefs, places, state, teams",
		"format: CSV\nobjects: [{kind: BookingGrant, id: ID, fields: {startTime: {from: S, layout: d/m/y}}}]": `objects[0].fields[startTime]: layout: "d/m/y" is no layout: write it with YYYY, MM, DD, HH, mm and ss, such as DD/MM/YYYY HH:mm, or Unix`,
		"format: JSON\nobjects: [{kind: Member, id: '{.a[-1]}', fields: {}}]":                                 "objects[0].id: {.a[-1]} counts from the end, which is not supported: use cel",
	} {
		var m Mapping
		if err := yaml.UnmarshalStrict([]byte(mapping), &m); err != nil {
			t.Fatalf("%s: %v", mapping, err)
		}
		if _, err := New(m); err == nil || err.Error() != want {
			t.Errorf("of\n%s\nit says\n%v\nand not\n%s", mapping, err, want)
		}
	}
}

// An expression that is wrong is named by where it is.
func TestWrongExpressions(t *testing.T) {
	m := Mapping{Format: CSV, Objects: []Object{{Kind: "Member", When: "row.Email ==", ID: Value{From: "ID"}}}}
	if _, err := New(m); err == nil || !strings.HasPrefix(err.Error(), "objects[0].when: cel: ") {
		t.Errorf("it says %v", err)
	}
	m.Objects[0].When, m.Objects[0].ID = "", Value{CEL: "rows.ID"}
	if _, err := New(m); err == nil || !strings.Contains(err.Error(), "undeclared reference to 'rows'") {
		t.Errorf("it says %v", err)
	}
}

// A field that a value does not have is a mistake, not a field that nothing reads.
func TestValuesAreReadStrictly(t *testing.T) {
	var m Mapping
	err := yaml.UnmarshalStrict([]byte("objects: [{kind: Member, id: ID, fields: {email: {column: Email}}}]"), &m)
	if err == nil || !strings.Contains(err.Error(), `unknown field "column"`) {
		t.Errorf("it says %v", err)
	}
}

// What is set beside a ready mapping counts.
func TestReadyMappingIsChanged(t *testing.T) {
	m, err := Mapping{Ready: "spacebring-users", Separator: ";", LastLine: LastLineEnded}.resolved()
	if err != nil {
		t.Fatal(err)
	}
	if m.Format != CSV || m.Separator != ";" || m.LastLine != LastLineEnded || len(m.Objects) != 1 || m.Objects[0].Fields["teams"].From != "Company" {
		t.Errorf("it is %+v", m)
	}
}

// What a system calls a state is translated, and neither an unknown word nor none is taken for Active.
func TestStatesAreTranslated(t *testing.T) {
	known := map[string]string{"in": "Active", "out": "Suspended"}
	for name, c := range map[string]struct {
		value               Value
		text, want, problem string
	}{
		"known":           {Value{From: "Team", Values: known}, "out", "Suspended", ""},
		"unknown":         {Value{From: "Team", Values: known}, "ins", "", `column "Team", for state of the Member: "ins" is none of those in values: add it there, with what it means`},
		"empty":           {Value{From: "Team", Values: known}, "", "", `column "Team", for state of the Member: is empty: correct it in the export, or add "" to values, with what it means`},
		"empty and known": {Value{From: "Team", Values: map[string]string{"": "Pending"}}, "", "Pending", ""},
		"may be empty":    {Value{From: "Team", Values: known, Optional: true}, "", "", ""},
		"without values":  {Value{From: "Team"}, "Pending", "Pending", ""},
		"no such state":   {Value{From: "Team"}, "Gone", "", `column "Team", for state of the Member: "Gone" is none of those: supported values: "Active", "Pending", "Suspended"; correct it in the export, or the mapping`},
	} {
		reader := people(t, func(m *Mapping) {
			delete(m.Objects[0].Fields, "teams")
			m.Objects[0].Fields["state"] = c.value
		})
		reading, err := reader.Read(t.Context(), "x.csv", []byte(header+"7,ana@example.com,Ana Pop,"+c.text+"\n"), Span{})
		if err != nil {
			t.Fatal(err)
		}
		var state, problem string
		for _, entry := range reading.Entries {
			state = string(entry.Object.(*v1alpha1.Member).Spec.State)
		}
		for _, p := range reading.Problems {
			problem = p.Err.Error()
		}
		if state != c.want || problem != c.problem {
			t.Errorf("%s: the state is %q, and it says\n%s\nand not %q and\n%s", name, state, problem, c.want, c.problem)
		}
	}
}

// An expression works for so long and no longer, and an error of one shows nothing of the row.
func TestExpressionsOfRows(t *testing.T) {
	for expression, want := range map[string]string{
		"row.Nothing":            "cannot be evaluated for this row (no such key): correct the expression",
		"row.Email + 1":          "cannot be evaluated for this row (no such overload): correct the expression",
		"string(int(row.Email))": "cannot be evaluated for this row: correct the expression, or the row in the export",
		"[1,2,3].map(a, [1,2,3].map(b, [1,2,3].map(c, [1,2,3].map(d, [1,2,3].map(e, [1,2,3].map(f, [1,2,3].map(g, [1,2,3].map(h, row.Email.split(''))))))))).size() > 0 ? 'a' : 'b'": "cannot be evaluated for this row (cost limit): correct the expression",
	} {
		reader := people(t, func(m *Mapping) { m.Objects[0].Fields["fullName"] = Value{CEL: expression} })
		reading, err := reader.Read(t.Context(), "x.csv", []byte(header+"7,ana@example.com,Ana Pop,\n"), Span{})
		if err != nil || len(reading.Problems) != 1 {
			t.Fatalf("%s: %v, %+v", expression, err, reading)
		}
		if got := reading.Problems[0].Err.Error(); !strings.HasSuffix(got, want) || strings.Contains(got, "ana@") {
			t.Errorf("of %s it says %s", expression, got)
		}
	}
}
