// Package operator puts the controllers together into one process.
package operator

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/audit"
	"github.com/kisi-operator/kisi-operator/internal/controller/connection"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/group"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/controller/measure"
	"github.com/kisi-operator/kisi-operator/internal/controller/member"
	"github.com/kisi-operator/kisi-operator/internal/controller/outside"
	"github.com/kisi-operator/kisi-operator/internal/controller/report"
	"github.com/kisi-operator/kisi-operator/internal/controller/source"
	"github.com/kisi-operator/kisi-operator/internal/controller/userimport"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/loginsecret"
	"github.com/kisi-operator/kisi-operator/internal/metrics"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
	"github.com/kisi-operator/kisi-operator/internal/webhook"
)

// LeaderElectionID names the lease that one replica holds, unless the options name another.
const LeaderElectionID = "kisi-operator.access.kisi-operator.dev"

// Options configure one operator process.
type Options struct {
	// LeaderElection makes replicas take turns; LeaderElectionNamespace is needed outside a cluster. LeaderElectionID is one
	// for each release that shares the namespace; default LeaderElectionID.
	LeaderElection          bool
	LeaderElectionNamespace string
	LeaderElectionID        string
	// KubeAPIQPS is how many requests a second the operator makes to the Kubernetes API at most; no ceiling unless it is
	// positive. The lease is renewed beside it.
	KubeAPIQPS float32
	// Namespaces to work in; none means all.
	Namespaces []string
	// AllowedEndpoints are the origins that a KisiConnection may name.
	AllowedEndpoints []string
	// MetricsBindAddress and HealthProbeBindAddress; "0" switches one off.
	MetricsBindAddress     string
	HealthProbeBindAddress string
	// SecureMetrics has the metrics served by HTTPS, and only to who may get their URL. MetricsCertDir holds the certificate
	// and the key in files of these names; without them it signs itself.
	SecureMetrics                                   bool
	MetricsCertDir, MetricsCertName, MetricsKeyName string
	// PprofBindAddress is where profiles of the process are served; "0" or nothing: nowhere.
	PprofBindAddress string
	// WebhookBindAddress is where Kisi's webhook calls are taken; "0" or nothing: nowhere.
	WebhookBindAddress string
	// AuditLog is where every change in Kisi is taken down: "-" is standard output, otherwise a file; empty: nowhere.
	AuditLog string
	// LogPeople has the log and the audit log say the addresses and names of people.
	LogPeople bool
	// BookingTTL is how long after its window a booking deletes itself that does not say so; 0 keeps it.
	BookingTTL time.Duration
	// IntegrationIdentifier and IntegrationContact are sent to Kisi with every request, as it asks partners to do.
	IntegrationIdentifier string
	IntegrationContact    string
	UserAgent             string
	// RequestTimeout bounds one request to Kisi, and how long a write without an answer stays in doubt; default
	// kisi.DefaultTimeout.
	RequestTimeout time.Duration
	// KisiTransport carries the requests to Kisi, for tests without a network; default one for each connection.
	KisiTransport http.RoundTripper
	// SkipNameValidation lets several operators run in one process.
	SkipNameValidation bool
	// OnAssembled, if set, is told the parts that the operator is made of, for tests of what they remember.
	OnAssembled func(parts ...any)
	// Logger defaults to the global one.
	Logger logr.Logger
}

// Scheme knows every kind that the operator reads or writes.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// shutdownGrace is how long a process that has lost its lease, or is told to stop, waits for requests under way.
const shutdownGrace = 20 * time.Second

