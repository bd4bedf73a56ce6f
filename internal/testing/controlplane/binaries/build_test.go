package binaries

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// tinyModule writes a module with two commands, "hello" and "other", which print the given greeting.
func tinyModule(t *testing.T, dir, greeting string) {
	t.Helper()
	program := "package main\n\nfunc main() { println(\"" + greeting + "\") }\n"
	for name, content := range map[string]string{
		"go.mod":         "module example.com/tiny // " + greeting + "\n\ngo 1.26\n",
		"hello/main.go":  program,
		"other/other.go": program,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func tinyBuild(t *testing.T) (Build, *bytes.Buffer) {
	t.Helper()
	module := t.TempDir()
	tinyModule(t, module, "first")
	var progress bytes.Buffer
	return Build{
		Module:   module,
		Output:   filepath.Join(t.TempDir(), "bin"),
		Binaries: []Binary{{"hello", "example.com/tiny/hello"}, {"other", "example.com/tiny/other"}},
		Progress: &progress,
	}, &progress
}

func (b Build) mustRun(t *testing.T) {
	t.Helper()
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func greetingOf(t *testing.T, path string) string {
	t.Helper()
	output, err := exec.Command(path).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(output))
}

func TestSecondBuildDoesNothing(t *testing.T) {
	build, progress := tinyBuild(t)
	build.mustRun(t)
	for _, want := range []string{"1 of 2, hello: done", "2 of 2, other: done"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("progress says %q, want %q in it", progress, want)
		}
	}
	progress.Reset()
	t.Setenv("PATH", "") // without the Go tool, nothing can be built
	build.mustRun(t)
	if progress.Len() > 0 {
		t.Errorf("the second build says %q, want nothing", progress)
	}
}

func TestChangedPinsAreBuiltAfresh(t *testing.T) {
	build, _ := tinyBuild(t)
	build.mustRun(t)
	hello := filepath.Join(build.Output, "hello")
	if got := greetingOf(t, hello); got != "first" {
		t.Fatalf("got %q", got)
	}
	tinyModule(t, build.Module, "second")
	build.mustRun(t)
	if got := greetingOf(t, hello); got != "second" {
		t.Errorf("after the pins changed: got %q, want %q", got, "second")
	}
}

func TestOnlyTheMissingExecutableIsBuilt(t *testing.T) {
	build, progress := tinyBuild(t)
	build.mustRun(t)
	if err := os.Remove(filepath.Join(build.Output, "other")); err != nil {
		t.Fatal(err)
	}
	progress.Reset()
	build.mustRun(t)
	if !strings.Contains(progress.String(), "1 of 1, other: done") || strings.Contains(progress.String(), "hello") {
		t.Errorf("progress says %q, want other only", progress)
	}
	greetingOf(t, filepath.Join(build.Output, "other"))
}

func TestBuildsAtTheSameTimeBuildOnce(t *testing.T) {
	build, _ := tinyBuild(t)
	var outputs [4]bytes.Buffer
	var builds sync.WaitGroup
	for i := range outputs {
		mine := build
		mine.Progress = &outputs[i]
		builds.Go(func() {
			if err := mine.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	builds.Wait()
	done := 0
	for i := range outputs {
		done += strings.Count(outputs[i].String(), "done")
	}
	if done != len(build.Binaries) {
		t.Errorf("%d executables were built, want %d", done, len(build.Binaries))
	}
}

func TestFailedBuildSaysWhyAndKeepsNoHalf(t *testing.T) {
	build, _ := tinyBuild(t)
	build.mustRun(t)
	tinyModule(t, build.Module, "second")
	broken := filepath.Join(build.Module, "hello", "main.go")
	if err := os.WriteFile(broken, []byte("package main\n\nfunc main() { missing() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := build.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("got %v, want the compiler's message", err)
	}
	if got := greetingOf(t, filepath.Join(build.Output, "hello")); got != "first" {
		t.Errorf("the executable of before says %q", got)
	}
	if err := build.Run(t.Context()); err == nil {
		t.Error("a failed build counts as done")
	}
}

func TestWaitingForTheLockEndsWithTheContext(t *testing.T) {
	build, progress := tinyBuild(t)
	if err := os.MkdirAll(build.Output, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := Lock(t.Context(), filepath.Join(build.Output, ".lock"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := build.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's end", err)
	}
	if !strings.Contains(progress.String(), "another process is building") {
		t.Errorf("progress says %q, want word of the other process", progress)
	}
}

func TestAssetsDirectoryWinsAndNothingIsBuilt(t *testing.T) {
	assets := t.TempDir()
	t.Setenv(AssetsEnv, assets)
	t.Chdir(t.TempDir()) // outside of the repository: there is nothing to build from
	var progress bytes.Buffer

	_, err := Ensure(t.Context(), &progress)
	if err == nil || !strings.Contains(err.Error(), assets+" holds no etcd") || !strings.Contains(err.Error(), "unset "+AssetsEnv) {
		t.Errorf("with an empty directory: got %v, want what is missing and the way out", err)
	}
	for _, name := range []string{Etcd, KubeAPIServer} {
		if err := os.WriteFile(filepath.Join(assets, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := Ensure(t.Context(), &progress)
	if err != nil || dir != assets {
		t.Errorf("got %q, %v, want %q", dir, err, assets)
	}
	if _, err := Path(dir, KubeControllerManager); err == nil || !strings.Contains(err.Error(), "holds no kube-controller-manager") {
		t.Errorf("kube-controller-manager: got %v, want that it is missing", err)
	}
	if progress.Len() > 0 {
		t.Errorf("progress says %q, want nothing", &progress)
	}
}

func TestOutsideOfTheRepositoryTheErrorNamesTheWayOut(t *testing.T) {
	t.Setenv(AssetsEnv, "")
	t.Chdir(t.TempDir())
	if _, err := Ensure(t.Context(), nil); err == nil || !strings.Contains(err.Error(), AssetsEnv) {
		t.Errorf("got %v, want a hint at %s", err, AssetsEnv)
	}
}

func TestInterruptedBuildIsContinued(t *testing.T) {
	build, _ := tinyBuild(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(syscall.EINTR)
	if err := build.Run(ctx); !errors.Is(err, syscall.EINTR) {
		t.Errorf("got %v, want the reason of the interruption", err)
	}
	build.mustRun(t)
}
