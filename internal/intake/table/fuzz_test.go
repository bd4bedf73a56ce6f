package table

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/internal/cli/schema"
)

// FuzzRead reads anything by every mapping that comes along. What comes out, the API server takes; no entry is there twice, and
// no message has an address in it.
func FuzzRead(f *testing.F) {
	exports, err := filepath.Glob(filepath.Join("testdata", "*.[cj]s*"))
	if err != nil || len(exports) == 0 {
		f.Fatalf("the seeds are %v, %v", exports, err)
	}
	for _, path := range exports {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("\xff\xfeI\x00D\x00\n\x00"))
	f.Add([]byte(`[{"_id": {}, "email": [null], "team": {"a": 1e400}}]`))
	var readers []*Reader
	for _, name := range Names() {
		reader, err := New(Mapping{Ready: name, TimeZone: "Europe/Berlin"})
		if err != nil {
			f.Fatal(err)
		}
		readers = append(readers, reader)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, reader := range readers {
			reading, err := reader.Read(t.Context(), "x", content, Span{})
			if err != nil && (len(reading.Entries) > 0 || len(reading.Problems) > 0) {
				t.Fatalf("it says %v, and something of it is used", err)
			}
			for _, p := range reading.Problems {
				if strings.Contains(p.Err.Error(), "@") {
					t.Fatalf("the message has an address in it: %v", p.Err)
				}
			}
			there := map[key]bool{}
			for _, entry := range reading.Entries {
				object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(entry.Object)
				if err != nil {
					t.Fatal(err)
				}
				delete(object, "status")
				u := &unstructured.Unstructured{Object: object}
				u.SetName("row")
				if _, wrong := schema.Admit(t.Context(), u); len(wrong) > 0 {
					t.Fatalf("%s: %v", entry.Where, wrong)
				}
				if there[key{u.GetKind(), entry.ID}] {
					t.Fatalf("%s %s is there twice", u.GetKind(), entry.ID)
				}
				there[key{u.GetKind(), entry.ID}] = true
			}
		}
	})
}
