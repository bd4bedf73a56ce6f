package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const (
	// The version of the test, a candidate.
	candidate = "v0.0.0-rc.1"
	host      = runtime.GOOS + "/" + runtime.GOARCH
	root      = "../.."
)

// What is checked out here is committed to a new repository, cloned elsewhere, and released from both.
func TestRelease(t *testing.T) {
	first := filepath.Join(t.TempDir(), "a")
	second := filepath.Join(t.TempDir(), "a", "longer", "path")
	commit(t, first)
	command(t, root, "git", "clone", "--quiet", first, second)
	said := command(t, first, "make", "release", "VERSION="+candidate, "PLATFORMS="+host)
	command(t, second, "make", "release", "VERSION="+candidate, "PLATFORMS="+host)
	head := strings.TrimSpace(command(t, first, "git", "rev-parse", "HEAD"))

	directory := filepath.Join(first, made)
	files := filesOf(t, directory)
	t.Run("is the same bits from another directory", func(t *testing.T) {
		again := filesOf(t, filepath.Join(second, made))
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if !bytes.Equal(files[name], again[name]) {
				t.Errorf("%s differs", name)
			}
		}
		if len(files) != len(again) {
			t.Errorf("%d files, and then %d", len(files), len(again))
		}
	})
	t.Run("says what it made", func(t *testing.T) {
		for name, content := range files {
			if !strings.Contains(said, sha256Of(content)+"  "+name) {
				t.Errorf("it does not name %s in\n%s", name, said)
			}
		}
		if !strings.Contains(said, "no section [0.0.0-rc.1]") || !strings.Contains(said, "git tag --sign "+candidate) {
			t.Errorf("it does not say what is left to do:\n%s", said)
		}
		if left, _ := filepath.Glob(filepath.Join(first, "dist", ".release-*")); len(left) > 0 {
			t.Errorf("it leaves %s", left)
		}
	})
	t.Run("has the checksums of all files", func(t *testing.T) { checkSums(t, directory, files) })
	t.Run("has programs that say what they are", func(t *testing.T) {
		for _, p := range programs {
			if !slices.ContainsFunc(p.platforms, func(p platform) bool { return p.String() == host }) {
				continue
			}
			b := binary{program: p, platform: platform{runtime.GOOS, runtime.GOARCH}}
			packed := unpack(t, archiveOf(t, files, b))
			path := filepath.Join(t.TempDir(), b.file())
			if err := os.WriteFile(path, packed[b.file()], 0o755); err != nil {
				t.Fatal(err)
			}
			says := command(t, root, path, "--version")
			for _, want := range []string{candidate, "commit " + head, commitDate, runtime.Version()} {
				if !strings.Contains(says, want) {
					t.Errorf("%s --version says %q, without %q", p.name, says, want)
				}
			}
			for _, name := range []string{"LICENSE", "README.md", "THIRD_PARTY_LICENSES"} {
				if len(packed[name]) == 0 {
					t.Errorf("the archive of %s has no %s", p.name, name)
				}
			}
			checkProgramSBOM(t, files[b.base()+".cdx.json"], packed[b.file()])
		}
	})
	t.Run("has a manifest for krew", func(t *testing.T) { checkKrew(t, files) })
	t.Run("has a chart", func(t *testing.T) { checkChart(t, directory, files) })
	t.Run("has an image", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("an image is only made for Linux")
		}
		checkImage(t, directory, files, head)
	})
}

const commitDate = "2026-01-02T03:04:05Z"

// commit makes a repository of all that git does not ignore here.
func commit(t *testing.T, directory string) {
	t.Helper()
	for name := range strings.SplitSeq(command(t, root, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		from := filepath.Join(root, name)
		info, err := os.Stat(from)
		if name == "" || os.IsNotExist(err) { // deleted, and not committed yet
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	command(t, directory, "git", "init", "--quiet")
	command(t, directory, "git", "add", "--all")
	command(t, directory, "git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message=release")
}

// command runs a command in a directory and returns what it prints.
func command(t *testing.T, directory, name string, args ...string) string {
	t.Helper()
	started := exec.CommandContext(t.Context(), name, args...)
	started.Dir = directory
	// Not the variables of the make that runs this test.
	started.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "SOURCE_DATE_EPOCH", "IMAGE_REPOSITORY", "ALLOW_DIRTY"}, name)
	})
	started.Env = append(started.Env, "GIT_AUTHOR_DATE="+commitDate, "GIT_COMMITTER_DATE="+commitDate)
	out, err := started.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func filesOf(t *testing.T, directory string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	if err := eachFile(directory, func(name string, content []byte) { files[name] = content }); err != nil {
		t.Fatal(err)
	}
	return files
}

func checkSums(t *testing.T, directory string, files map[string][]byte) {
	listed := map[string]string{}
	for line := range strings.Lines(string(files[sums])) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		listed[name] = sum
	}
	for name, content := range files {
		if name != sums && listed[name] != sha256Of(content) {
			t.Errorf("%s: the checksum is %q", name, listed[name])
		}
	}
	if len(listed) != len(files)-1 {
		t.Errorf("%d checksums for %d files", len(listed), len(files)-1)
	}
	if _, err := exec.LookPath("sha256sum"); err == nil {
		command(t, directory, "sha256sum", "--check", "--strict", "--quiet", sums)
	}
}

func archiveOf(t *testing.T, files map[string][]byte, b binary) []byte {
	t.Helper()
	for _, extension := range []string{".tar.gz", ".zip"} {
		if content := files[b.base()+extension]; content != nil {
			return content
		}
	}
	t.Fatalf("no archive of %s", b.base())
	return nil
}

// unpack returns the files of an archive.
func unpack(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	if unzipper, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive))); err == nil {
		for _, entry := range unzipper.File {
			content, err := entry.Open()
			if err != nil {
				t.Fatal(err)
			}
			if files[entry.Name], err = io.ReadAll(content); err != nil {
				t.Fatal(err)
			}
		}
		return files
	}
	unzipper, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for reader := tar.NewReader(unzipper); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}
