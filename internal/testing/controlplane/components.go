package controlplane

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/keyutil"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
	"github.com/kisi-operator/kisi-operator/internal/testing/process"
)

const loopback = "127.0.0.1"

// Names of the files in the control plane's directory.
const (
	etcdSocket           = "etcd.sock"
	servingCertFile      = "apiserver.crt"
	servingKeyFile       = "apiserver.key"
	clientCAFile         = "ca.crt"
	serviceAccountKey    = "service-account.key"
	auditPolicyFile      = "audit-policy.yaml"
	adminKubeconfigFile  = "admin.kubeconfig"
	controllerKubeconfig = "kube-controller-manager.kubeconfig"
)

// enabledControllers are those whose work a user of custom resources can see. The others serve workloads, nodes and
// volumes, of which there are none here.
var enabledControllers = []string{
	"clusterrole-aggregation-controller",
	"garbage-collector-controller",
	"namespace-controller",
	"resourcequota-controller",
	"root-ca-certificate-publisher-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
	"validatingadmissionpolicy-status-controller",
}

// auditPolicy records who did what to which object, once per finished request, without any object's content.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// findAssets builds the executables, if need be.
func (c *ControlPlane) findAssets(ctx context.Context) (err error) {
	needed := []string{binaries.KubeAPIServer, binaries.Etcd}
	if !c.options.WithoutControllerManager {
		needed = append(needed, binaries.KubeControllerManager)
	}
	if c.assets, err = binaries.Ensure(ctx, c.options.Progress, needed...); err != nil {
		return err
	}
	return c.checkAssets()
}

// checkAssets refuses executables that would leave a control plane without half of its behaviour, as envtest's archives do.
func (c *ControlPlane) checkAssets() error {
	if c.options.WithoutControllerManager {
		return nil
	}
	if _, err := binaries.Path(c.assets, binaries.KubeControllerManager); err != nil {
		return fmt.Errorf("without kube-controller-manager no namespace ever goes away and no owner's objects are collected: %w", err)
	}
	return nil
}

func (c *ControlPlane) file(name string) string { return filepath.Join(c.dir, name) }

func (c *ControlPlane) etcdURL() string { return "unix://" + c.file(etcdSocket) }

// run starts a component in place of the one that ran there before, if any.
func (c *ControlPlane) run(component **process.Process, path string, args ...string) error {
	started, err := process.Start(c.dir, path, args...)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	*component = started
	return nil
}

// startEtcd starts etcd and does not wait for it; the API server does.
func (c *ControlPlane) startEtcd() error {
	path, err := binaries.Path(c.assets, binaries.Etcd)
	if err != nil {
		return err
	}
	// A socket in the control plane's own directory needs no port that another process could take meanwhile.
	return c.run(&c.etcd, path,
		"--data-dir="+c.file("etcd"),
		"--listen-client-urls="+c.etcdURL(),
		"--advertise-client-urls=http://"+loopback+":2379", // for other members, of which there are none
		"--listen-peer-urls=http://"+loopback+":0",
		"--unsafe-no-fsync",
		"--quota-backend-bytes="+strconv.Itoa(8<<30),
		"--log-level=warn",
	)
}

