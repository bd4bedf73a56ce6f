package table

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// people reads the members of the tests.
func people(t testing.TB, change ...func(*Mapping)) *Reader {
	t.Helper()
	m := Mapping{Format: CSV, Objects: []Object{{Kind: "Member", ID: Value{From: "ID"}, Fields: map[string]Value{
		"email": {From: "Email"}, "fullName": {From: "Name"}, "teams": {From: "Team", Separator: ",", Optional: true},
	}}}}
	for _, c := range change {
		c(&m)
	}
	reader, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

const header = "ID,Email,Name,Team\n"

// The good row comes through, whatever is beside it.
func TestHostileRows(t *testing.T) {
	const good = "7,ana@example.com,Ana Pop,acme\n"
	for name, c := range map[string]struct {
		row string
		// problem is empty if the row is as good as any.
		problem string
	}{
		"markup":           {row: "8,gil@example.com,<script>alert(1)</script>,\n"},
		"right to left":    {row: "8,gil@example.com,\u202egpj.exe,\n"},
		"a line break":     {row: "8,gil@example.com,\"Gil\nOtt\",\n", problem: `column "Name", for fullName of the Member: has characters that it may not have; correct it in the export, or the mapping`},
		"10,000 letters":   {row: "8,gil@example.com," + strings.Repeat("x", 10_000) + ",\n", problem: `column "Name", for fullName of the Member: is too long: may not be more than 200 bytes; correct it in the export, or the mapping`},
		"a long team":      {row: "8,gil@example.com,Gil," + strings.Repeat("x", 10_000) + "\n", problem: `column "Team", for teams of the Member: "` + strings.Repeat("x", 80) + `…" is too long: may not be more than 253 bytes; correct it in the export, or the mapping`},
		"NUL":              {row: "8,gil@example.com,Gil\x00Ott,\n", problem: `column "Name", for fullName of the Member: has characters that it may not have; correct it in the export, or the mapping`},
		"no address":       {row: "8,,Gil Ott,\n", problem: `column "Email", for email of the Member: is empty, and may not be; correct it in the export, or the mapping`},
		"another address":  {row: "8,gil(at)example.com,Gil Ott,\n", problem: `column "Email", for email of the Member: is no plain e-mail address; correct it in the export, or the mapping`},
		"no id":            {row: " ,gil@example.com,Gil Ott,\n", problem: `column "ID" is empty, and is the id by which the object is found again: correct it in the export`},
		"a value too few":  {row: "8,gil@example.com,Gil Ott\n", problem: "the row has 3 values and the header 4 columns: quote values with separators or line breaks in them"},
		"a value too many": {row: "8,gil@example.com,Ott, Gil,\n", problem: "the row has 5 values and the header 4 columns: quote values with separators or line breaks in them"},
		"a loose mark":     {row: "8,gil@example.com,Gil \"the door\" Ott,\n", problem: "bare \" in non-quoted-field: quote the value, and double the quotation marks in it"},
		"said again":       {row: good},
		"contradicted":     {row: "7,ana@example.com,Ana Popescu,acme\n", problem: "x.csv:2 has the same id and says something else of the Member: keep one of them in the export, or correct the id in the mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			reading, err := people(t).Read(t.Context(), "x.csv", []byte(header+good+c.row+"9,mia@example.com,Mia Rusu,\n"), Span{})
			if err != nil {
				t.Fatal(err)
			}
			ids := map[string]bool{}
			for _, entry := range reading.Entries {
				ids[entry.ID] = true
			}
			if !ids["9"] || ids["7"] == (name == "contradicted") {
				t.Errorf("others have a loss: there are %v", ids)
			}
			switch {
			case c.problem == "" && len(reading.Problems) > 0:
				t.Errorf("it has the problem %v", reading.Problems[0].Err)
			case c.problem != "" && len(reading.Problems) != 1:
				t.Errorf("it has %d problems", len(reading.Problems))
			case c.problem != "":
				p := reading.Problems[0]
				if p.Err.Error() != c.problem || p.Where != "x.csv:3" {
					t.Errorf("it says\n%s: %v\nand not\n%s", p.Where, p.Err, c.problem)
				}
				want := map[string]string{"no id": "", "a loose mark": "", "contradicted": "7"}
				if id, special := want[name]; special && p.ID != id || !special && p.ID != "8" {
					t.Errorf("it is about %q", p.ID)
				}
			}
			if reading.Rows != 3 {
				t.Errorf("it counts %d rows", reading.Rows)
			}
		})
	}
}

