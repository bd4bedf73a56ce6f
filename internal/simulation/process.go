package simulation

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kisi-operator/kisi-operator/internal/operator"
	"github.com/kisi-operator/kisi-operator/internal/simulation/apiserver"
)

// process is one operator process. Its requests go through it, so that it can be killed between any two of them.
type process struct {
	world  *world
	cancel context.CancelFunc
	done   chan error
	dead   atomic.Bool
	// left is how many requests it may still send before it is killed, if that is to be; negative: it lives.
	left atomic.Int64
	// died is closed when it sends no more requests.
	died    chan struct{}
	dieOnce sync.Once
	// gone is closed when the last of what waits in it may end.
	gone chan struct{}
}

// errKilled is what requests of a killed process meet; nobody is there to read it.
var errKilled = errors.New("the process was killed")

// start runs an operator as it ships, but without ports and a lease.
func (w *world) start() error {
	ctx, cancel := context.WithCancel(w.ctx)
	p := &process{world: w, cancel: cancel, done: make(chan error, 1), died: make(chan struct{}), gone: make(chan struct{})}
	p.left.Store(-1)
	mgr, err := operator.New(ctx, &rest.Config{Host: "http://in-memory", Transport: through{p, kubernetes{w}}}, operator.Options{
		MetricsBindAddress: "0", HealthProbeBindAddress: "0", AllowedEndpoints: []string{endpoint}, BookingTTL: 7 * 24 * time.Hour,
		KisiTransport: through{p, inMemory{w.kisi}}, SkipNameValidation: true, Logger: w.logger,
	})
	if err != nil {
		cancel()
		return err
	}
	go func() { p.done <- mgr.Start(ctx) }()
	w.operator = p
	return nil
}

// kill ends the process after so many more requests, or a minute. The last request is carried out, and its answer never
// arrives.
func (p *process) kill(after int) {
	p.left.Store(int64(after))
	select {
	case <-p.died:
	case <-time.After(time.Minute):
	}
	p.die()
}

func (p *process) die() {
	p.dieOnce.Do(func() {
		p.dead.Store(true)
		close(p.died)
	})
}

// end has the goroutines of a process end that sends no requests any more: first what it does by itself comes to rest, as
// controller-runtime's caches leave a goroutine behind if they are stopped with an event in hand.
func (p *process) end() {
	synctest.Wait()
	close(p.gone)
	p.cancel()
}

// bury ends a process for good; what it returns is looked at when the history ends.
func (w *world) bury(p *process) {
	p.die()
	p.end()
	w.buried = append(w.buried, p)
}

// through sends requests as long as the process lives.
type through struct {
	process *process
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t through) RoundTrip(r *http.Request) (*http.Response, error) {
	p := t.process
	if p.dead.Load() {
		return nil, p.wait(r.Context())
	}
	last := false
	if r.URL.Query().Get("watch") == "" && p.left.Load() >= 0 {
		last = p.left.Add(-1) < 0
	}
	response, err := t.next.RoundTrip(r)
	if last {
		p.die()
	}
	if p.dead.Load() && err == nil {
		_ = response.Body.Close()
		return nil, p.wait(r.Context())
	}
	if err == nil && r.URL.Query().Get("watch") != "" {
		response.Body = mortal{response.Body, p, r.Context()}
	}
	return response, err
}

// wait is what a killed process does.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-p.gone:
	}
	return errKilled
}

// mortal is a watch that brings nothing more to a killed process.
type mortal struct {
	io.ReadCloser
	process *process
	ctx     context.Context
}

// Read implements io.Reader.
func (m mortal) Read(b []byte) (int, error) {
	n, err := m.ReadCloser.Read(b)
	if m.process.dead.Load() {
		_ = m.process.wait(m.ctx)
		return 0, io.EOF
	}
	return n, err
}

// inMemory serves requests to Kisi.
type inMemory struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper. A handler that gives up has lost the connection.
func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, answered := httptest.NewRecorder(), make(chan error, 1)
	go func() {
		defer func() {
			switch what := recover(); what {
			case nil:
				answered <- nil
			case http.ErrAbortHandler:
				answered <- io.ErrUnexpectedEOF
			default:
				panic(what)
			}
		}()
		m.handler.ServeHTTP(answer, apiserver.Arrived(r))
	}()
	select {
	case err := <-answered:
		if err != nil {
			return nil, err
		}
		response := answer.Result()
		response.Request = r
		return response, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// kubernetes sends requests to the API server, as far as faults let it.
type kubernetes struct{ world *world }

// RoundTrip implements http.RoundTripper.
func (k kubernetes) RoundTrip(r *http.Request) (*http.Response, error) {
	w := k.world
	watch := r.URL.Query().Get("watch") != ""
	if w.away.Load() {
		return nil, errors.New("connection refused")
	}
	response, err := w.server.RoundTrip(r)
	if err == nil && watch {
		response.Body = delayed{response.Body, w, r}
	}
	if err == nil && !watch && r.Method != http.MethodGet && w.losesAnswers() {
		_ = response.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return response, err
}

// delayed is a watch that is held back while a fault says so.
type delayed struct {
	io.ReadCloser
	world   *world
	request *http.Request
}

// Read implements io.Reader.
func (d delayed) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	for err == nil {
		wait := time.Until(d.world.heldBack(d.request.URL.Path))
		if wait <= 0 {
			break
		}
		select {
		case <-time.After(wait):
		case <-d.request.Context().Done():
			return n, err
		}
	}
	return n, err
}

// heldBack is until when watches of a kind are held back.
func (w *world) heldBack(path string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held[path[strings.LastIndex(path, "/")+1:]]
}

// losesAnswers draws whether the answer to a write is lost.
func (w *world) losesAnswers() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lossy > 0 && w.lots.Float64() < w.lossy
}
