package table

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const page = "../../../docs/kisi-feed-tables.md"

// What the page shows is read as it says.
func TestThePageShowsWhatIsRead(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	block := func(language string) string {
		found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(content)
		if found == nil {
			t.Fatalf("the page shows no %s", language)
		}
		return string(found[1])
	}
	var m Mapping
	if err := yaml.UnmarshalStrict([]byte(block("yaml")), &m); err != nil {
		t.Fatal(err)
	}
	reader, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	export := block("csv")
	reading, err := reader.Read(t.Context(), "bookings.csv", []byte(export+"8814;boardroom;Ana Pop;ana@example.com;;03.12.2026 09:00;03.12.2026 10:00;tentative\n"), Span{})
	if err != nil {
		t.Fatal(err)
	}
	if len(reading.Entries) != 2 || reading.Entries[0].ID != "8812" || reading.Entries[1].ID != "8813" {
		t.Errorf("it reads %+v", reading.Entries)
	}
	if len(reading.Problems) != 1 {
		t.Fatalf("it has the problems %v", reading.Problems)
	}
	if p := reading.Problems[0]; !strings.Contains(string(content), p.Where+": "+p.Err.Error()+"\n") {
		t.Errorf("the page does not show %s: %v", p.Where, p.Err)
	}
	for _, name := range Names() {
		if !strings.Contains(string(content), "[`"+name+"`]") {
			t.Errorf("the page does not name the mapping %s", name)
		}
	}
}
