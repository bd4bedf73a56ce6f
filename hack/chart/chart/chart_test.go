package chart

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const root = "../../.."

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// values reads values as somebody writes them.
func values(t *testing.T, text string) map[string]any {
	t.Helper()
	read := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &read); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return read
}

func objects(t *testing.T, c *chart.Chart, text string) []*unstructured.Unstructured {
	t.Helper()
	rendered, err := Render(c, values(t, text))
	if err != nil {
		t.Fatalf("%v with\n%s", err, text)
	}
	found, err := rendered.Objects()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	copied, err := Copied(root)
	if err != nil {
		t.Fatal(err)
	}
	generated, err := Generated(root, load(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range []map[string]string{copied, generated} {
		for path, content := range files {
			is, err := os.ReadFile(filepath.Join(root, path))
			if err != nil || string(is) != content {
				t.Errorf("%s is stale (%v), run `make manifests`", path, err)
			}
		}
	}
	for _, copies := range []string{"crds", "prometheus", "dashboards"} {
		entries, err := os.ReadDir(filepath.Join(Dir(root), "files", copies))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if path := "charts/kisi-operator/files/" + copies + "/" + entry.Name(); copied[path] == "" {
				t.Errorf("%s is a copy of nothing", path)
			}
		}
	}
}

func TestLint(t *testing.T) {
	for name, text := range map[string]string{"defaults": "", "everything": everything} {
		lint := action.NewLint()
		lint.Strict = true
		result := lint.Run([]string{Dir(root)}, values(t, text))
		for _, err := range result.Errors {
			t.Errorf("%s: %v", name, err)
		}
		for _, message := range result.Messages {
			if !strings.Contains(message.Err.Error(), "icon is recommended") {
				t.Errorf("%s: %s", name, message)
			}
		}
	}
}

// TestOneSource: Helm, kustomize and the one file put the same objects into a cluster.
func TestOneSource(t *testing.T) {
	c := load(t)
	byHelm := objects(t, c, "image: {repository: kisi-operator, tag: latest}")

	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "config/default"))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	byKustomize, err := Objects(string(stream))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "kustomize", byKustomize, byHelm)

	file, err := Install(root, c)
	if err != nil {
		t.Fatal(err)
	}
	byFile, err := Objects(file)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "install.yaml", byFile, objects(t, c, ""))
}

// equal compares what there is in both but for the namespace, which Helm makes by --create-namespace, and for labels.
func equal(t *testing.T, way string, got, want []*unstructured.Unstructured) {
	t.Helper()
	named := func(list []*unstructured.Unstructured) map[string]string {
		all := map[string]string{}
		for _, object := range list {
			if object.GetKind() == "Namespace" {
				continue
			}
			name := object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
			if all[name] != "" {
				t.Errorf("%s: %s is there twice", way, name)
			}
			plain := object.DeepCopy()
			plain.SetLabels(nil)
			unstructured.RemoveNestedField(plain.Object, "spec", "template", "metadata", "labels")
			annotations := plain.GetAnnotations()
			delete(annotations, "helm.sh/resource-policy")
			plain.SetAnnotations(annotations)
			text, err := yaml.Marshal(plain.Object)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = string(text)
		}
		return all
	}
	is, should := named(got), named(want)
	for name, text := range should {
		if is[name] != text {
			t.Errorf("%s: %s is\n%s\nand by Helm\n%s", way, name, is[name], text)
		}
	}
	for name := range is {
		if should[name] == "" {
			t.Errorf("%s: %s is not in the chart", way, name)
		}
	}
	if len(should) < 10 {
		t.Errorf("only %d objects", len(should))
	}
}

// TestSchemaKnowsEveryValue: what is in values.yaml is in the schema (unknown values are refused), and the other way round.
func TestSchemaKnowsEveryValue(t *testing.T) {
	c := load(t)
	type schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var check func(path string, raw []byte, there map[string]any)
	check = func(path string, raw []byte, there map[string]any) {
		var s schema
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		for name, below := range s.Properties {
			value, found := there[name]
			if !found && path+name != "global" && path != "resources." {
				t.Errorf("the schema has %s, and values.yaml has not", path+name)
			}
			if nested, isMap := value.(map[string]any); isMap {
				check(path+name+".", below, nested)
			}
		}
	}
	check("", c.Schema, c.Values)
	if _, err := Render(c, nil); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

func TestSchemaRefuses(t *testing.T) {
	c := load(t)
	for text, want := range map[string]string{
		"replica: 2":    "'replica' not allowed",
		"replicas: two": "replicas", "replicas: -1": "replicas",
		"replicas: 2\nleaderElection: {enabled: false}":        "/leaderElection/enabled",
		"namespaces: cowork":                                   "/namespaces",
		"namespaces: [Cowork]":                                 "/namespaces/0",
		"namespaces: [a, a]":                                   "/namespaces",
		"allowedEndpoints: []":                                 "/allowedEndpoints",
		"allowedEndpoints: [https://api.kisi.io/]":             "/allowedEndpoints/0",
		"allowedEndpoints: [api.kisi.io]":                      "/allowedEndpoints/0",
		"bookingTTL: 7d":                                       "/bookingTTL",
		"image: {pullPolicy: Sometimes}":                       "/image/pullPolicy",
		"image: {digest: abc}":                                 "/image/digest",
		"image: {repository: kisi@sha256:0}":                   "/image/repository",
		"log: {level: warn}":                                   "/log/level",
		"integration: {contact: nobody}":                       "/integration/contact",
		"extraArgs: [leader-elect]":                            "/extraArgs/0",
		"webhook: {enabled: true, ingress: {enabled: true}}":   "/webhook/ingress/host",
		"webhook: {enabled: true, httpRoute: {enabled: true}}": "/webhook/httpRoute/parentRefs",
		"webhook: {port: 0}":                                   "/webhook/port",
		"metrics: {serviceMonitor: {interval: often}}":         "/metrics/serviceMonitor/interval",
		"networkPolicy: {kisi: {cidrs: [kisi.io]}}":            "/networkPolicy/kisi/cidrs/0",
		"podDisruptionBudget: {maxUnavailable: some}":          "/podDisruptionBudget/maxUnavailable",
		"terminationGracePeriodSeconds: 10":                    "/terminationGracePeriodSeconds",
		"rbac: {userRoles: {aggregate: {doors: true}}}":        "/rbac/userRoles/aggregate",
		"crds: {keep: \"yes\"}":                                "/crds/keep",
		"feed: {enabled: true}":                                "/feed/feeds",
		"feed: {kind: DaemonSet}":                              "/feed/kind",
		"feed: {kinds: [secrets]}":                             "/feed/kinds/0",
	} {
		_, err := Render(c, values(t, text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that names %s", text, err, want)
		}
	}
}

// find returns an object by `Kind/name`.
func find(t *testing.T, list []*unstructured.Unstructured, name string) *unstructured.Unstructured {
	t.Helper()
	i := slices.IndexFunc(list, func(o *unstructured.Unstructured) bool { return o.GetKind()+"/"+o.GetName() == name })
	if i < 0 {
		return nil
	}
	return list[i]
}