// What is not whole, or is something else, is refused as a whole.
func TestRefusedExports(t *testing.T) {
	const rows = header + "7,ana@example.com,Ana Pop,acme\n"
	for name, c := range map[string]struct{ content, want string }{
		"nothing":             {"", "x.csv is empty, without even a header: it is no export"},
		"a page to log in":    {"<!DOCTYPE html>\n<html><body>Please log in</body></html>\n", `x.csv has no column "Email": correct the mapping, or this is another export. Its columns are "<!DOCTYPE html>"`},
		"another export":      {"ID,Name\n7,Ana\n", `x.csv has no column "Email": correct the mapping, or this is another export. Its columns are "ID, Name"`},
		"no header":           {"7,ana@example.com,Ana Pop,acme\n", `x.csv has no column "Email": correct the mapping, or this is another export. Its first line is no header`},
		"a column twice":      {"ID,Email,email,Name\n", `x.csv has 2 columns "Email": rename one of them in the export`},
		"cut within a row":    {rows + "8,gil@example.com,Gi", "x.csv has a last line that does not end: it was cut off, or its system never ends the last line; for that set lastLine: Any"},
		"cut within quotes":   {rows + "8,gil@example.com,\"Gil\n", "x.csv has a quotation mark in line 3 that is never closed: it was cut off, or the mark should be doubled"},
		"Windows-1252":        {header + "7,ana@example.com,Ana\nP\xf6p,\n", "x.csv is no UTF-8 in line 3: export it as UTF-8, or set encoding: Windows-1252"},
		"half a UTF-16":       {"\xff\xfeI", "x.csv is UTF-16 and ends within a character: it was cut off; nothing of it is used"},
		"too many rows":       {header + strings.Repeat("7,ana@example.com,Ana Pop,acme\n", maxRows+1), "x.csv has more than 100000 rows: export less at once"},
		"too long altogether": {header + strings.Repeat("x", MaxBytes), "x.csv has more than 16 MiB: export less at once"},
	} {
		t.Run(name, func(t *testing.T) {
			reading, err := people(t).Read(t.Context(), "x.csv", []byte(c.content), Span{})
			if err == nil || err.Error() != c.want {
				t.Errorf("it says\n%v\nand not\n%s", err, c.want)
			}
			if len(reading.Entries) > 0 || reading.Rows > 0 {
				t.Error("something of it is used")
			}
		})
	}
}

// The same people, however the file is written.
func TestFormsOfCSV(t *testing.T) {
	const plain = "ID,Email,Name,Team\n7,ana@example.com,Ana Pöp,\"acme, blue\"\n"
	want := written(t, must(people(t).Read(t.Context(), "x.csv", []byte(plain), Span{})))
	for name, content := range map[string]string{
		"a byte order mark":   "\xef\xbb\xbf" + plain,
		"line breaks of DOS":  strings.ReplaceAll(plain, "\n", "\r\n"),
		"semicolons":          "ID;Email;Name;Team\n7;ana@example.com;Ana Pöp;acme, blue\n",
		"tabs":                "ID\tEmail\tName\tTeam\n7\tana@example.com\tAna Pöp\tacme,blue\n",
		"capitals and spaces": " id , EMAIL,Name,Team\n 7 , ana@example.com ,Ana Pöp,\"acme, blue\"\n",
		"UTF-16":              utf16Of(binary.LittleEndian, plain),
		"UTF-16, big end":     utf16Of(binary.BigEndian, plain),
	} {
		if got := written(t, must(people(t).Read(t.Context(), "x.csv", []byte(content), Span{}))); got != want {
			t.Errorf("%s: it reads\n%s\nand not\n%s", name, got, want)
		}
	}
	windows := people(t, func(m *Mapping) { m.Encoding, m.LastLine = Windows1252, LastLineAny })
	content := strings.TrimSuffix(strings.ReplaceAll(plain, "ö", "\xf6"), "\n")
	if got := written(t, must(windows.Read(t.Context(), "x.csv", []byte(content), Span{}))); got != want {
		t.Errorf("Windows-1252: it reads\n%s\nand not\n%s", got, want)
	}
}

func utf16Of(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
