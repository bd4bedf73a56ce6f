package e2e

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/internal/operator"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
)

// executable is cmd/kisi-operator as it ships, built once for all processes of the suite.
func executable(dir string) string { return filepath.Join(dir, "kisi-operator") }

// start runs an operator for the tenant until the spec ends, or t.stop: the built executable with the flags that it has by
// default. Only what no flag can say, such as a shorter time-out or a way to the API server that ends in the middle of a
// request, has it run in this process.
func (t *tenant) start() {
	GinkgoHelper()
	if t.options.RequestTimeout != 0 || t.options.UserAgent != "" || t.config != nil && t.config.WrapTransport != nil {
		t.startHere()
		return
	}
	t.startProcess()
}

// startHere runs an operator in this process.
func (t *tenant) startHere() {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(context.Background())
	options := t.options
	options.Logger = logf.Log.WithName(t.namespace)
	options.SkipNameValidation = true // it is not the only one in this process
	mgr, err := operator.New(ctx, cmp.Or(t.config, operatorConfig), options)
	Expect(err).NotTo(HaveOccurred())
	var running sync.WaitGroup
	running.Go(func() {
		defer GinkgoRecover()
		Expect(mgr.Start(ctx)).To(Succeed())
	})
	t.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
}

// startProcess runs the operator as a process of its own, with more flags than the tenant needs if there are any, and
// returns what kills it without a warning. t.stop ends it in order.
func (t *tenant) startProcess(flags ...string) (kill func()) {
	GinkgoHelper()
	p := startProcess(executable(plane.Dir()), append(t.flags(), flags...)...)
	t.processes = append(t.processes, p)
	t.stop = func() { p.end(syscall.SIGTERM) }
	return func() { p.end(syscall.SIGKILL) }
}

// flags are what an operator is told that works for this tenant only, beside others on this machine.
func (t *tenant) flags() []string {
	GinkgoHelper()
	kubeconfig, err := controlplane.Kubeconfig(cmp.Or(t.config, operatorConfig))
	Expect(err).NotTo(HaveOccurred())
	file := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(file, kubeconfig, 0o600)).To(Succeed())
	flags := []string{
		"--kubeconfig=" + file, "--leader-elect=false", "--namespaces=" + strings.Join(t.options.Namespaces, ","),
		"--metrics-bind-address=" + t.options.MetricsBindAddress, "--health-probe-bind-address=" + t.options.HealthProbeBindAddress,
	}
	for _, endpoint := range t.options.AllowedEndpoints {
		flags = append(flags, "--allowed-endpoint="+endpoint)
	}
	if address := t.options.WebhookBindAddress; address != "" {
		flags = append(flags, "--webhook-bind-address="+address)
	}
	if file := t.options.AuditLog; file != "" {
		flags = append(flags, "--audit-log="+file)
	}
	if t.options.LogPeople {
		flags = append(flags, "--log-people")
	}
	if ttl := t.options.BookingTTL; ttl != standardBookingTTL {
		flags = append(flags, fmt.Sprintf("--booking-ttl=%s", ttl))
	}
	return flags
}

// process is a running operator.
type process struct {
	command *exec.Cmd
	told    atomic.Bool // to end
	exited  chan struct{}
	death   error // how it ended, if nobody told it to
}

// startProcess starts an executable that dies with this process.
func startProcess(path string, flags ...string) *process {
	GinkgoHelper()
	p := &process{command: exec.Command(path, flags...), exited: make(chan struct{})}
	log := io.MultiWriter(GinkgoWriter, operatorLog)
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = childAttributes()
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the child dies with the thread that started it
		defer runtime.UnlockOSThread()
		err := p.command.Start()
		started <- err
		if err != nil {
			return
		}
		_ = p.command.Wait() // the state says it all
		if !p.told.Load() {
			p.death = fmt.Errorf("the operator ended by itself: %s", p.command.ProcessState)
		}
		close(p.exited)
	}()
	Expect(<-started).To(Succeed())
	return p
}

// end sends a signal, and waits until the process has ended.
func (p *process) end(signal os.Signal) {
	p.told.Store(true)
	_ = p.command.Process.Signal(signal) // it may have ended before
	<-p.exited
}

// expectNoDeaths ends what still runs, and fails if an operator of the tenant ended without being told to.
func (t *tenant) expectNoDeaths() {
	GinkgoHelper()
	for _, p := range t.processes {
		p.end(syscall.SIGTERM)
		Expect(p.death).NotTo(HaveOccurred())
	}
}
