package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// mortal is an operator process that can be cut off from the world at any of its steps: at its n-th write to the API server
// or to Kisi, before the write is carried out or with its answer lost. From then on nothing it asks for happens, as if it
// had been killed.
type mortal struct {
	name string // its User-Agent

	mu    sync.Mutex
	armed bool
	at    int  // the step at which it dies; 0: it lives
	after bool // that step is carried out
	steps []string
	over  bool
	death chan struct{}
}

func newMortal(name string, at int, after bool) *mortal {
	return &mortal{name: name, at: at, after: after, death: make(chan struct{})}
}

// arm begins to count steps.
func (m *mortal) arm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.armed = true
}

// counted returns the steps so far.
func (m *mortal) counted() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.steps)
}

// dead reports whether the process was cut off.
func (m *mortal) dead() bool {
	select {
	case <-m.death:
		return true
	default:
		return false
	}
}

// step decides about a request: whether it is carried out, and whether its answer arrives.
func (m *mortal) step(write bool, what string) (carriedOut, answered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return false, false
	}
	if !write || !m.armed {
		return true, true
	}
	m.steps = append(m.steps, what)
	if len(m.steps) != m.at {
		return true, true
	}
	m.over = true
	close(m.death)
	return m.after, false
}

func isWrite(method string) bool { return method != http.MethodGet && method != http.MethodHead }

// sent reports whether a request to Kisi is the process's.
func (m *mortal) sent(r *http.Request) bool { return r.UserAgent() == m.name }

// serve answers a request to Kisi, or does not.
func (m *mortal) serve(kisi http.Handler, w http.ResponseWriter, r *http.Request) {
	carriedOut, answered := m.step(isWrite(r.Method) && r.URL.Path != "/event_sets", "Kisi: "+r.Method+" "+r.URL.Path)
	switch {
	case answered:
		kisi.ServeHTTP(w, r)
		return
	case carriedOut:
		kisi.ServeHTTP(httptest.NewRecorder(), r)
	}
	panic(http.ErrAbortHandler)
}

// config returns a way to the API server that ends with the process.
func (m *mortal) config(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return mortalTransport{m, next} })
	return config
}

type mortalTransport struct {
	*mortal
	next http.RoundTripper
}

var errDead = errors.New("the process was killed")

func (t mortalTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	write := isWrite(r.Method) && !strings.Contains(r.URL.Path, "/events") && !strings.Contains(r.URL.Path, "/leases")
	_, path, _ := strings.Cut(r.URL.Path, "/namespaces/")
	_, path, _ = strings.Cut(path, "/")
	carriedOut, answered := t.step(write, fmt.Sprintf("Kubernetes: %s %s", r.Method, path))
	if !carriedOut {
		return nil, errDead
	}
	response, err := t.next.RoundTrip(r)
	if err == nil && !answered {
		_ = response.Body.Close()
		return nil, errDead
	}
	return response, err
}
