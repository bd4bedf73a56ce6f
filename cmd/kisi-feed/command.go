package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kisi-operator/kisi-operator/internal/intake/config"
	"github.com/kisi-operator/kisi-operator/internal/intake/service"
	"github.com/kisi-operator/kisi-operator/internal/version"
)

const long = `kisi-feed keeps objects in step with what a business system exports.

It reads each export that its configuration names, such as the calendar of a room
or a table of members, writes the objects for it with server-side apply, and cancels those whose entry has
gone, unless so many have gone that the export must be broken.

It has the rights of its own ServiceAccount, and writes to one namespace.`

type settings struct {
	config, kubeconfig, namespace string
	accept                        string
	once, dryRun                  bool
	metricsAddress, probeAddress  string
	pod                           string
}

func newCommand() *cobra.Command {
	var (
		set          settings
		logging      zap.Options
		loggingFlags = flag.NewFlagSet("", flag.ContinueOnError)
	)
	command := &cobra.Command{
		Use:   "kisi-feed",
		Short: "Objects for kisi-operator from calendars and other exports",
		Long:  long,
		Example: `  # what would be written
  kisi-feed --config=feeds.yaml --once --dry-run

  # take away what the guard held, having looked at it
  kisi-feed --config=feeds.yaml --once --accept=3f9a51c20b7e`,
		Args:          cobra.NoArgs,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			ctrl.SetLogger(zap.New(zap.UseFlagOptions(&logging)))
			return run(command.Context(), set, command.OutOrStdout())
		},
	}
	flags := command.Flags()
	flags.StringVar(&set.config, "config", "", "file with the feeds")
	flags.StringVar(&set.kubeconfig, "kubeconfig", "", "kubeconfig file; otherwise KUBECONFIG, otherwise the cluster this runs in")
	flags.StringVar(&set.namespace, "namespace", "", "namespace of the objects; otherwise the one this runs in, or that of the kubeconfig")
	flags.BoolVar(&set.once, "once", false, "read each feed once, and end: with status 1 if one could not be read, or is held")
	flags.BoolVar(&set.dryRun, "dry-run", false, "with --once: print what would be written, and write nothing")
	flags.StringVar(&set.accept, "accept", "", "with --once: digest of what the guard holds and is to be taken away after all")
	flags.StringVar(&set.metricsAddress, "metrics-bind-address", ":8080", "address of the metrics; 0 switches them off")
	flags.StringVar(&set.probeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 switches them off")
	flags.StringVar(&set.pod, "pod", os.Getenv("POD_NAME"), "name of the pod this runs in, for its Events; otherwise POD_NAME; without one there are no Events")
	logging.BindFlags(loggingFlags)
	flags.AddGoFlagSet(loggingFlags)
	_ = command.MarkFlagRequired("config")
	_ = command.MarkFlagFilename("config", "yaml", "yml")
	return command
}

func run(ctx context.Context, set settings, out io.Writer) error {
	if !set.once && (set.dryRun || set.accept != "") {
		return errors.New("--dry-run and --accept go with --once")
	}
	content, err := os.ReadFile(set.config)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	feeds, err := config.Parse(content)
	if err != nil {
		return fmt.Errorf("%s: %w", set.config, err)
	}
	restConfig, namespace, err := kubernetesConfig(set)
	if err != nil {
		return err
	}
	userAgent := "kisi-feed/" + version.Number()
	restConfig.UserAgent, restConfig.QPS = userAgent, -1 // the API server's own fairness decides
	scheme := runtime.NewScheme()
	if err := service.AddToScheme(scheme); err != nil {
		return err
	}
	c, err := client.New(restConfig, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	s := &service.Service{Log: ctrl.Log.WithName("feed"), Recorder: service.Recorder{Pod: set.pod}}
	for _, feed := range feeds.Feeds {
		f, err := service.NewFeed(feed, c, namespace, userAgent)
		if err != nil {
			return fmt.Errorf("%s: %w", set.config, err)
		}
		f.Accept, f.DryRun = set.accept, set.dryRun
		s.Feeds = append(s.Feeds, f)
	}
	if set.once {
		return once(ctx, s, set.dryRun, out)
	}
	return stay(ctx, s, restConfig, scheme, set)
}

// once reads every feed once.
func once(ctx context.Context, s *service.Service, dryRun bool, out io.Writer) error {
	s.Metrics = service.NewMetrics(prometheus.NewRegistry())
	if dryRun {
		s.Log, s.Out = logr.Discard(), out
	}
	if failed := s.Once(ctx); failed > 0 {
		return fmt.Errorf("%d of %d feeds could not be read whole, or are held", failed, len(s.Feeds))
	}
	return ctx.Err()
}

// stay reads the feeds until the process is told to end.
func stay(ctx context.Context, s *service.Service, restConfig *rest.Config, scheme *runtime.Scheme, set settings) error {
	mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: set.metricsAddress}, HealthProbeBindAddress: set.probeAddress,
	})
	if err != nil {
		return fmt.Errorf("setting up the manager: %w", err)
	}
	s.Metrics = service.NewMetrics(ctrlmetrics.Registry)
	if err := errors.Join(mgr.Add(s), mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping)); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// kubernetesConfig follows --kubeconfig, KUBECONFIG and the cluster this runs in, in this order.
func kubernetesConfig(set settings) (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = set.kubeconfig
	overrides := &clientcmd.ConfigOverrides{}
	overrides.Context.Namespace = set.namespace
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	restConfig, err := loader.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("finding the Kubernetes API: %w; give --kubeconfig or set KUBECONFIG", err)
	}
	namespace, _, err := loader.Namespace()
	return restConfig, namespace, err
}
