// Command cluster runs a local Kubernetes control plane for a person to play with.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
)

func main() {
	ctrllog.SetLogger(logr.Discard()) // else it complains after half a minute that there is none
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		if interrupted {
			os.Exit(130)
		}
		os.Exit(1)
	}
}

type options struct {
	kubeconfig string
	crds       string
	auditLog   string
	buildOnly  bool
}

func command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Run a local Kubernetes control plane until interrupted",
		Long: `Run a local Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager) until interrupted.

It installs this project's CustomResourceDefinitions and writes a kubeconfig of an administrator. There are no nodes:
a pod never runs. All data is gone when it ends.

The first time, the executables are built from the Go modules pinned in hack/controlplane, which takes minutes.
Set ` + binaries.AssetsEnv + ` to a directory that holds them to build nothing.`,
		Example: `  go run ./hack/cluster
  go run ./hack/cluster --kubeconfig /tmp/kubeconfig
  export ` + binaries.AssetsEnv + `=$(go run ./hack/cluster --build-only)`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.buildOnly {
				dir, err := binaries.Ensure(cmd.Context(), os.Stderr)
				if err == nil {
					fmt.Println(dir)
				}
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.kubeconfig, "kubeconfig", "",
		"file to write the kubeconfig to, removed at the end (default bin/kubeconfig of the repository)")
	flags.StringVar(&o.crds, "crds", "",
		"file or directory of the CustomResourceDefinitions to install (default config/crd/bases of the repository, if any)")
	flags.StringVar(&o.auditLog, "audit-log", "", "file to append one line of JSON to for each request (default none)")
	flags.BoolVar(&o.buildOnly, "build-only", false, "only build the executables, and print the directory that holds them")
	return cmd
}

func run(ctx context.Context, o options) error {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	if o.kubeconfig == "" {
		o.kubeconfig = filepath.Join(root, "bin", "kubeconfig")
	}
	if o.kubeconfig, err = filepath.Abs(o.kubeconfig); err != nil {
		return err
	}
	if err := mayReplace(o.kubeconfig); err != nil {
		return err
	}
	settings := controlplane.Options{AuditLog: o.auditLog}
	if o.crds == "" {
		generated := filepath.Join(root, "config", "crd", "bases")
		files, err := filepath.Glob(filepath.Join(generated, "*.yaml"))
		if err != nil {
			return err
		}
		if len(files) > 0 {
			o.crds = generated
		}
	}
	if o.crds != "" {
		settings.CRDs = []string{o.crds}
	}

	if _, err := binaries.Ensure(ctx, os.Stderr); err != nil { // kubectl too
		return err
	}
	cluster, err := controlplane.Start(ctx, settings)
	if err != nil {
		return err
	}
	return errors.Join(serve(ctx, cluster, o.kubeconfig), cluster.Stop())
}

// serve lets people in until ctx is done or a component fails.
func serve(ctx context.Context, cluster *controlplane.ControlPlane, kubeconfig string) error {
	content, err := cluster.AdminKubeconfig()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(kubeconfig), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(kubeconfig, content, 0o600); err != nil {
		return err
	}
	defer os.Remove(kubeconfig) // it would lead nowhere
	fmt.Printf(`The control plane is ready: %s

  export KUBECONFIG=%s
  export PATH=%s:$PATH    # kubectl

Logs are in %s. Press Ctrl-C to end it.
`, cluster.AdminConfig().Host, kubeconfig, cluster.Assets(), cluster.Dir())
	return cluster.Wait(ctx)
}

// mayReplace refuses to overwrite a kubeconfig with someone's real clusters in it.
func mayReplace(kubeconfig string) error {
	existing, err := clientcmd.LoadFromFile(kubeconfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(existing.Contexts) == 1 && existing.Contexts[controlplane.KubeconfigContext] != nil {
		return nil
	}
	return fmt.Errorf("--kubeconfig: %s exists and was not written by this command; name another file or remove it", kubeconfig)
}
