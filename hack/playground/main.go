// Command playground runs Kubernetes, a simulated Kisi and the operator for a person to play with.
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
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "playground:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var playground demo.Playground
	cmd := &cobra.Command{
		Use:   "playground",
		Short: "Run Kubernetes, a simulated Kisi and the operator on this machine until interrupted",
		Long: `Run a local Kubernetes control plane, a simulated Kisi and the operator until interrupted, with nothing in them:
docs/start.md says what to do there. All data is gone when it ends.

What is missing is built first, from Go modules; the very first time that takes minutes.`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return playground.Run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&playground.Organization, "organization", "hack/demo/playground.yaml", "seed of the simulated Kisi, relative to the repository")
	flags.StringVar(&playground.Listen, "listen", "127.0.0.1:8180", "address of the simulated Kisi")
	flags.StringVar(&playground.Directory, "directory", "", "where programs, kubeconfig and logs go (default bin/playground)")
	return cmd
}
