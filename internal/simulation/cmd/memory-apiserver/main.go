// Command memory-apiserver is the API server of the demo: kube-apiserver's own code for custom resources and a few of Kubernetes'
// kinds, over a storage in memory. It compiles in a fraction of the time that kube-apiserver and etcd take.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kisi-operator/kisi-operator/internal/simulation/apiserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "memory-apiserver:", err)
		os.Exit(1)
	}
}

// command has the flags of kube-apiserver as far as they apply.
func command() *cobra.Command {
	var port, certificate, key, authority string
	cmd := &cobra.Command{
		Use:           "memory-apiserver",
		Short:         "Serve the Kubernetes API for custom resources from memory, on the loopback interface",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var network apiserver.Network
			for path, into := range map[string]*[]byte{certificate: &network.Certificate, key: &network.Key, authority: &network.Authority} {
				content, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				*into = content
			}
			var err error
			if network.Listener, err = (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", net.JoinHostPort("127.0.0.1", port)); err != nil {
				return err
			}
			return apiserver.Serve(cmd.Context(), network)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&port, "secure-port", "6443", "port of 127.0.0.1 to serve at")
	flags.StringVar(&certificate, "tls-cert-file", "", "file with the certificate to serve with, for 127.0.0.1")
	flags.StringVar(&key, "tls-private-key-file", "", "file with its key")
	flags.StringVar(&authority, "client-ca-file", "", "file with the authority that signed the certificate and signs those of clients: CN is the user, each O a group")
	return cmd
}
