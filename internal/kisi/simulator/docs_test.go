package simulator

import (
	"os"
	"strings"
	"testing"
)

func TestTheDocumentationNamesEverything(t *testing.T) {
	content, err := os.ReadFile("../../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(content)
	var wanted []string
	for _, s := range DefaultSwitches().Describe() {
		row := "| `" + s.Name + "` | **`" + s.Values[0] + "`**"
		for _, value := range s.Values[1:] {
			row += ", `" + value + "`"
		}
		wanted = append(wanted, row+" | "+s.Question+" |")
	}
	for _, kind := range faultKinds {
		wanted = append(wanted, "`"+string(kind)+"`")
	}
	for kind := range actions {
		wanted = append(wanted, "`"+string(kind)+"`")
	}
	for _, r := range builtinRoles {
		wanted = append(wanted, "`"+r.ID+"`")
	}
	for _, r := range adminTable {
		_, path, _ := strings.Cut(r.pattern, " ")
		wanted = append(wanted, strings.TrimPrefix(path, "/_simulator"))
	}
	for _, text := range wanted {
		if !strings.Contains(doc, text) {
			t.Errorf("docs/simulator.md does not have %s", text)
		}
	}
}

// The seed in the documentation must load as it stands.
func TestTheDocumentedSeedLoads(t *testing.T) {
	content, err := os.ReadFile("../../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), "```yaml\n")
	document, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("there is no seed in the documentation")
	}
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.LoadSeed([]byte(document)); err != nil {
		t.Error(err)
	}
}