func (c *ControlPlane) writeCredentials() error {
	serving, err := c.authority.servingCertificate(loopback)
	if err != nil {
		return err
	}
	signingKey, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return fmt.Errorf("generating the key that signs service account tokens: %w", err)
	}
	for name, content := range map[string][]byte{
		servingCertFile:   serving.certificate,
		servingKeyFile:    serving.key,
		clientCAFile:      c.authority.bundle(),
		serviceAccountKey: signingKey,
		auditPolicyFile:   []byte(auditPolicy),
	} {
		if err := os.WriteFile(c.file(name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// startAPIServer starts kube-apiserver and returns when it is ready. Another process may take the chosen port before
// the API server does; then another port is tried.
func (c *ControlPlane) startAPIServer(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		err := c.tryAPIServer(ctx)
		if err == nil || attempt == 5 || !strings.Contains(err.Error(), "address already in use") {
			return err
		}
	}
}

func (c *ControlPlane) tryAPIServer(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	c.host = "https://" + net.JoinHostPort(loopback, strconv.Itoa(port))
	path, args := c.options.MemoryAPIServer, []string{
		"--secure-port=" + strconv.Itoa(port),
		"--tls-cert-file=" + c.file(servingCertFile),
		"--tls-private-key-file=" + c.file(servingKeyFile),
		"--client-ca-file=" + c.file(clientCAFile),
	}
	if path == "" {
		if path, err = binaries.Path(c.assets, binaries.KubeAPIServer); err != nil {
			return err
		}
		args = append(args, c.kubeAPIServerArgs()...)
	}
	if err := c.run(&c.apiServer, path, args...); err != nil {
		return err
	}
	client, err := discovery.NewDiscoveryClientForConfig(c.AdminConfig())
	if err != nil {
		return err
	}
	return c.poll(ctx, filepath.Base(path)+" to become ready", func(ctx context.Context) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

func (c *ControlPlane) kubeAPIServerArgs() []string {
	args := []string{
		"--etcd-servers=" + c.etcdURL(),
		"--bind-address=" + loopback,
		"--advertise-address=" + loopback,
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.file(serviceAccountKey),
		"--service-account-signing-key-file=" + c.file(serviceAccountKey),
		"--endpoint-reconciler-type=none",
		// Fairness between users would only make the timing of a test depend on its neighbours.
		"--enable-priority-and-fairness=false",
		"--max-requests-inflight=0",
		"--max-mutating-requests-inflight=0",
		"--profiling=false",
	}
	if c.options.AuditLog != "" {
		args = append(args,
			"--audit-policy-file="+c.file(auditPolicyFile),
			"--audit-log-path="+c.options.AuditLog,
			"--audit-log-mode=blocking", // a request has been recorded by the time it is answered
			"--audit-log-maxsize=1000000",
		)
	}
	return append(args, c.options.APIServerArgs...)
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// startControllerManager starts kube-controller-manager, unless it is not wanted, and returns when it works.
func (c *ControlPlane) startControllerManager(ctx context.Context) error {
	if c.options.WithoutControllerManager || c.options.MemoryAPIServer != "" {
		return nil
	}
	path, err := binaries.Path(c.assets, binaries.KubeControllerManager)
	if err != nil {
		return err
	}
	config, err := c.ConfigFor("system:kube-controller-manager")
	if err != nil {
		return err
	}
	kubeconfig, err := Kubeconfig(config)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.file(controllerKubeconfig), kubeconfig, 0o600); err != nil {
		return err
	}
	err = c.run(&c.controllerManager, path,
		"--kubeconfig="+c.file(controllerKubeconfig),
		"--controllers="+strings.Join(enabledControllers, ","),
		// Each controller acts as a user of its own, as in a real cluster: the audit log tells them apart.
		"--use-service-account-credentials",
		"--service-account-private-key-file="+c.file(serviceAccountKey),
		"--root-ca-file="+c.file(clientCAFile),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		"--profiling=false",
	)
	if err != nil {
		return err
	}
	admin, err := kubernetes.NewForConfig(c.AdminConfig())
	if err != nil {
		return err
	}
	return c.poll(ctx, "kube-controller-manager to start work", func(ctx context.Context) error {
		if _, err := admin.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err
		}
		_, err := admin.CoreV1().ConfigMaps(metav1.NamespaceDefault).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		return err
	})
}

// poll calls ready until it succeeds. It gives up when ctx is done or a component has ended.
func (c *ControlPlane) poll(ctx context.Context, what string, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it took longer than %s", startTimeout))
	defer cancel()
	ended := c.ended(ctx)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var last error
	for {
		if last = ready(ctx); last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (last answer: %w)", what, context.Cause(ctx), last)
		case err := <-ended:
			return fmt.Errorf("waiting for %s: %w", what, err)
		case <-ticker.C:
		}
	}
}
