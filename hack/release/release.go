package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	helm "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/kisi-operator/kisi-operator/hack/chart/chart"
	"github.com/kisi-operator/kisi-operator/hack/release/archive"
	"github.com/kisi-operator/kisi-operator/hack/release/image"
	"github.com/kisi-operator/kisi-operator/hack/release/sbom"
)

type options struct {
	root, version string
	// imageRepository is the image's address without tag; empty: the one in the chart's values.yaml.
	imageRepository string
	platforms       []platform
	allowDirty      bool
}

// Where a release is made, below the root. It is there as a whole, or as it was before.
const made = "dist/release"

// release is one while it is made.
type release struct {
	options
	source

	chart *helm.Chart
	// home is the project's page, as the chart has it.
	home string
	// directory in which the release is made, and one for what does not belong to it.
	directory, scratch string
	licenses           *licenses
	// later is what must be done before it is published.
	later []string
}

func makeRelease(ctx context.Context, o options, out io.Writer) error {
	if err := checkVersion(o.version); err != nil {
		return err
	}
	s, err := checkedOut(ctx, o.root, o.version, o.allowDirty)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(o.root, filepath.Dir(made)), 0o755); err != nil { //nolint:gosec // everybody may see it
		return err
	}
	scratch, err := os.MkdirTemp(filepath.Join(o.root, filepath.Dir(made)), ".release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	r := release{options: o, source: s, scratch: scratch, directory: filepath.Join(scratch, "release")}
	if err := os.Mkdir(r.directory, 0o755); err != nil { //nolint:gosec // everybody may see it
		return err
	}
	if err := r.make(ctx); err != nil {
		return err
	}
	final := filepath.Join(o.root, made)
	if err := os.RemoveAll(final); err != nil {
		return err
	}
	if err := os.Rename(r.directory, final); err != nil {
		return err
	}
	return r.tell(out, final)
}

func (r *release) make(ctx context.Context) error {
	var err error
	if r.chart, err = chart.Load(r.root); err != nil {
		return err
	}
	r.home = r.chart.Metadata.Home
	if r.licenses, err = licensesIn(ctx, r.root); err != nil {
		return err
	}
	var binaries []binary
	for _, p := range r.platforms {
		built, err := build(ctx, r.options, r.source, p, r.scratch)
		if err != nil {
			return err
		}
		binaries = append(binaries, built...)
	}
	var plugins []archived
	for _, b := range binaries {
		sum, err := r.archive(b)
		if err != nil {
			return err
		}
		if b.name == plugin {
			plugins = append(plugins, sum)
		}
	}
	if err := r.charts(); err != nil {
		return err
	}
	index, err := r.image(binaries)
	if err != nil {
		return err
	}
	if err := r.krew(plugins); err != nil {
		return err
	}
	if err := r.notes(index); err != nil {
		return err
	}
	if err := r.modules(); err != nil {
		return err
	}
	for _, tag := range r.untagged {
		r.later = append(r.later, "tag the commit: git tag --sign "+tag)
	}
	return writeSums(r.directory)
}

// archived is an archive of a program.
type archived struct {
	OS, Arch, File, SHA256, Bin string
}

// archive writes the archive of a program and its SBOM.
func (r *release) archive(b binary) (archived, error) {
	content, err := os.ReadFile(b.path)
	if err != nil {
		return archived{}, err
	}
	licenses, err := r.licenses.of(b.info)
	if err != nil {
		return archived{}, err
	}
	readme, err := r.linked("README.md")
	if err != nil {
		return archived{}, err
	}
	files := []archive.File{
		{Name: b.file(), Mode: 0o755, Content: content},
		{Name: "README.md", Mode: 0o644, Content: []byte(readme)},
		{Name: "THIRD_PARTY_LICENSES", Mode: 0o644, Content: licenses},
	}
	others := []string{"LICENSE"}
	if b.os != "windows" {
		others = append(others, b.scripts...)
	}
	for _, name := range others {
		path := filepath.Join(r.root, name)
		content, err := os.ReadFile(path)
		if err != nil {
			return archived{}, err
		}
		mode := os.FileMode(0o644)
		if name != "LICENSE" {
			mode = 0o755
		}
		files = append(files, archive.File{Name: filepath.Base(path), Mode: mode, Content: content})
	}
	write, extension := archive.TarGz, ".tar.gz"
	if b.os == "windows" {
		write, extension = archive.Zip, ".zip"
	}
	var packed bytes.Buffer
	if err := write(&packed, files, r.date); err != nil {
		return archived{}, err
	}
	if err := r.write(b.base()+extension, packed.Bytes()); err != nil {
		return archived{}, err
	}
	bom, err := sbom.OfProgram(sbom.Subject{Name: b.name, Version: r.version, SHA256: sha256Of(content), Date: r.date, Home: r.home}, b.info)
	if err != nil {
		return archived{}, err
	}
	return archived{OS: b.os, Arch: b.arch, File: b.base() + extension, SHA256: sha256Of(packed.Bytes()), Bin: b.file()}, r.write(b.base()+".cdx.json", bom)
}

