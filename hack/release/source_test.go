package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	for _, version := range []string{"v0.1.0", "v1.2.3-rc.1"} {
		if err := checkVersion(version); err != nil {
			t.Error(err)
		}
	}
	for _, version := range []string{"", "0.1.0", "v0.1", "v0.1.0+build", "0eedc6e-dirty", "latest"} {
		if err := checkVersion(version); err == nil || !strings.Contains(err.Error(), "make release VERSION=v0.1.0") {
			t.Errorf("VERSION=%s: %v", version, err)
		}
	}
}

func TestOnlyWhatIsCommittedIsReleased(t *testing.T) {
	directory := t.TempDir()
	git := func(args ...string) {
		command(t, directory, "git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false", "-c", "core.hooksPath=/dev/null"}, args...)...)
	}
	git("init", "--quiet")
	git("commit", "--quiet", "--allow-empty", "--message=one")
	for _, tag := range tagsOf("v0.1.0") {
		git("tag", tag)
	}
	clean, err := checkedOut(t.Context(), directory, "v0.1.0", false)
	if err != nil {
		t.Fatal(err)
	}
	if len(clean.untagged) > 0 || clean.date.Format("2006-01-02T15:04:05Z") != commitDate {
		t.Errorf("it finds %+v", clean)
	}
	t.Run("an untracked file", func(t *testing.T) {
		path := filepath.Join(directory, "more.go")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
		if _, err := checkedOut(t.Context(), directory, "v0.1.0", false); err == nil || !strings.Contains(err.Error(), "more.go\n") || !strings.Contains(err.Error(), "ALLOW_DIRTY=yes") {
			t.Errorf("it says %v", err)
		}
		if dirty, err := checkedOut(t.Context(), directory, "v0.1.0", true); err != nil || dirty.commit != clean.commit+"-dirty" {
			t.Errorf("it finds %+v, %v", dirty, err)
		}
	})
	t.Run("SOURCE_DATE_EPOCH", func(t *testing.T) {
		t.Setenv("SOURCE_DATE_EPOCH", "86400")
		if s, err := checkedOut(t.Context(), directory, "v0.1.0", false); err != nil || s.date.Format("2006-01-02") != "1970-01-02" {
			t.Errorf("it finds %+v, %v", s, err)
		}
		t.Setenv("SOURCE_DATE_EPOCH", "now")
		if _, err := checkedOut(t.Context(), directory, "v0.1.0", false); err == nil {
			t.Error("it takes SOURCE_DATE_EPOCH=now")
		}
	})
	t.Run("the tag of another commit", func(t *testing.T) {
		git("commit", "--quiet", "--allow-empty", "--message=two")
		if _, err := checkedOut(t.Context(), directory, "v0.1.0", false); err == nil || !strings.Contains(err.Error(), "git checkout v0.1.0") {
			t.Errorf("it says %v", err)
		}
		if s, err := checkedOut(t.Context(), directory, "v0.2.0", false); err != nil || !slices.Equal(s.untagged, []string{"v0.2.0", "api/v0.2.0", "api/applyconfiguration/v0.2.0"}) {
			t.Errorf("it finds %+v, %v", s, err)
		}
	})
	t.Run("no checkout", func(t *testing.T) {
		if _, err := checkedOut(t.Context(), t.TempDir(), "v0.1.0", false); err == nil {
			t.Error("it releases what is in no checkout")
		}
	})
}

func TestPlatforms(t *testing.T) {
	if got, err := platformsIn(""); err != nil || len(got) != len(all) {
		t.Errorf("without a list it builds for %v, %v", got, err)
	}
	if got, err := platformsIn("darwin/arm64,linux/amd64 darwin/arm64"); err != nil || len(got) != 2 || got[0].String() != "darwin/arm64" {
		t.Errorf("it builds for %v, %v", got, err)
	}
	if _, err := platformsIn("linux/riscv64"); err == nil || !strings.Contains(err.Error(), "windows/arm64") {
		t.Errorf("it says %v", err)
	}
}

func TestNotesAreThoseOfTheVersion(t *testing.T) {
	const changelog = "# Changelog\n\n## [Unreleased]\n\n- newer\n\n## [0.1.0] - 2026-01-01\n\n### Added\n\n- this\n\n## [0.0.9]\n\n- older\n"
	if got, found := section(changelog, "0.1.0"); !found || got != "### Added\n\n- this" {
		t.Errorf("the notes are %q", got)
	}
	if _, found := section(changelog, "0.2.0"); found {
		t.Error("it finds what is not there")
	}
}

func TestLinksWorkFromAnywhere(t *testing.T) {
	page := "[a](docs/a.md#b) [c](https://example.com/d) [e](#f) [g](LICENSE)"
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "page.md"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	r := release{options: options{root: directory, version: "v1.2.3"}, home: "https://example.com/home"}
	got, err := r.linked("page.md")
	want := "[a](https://example.com/home/blob/v1.2.3/docs/a.md#b) [c](https://example.com/d) [e](#f) [g](https://example.com/home/blob/v1.2.3/LICENSE)"
	if err != nil || got != want {
		t.Errorf("the page is %q, %v", got, err)
	}
}
