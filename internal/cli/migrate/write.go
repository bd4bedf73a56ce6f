package migrate

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

//go:embed README.md.tmpl
var readme string

// File is one file to be written.
type File struct {
	Name    string
	Content []byte
}

// Files are what is to be kept in Git, in the order in which it is applied.
func (r *Result) Files() ([]File, error) {
	var files []File
	var resources []string
	for _, part := range []struct {
		name    string
		objects []Object
	}{
		{"00-connection.yaml", []Object{r.Connection}},
		{"10-groups.yaml", r.Groups},
		{"20-places.yaml", r.Places},
		{"30-people.yaml", r.Members},
		{"40-more-times.yaml", r.Subscriptions},
	} {
		var content bytes.Buffer
		for _, object := range part.objects {
			if object.Object == nil {
				continue
			}
			if content.Len() > 0 {
				content.WriteString("---\n")
			}
			if object.Comment != "" {
				fmt.Fprintf(&content, "# %s\n", oneLine(object.Comment))
			}
			encoded, err := encode(object.Object)
			if err != nil {
				return nil, err
			}
			content.Write(encoded)
		}
		if content.Len() > 0 {
			files = append(files, File{part.name, content.Bytes()})
			resources = append(resources, part.name)
		}
	}
	kustomization, err := yaml.Marshal(map[string]any{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources})
	if err != nil {
		return nil, err
	}
	page, err := r.page()
	if err != nil {
		return nil, err
	}
	return append(files, File{"kustomization.yaml", kustomization}, File{"README.md", page}), nil
}

// oneLine keeps what others have named from ending a comment.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// manifest is an object as a file has it, without what only the API server sets.
func manifest(object objects.Object) (map[string]any, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	delete(content, "status")
	if metadata, ok := content["metadata"].(map[string]any); ok {
		delete(metadata, "creationTimestamp")
	}
	content["apiVersion"], content["kind"] = v1alpha1.GroupVersion.String(), objects.KindOf(object)
	return content, nil
}

func encode(object objects.Object) ([]byte, error) {
	content, err := manifest(object)
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(content)
}

func (r *Result) page() ([]byte, error) {
	page, err := template.New("README.md").Funcs(template.FuncMap{"line": oneLine, "doors": r.doorsOf}).Parse(readme)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = page.Execute(&out, r)
	return out.Bytes(), err
}

// Write writes the files into a folder, which is made. Files that are there are replaced only if that is wanted.
func Write(folder string, files []File, replace bool) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	for _, file := range files {
		path := filepath.Join(folder, file.Name)
		if _, err := os.Stat(path); err == nil && !replace {
			return fmt.Errorf("%s is there already; choose another folder, or add --overwrite", path)
		}
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(folder, file.Name), file.Content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