// New puts an operator together; Start of the manager runs it.
func New(ctx context.Context, config *rest.Config, options Options) (manager.Manager, error) {
	for _, endpoint := range options.AllowedEndpoints {
		if err := CheckEndpoint(endpoint); err != nil {
			return nil, fmt.Errorf("--allowed-endpoint: %w", err)
		}
	}
	writes := &measure.Writes{Own: fieldManager(config)}
	kubernetes := managerOptions(options)
	kubernetes.Cache.DefaultTransform = writes.Transform     // without the managed fields
	kubernetes.LeaderElectionConfig = withoutCeiling(config) // a lease must not wait for anything
	mgr, err := ctrl.NewManager(withCeiling(config, options.KubeAPIQPS), kubernetes)
	if err != nil {
		return nil, fmt.Errorf("setting up the manager: %w", err)
	}
	if err := tenant.RegisterIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return nil, err
	}
	enqueuers := &enqueue.Enqueuers{}
	imports := &imports.Users{}
	outside := &outside.Changes{Client: mgr.GetClient(), Enqueuers: enqueuers, Imports: imports}
	pool := session.NewPool(context.WithoutCancel(ctx), session.Options{
		UserAgent:             options.UserAgent,
		IntegrationIdentifier: options.IntegrationIdentifier,
		IntegrationContact:    options.IntegrationContact,
		RequestTimeout:        options.RequestTimeout,
		Transport:             options.KisiTransport,
		OnVerdict:             enqueuers.SessionChanged,
		OnChange:              outside.Changed,
		Known:                 outside.Known,
		RowOf:                 executor.MirrorRow,
		OnRequest:             metrics.Request,
		OnTurn:                metrics.Turn,
		OnPoll:                metrics.Poll,
		Logger:                mgr.GetLogger().WithName("session"),
	})
	_, version, _ := strings.Cut(options.UserAgent, "/")
	metrics.Build(cmp.Or(version, "unknown"))
	measures, err := takeMeasures(mgr, pool, writes)
	if err != nil {
		return nil, err
	}
	if err := mgr.Add(closing{pool}); err != nil {
		return nil, err
	}
	if err := mgr.Add(&report.Reporter{Cache: mgr.GetCache(), Recorder: mgr.GetEventRecorder("kisi-operator")}); err != nil {
		return nil, err
	}
	calls, err := serveWebhooks(mgr, options)
	if err != nil {
		return nil, err
	}
	changes, err := keepAuditLog(mgr, options)
	if err != nil {
		return nil, err
	}
	parts := []any{enqueuers, imports, outside, pool, calls, measures}
	for _, reconciler := range reconcilers(mgr, pool, enqueuers, calls, imports, changes, measures, options) {
		parts = append(parts, reconciler)
		if err := reconciler.SetupWithManager(mgr); err != nil {
			return nil, fmt.Errorf("setting up %T: %w", reconciler, err)
		}
	}
	if options.LeaderElection && options.LeaderElectionNamespace != "" {
		if err := mgr.Add(standby{
			reader:     mgr.GetAPIReader(),
			lease:      types.NamespacedName{Namespace: options.LeaderElectionNamespace, Name: cmp.Or(options.LeaderElectionID, LeaderElectionID)},
			namespaces: namespacesOf(options.Namespaces), elected: mgr.Elected(), log: mgr.GetLogger().WithName("lease"),
		}); err != nil {
			return nil, err
		}
	}
	if options.OnAssembled != nil {
		options.OnAssembled(parts...)
	}
	return mgr, addProbes(mgr)
}

func managerOptions(options Options) ctrl.Options {
	namespaces := map[string]cache.Config{}
	for _, namespace := range options.Namespaces {
		namespaces[namespace] = cache.Config{}
	}
	return ctrl.Options{
		Scheme: Scheme(),
		Logger: options.Logger,
		Controller: config.Controller{
			SkipNameValidation: &options.SkipNameValidation,
			CacheSyncTimeout:   10 * time.Minute, // 100,000 Members take a while
		},
		Cache: cache.Options{
			DefaultNamespaces: namespaces,
		},
		Client: client.Options{Cache: &client.CacheOptions{
			// A Member must not be planned from a ledger older than what this process wrote.
			EnableReadYourWritesConsistency: ptr.To(true),
		}},
		Metrics:                       metricsOptions(options),
		HealthProbeBindAddress:        options.HealthProbeBindAddress,
		PprofBindAddress:              options.PprofBindAddress,
		LeaderElection:                options.LeaderElection,
		LeaderElectionID:              cmp.Or(options.LeaderElectionID, LeaderElectionID),
		LeaderElectionLabels:          map[string]string{v1alpha1.NamespacesLabel: namespacesOf(options.Namespaces)},
		LeaderElectionNamespace:       options.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       ptr.To(shutdownGrace + 10*time.Second),
	}
}

func metricsOptions(options Options) server.Options {
	serving := server.Options{BindAddress: options.MetricsBindAddress}
	if options.SecureMetrics {
		serving.SecureServing = true
		serving.FilterProvider = filters.WithAuthenticationAndAuthorization
		serving.CertDir, serving.CertName, serving.KeyName = options.MetricsCertDir, options.MetricsCertName, options.MetricsKeyName
		serving.TLSOpts = []func(*tls.Config){func(config *tls.Config) {
			config.NextProtos = []string{"http/1.1"} // HTTP/2 lets a client have more work done than it asks for
		}}
	}
	return serving
}

