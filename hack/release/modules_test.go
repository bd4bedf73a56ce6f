package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheModulesAreOfTheVersion(t *testing.T) {
	directory := t.TempDir()
	for path, content := range map[string]string{
		"api/go.mod":                    "module " + module + "/api\n\nrequire k8s.io/apimachinery v0.37.2\n",
		"api/applyconfiguration/go.mod": "module " + module + "/api/applyconfiguration\n\nrequire " + module + "/api v0.1.0\n",
	} {
		path = filepath.Join(directory, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for version, want := range map[string]string{"v0.1.0": "", "v0.2.0": module + "/api v0.1.0, not v0.2.0"} {
		r := release{options: options{root: directory, version: version}}
		if err := r.modules(); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(r.later, "\n"); (said == "") != (want == "") || !strings.Contains(said, want) {
			t.Errorf("for %s it says %q, not %q", version, said, want)
		}
	}
}
