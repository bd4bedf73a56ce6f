// Command kubectl-kisi is `kubectl kisi`: who may open which door, when, and why.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // as kubectl: every way to log in to a cluster

	"github.com/kisi-operator/kisi-operator/internal/cli/command"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
	"github.com/kisi-operator/kisi-operator/internal/version"
)

// Exit statuses, as `diff` has them.
const (
	exitLosesAccess = 1
	exitFailed      = 2
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := command.New(command.Settings{
		IOStreams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Version:   version.Number(),
	})
	root.Version = version.String()
	err := root.ExecuteContext(ctx)
	var loses *command.LosesAccessError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &loses):
		return exitLosesAccess
	}
	_, _ = fmt.Fprintln(text.Safe(os.Stderr), "error:", err)
	return exitFailed
}
