package main

import (
	"archive/tar"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func checkImage(t *testing.T, directory string, files map[string][]byte, head string) {
	outer, err := layout.ImageIndexFromPath(filepath.Join(directory, "image"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(outer); err != nil {
		t.Fatalf("the layout is not valid: %v", err)
	}
	listed, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(listed.Manifests) != 1 || listed.Manifests[0].MediaType != types.OCIImageIndex ||
		listed.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != candidate {
		t.Fatalf("the layout has no single index with the version's name: %+v", listed.Manifests)
	}
	digest := listed.Manifests[0].Digest
	if !strings.Contains(string(files["release-notes.md"]), ":"+candidate+"@"+digest.String()+"`") {
		t.Errorf("the notes do not name the image with its digest %s:\n%s", digest, files["release-notes.md"])
	}
	index, err := outer.ImageIndex(digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Platform.String() != host {
		t.Fatalf("the index has other images than that of %s: %+v", host, manifest.Manifests)
	}
	if of := manifest.Manifests[0].ArtifactType; of != "" {
		t.Errorf("the index calls the image an artifact, %s", of)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != runtime.GOARCH || config.Created.Format("2006-01-02T15:04:05Z") != commitDate {
		t.Errorf("the image is for %s/%s, of %s", config.OS, config.Architecture, config.Created)
	}
	if config.Config.User != "65532:65532" || len(config.Config.Entrypoint) != 1 || len(config.Config.Cmd) > 0 {
		t.Fatalf("the image does not run the operator as a user by number: %+v", config.Config)
	}
	perImage, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []map[string]string{config.Config.Labels, perImage.Annotations, manifest.Annotations} {
		for name, want := range map[string]string{
			"version": candidate, "revision": head, "created": commitDate, "licenses": "Apache-2.0", "title": "kisi-operator",
			"source": "https://github.com/kisi-operator/kisi-operator",
		} {
			if got := said["org.opencontainers.image."+name]; got != want {
				t.Errorf("the image says %s=%q, not %q", name, got, want)
			}
		}
	}
	checkFiles(t, image, config)
	checkImageSBOM(t, files["image_linux_"+runtime.GOARCH+".cdx.json"], manifest.Manifests[0].Digest.Hex)
}

// checkFiles unpacks an image and starts what it starts, as it would in a container where the test has the right to.
func checkFiles(t *testing.T, image v1.Image, config *v1.ConfigFile) {
	directory := filepath.Join(t.TempDir(), "image")
	modes := extract(t, image, directory)
	for _, name := range []string{operator, feed} {
		if modes[name] != 0o755 {
			t.Errorf("%s has the mode %o", name, modes[name])
		}
	}
	out, err := started(t, directory, config).CombinedOutput()
	if err != nil || !strings.Contains(string(out), candidate) {
		t.Errorf("the operator of the image: %v\n%s", err, out)
	}
	certificates, err := os.ReadFile(filepath.Join(directory, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}
	authorities := 0
	for {
		var block *pem.Block
		if block, certificates = pem.Decode(certificates); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !certificate.IsCA {
			t.Errorf("an authority that is none: %v", err)
		}
		authorities++
	}
	if authorities < 100 {
		t.Errorf("the image knows %d certificate authorities", authorities)
	}
	users, err := os.ReadFile(filepath.Join(directory, "etc/passwd"))
	if err != nil || !strings.Contains(string(users), "\nnonroot:x:65532:65532:") {
		t.Errorf("the image does not know the user that it runs as: %v\n%s", err, users)
	}
}

func extract(t *testing.T, image v1.Image, directory string) map[string]int64 {
	t.Helper()
	content := mutate.Extract(image)
	defer func() { _ = content.Close() }()
	modes := map[string]int64{}
	if err := os.Mkdir(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return modes
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[header.Name] = header.Mode
		if header.Uid != 0 || header.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", header.Name, header.Uid, header.Gid)
		}
		path := filepath.Join(directory, header.Name)
		if header.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, os.FileMode(header.Mode)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, os.FileMode(header.Mode))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(file, reader); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// started returns the command that the image starts with --version.
func started(t *testing.T, directory string, config *v1.ConfigFile) *exec.Cmd {
	t.Helper()
	program := config.Config.Entrypoint[0]
	if os.Geteuid() != 0 {
		return exec.CommandContext(t.Context(), filepath.Join(directory, program), "--version")
	}
	command := exec.CommandContext(t.Context(), program, "--version")
	command.Dir, command.Env = config.Config.WorkingDir, config.Config.Env
	confine(command, directory)
	return command
}

// checkImageSBOM takes the SBOM of the image to list its program and the module of its certificate authorities.
func checkImageSBOM(t *testing.T, content []byte, digest string) {
	t.Helper()
	bom := validSBOM(t, content)
	if bom.Metadata.Component.Type != "container" || (*bom.Metadata.Component.Hashes)[0].Value != digest {
		about, _ := json.Marshal(bom.Metadata.Component)
		t.Errorf("the SBOM is about something else than the image %s: %s", digest, about)
	}
	listed := map[string]bool{}
	for _, component := range *bom.Components {
		listed[component.Name] = component.Version != ""
	}
	for _, name := range []string{operator, "golang.org/x/crypto/x509roots/fallback", "std", "k8s.io/client-go", "github.com/teambition/rrule-go"} {
		if !listed[name] {
			t.Errorf("the SBOM of the image does not list %s with a version", name)
		}
	}
}
