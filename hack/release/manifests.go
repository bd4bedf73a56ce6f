package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"helm.sh/helm/v4/pkg/chart/common"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/kisi-operator/kisi-operator/hack/chart/chart"
)

// charts packages the chart, with the version and the image's address, and renders install.yaml from it.
func (r *release) charts() error {
	c := r.chart
	if number := strings.TrimPrefix(r.version, "v"); c.Metadata.Version != number || c.Metadata.AppVersion != r.version {
		r.later = append(r.later, fmt.Sprintf("Chart.yaml has version %s and appVersion %s, not those of %s: set them", c.Metadata.Version, c.Metadata.AppVersion, r.version))
	}
	c.Metadata.Version, c.Metadata.AppVersion = strings.TrimPrefix(r.version, "v"), r.version
	image, isMap := c.Values["image"].(map[string]any)
	was, isText := image["repository"].(string)
	if !isMap || !isText || was == "" {
		return fmt.Errorf("%s/values.yaml: image.repository is missing", chart.Dir(r.root))
	}
	if r.imageRepository == "" {
		r.imageRepository = was
	}
	image["repository"] = r.imageRepository
	// The values that are packaged are the text, with its comments; README.md has a table of them.
	for _, files := range [][]*common.File{c.Raw, c.Files} {
		for _, file := range files {
			if file.Name == chartutil.ValuesfileName || file.Name == "README.md" {
				file.Data = bytes.ReplaceAll(file.Data, []byte(was), []byte(r.imageRepository))
			}
		}
	}
	c.StampModTimes(r.date)
	if _, err := chartutil.Save(c, r.directory); err != nil {
		return err
	}
	manifest, err := chart.Install(r.root, c)
	if err != nil {
		return err
	}
	return r.write("install.yaml", []byte(manifest))
}

// krew writes the plugin's manifest for the archives that there are.
func (r *release) krew(plugins []archived) error {
	const source = "hack/krew/kisi.yaml.tmpl"
	text, err := os.ReadFile(filepath.Join(r.root, source))
	if err != nil {
		return err
	}
	manifest, err := template.New(source).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := manifest.Execute(&out, map[string]any{"Version": r.version, "Home": r.home, "Archives": plugins}); err != nil {
		return err
	}
	return r.write("kisi.yaml", out.Bytes())
}
