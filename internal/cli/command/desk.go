package command

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/cluster"
	"github.com/kisi-operator/kisi-operator/internal/cli/desk"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

func deskCommand(s *Settings) *cobra.Command {
	var (
		address string
		port    uint16
	)
	command := &cobra.Command{
		Use:   "desk",
		Short: "A page in your browser: who is expected today, who may enter where, and what is held",
		Long: `Serves a page for people at a desk on this machine, until it is interrupted: today's
arrivals, who is in trouble, a person's and a door's day, and what the revocation limit
holds, with a way to approve it.

The page shows what you may read, and approves what you may approve. Whoever has its
address, with the token in it, may do the same: it is for you alone.`,
		Example: `  kubectl kisi desk -n cowork
  kubectl kisi desk --port 8500   # the same address every time, but for the token`,
		Args: cobra.NoArgs,
	}
	command.Flags().StringVar(&address, "address", "127.0.0.1", "address of this machine to serve the page at; one that others reach lets them see the traffic")
	command.Flags().Uint16Var(&port, "port", 0, "port to serve the page at; 0 is one that is free")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if ip, err := netip.ParseAddr(address); err == nil && ip.IsUnspecified() {
			return fmt.Errorf("--address %s: name one address of this machine, which is what a browser has to name, too", address)
		}
		return s.serveDesk(command.Context(), net.JoinHostPort(address, strconv.Itoa(int(port))))
	}
	return command
}

// serveDesk serves the desk until the context is done.
func (s *Settings) serveDesk(ctx context.Context, address string) error {
	namespace, err := s.namespace()
	if err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	shown := &shown{client: client, namespace: namespace}
	page := desk.New(shown, s.Now, s.clock().Zone)
	if shown.Watch, err = client.Watch(ctx, namespace, page.Changed); err != nil {
		return err
	}
	if err := shown.Read(ctx); err != nil {
		return err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("serving the desk at %s: %w; choose another --port or --address", address, err)
	}
	if at, err := netip.ParseAddrPort(listener.Addr().String()); err != nil || !at.Addr().IsLoopback() {
		fmt.Fprintf(s.ErrOut, "Warning: others reach %s, and whoever sees the traffic there sees the token, too. A tunnel (ssh -L) to 127.0.0.1 is safer.\n", listener.Addr())
	}
	fmt.Fprintf(s.Out, "The desk of namespace %s is open until you press Ctrl-C, for you alone:\n\n  %s\n\n", namespace, page.Address(listener))
	return page.Serve(ctx, listener)
}

// shown is the namespace that the desk shows.
type shown struct {
	*cluster.Watch

	client    *cluster.Client
	namespace string
}

// Approve annotates the group, as `kubectl kisi approve` does.
func (s *shown) Approve(ctx context.Context, group string, until time.Time) error {
	return s.client.Annotate(ctx, s.namespace, entitlement.KindKisiGroup, group, v1alpha1.ApproveRevocationsUntilAnnotation, until.UTC().Format(time.RFC3339))
}
