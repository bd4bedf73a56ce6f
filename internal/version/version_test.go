package version

import (
	"runtime/debug"
	"testing"
)

func TestABuildSaysWhatItIs(t *testing.T) {
	module := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123abc"}
	committed := debug.BuildSetting{Key: "vcs.time", Value: "2026-11-27T18:00:00Z"}
	clean, dirty := debug.BuildSetting{Key: "vcs.modified", Value: "false"}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for name, c := range map[string]struct {
		linked build
		info   *debug.BuildInfo
		number string
		want   string
	}{
		"a release": {
			build{version: "v0.1.0", commit: "4567def", date: "2026-11-01T00:00:00Z"}, module("v9.9.9", revision, committed, dirty),
			"v0.1.0", "v0.1.0 (commit 4567def, 2026-11-01T00:00:00Z, go1.26.8)",
		},
		"go install of a release": {build{}, module("v0.1.0"), "v0.1.0", "v0.1.0 (go1.26.8)"},
		"a build in a checkout": {
			build{}, module("(devel)", revision, committed, clean),
			"dev", "dev (commit 0123abc, 2026-11-27T18:00:00Z, go1.26.8)",
		},
		"a build of what is not committed": {
			build{}, module("(devel)", revision, committed, dirty),
			"dev", "dev (commit 0123abc-dirty, 2026-11-27T18:00:00Z, go1.26.8)",
		},
		"a build outside of a checkout": {build{}, module("(devel)"), "dev", "dev (go1.26.8)"},
		"a build without any record":    {build{}, &debug.BuildInfo{}, "dev", "dev"},
	} {
		t.Run(name, func(t *testing.T) {
			got := known(c.linked, c.info)
			if got.version != c.number || got.String() != c.want {
				t.Errorf("it says %q and %q, want %q and %q", got.version, got, c.number, c.want)
			}
		})
	}
}
