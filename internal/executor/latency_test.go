package executor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/audit"
)

// Kisi never gets the first request: the person has waited since before it, and that is what the audit log says.
func TestWhatWasAskedForInVainHasBeenWaitedForSinceTheFirstRequest(t *testing.T) {
	w := newWorld(t, nil)
	defer w.close()
	var log bytes.Buffer
	entries := audit.To(&log)
	w.process.executor.Audit = entries
	lost, kisi := false, w.handler
	w.handler = http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if !lost && in.Method == http.MethodPost && in.URL.Path == "/role_assignments" {
			lost = true
			panic(http.ErrAbortHandler)
		}
		kisi.ServeHTTP(out, in)
	})
	begun := w.clock.Now()
	w.want(always)
	w.settle()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := entries.Start(ended); err != nil {
		t.Fatal(err)
	}
	var entry audit.Entry
	if err := json.Unmarshal(log.Bytes(), &entry); err != nil {
		t.Fatalf("%v: %s", err, log.String())
	}
	waited := w.clock.Now().Sub(begun).Seconds()
	if entry.Result != audit.Done || waited < w.process.session.RequestTimeout().Seconds() {
		t.Fatalf("not asked for twice: %+v after %.1f s; %s", entry, waited, w.describe())
	}
	if entry.LatencySeconds != waited {
		t.Errorf("latency %.3f s of the %.3f s that the person has waited", entry.LatencySeconds, waited)
	}
}
