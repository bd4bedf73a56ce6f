package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

const module = "github.com/kisi-operator/kisi-operator"

type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

var (
	linux = []platform{{"linux", "amd64"}, {"linux", "arm64"}}
	all   = append(slices.Clone(linux), platform{"darwin", "amd64"}, platform{"darwin", "arm64"}, platform{"windows", "amd64"}, platform{"windows", "arm64"})
)

// program is one of cmd/.
type program struct {
	name      string
	platforms []platform
	// scripts that belong to it, where there is a shell.
	scripts []string
}

const (
	operator = "kisi-operator"
	feed     = "kisi-feed"
	plugin   = "kubectl-kisi"
)

// The operator and kisi-feed run in clusters, from one image. The others run where people work.
var programs = []program{
	{name: operator, platforms: linux},
	{name: feed, platforms: linux},
	{name: plugin, platforms: all, scripts: []string{"hack/krew/kubectl_complete-kisi"}},
	{name: "kisi-simulator", platforms: all},
}

// platformsIn reads a list such as "linux/amd64,darwin/arm64"; an empty one means all.
func platformsIn(list string) ([]platform, error) {
	if list == "" {
		return all, nil
	}
	var platforms []platform
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		at := slices.IndexFunc(all, func(p platform) bool { return p.String() == name })
		if at < 0 {
			return nil, fmt.Errorf("PLATFORMS: %q is none of %v", name, all)
		}
		if !slices.Contains(platforms, all[at]) {
			platforms = append(platforms, all[at])
		}
	}
	return platforms, nil
}

// binary is a program for a platform.
type binary struct {
	program
	platform

	path string
	info *debug.BuildInfo
}

// file is its name on its platform.
func (b binary) file() string {
	if b.os == "windows" {
		return b.name + ".exe"
	}
	return b.name
}

// base is what the names of its files in a release begin with.
func (b binary) base() string { return fmt.Sprintf("%s_%s_%s", b.name, b.os, b.arch) }

// build builds every program that there is for a platform.
func build(ctx context.Context, o options, s source, p platform, directory string) ([]binary, error) {
	directory = filepath.Join(directory, p.os+"_"+p.arch)
	if err := os.MkdirAll(directory, 0o750); err != nil {
		return nil, err
	}
	var binaries []binary
	args := []string{
		"build", "-trimpath",
		"-buildvcs=false", // what Go records depends on the tags of the clone
		"-ldflags", linkerFlags(o.version, s),
		"-o", directory + string(filepath.Separator),
	}
	for _, program := range programs {
		if slices.Contains(program.platforms, p) {
			b := binary{program: program, platform: p}
			b.path = filepath.Join(directory, b.file())
			binaries = append(binaries, b)
			args = append(args, "./cmd/"+program.name)
		}
	}
	if len(binaries) == 0 {
		return nil, nil
	}
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // what is stamped has been checked
	command.Dir, command.Env = o.root, environment(p)
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building for %s: %w\n%s", p, err, out)
	}
	for i := range binaries {
		var err error
		if binaries[i].info, err = buildinfo.ReadFile(binaries[i].path); err != nil {
			return nil, err
		}
	}
	return binaries, nil
}

func linkerFlags(version string, s source) string {
	const stamp = module + "/internal/version."
	return fmt.Sprintf("-s -w -X %sversion=%s -X %[1]scommit=%[3]s -X %[1]sdate=%[4]s", stamp, version, s.commit, s.date.Format(time.RFC3339))
}

// environment is that of this process, without what would give other bits elsewhere.
func environment(p platform) []string {
	fixed := map[string]string{
		"CGO_ENABLED": "0", "GOFLAGS": "-trimpath", "GOWORK": "off", "GOFIPS140": "off",
		"GOOS": p.os, "GOARCH": p.arch, "GOAMD64": "v1", "GOARM64": "v8.0", "GOEXPERIMENT": "",
	}
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		_, isFixed := fixed[name]
		return isFixed
	})
	for name, value := range fixed {
		env = append(env, name+"="+value)
	}
	return env
}
