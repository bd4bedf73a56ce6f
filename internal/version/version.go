// Package version says which build a program is.
package version

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// Set by the linker, for a release and by the Makefile. What is not set comes from what Go itself records of a build.
var (
	version string
	commit  string
	date    string
)

// build is what is known of a build.
type build struct{ version, commit, date, goVersion string }

// Number returns the version alone, such as v0.1.0, or "dev" for a build that has none.
func Number() string { return this().version }

// String returns the version with the commit, the date of the commit and the Go release that built it.
func String() string { return this().String() }

func this() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return known(build{version: version, commit: commit, date: date}, info)
}

// known fills in what the linker did not set: `go install` records the version of the module, a build in a checkout the commit.
func known(b build, info *debug.BuildInfo) build {
	b.goVersion = info.GoVersion
	if b.version == "" {
		b.version = "dev"
		if v := info.Main.Version; v != "" && v != "(devel)" {
			b.version = v
		}
	}
	if b.commit == "" {
		b.commit, b.date = recorded(info)
	}
	return b
}

// recorded returns the commit and its date as Go records them; a commit with uncommitted changes ends in "-dirty".
func recorded(info *debug.BuildInfo) (commit, date string) {
	modified := false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			commit = setting.Value
		case "vcs.time":
			date = setting.Value
		case "vcs.modified":
			modified = setting.Value == "true"
		}
	}
	if commit != "" && modified {
		commit += "-dirty"
	}
	return commit, date
}

func (b build) String() string {
	var parts []string
	if b.commit != "" {
		parts = append(parts, "commit "+b.commit)
	}
	for _, part := range []string{b.date, b.goVersion} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return b.version
	}
	return fmt.Sprintf("%s (%s)", b.version, strings.Join(parts, ", "))
}
