// Package image makes an image of static programs, without a container engine.
package image

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kisi-operator/kisi-operator/hack/release/archive"
)

// User is whom the program runs as: a number, by which Kubernetes can tell that it is not root.
const User = "65532:65532"

// About is what an image says of itself.
type About struct {
	// Repository is its address, without tag.
	Repository string
	Version    string
	Commit     string
	// Created is the date of the commit.
	Created time.Time
	// Annotations besides those that are made of the above.
	Annotations map[string]string
}

// Program is what an image is made of, for one architecture of Linux.
type Program struct {
	Arch string
	// Name of the program, which lies in the root of the image.
	Name    string
	Content []byte
	// Licenses of what it is built from.
	Licenses []byte
	// Beside are more programs for the same architecture, which are started by their names.
	Beside []Program
}

// files are those of a program.
func (p Program) files() []archive.File {
	files := []archive.File{
		{Name: p.Name, Mode: 0o755, Content: p.Content},
		{Name: "usr/share/doc/" + p.Name + "/THIRD_PARTY_LICENSES", Mode: 0o644, Content: p.Licenses},
	}
	for _, other := range p.Beside {
		files = append(files, other.files()...)
	}
	return files
}

// Written are the digests of an image.
type Written struct {
	// Index is the digest of the image for all architectures, which a tag names.
	Index string
	// Images are the digests of the images, by architecture.
	Images map[string]string
}

// Write writes an OCI image layout with one index into a directory.
func Write(directory string, programs []Program, about About) (Written, error) {
	written := Written{Images: map[string]string{}}
	base, err := baseLayer(about)
	if err != nil {
		return written, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, program := range programs {
		image, err := build(base, program, about)
		if err != nil {
			return written, err
		}
		digest, err := image.Digest()
		if err != nil {
			return written, err
		}
		written.Images[program.Arch] = digest.String()
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: runnable{image}, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: program.Arch}},
		})
	}
	index = mutate.Annotations(index, about.annotations()).(v1.ImageIndex) //nolint:forcetypeassert // returns what it is given
	digest, err := index.Digest()
	if err != nil {
		return written, err
	}
	written.Index = digest.String()
	path, err := layout.Write(directory, empty.Index)
	if err != nil {
		return written, err
	}
	return written, path.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": about.Version,
		"io.containerd.image.name":          about.Repository + ":" + about.Version,
	}))
}

func build(base v1.Layer, program Program, about About) (v1.Image, error) {
	layer, err := layerOf(program.files(), about.Created)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: about.Created}
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: program.Arch, Created: created,
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{User: User, Entrypoint: []string{"/" + program.Name}, WorkingDir: "/", Labels: about.annotations()},
	})
	if err != nil {
		return nil, err
	}
	image, err = mutate.Append(image,
		mutate.Addendum{Layer: base, History: v1.History{Created: created, CreatedBy: "certificate authorities, users"}},
		mutate.Addendum{Layer: layer, History: v1.History{Created: created, CreatedBy: program.Name + " " + about.Version}},
	)
	if err != nil {
		return nil, err
	}
	return mutate.Annotations(image, about.annotations()).(v1.Image), nil //nolint:forcetypeassert // returns what it is given
}

// runnable is an image that an index does not call an artifact, as it would otherwise.
type runnable struct{ v1.Image }

// ArtifactType returns none.
func (runnable) ArtifactType() (string, error) { return "", nil }

// baseLayer is what every architecture shares. There are no time zones in it: the operator knows moments only, and kisi-feed brings its own.
func baseLayer(about About) (v1.Layer, error) {
	certificates, err := roots()
	if err != nil {
		return nil, err
	}
	user, group, _ := strings.Cut(User, ":")
	return layerOf([]archive.File{
		{Name: "etc/group", Mode: 0o644, Content: []byte("root:x:0:\nnobody:x:65534:\nnonroot:x:" + group + ":\n")},
		{Name: "etc/passwd", Mode: 0o644, Content: []byte("root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n" +
			"nonroot:x:" + user + ":" + group + ":nonroot:/:/sbin/nologin\n")},
		{Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Content: certificates},
	}, about.Created)
}

func layerOf(files []archive.File, modified time.Time) (v1.Layer, error) {
	var layer bytes.Buffer
	if err := archive.Tar(&layer, files, modified); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil }
	return tarball.LayerFromOpener(open,
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithCompressedCaching)
}

func (a About) annotations() map[string]string {
	annotations := maps.Clone(a.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	const prefix = "org.opencontainers.image."
	annotations[prefix+"version"] = a.Version
	annotations[prefix+"revision"] = a.Commit
	annotations[prefix+"created"] = a.Created.Format(time.RFC3339)
	return annotations
}

// Architectures of an image, in order.
func (w Written) Architectures() []string { return slices.Sorted(maps.Keys(w.Images)) }
