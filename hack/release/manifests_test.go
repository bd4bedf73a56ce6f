package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	helm "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/kisi-operator/kisi-operator/hack/chart/chart"
)

// checkKrew takes the plugin's manifest to name the archives that there are, in the form that krew reads.
func checkKrew(t *testing.T, files map[string][]byte) {
	var manifest struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct{ Name string }
		Spec       struct {
			Version, Homepage, Description, Caveats string
			ShortDescription                        string `yaml:"shortDescription"`
			Platforms                               []struct {
				Selector struct {
					MatchLabels map[string]string `yaml:"matchLabels"`
				}
				URI, SHA256, Bin string
			}
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(files["kisi.yaml"]))
	decoder.KnownFields(true)
	if err := decoder.Decode(&manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || manifest.Kind != "Plugin" || manifest.Metadata.Name != "kisi" || manifest.Spec.Version != candidate {
		t.Errorf("the manifest is one of another thing: %+v", manifest)
	}
	if len(manifest.Spec.Platforms) != 1 {
		t.Fatalf("the manifest names %d platforms, not one:\n%s", len(manifest.Spec.Platforms), files["kisi.yaml"])
	}
	p := manifest.Spec.Platforms[0]
	if got := p.Selector.MatchLabels["os"] + "/" + p.Selector.MatchLabels["arch"]; got != host {
		t.Errorf("the manifest names %s, not %s", got, host)
	}
	archive := files[path.Base(p.URI)]
	if !strings.HasPrefix(p.URI, "https://github.com/kisi-operator/kisi-operator/releases/download/"+candidate+"/") || p.SHA256 != sha256Of(archive) {
		t.Errorf("the manifest gives %s with the checksum %s", p.URI, p.SHA256)
	}
	if len(unpack(t, archive)[p.Bin]) == 0 {
		t.Errorf("there is no %s in %s", p.Bin, p.URI)
	}
}

// checkChart takes the package to pass Helm's checks, and the package and the one file to deploy the image of the release.
func checkChart(t *testing.T, directory string, files map[string][]byte) {
	const image = "ghcr.io/kisi-operator/kisi-operator:" + candidate
	c := packaged(t, filepath.Join(directory, "kisi-operator-0.0.0-rc.1.tgz"))
	if c.Metadata.Version != "0.0.0-rc.1" || c.Metadata.AppVersion != candidate {
		t.Errorf("the chart is %s of the app %s", c.Metadata.Version, c.Metadata.AppVersion)
	}
	rendered, err := chart.Render(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, manifests := range map[string]string{"chart": rendered.Manifests(), "install.yaml": string(files["install.yaml"])} {
		if got := imagesIn(t, manifests); got != image {
			t.Errorf("%s deploys %s, not %s", name, got, image)
		}
	}
}

func packaged(t *testing.T, file string) *helm.Chart {
	t.Helper()
	c, err := loader.LoadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	if err := chartutil.ExpandFile(directory, file); err != nil {
		t.Fatal(err)
	}
	for _, message := range lint.RunAll(filepath.Join(directory, c.Name()), nil, chart.Namespace).Messages {
		if message.Severity > support.InfoSev {
			t.Errorf("lint: %s", message)
		}
	}
	return c
}

// imagesIn returns the images of the Deployments.
func imagesIn(t *testing.T, manifests string) string {
	t.Helper()
	objects, err := chart.Objects(manifests)
	if err != nil {
		t.Fatal(err)
	}
	var images []string
	for _, object := range objects {
		if object.GetKind() != "Deployment" {
			continue
		}
		var deployment struct {
			Spec struct {
				Template struct {
					Spec struct{ Containers []struct{ Image string } }
				}
			}
		}
		content, err := yaml.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(content, &deployment); err != nil {
			t.Fatal(err)
		}
		for _, container := range deployment.Spec.Template.Spec.Containers {
			images = append(images, container.Image)
		}
	}
	return strings.Join(images, " ")
}

// The chart in the repository is that of the release, so that a checkout of the tag installs the tag's image.
func TestTheChartIsOfTheVersion(t *testing.T) {
	c, err := chart.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]int{c.Metadata.AppVersion: 0, "v1.2.3": 1} {
		r := release{options: options{root: root, version: version}, directory: t.TempDir()}
		if r.chart, err = chart.Load(root); err != nil {
			t.Fatal(err)
		}
		if err := r.charts(); err != nil {
			t.Fatal(err)
		}
		if len(r.later) != want {
			t.Errorf("for %s it says %q", version, r.later)
		}
	}
}

// Whoever has a registry of their own names it once.
func TestTheImageCanBeElsewhere(t *testing.T) {
	r := release{
		options: options{root: root, version: "v1.2.3", imageRepository: "registry.example.com/doors/operator"},
		source:  source{date: time.Unix(1700000000, 0)}, directory: t.TempDir(),
	}
	var err error
	if r.chart, err = chart.Load(root); err != nil {
		t.Fatal(err)
	}
	if err := r.charts(); err != nil {
		t.Fatal(err)
	}
	c := packaged(t, filepath.Join(r.directory, "kisi-operator-1.2.3.tgz"))
	rendered, err := chart.Render(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile(filepath.Join(r.directory, "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, manifests := range map[string]string{"chart": rendered.Manifests(), "install.yaml": string(manifest)} {
		if got := imagesIn(t, manifests); got != "registry.example.com/doors/operator:v1.2.3" {
			t.Errorf("%s deploys %s", name, got)
		}
	}
	for _, file := range c.Files {
		if bytes.Contains(file.Data, []byte("ghcr.io/")) {
			t.Errorf("%s still names the usual registry", file.Name)
		}
	}
}
