// Command demo shows the operator at work on this machine and fails when a door does not do as the samples promise.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/internal/demo"
)

func main() {
	ctrllog.SetLogger(logr.Discard()) // else it complains after half a minute that there is none
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		if interrupted {
			os.Exit(130)
		}
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var options demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show who gets in when: a Kubernetes API, a simulated Kisi and the operator on this machine",
		Long: `Start a Kubernetes API server, a simulated Kisi organization and the operator on this machine, apply
config/samples/<system>, and let people try doors before, during and after something that lasts a few seconds: a booking, a trial,
a day pass.

It ends by itself, with exit status 0 only if every door did as the samples promise. What is missing is built first,
from Go modules; the very first time that takes minutes. The API server is kube-apiserver's own code over a storage in memory;
with --kube-apiserver it is kube-apiserver with etcd, which takes twice as long to build.`,
		Example: `  go run ./hack/demo
  go run ./hack/demo --system officernd
  go run ./hack/demo --keep
  go run ./hack/demo --kube-apiserver --keep`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return demo.Run(cmd.Context(), options) },
	}
	cmd.Flags().StringVar(&options.System, "system", "quickstart", "directory of config/samples to show")
	cmd.Flags().BoolVar(&options.KubeAPIServer, "kube-apiserver", false, "run on etcd and kube-apiserver, built first, rather than on an API server in memory")
	cmd.Flags().BoolVar(&options.Keep, "keep", false, "leave everything running afterwards, until interrupted")
	return cmd
}
