package table

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Whatever is written as CSV is read as it was, and each row is either an entry or a problem with its id.
func TestRowsComeThrough(t *testing.T) {
	reader := people(t)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.StringMatching(`[A-Za-zäöü"',;|.<>\n -]{1,30}`), rapid.Just(""), rapid.String())
		// A carriage return is a part of a line break, which encoding/csv does not keep.
		kept := strings.NewReplacer("\r", "")
		type person struct{ id, email, name string }
		var all []person
		var out bytes.Buffer
		writer := csv.NewWriter(&out)
		writer.Comma = rapid.SampledFrom([]rune{',', ';', '|', '\t'}).Draw(t, "separator")
		writer.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		if err := writer.Write([]string{"ID", "Email", "Name", "Team"}); err != nil {
			t.Fatal(err)
		}
		for i := range rapid.IntRange(0, 20).Draw(t, "rows") {
			p := person{fmt.Sprint(i), fmt.Sprintf("p%d@example.com", i), kept.Replace(name.Draw(t, "name"))}
			all = append(all, p)
			if err := writer.Write([]string{p.id, p.email, p.name, ""}); err != nil {
				t.Fatal(err)
			}
		}
		writer.Flush()
		reading, err := reader.Read(t.Context(), "x.csv", out.Bytes(), Span{})
		if err != nil {
			t.Fatal(err)
		}
		if reading.Rows != len(all) || len(reading.Entries)+len(reading.Problems) != len(all) {
			t.Fatalf("of %d rows, %d are counted, %d are entries and %d problems", len(all), reading.Rows, len(reading.Entries), len(reading.Problems))
		}
		var ids []string
		for _, p := range reading.Problems {
			ids = append(ids, p.ID)
		}
		for _, entry := range reading.Entries {
			ids = append(ids, entry.ID)
			member := entry.Object.(*v1alpha1.Member)
			at := slices.IndexFunc(all, func(p person) bool { return p.id == entry.ID })
			if at < 0 || string(member.Spec.Email) != all[at].email || string(member.Spec.FullName) != strings.TrimSpace(all[at].name) || string(member.Spec.ExternalID) != entry.ID {
				t.Fatalf("the row %+v has become %+v", all[at], member.Spec)
			}
		}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != len(all) {
			t.Fatalf("the ids are %v", ids)
		}
	})
}
