// Package chart renders the Helm chart of this repository, and what is made from it.
package chart

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Release and Namespace are the release that config/default is: its objects have the names that it gives them.
const (
	Release   = "kisi-operator"
	Namespace = "kisi-operator-system"
)

// Dir is the chart's directory in the repository.
func Dir(root string) string { return filepath.Join(root, "charts", "kisi-operator") }

// Load reads the chart of a repository.
func Load(root string) (*chart.Chart, error) { return loader.LoadDir(Dir(root)) }

// Rendered is what the chart's templates say, by the path of the template below templates/.
type Rendered map[string]string

// Render renders the chart as `helm template kisi-operator` does in the operator's namespace.
func Render(c *chart.Chart, values map[string]any) (Rendered, error) {
	return RenderAs(c, Release, Namespace, values)
}

// RenderAs renders the chart for a release.
func RenderAs(c *chart.Chart, release, namespace string, values map[string]any) (Rendered, error) {
	options := common.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(c, values, options, common.DefaultCapabilities.Copy())
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return nil, err
	}
	rendered := Rendered{}
	for name, content := range files {
		name = strings.TrimPrefix(name, path.Join(c.Name(), "templates")+"/")
		if content = strings.TrimSpace(content); content != "" {
			rendered[name] = content + "\n"
		}
	}
	return rendered, nil
}

// Manifests are all objects as one YAML stream, in the order of the templates' paths, the definitions first.
func (r Rendered) Manifests() string {
	var stream strings.Builder
	for _, name := range slices.SortedFunc(maps.Keys(r), inOrder) {
		if path.Ext(name) != ".yaml" {
			continue
		}
		fmt.Fprintf(&stream, "---\n%s", strings.TrimPrefix(r[name], "---\n"))
	}
	return stream.String()
}

func inOrder(a, b string) int {
	const definitions = "crds.yaml"
	if (a == definitions) != (b == definitions) {
		if a == definitions {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// Objects are the objects of the templates.
func (r Rendered) Objects() ([]*unstructured.Unstructured, error) { return Objects(r.Manifests()) }

// Objects reads a YAML stream.
func Objects(manifests string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(manifests)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(document, &object.Object); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// WithoutHelm takes out of manifests what only Helm needs: labels that change with every version, and its annotation.
func WithoutHelm(manifests string) string {
	var kept bytes.Buffer
	for line := range strings.Lines(manifests) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/resource-policy":
		default:
			kept.WriteString(line)
		}
	}
	return kept.String()
}
