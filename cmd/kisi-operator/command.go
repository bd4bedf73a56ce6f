package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/operator"
	"github.com/kisi-operator/kisi-operator/internal/version"
)

const long = `kisi-operator keeps door access in Kisi exactly as Kubernetes objects declare it.

It watches KisiConnections, KisiGroups, PlaceMappings, AccessPlans, AccessSubscriptions,
BookingGrants and Members, and writes role assignments with their own end to Kisi, so that
a door closes in time even when nothing here runs any more.`

func newCommand() *cobra.Command {
	var (
		options      operator.Options
		kubeconfig   string
		electionNS   string
		logging      zap.Options
		loggingFlags = flag.NewFlagSet("", flag.ContinueOnError)
	)
	command := &cobra.Command{
		Use:           "kisi-operator",
		Short:         "Declarative door access for Kisi",
		Long:          long,
		Args:          cobra.NoArgs,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			ctrl.SetLogger(operator.Deferred(zap.New(zap.UseFlagOptions(&logging))))
			config, namespace, err := kubernetesConfig(kubeconfig)
			if err != nil {
				return err
			}
			options.LeaderElectionNamespace = electionNamespace(electionNS, namespace)
			options.UserAgent = "kisi-operator/" + version.Number()
			config.UserAgent = options.UserAgent
			mgr, err := operator.New(command.Context(), config, options)
			if err != nil {
				return err
			}
			return mgr.Start(command.Context())
		},
	}
	flags := command.Flags()
	flags.StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig file; otherwise KUBECONFIG, otherwise the cluster this runs in")
	flags.BoolVar(&options.LeaderElection, "leader-elect", true, "let one replica act at a time")
	flags.StringVar(&options.LeaderElectionID, "leader-election-id", operator.LeaderElectionID, "name of the lease; one for each release that shares the namespace")
	flags.StringVar(&electionNS, "leader-election-namespace", "", "namespace of the lease; otherwise the one this runs in")
	flags.Float32Var(&options.KubeAPIQPS, "kube-api-qps", -1, "most requests a second to the Kubernetes API; -1: as many as the API server's own fairness allows")
	flags.StringSliceVar(&options.Namespaces, "namespaces", nil, "namespaces to work in; otherwise all. One that leaves the list is let go: nothing is revoked")
	flags.StringArrayVar(&options.AllowedEndpoints, "allowed-endpoint", []string{v1alpha1.DefaultEndpoint}, "origin that a KisiConnection may name; repeatable")
	flags.StringVar(&options.MetricsBindAddress, "metrics-bind-address", ":8080", "address of the metrics; 0 switches them off")
	flags.BoolVar(&options.SecureMetrics, "metrics-secure", false, "serve the metrics by HTTPS, and only to who may get the URL /metrics in Kubernetes")
	flags.StringVar(&options.MetricsCertDir, "metrics-cert-path", "", "directory with the certificate for --metrics-secure; otherwise it signs itself")
	flags.StringVar(&options.MetricsCertName, "metrics-cert-name", "tls.crt", "file of the certificate there")
	flags.StringVar(&options.MetricsKeyName, "metrics-cert-key", "tls.key", "file of its key there")
	flags.StringVar(&options.HealthProbeBindAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 switches them off")
	flags.StringVar(&options.PprofBindAddress, "pprof-bind-address", "0", "address at which profiles of the process are served under /debug/pprof/, such as localhost:6060; 0 switches it off")
	flags.StringVar(&options.WebhookBindAddress, "webhook-bind-address", "0", "address at which Kisi's webhook calls are taken, such as :8082; 0 switches it off")
	flags.StringVar(&options.AuditLog, "audit-log", "", "file to which a JSON line is written for every change of access in Kisi; - is standard output")
	flags.BoolVar(&options.LogPeople, "log-people", false, "say the addresses and names of people in the log and the audit log")
	flags.DurationVar(&options.BookingTTL, "booking-ttl", 7*24*time.Hour, "how long after its window a BookingGrant deletes itself that does not say so and that no GitOps tool tracks; 0 keeps it")
	flags.StringVar(&options.IntegrationIdentifier, "integration-identifier", "kisi-operator", "sent to Kisi as X-Kisi-Integration-Identifier")
	flags.StringVar(&options.IntegrationContact, "integration-contact", "", "e-mail address sent to Kisi as X-Kisi-Integration-Contact")
	logging.BindFlags(loggingFlags)
	flags.AddGoFlagSet(loggingFlags)
	return command
}

// kubernetesConfig follows --kubeconfig, KUBECONFIG and the cluster this runs in, in this order, and returns the
// namespace that goes with what it found.
func kubernetesConfig(kubeconfig string) (*rest.Config, string, error) {
	if kubeconfig == "" && os.Getenv(clientcmd.RecommendedConfigPathEnvVar) == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, "", fmt.Errorf("finding the Kubernetes API: %w; give --kubeconfig or set KUBECONFIG", err)
		}
		return config, inClusterNamespace(), nil
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return config, namespace, nil
}

func inClusterNamespace() string {
	content, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

func electionNamespace(flag, found string) string {
	if flag != "" {
		return flag
	}
	return found
}
