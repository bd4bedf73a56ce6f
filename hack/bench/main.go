// Command bench measures the operator on this machine, beside a plain sync loop, and fails when a figure is beyond its limit.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kisi-operator/kisi-operator/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	var missed *bench.MissedError
	switch {
	case err == nil:
	case errors.As(err, &missed):
		fmt.Fprintln(os.Stderr, "\nbench:", err)
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		if interrupted {
			os.Exit(130)
		}
		os.Exit(2)
	}
}

func command() *cobra.Command {
	var options bench.Options
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the operator beside a plain sync loop",
		Long: `Start a Kubernetes control plane, simulated Kisi organizations and the built operator on this machine, and measure what
letting people in, moving them, taking over, resting and restarting cost: in requests to Kisi, in writes to Kubernetes, in CPU,
memory and time. Where a plain sync loop would do the same, it does so in the same run, and the table has the ratio.

The exit status is 1 when a figure is beyond its limit, and 2 when something else failed.`,
		Example: `  go run ./hack/bench
  go run ./hack/bench --only 'let-in|rest'
  go run ./hack/bench --scale full --json full.json`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return bench.Run(cmd.Context(), options) },
	}
	flags := cmd.Flags()
	flags.StringVar(&options.Scale, "scale", "short", "how many people: short (ten minutes) or full (hours)")
	flags.StringVar(&options.Only, "only", "", "a regular expression of the scenarios to measure: "+strings.Join(bench.Names(), ", "))
	flags.StringVar(&options.Limits, "limits", "hack/bench/limits.yaml", "file with what the figures may be")
	flags.StringVar(&options.JSON, "json", "bin/bench/report.json", "file for the report; what it held before is shown beside")
	flags.StringVar(&options.Compare, "compare", "", "report of another run to show beside instead")
	flags.StringVar(&options.Profile, "profile", "", "file for a CPU profile of the operator while it lets people in")
	cmd.AddCommand(floor())
	return cmd
}

// floor is what the benchmark runs as a process of its own.
func floor() *cobra.Command {
	var options bench.FloorOptions
	cmd := &cobra.Command{
		Use:    "floor",
		Short:  "Write to Kubernetes and send to Kisi what letting people in takes, and nothing else",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Floor(cmd.Context(), options, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.Kubeconfig, "kubeconfig", "", "kubeconfig of the operator's service account")
	flags.StringVar(&options.Namespace, "namespace", "", "namespace of the Members")
	flags.StringVar(&options.Kisi, "kisi", "", "endpoint of the simulator")
	flags.IntVar(&options.KisiGroup, "kisi-group", 0, "id of the group in Kisi")
	flags.IntVar(&options.People, "people", 0, "how many Members there are")
	return cmd
}
