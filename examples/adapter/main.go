// Command adapter shows how a business system writes its bookings for kisi-operator: docs/adapters.md explains it.
//
// It reads bookings as JSON, one after the other, makes a BookingGrant of each and waits until every door is set.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func main() {
	file := flag.String("f", "-", "file with the bookings; - is standard input")
	patience := flag.Duration("timeout", time.Minute, "how long to wait until every booking is looked at")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *file, *patience)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "adapter:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string, patience time.Duration) error {
	in := os.Stdin
	if file != "-" {
		var err error
		if in, err = os.Open(file); err != nil {
			return err
		}
		defer func() { _ = in.Close() }()
	}
	cluster, err := connect()
	if err != nil {
		return err
	}
	var wrong []error
	for decoder := json.NewDecoder(in); ; {
		var booking Booking
		if err := decoder.Decode(&booking); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err // half of a feed is no feed
		}
		switch err := cluster.Apply(ctx, booking.Grant(cluster.Namespace)); {
		case apierrors.IsInvalid(err):
			wrong = append(wrong, fmt.Errorf("booking %s: %w", booking.ID, err)) // and the others go on
		case err != nil:
			return err // the next run begins anew, and repeats nothing
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return errors.Join(append(wrong, cluster.Follow(ctx, os.Stdout))...)
}

// connect uses KUBECONFIG, or the service account of the pod that this runs in.
func connect() (*Cluster, error) {
	kubeconfig := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil)
	config, err := kubeconfig.ClientConfig()
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // the API server's own fairness decides
	namespace, _, err := kubeconfig.Namespace()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	return &Cluster{c, namespace}, err
}
