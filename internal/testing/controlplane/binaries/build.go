package binaries

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Binary is one executable and the main package it is built from.
type Binary struct {
	Name    string
	Package string
}

// Build makes executables from the main packages that a Go module requires.
type Build struct {
	// Module is the directory of the go.mod that pins the versions.
	Module string
	// Output is the directory the executables are put in. It is created when missing.
	Output   string
	Binaries []Binary
	// Progress is told what is being built. Nil: nobody is.
	Progress io.Writer
}

// Run builds the executables that are not current. An executable is current when a checksum of everything that decides
// its content (pins, flags, platform) equals the one recorded beside it.
func (b Build) Run(ctx context.Context) error {
	err := b.run(ctx)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", context.Cause(ctx)) // not what the killed compiler said
	}
	return err
}

func (b Build) run(ctx context.Context) error {
	key, err := b.key()
	if err != nil {
		return err
	}
	if len(b.stale(key)) == 0 {
		return nil
	}
	if err := os.MkdirAll(b.Output, 0o755); err != nil {
		return err
	}
	progress := newProgress(b.Progress)
	unlock, err := Lock(ctx, filepath.Join(b.Output, ".lock"), progress.waiting)
	if err != nil {
		return fmt.Errorf("waiting for another process that builds: %w", err)
	}
	defer unlock()

	stale := b.stale(key) // again: whoever held the lock may have built them
	if len(stale) == 0 {
		return nil
	}
	flags, err := b.linkerFlags(ctx)
	if err != nil {
		return err
	}
	progress.begin(len(stale))
	for _, binary := range stale {
		if err := b.build(ctx, binary, flags, key, progress); err != nil {
			return fmt.Errorf("%s: %w", binary.Name, err)
		}
	}
	return nil
}

// versionPackages hold the variables that Kubernetes' own release build sets through the linker; without them the
// API server reports v0.0.0.
var versionPackages = []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"}

// buildFlags are the flags of go build, apart from the linker's version variables, which follow from go.mod.
var buildFlags = []string{"-trimpath"}

// buildEnv overrides the caller's environment, so that the same pins give the same executables on every machine.
var buildEnv = []string{"CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}

// recipe changes when the way of building changes in a manner that flags and environment do not show.
const recipe = "1"

func (b Build) key() (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, recipe, versionPackages, buildFlags, buildEnv)
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(b.Module, name))
		if err != nil && (name != "go.sum" || !errors.Is(err, fs.ErrNotExist)) {
			return "", err
		}
		fmt.Fprintln(hash, name, len(content))
		hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func (b Build) keyFile(binary Binary) string {
	return filepath.Join(b.Output, "."+binary.Name+".key")
}

func (b Build) stale(key string) []Binary {
	return slices.DeleteFunc(slices.Clone(b.Binaries), func(binary Binary) bool {
		recorded, err := os.ReadFile(b.keyFile(binary))
		if err != nil || string(recorded) != key+" "+binary.Package+"\n" {
			return false
		}
		info, err := os.Stat(filepath.Join(b.Output, binary.Name))
		return err == nil && info.Mode().IsRegular()
	})
}

func (b Build) build(ctx context.Context, binary Binary, linkerFlags, key string, progress *progress) error {
	// The temporary file lies in the same directory, so that the rename is atomic: nobody sees half an executable.
	temporary := filepath.Join(b.Output, "."+binary.Name+".building")
	defer os.Remove(temporary) // gone already unless the build failed

	args := append([]string{"build", "-v", "-ldflags", linkerFlags, "-o", temporary}, buildFlags...)
	cmd := b.goCommand(ctx, append(args, binary.Package)...)
	compiler := progress.start(binary.Name)
	cmd.Stdout, cmd.Stderr = compiler, compiler
	err := cmd.Run()
	compiler.finish(err)
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", binary.Package, err, compiler.tail())
	}
	// The key goes first and comes last, so that a matching key always stands for the file beside it.
	if err := os.Remove(b.keyFile(binary)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(temporary, filepath.Join(b.Output, binary.Name)); err != nil {
		return err
	}
	return os.WriteFile(b.keyFile(binary), []byte(key+" "+binary.Package+"\n"), 0o644)
}

func (b Build) goCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.Module
	cmd.Env = append(os.Environ(), buildEnv...)
	// An interrupt lets go build remove its work directory, which is large.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// linkerFlags strips debug information and, when the module pins Kubernetes, sets the version it reports.
func (b Build) linkerFlags(ctx context.Context) (string, error) {
	cmd := b.goCommand(ctx, "mod", "edit", "-json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("reading %s: %w\n%s", filepath.Join(b.Module, "go.mod"), err, stderr.String())
	}
	var goMod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(output, &goMod); err != nil {
		return "", fmt.Errorf("reading %s: %w", filepath.Join(b.Module, "go.mod"), err)
	}
	flags := []string{"-s", "-w"}
	for _, require := range goMod.Require {
		if require.Path != "k8s.io/kubernetes" {
			continue
		}
		major, rest, _ := strings.Cut(strings.TrimPrefix(require.Version, "v"), ".")
		minor, _, _ := strings.Cut(rest, ".")
		for _, pkg := range versionPackages {
			flags = append(flags,
				"-X", pkg+".gitVersion="+require.Version,
				"-X", pkg+".gitMajor="+major,
				"-X", pkg+".gitMinor="+minor,
				"-X", pkg+".gitCommit=",
				"-X", pkg+".gitTreeState=clean")
		}
	}
	return strings.Join(flags, " "), nil
}