// image writes the image layout of the operator, with kisi-feed beside it, and the SBOMs of its images, and returns the digest that the tag gets; none if
// it is built for no platform of an image.
func (r *release) image(binaries []binary) (string, error) {
	var programs []image.Program
	infos := map[string]*debug.BuildInfo{}
	more := map[string][]*debug.Module{} // what the operator is not built with
	for _, b := range binaries {
		if b.name != operator && b.name != feed {
			continue
		}
		content, err := os.ReadFile(b.path)
		if err != nil {
			return "", err
		}
		licenses, err := r.licenses.of(b.info)
		if err != nil {
			return "", err
		}
		one := image.Program{Arch: b.arch, Name: b.name, Content: content, Licenses: licenses}
		if at := slices.IndexFunc(programs, func(p image.Program) bool { return p.Arch == b.arch }); at >= 0 {
			programs[at].Beside = append(programs[at].Beside, one)
			more[b.arch] = append(more[b.arch], modulesBeside(infos[b.arch], b.info)...)
			continue
		}
		infos[b.arch] = b.info
		programs = append(programs, one)
	}
	if len(programs) == 0 {
		return "", nil
	}
	written, err := image.Write(filepath.Join(r.directory, "image"), programs, image.About{
		Repository: r.imageRepository, Version: r.version, Commit: r.commit, Created: r.date,
		Annotations: map[string]string{
			"org.opencontainers.image.title":         r.chart.Name(),
			"org.opencontainers.image.description":   r.chart.Metadata.Description,
			"org.opencontainers.image.url":           r.home,
			"org.opencontainers.image.source":        r.home,
			"org.opencontainers.image.documentation": r.home + "/blob/" + r.version + "/docs/README.md",
			"org.opencontainers.image.licenses":      "Apache-2.0",
		},
	})
	if err != nil {
		return "", err
	}
	roots, err := linkedModule(image.RootsModule)
	if err != nil {
		return "", err
	}
	for _, arch := range written.Architectures() {
		subject := sbom.Subject{Name: operator, Version: r.version, SHA256: written.Images[arch][len("sha256:"):], Date: r.date, Home: r.home}
		bom, err := sbom.OfImage(subject, r.imageRepository, arch, infos[arch], append(more[arch], roots)...)
		if err != nil {
			return "", err
		}
		if err := r.write("image_linux_"+arch+".cdx.json", bom); err != nil {
			return "", err
		}
	}
	return written.Index, nil
}

// modulesBeside are the modules of a program that another one is built without.
func modulesBeside(first, other *debug.BuildInfo) []*debug.Module {
	return slices.DeleteFunc(slices.Clone(other.Deps), func(m *debug.Module) bool {
		return slices.ContainsFunc(first.Deps, func(is *debug.Module) bool { return is.Path == m.Path })
	})
}

// linkedModule returns a module that this command is built with.
func linkedModule(path string) (*debug.Module, error) {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, m := range info.Deps {
			if m.Path == path {
				return m, nil
			}
		}
	}
	return nil, fmt.Errorf("this command does not know of which version its module %s is", path)
}

func (r *release) write(name string, content []byte) error {
	return os.WriteFile(filepath.Join(r.directory, name), content, 0o644) //nolint:gosec // everybody may read a release
}

func sha256Of(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
