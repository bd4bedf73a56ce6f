// Package sbom says what a program is made of, as CycloneDX. It is written from what the linker records in the program, so that
// it lists what is in there and nothing else, and without a random number or the time, so that it is the same each time.
package sbom

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
	"github.com/package-url/packageurl-go"
)

// Subject is what an SBOM is about.
type Subject struct {
	Name, Version string
	// SHA256 of the file or of the image's manifest, in hexadecimal digits.
	SHA256 string
	// Date of the commit.
	Date time.Time
	// Home is the project's page.
	Home string
}

// OfProgram returns the SBOM of a program.
func OfProgram(s Subject, info *debug.BuildInfo) ([]byte, error) {
	about := application(s, info)
	return encode(s, about, modules(s, info))
}

// OfImage returns the SBOM of an image that holds a program for an architecture, and more modules than are in the program.
func OfImage(s Subject, repository, arch string, info *debug.BuildInfo, others ...*debug.Module) ([]byte, error) {
	url := packageurl.NewPackageURL(packageurl.TypeOCI, "", path.Base(repository), "sha256:"+s.SHA256, packageurl.QualifiersFromMap(map[string]string{
		"arch": arch, "repository_url": repository, "tag": s.Version,
	}), "")
	about := component(cdx.ComponentTypeContainer, repository, s.Version, url)
	components := append([]cdx.Component{application(Subject{Name: s.Name, Version: s.Version, Home: s.Home}, info)}, modules(s, info)...)
	for _, other := range others {
		components = append(components, library(other))
	}
	return encode(s, about, components)
}

func application(s Subject, info *debug.BuildInfo) cdx.Component {
	about := component(cdx.ComponentTypeApplication, s.Name, s.Version, golang(info.Main.Path, s.Version, strings.TrimPrefix(info.Path, info.Main.Path+"/")))
	about.Licenses = &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}
	about.ExternalReferences = &[]cdx.ExternalReference{{Type: cdx.ERTypeVCS, URL: s.Home}}
	return about
}

// modules are those of a program, and Go's standard library.
func modules(s Subject, info *debug.BuildInfo) []cdx.Component {
	version := strings.TrimPrefix(info.GoVersion, "go")
	components := []cdx.Component{component(cdx.ComponentTypeLibrary, "std", version, golang("std", version, ""))}
	for _, dependency := range info.Deps {
		if strings.HasPrefix(dependency.Path, info.Main.Path+"/") {
			// It is in the same commit as the program, so it has the same version.
			dependency = &debug.Module{Path: dependency.Path, Version: s.Version}
		}
		components = append(components, library(dependency))
	}
	return components
}

func library(m *debug.Module) cdx.Component {
	if m.Replace != nil {
		m = m.Replace
	}
	about := component(cdx.ComponentTypeLibrary, m.Path, m.Version, golang(m.Path, m.Version, ""))
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) > 0 {
		about.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	}
	return about
}

func component(kind cdx.ComponentType, name, version string, url *packageurl.PackageURL) cdx.Component {
	return cdx.Component{Type: kind, BOMRef: url.ToString(), Name: name, Version: version, PackageURL: url.ToString()}
}

func golang(module, version, subpath string) *packageurl.PackageURL {
	namespace, name := path.Split(module)
	return packageurl.NewPackageURL(packageurl.TypeGolang, strings.TrimSuffix(namespace, "/"), name, version, nil, subpath)
}

func encode(s Subject, about cdx.Component, components []cdx.Component) ([]byte, error) {
	about.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: s.SHA256}}
	bom := cdx.NewBOM()
	// By it others refer to this SBOM; it follows from what the SBOM is about.
	bom.SerialNumber = uuid.NewSHA1(uuid.NameSpaceURL, []byte(about.BOMRef+" "+s.SHA256)).URN()
	bom.Metadata = &cdx.Metadata{
		Timestamp:  s.Date.Format(time.RFC3339),
		Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhaseBuild}},
		Component:  &about,
	}
	bom.Components = &components
	refs := make([]string, 0, len(components))
	for _, c := range components {
		refs = append(refs, c.BOMRef)
	}
	bom.Dependencies = &[]cdx.Dependency{{Ref: about.BOMRef, Dependencies: &refs}}
	// All modules are there, but which of them needs which is not recorded.
	bom.Compositions = &[]cdx.Composition{
		{Aggregate: cdx.CompositionAggregateComplete, Assemblies: &[]cdx.BOMReference{cdx.BOMReference(about.BOMRef)}},
		{Aggregate: cdx.CompositionAggregateIncomplete, Dependencies: &[]cdx.BOMReference{cdx.BOMReference(about.BOMRef)}},
	}
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, fmt.Errorf("writing the SBOM of %s: %w", s.Name, err)
	}
	return out.Bytes(), nil
}
