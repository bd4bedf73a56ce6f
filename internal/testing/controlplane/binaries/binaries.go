// Package binaries provides the executables of a local Kubernetes control plane: etcd, kube-apiserver,
// kube-controller-manager and kubectl.
//
// They are built from the Go modules pinned in hack/controlplane/go.mod into bin/controlplane, once: as long as the pins
// and the build flags stay the same, later calls only compare a checksum. KUBEBUILDER_ASSETS, when set, wins: it names
// the directory of the executables to use, and nothing is built.
package binaries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// AssetsEnv is the environment variable, known from envtest, that names a directory of executables to use as they are.
const AssetsEnv = "KUBEBUILDER_ASSETS"

// File names of the executables.
const (
	Etcd                  = "etcd"
	KubeAPIServer         = "kube-apiserver"
	KubeControllerManager = "kube-controller-manager"
	Kubectl               = "kubectl"
)

const rootModule = "github.com/kisi-operator/kisi-operator"

// all are the executables, in the order in which they are built.
var all = []Binary{
	{Name: KubeAPIServer, Package: "k8s.io/kubernetes/cmd/kube-apiserver"},
	{Name: Etcd, Package: "go.etcd.io/etcd/server/v3"},
	{Name: KubeControllerManager, Package: "k8s.io/kubernetes/cmd/kube-controller-manager"},
	{Name: Kubectl, Package: "k8s.io/kubernetes/cmd/kubectl"},
}

// Ensure returns the directory that holds the executables, after building those of the named ones that are missing or older
// than their pins; without names, all. The first build takes minutes and reports its progress to the given writer (nil:
// nowhere); when nothing has to be built, nothing is written. Processes that call Ensure at the same time build once, and
// the others wait.
//
// With KUBEBUILDER_ASSETS set, that directory is returned as it is. It must hold etcd and kube-apiserver; envtest's
// published archives have no kube-controller-manager, so whoever needs that one asks Path for it.
func Ensure(ctx context.Context, progress io.Writer, names ...string) (string, error) {
	if dir := os.Getenv(AssetsEnv); dir != "" {
		for _, name := range []string{Etcd, KubeAPIServer} {
			if _, err := Path(dir, name); err != nil {
				return "", err
			}
		}
		return filepath.Abs(dir)
	}
	root, err := RepositoryRoot()
	if err != nil {
		return "", err
	}
	build := Build{
		Module:   filepath.Join(root, "hack", "controlplane"),
		Output:   filepath.Join(root, "bin", "controlplane"),
		Progress: progress,
	}
	for _, binary := range all {
		if len(names) == 0 || slices.Contains(names, binary.Name) {
			build.Binaries = append(build.Binaries, binary)
		}
	}
	if err := build.Run(ctx); err != nil {
		return "", fmt.Errorf("building the local control plane: %w", err)
	}
	return build.Output, nil
}

// Path returns the path of the named executable in dir, or an error that says how to come by it.
func Path(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && os.Getenv(AssetsEnv) != "":
		return "", fmt.Errorf("%s=%s holds no %s: add it there, or unset %s to have it built from hack/controlplane",
			AssetsEnv, os.Getenv(AssetsEnv), name, AssetsEnv)
	case err != nil:
		return "", err
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return "", fmt.Errorf("%s is not an executable file", path)
	}
	return filepath.Abs(path)
}

// RepositoryRoot returns the directory of this project's go.mod, looked for from the working directory upwards.
func RepositoryRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && declaresModule(string(content), rootModule) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("%s is not inside a checkout of %s: run it there, or set %s to a directory of executables",
				start, rootModule, AssetsEnv)
		}
	}
}

func declaresModule(goMod, module string) bool {
	for line := range strings.Lines(goMod) {
		if strings.TrimSpace(line) == "module "+module {
			return true
		}
	}
	return false
}