type reconciler interface {
	SetupWithManager(ctrl.Manager) error
}

// serveWebhooks has Kisi's webhook calls taken, if an address says where.
func serveWebhooks(mgr ctrl.Manager, options Options) (*webhook.Server, error) {
	if options.WebhookBindAddress == "" || options.WebhookBindAddress == "0" {
		return nil, nil
	}
	server := &webhook.Server{Address: options.WebhookBindAddress, OnCall: metrics.WebhookCall}
	return server, mgr.Add(server)
}

// keepAuditLog has every change taken down, if an option says where.
func keepAuditLog(mgr ctrl.Manager, options Options) (*audit.Log, error) {
	changes, err := audit.Open(options.AuditLog)
	if changes == nil || err != nil {
		return nil, err
	}
	changes.OnLost = metrics.AuditEntriesLost
	return changes, mgr.Add(changes)
}

func reconcilers(mgr ctrl.Manager, pool *session.Pool, enqueuers *enqueue.Enqueuers, calls *webhook.Server, imports *imports.Users, changes *audit.Log, measures *measures, options Options) []reconciler {
	c, live, recorder := mgr.GetClient(), mgr.GetAPIReader(), mgr.GetEventRecorder("kisi-operator")
	holds := &connection.KeyHolds{}
	allowances := &limit.Allowances{Client: c, APIReader: live}
	return []reconciler{
		&connection.Reconciler{
			Client: c, APIReader: live, Sessions: pool, AllowedEndpoints: options.AllowedEndpoints, Enqueuers: enqueuers, Webhooks: calls,
			Holds: holds, Imports: imports, OnGone: metrics.Forget,
		},
		&connection.KeySecretReconciler{Client: c, APIReader: live, Enqueuers: enqueuers, Holds: holds},
		&group.Reconciler{Client: c, APIReader: live, Sessions: pool, Enqueuers: enqueuers, Allowances: allowances, Recorder: recorder, OnFinding: metrics.Finding},
		&source.PlaceReconciler{Client: c, Sessions: pool, Enqueuers: enqueuers},
		&source.PlanReconciler{Client: c},
		&source.SubscriptionReconciler{Teller: source.Teller{Client: c, Sessions: pool, Enqueuers: enqueuers}},
		&source.BookingReconciler{Teller: source.Teller{Client: c, Sessions: pool, Enqueuers: enqueuers}, DefaultTTL: options.BookingTTL},
		&member.Reconciler{
			Client: c, APIReader: live, Sessions: pool, Enqueuers: enqueuers, Imports: imports, Recorder: recorder,
			OnFinding: metrics.Finding, OnMissing: measures.missing.Missing, Allowances: allowances,
			Executor: executor.Executor{
				Ledgers: tenant.Ledgers{Reader: c}, Secrets: loginsecret.Store{Client: c, APIReader: live}, Audit: changes, LogPeople: options.LogPeople,
				OnNewAccess: measures.doors.Opened,
			},
		},
		&userimport.Reconciler{Client: c, Sessions: pool, Enqueuers: enqueuers, Imports: imports},
	}
}

func addProbes(mgr ctrl.Manager) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return mgr.AddReadyzCheck("caches", func(request *http.Request) error {
		if !mgr.GetCache().WaitForCacheSync(request.Context()) {
			return errors.New("the caches have not synced yet")
		}
		return nil
	})
}

// closing ends the sessions when the manager stops, and waits for the requests under way, so that their answers are
// written down before the lease is given up.
type closing struct{ pool *session.Pool }

func (c closing) Start(ctx context.Context) error {
	<-ctx.Done()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	c.pool.Shutdown(grace)
	return nil
}

// CheckEndpoint refuses what is not an exact origin such as https://api.kisi.io.
func CheckEndpoint(endpoint string) error {
	parsed, err := url.Parse(endpoint)
	if err != nil || parsed.Host == "" || !slices.Contains([]string{"http", "https"}, parsed.Scheme) || parsed.Scheme+"://"+parsed.Host != endpoint {
		return fmt.Errorf("%q is not an origin: write it like %s, without path, query or trailing slash", endpoint, v1alpha1.DefaultEndpoint)
	}
	return nil
}
