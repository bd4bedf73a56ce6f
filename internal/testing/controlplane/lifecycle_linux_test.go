package controlplane_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
)

func TestStopLeavesNoProcessAndNoData(t *testing.T) {
	c, err := controlplane.Start(t.Context(), controlplane.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pids, dir := c.PIDs(), c.Dir()
	if len(pids) != 3 || !exists(dir) {
		t.Fatalf("before Stop: processes %v, directory %s exists: %v; want 3 processes and a directory", pids, dir, exists(dir))
	}
	if err := c.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	for _, pid := range pids {
		if running(t, pid) {
			t.Errorf("process %d is still running", pid)
		}
	}
	if exists(dir) {
		t.Errorf("%s still exists", dir)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
}

// killedParent makes this test binary start a control plane, tell of it, and wait to be killed.
const killedParent = "CONTROLPLANE_TEST_KILLED_PARENT"

func init() {
	if os.Getenv(killedParent) == "" {
		return
	}
	c, err := controlplane.Start(context.Background(), controlplane.Options{WithoutControllerManager: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(startedByParent{PIDs: c.PIDs(), Dir: c.Dir()}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

type startedByParent struct {
	PIDs []int
	Dir  string
}

func TestControlPlaneDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), killedParent+"=true")
	parent.Stderr = os.Stderr
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = parent.Process.Kill()
		_ = parent.Wait()
	}()
	var started startedByParent
	if err := json.NewDecoder(stdout).Decode(&started); err != nil {
		t.Fatal(err)
	}
	if len(started.PIDs) != 2 || !running(t, started.PIDs[0]) || !running(t, started.PIDs[1]) {
		t.Fatalf("got processes %v, want two that run", started.PIDs)
	}

	makeOld(t, started.Dir)
	controlplane.RemoveAbandoned()
	if !exists(started.Dir) {
		t.Fatal("the directory of a running control plane was taken for an abandoned one")
	}

	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	for _, pid := range started.PIDs {
		eventually(t, func() error {
			if running(t, pid) {
				return fmt.Errorf("process %d outlives its parent", pid)
			}
			return nil
		})
	}
	controlplane.RemoveAbandoned()
	if exists(started.Dir) {
		t.Errorf("%s has not been removed", started.Dir)
	}
}

func makeOld(t *testing.T, dir string) {
	t.Helper()
	old := time.Now().Add(-2 * controlplane.SettlingTime)
	if err := os.Chtimes(filepath.Join(dir, controlplane.DirectoryLock), old, old); err != nil {
		t.Fatal(err)
	}
}

func TestComponentThatEndsByItselfIsReported(t *testing.T) {
	c, err := controlplane.Start(t.Context(), controlplane.Options{WithoutControllerManager: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Stop() }()
	etcd := c.PIDs()[0]
	if err := syscall.Kill(etcd, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Wait(ctx); err == nil || !strings.Contains(err.Error(), "etcd ended by itself") {
		t.Errorf("Wait: got %v, want word of etcd", err)
	}
	if err := c.Stop(); err == nil || !strings.Contains(err.Error(), "etcd ended by itself") {
		t.Errorf("Stop: got %v, want word of etcd", err)
	}
}

func TestStartThatFailsSaysWhyAndLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, err := controlplane.Start(t.Context(), controlplane.Options{APIServerArgs: []string{"--no-such-flag"}})
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --no-such-flag") {
		t.Errorf("got %v, want the API server's own words", err)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestKindInstalledLaterIsCollectedAtOnce(t *testing.T) {
	ctx := t.Context()
	c, err := controlplane.Start(ctx, controlplane.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Stop() }()
	if err := c.InstallCRDs(ctx, "testdata/more-crds"); err != nil {
		t.Fatal(err)
	}
	applied, err := c.Apply(ctx, []byte("{apiVersion: example.com/v1, kind: Gadget, metadata: {name: owner}}"))
	if err != nil {
		t.Fatal(err)
	}
	owned := configMap("owned")
	owned.OwnerReferences = []metav1.OwnerReference{
		{APIVersion: "example.com/v1", Kind: "Gadget", Name: "owner", UID: applied[0].GetUID()},
	}
	configMaps := clientFor(t, c.AdminConfig()).CoreV1().ConfigMaps("default")
	if _, err := configMaps.Create(ctx, owned, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Kubectl(ctx, "delete", "gadget", "owner"); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	eventually(t, func() error {
		_, err := configMaps.Get(ctx, "owned", metav1.GetOptions{})
		return wantNotFound(err)
	})
	// A collector that was not told of the kind finds out after up to 30 seconds.
	if took := time.Since(deleted); took > 15*time.Second {
		t.Errorf("collected after %s", took)
	}
}

// running tells whether a process exists and has not ended; one that nobody has waited for yet has ended.
func running(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	afterName := stat[bytes.LastIndexByte(stat, ')')+1:]
	state := strings.Fields(string(afterName))[0]
	return state != "Z" && state != "X"
}
