package image_test

import (
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kisi-operator/kisi-operator/hack/release/image"
)

// A release that tests make has one architecture.
func TestOneIndexHoldsEveryArchitecture(t *testing.T) {
	directory := t.TempDir()
	written, err := image.Write(directory, []image.Program{
		{Arch: "amd64", Name: "program", Content: []byte("of amd64")},
		{Arch: "arm64", Name: "program", Content: []byte("of arm64")},
	}, image.About{Repository: "registry.example.com/program", Version: "v1.2.3", Created: time.Unix(1700000000, 0).UTC()})
	if err != nil {
		t.Fatal(err)
	}
	outer, err := layout.ImageIndexFromPath(directory)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(outer); err != nil {
		t.Errorf("the layout is not valid: %v", err)
	}
	tagged, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(tagged.Manifests) != 1 || tagged.Manifests[0].Digest.String() != written.Index {
		t.Fatalf("a tag would name %+v, not %s", tagged.Manifests, written.Index)
	}
	index, err := outer.ImageIndex(tagged.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	bases := map[string]bool{}
	for i, arch := range []string{"amd64", "arm64"} {
		if len(manifest.Manifests) != 2 || manifest.Manifests[i].Platform.String() != "linux/"+arch || manifest.Manifests[i].Digest.String() != written.Images[arch] {
			t.Fatalf("the index does not hold the image for %s: %+v", arch, manifest.Manifests)
		}
		one, err := index.Image(manifest.Manifests[i].Digest)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := one.Layers()
		if err != nil {
			t.Fatal(err)
		}
		base, err := layers[0].Digest()
		if err != nil {
			t.Fatal(err)
		}
		bases[base.String()] = true
	}
	if len(bases) != 1 {
		t.Errorf("the images do not share their base: %v", bases)
	}
}
