package table

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/internal/intake"
)

var update = flag.Bool("update", false, "write down what the ready mappings make of their exports")

// Every mapping that comes along makes of its export what is written down beside it.
func TestReadyMappings(t *testing.T) {
	if len(Names()) == 0 {
		t.Fatal("no mapping comes along")
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			exports, err := filepath.Glob(filepath.Join("testdata", name+".[cj]s*"))
			if err != nil || len(exports) != 1 {
				t.Fatalf("its exports are %v, %v", exports, err)
			}
			content, err := os.ReadFile(exports[0])
			if err != nil {
				t.Fatal(err)
			}
			reader, err := New(Mapping{Ready: name, TimeZone: "Europe/Berlin"})
			if err != nil {
				t.Fatal(err)
			}
			reading, err := reader.Read(t.Context(), filepath.Base(exports[0]), content, Span{})
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".golden.yaml")
			got := written(t, reading)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("it makes\n%s\nand %s has\n%s", got, golden, want)
			}
			if len(reading.Entries) == 0 {
				t.Error("nothing of the export is understood")
			}
			for _, p := range reading.Problems {
				if strings.Contains(p.Err.Error(), "example.com") {
					t.Errorf("%s: the message has an address in it: %v", p.Where, p.Err)
				}
			}
		})
	}
}

// written is a reading as a person reads it.
func written(t *testing.T, reading intake.Reading) string {
	t.Helper()
	type entry struct {
		Where string `json:"where"`
		ID    string `json:"id"`
		Kind  string `json:"kind"`
		Spec  any    `json:"spec"`
	}
	type problem struct {
		Where string `json:"where"`
		ID    string `json:"id,omitempty"`
		Error string `json:"error"`
	}
	shown := struct {
		Rows     int       `json:"rows"`
		Entries  []entry   `json:"entries"`
		Problems []problem `json:"problems,omitempty"`
	}{Rows: reading.Rows}
	for _, e := range reading.Entries {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(e.Object)
		if err != nil {
			t.Fatal(err)
		}
		shown.Entries = append(shown.Entries, entry{e.Where, e.ID, e.Object.GetObjectKind().GroupVersionKind().Kind, content["spec"]})
	}
	for _, p := range reading.Problems {
		shown.Problems = append(shown.Problems, problem{p.Where, p.ID, p.Err.Error()})
	}
	text, err := yaml.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
