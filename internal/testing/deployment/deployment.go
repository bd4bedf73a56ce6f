// Package deployment runs on a local control plane what this repository ships: its kinds, its programs, and the rights that
// the operator has.
package deployment

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
)

// Namespace and ServiceAccount are the operator's in config/rbac.
const (
	Namespace      = "kisi-operator-system"
	ServiceAccount = "kisi-operator"
)

// Build builds programs of the repository as they ship, such as ./cmd/..., into a directory.
func Build(ctx context.Context, root, directory string, programs ...string) error {
	args := append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", directory + string(filepath.Separator)}, programs...)
	build := exec.CommandContext(ctx, "go", args...)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building %s: %w", strings.Join(programs, ", "), err)
	}
	return nil
}

// Start starts a control plane with the repository's kinds and the operator's rights, and more manifests of the repository if
// there are any.
func Start(ctx context.Context, root string, options controlplane.Options, more ...string) (*controlplane.ControlPlane, error) {
	options.CRDs = []string{filepath.Join(root, "config", "crd", "bases")}
	plane, err := controlplane.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	for _, path := range append([]string{"config/manager/namespace.yaml", "config/rbac", "config/policy"}, more...) {
		if _, err := plane.ApplyPath(ctx, filepath.Join(root, path)); err != nil {
			_ = plane.Stop() // what could not be applied says more
			return nil, fmt.Errorf("applying %s: %w", path, err)
		}
	}
	return plane, nil
}

// Kubeconfig writes a kubeconfig of the operator's service account into a directory, and returns its path.
func Kubeconfig(ctx context.Context, plane *controlplane.ControlPlane, directory string) (string, error) {
	content, err := plane.ServiceAccountKubeconfig(ctx, Namespace, ServiceAccount)
	if err != nil {
		return "", err
	}
	path := filepath.Join(directory, "operator.kubeconfig")
	return path, os.WriteFile(path, content, 0o600)
}
