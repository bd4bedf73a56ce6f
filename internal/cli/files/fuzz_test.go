package files

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

// longestComplaint bounds what is said of a file by what is in it: a message may quote each of its lines a few times.
func longestComplaint(content []byte) int { return 1<<16 + 64*len(content) }

const member = `apiVersion: access.kisi-operator.dev/v1alpha1
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com, fullName: "Ana \u202e"}
`

// Whatever a file holds: what is admitted is written and admitted again as it is, in the namespace that was asked for, and what is
// wrong is told in bounded text.
func FuzzObjects(f *testing.F) {
	samples, err := filepath.Glob("../../../config/samples/*.yaml")
	if err != nil || len(samples) == 0 {
		f.Fatal(samples, err)
	}
	for _, sample := range samples {
		content, err := os.ReadFile(sample)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	for _, content := range []string{
		member, member + "---\n" + member, "kind: List\napiVersion: v1\nitems: [" + strings.ReplaceAll(member, "\n", ", ") + "]", "a: &a [*a]", "\xff", "{", "---\n---\n", "null",
		strings.Replace(member, "ana@example.com", "9007199254740993", 1), strings.Replace(member, "ana}", "ana, namespace: other}", 1), "[]", "7",
		"apiVersion: access.kisi-operator.dev/v1alpha1\nkind: BookingGrant\nmetadata: {name: b}\nspec: {organizer: {email: a@b.co}, groupRefs: [{name: g}], startTime: '2026-12-01T12:00:00.5-23:59', endTime: '9998-12-31T23:59:59Z'}\n",
	} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		loaded, err := Load(bytes.NewReader(content), false, "-")
		checkComplaint(t, err, content)
		set, err := loaded.Admit(t.Context(), "gym")
		checkComplaint(t, err, content)
		written := writtenOut(t, set)
		again, err := Load(strings.NewReader(written), false, "-")
		if err != nil {
			t.Fatalf("what was admitted cannot be read: %v\n%s", err, written)
		}
		second, err := again.Admit(t.Context(), "gym")
		if err != nil {
			t.Fatalf("what was admitted is refused: %v\n%s", err, written)
		}
		if got := writtenOut(t, second); got != written {
			t.Fatalf("another thing came back:\n%s\n%s", written, got)
		}
	})
}

func writtenOut(t *testing.T, set *objects.Set) string {
	t.Helper()
	var all strings.Builder
	for _, object := range set.All() {
		if object.GetNamespace() != "gym" || object.GetName() == "" {
			t.Fatalf("%s/%s was admitted", object.GetNamespace(), object.GetName())
		}
		content, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("---\n" + string(content))
	}
	return all.String()
}

func checkComplaint(t *testing.T, err error, content []byte) {
	t.Helper()
	if err == nil {
		return
	}
	if text := err.Error(); len(text) > longestComplaint(content) {
		t.Fatalf("%d bytes are said of %d: %.300s", len(text), len(content), text)
	}
}

// Whatever a kustomization says: it ends, and reads nothing but the folder; what it gives has names.
func FuzzKustomization(f *testing.F) {
	f.Setenv("PATH", "") // git for one
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		f.Setenv(name, "http://127.0.0.1:1")
	}
	secret := filepath.Join(f.TempDir(), "outside.yaml")
	if err := os.WriteFile(secret, []byte(strings.Replace(member, "ana}", "from-outside}", 1)), 0o600); err != nil {
		f.Fatal(err)
	}
	for _, content := range []string{
		"resources: [ana.yaml]", "resources: [.]", "resources: [../..]", "resources: [" + secret + "]", "resources: [ana.yaml]\nnamePrefix: \"\\x1b[2J\"",
		"resources: [ana.yaml]\npatches: [{target: {kind: Member}, patch: '[{op: replace, path: /spec/email, value: b@example.com}]'}]",
		"generators: [x]", "resources: [ana.yaml]\nreplicas: [{name: x, count: 1}]", "null", "{", "resources: [ana.yaml, ana.yaml]",
		"resources: [ana.yaml]\nnamespace: other", "configMapGenerator: [{name: x, files: [/etc/passwd]}]", "helmCharts: [{name: x}]",
	} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if bytes.Contains(content, []byte("://")) || bytes.Contains(content, []byte("git")) || bytes.Contains(content, []byte(".com")) {
			t.Skip("an address")
		}
		folder := t.TempDir()
		for name, text := range map[string][]byte{"kustomization.yaml": content, "ana.yaml": []byte(member)} {
			if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		loaded, err := Load(strings.NewReader(""), false, folder)
		checkComplaint(t, err, content)
		if err != nil && !utf8.ValidString(err.Error()) && utf8.Valid(content) {
			t.Fatalf("%q", err)
		}
		for _, o := range loaded.objects {
			if o.object.GetName() == "from-outside" {
				t.Fatal("a file outside of the folder was read")
			}
		}
	})
}
