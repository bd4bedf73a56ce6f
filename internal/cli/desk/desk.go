// Package desk is a page for people at a desk (`kubectl kisi desk`): who is expected today, who may enter where, and what is
// in the way. It shows what internal/cli/access and internal/cli/health compute, and decides nothing of its own.
package desk

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
)

// Cluster is the namespace that the desk shows, with the rights of whoever started it.
type Cluster interface {
	// Indexed returns the objects as they are now. What may not be read is unreadable in them.
	Indexed() *objects.Indexed
	// Late says why some of the objects may be out of date, and since when; nil if none is.
	Late() (since time.Time, err error)
	// Approve releases what the revocation limit holds of a group, and would hold until then.
	Approve(ctx context.Context, group string, until time.Time) error
}

// Desk serves the pages.
type Desk struct {
	cluster Cluster
	now     func() time.Time
	zone    *time.Location
	secrets secrets
	changes changes
	names   directory
	ending  chan struct{} // closed when the desk ends, which ends the streams of events
}

// New makes a desk that tells times in a zone.
func New(cluster Cluster, now func() time.Time, zone *time.Location) *Desk {
	return &Desk{cluster: cluster, now: now, zone: zone, secrets: newSecrets(), ending: make(chan struct{})}
}

// Changed has every open page look again.
func (d *Desk) Changed() { d.changes.tell() }

// Address is where a browser gets in that has not been here yet.
func (d *Desk) Address(listener net.Listener) string {
	address := url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/", RawQuery: "token=" + d.secrets.token}
	return address.String()
}

// Patience for requests that are under way when the desk ends, and for headers that do not come.
const (
	endPatience    = 2 * time.Second
	headerPatience = 10 * time.Second
)

// Serve serves the pages until the context is done, once.
func (d *Desk) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: d.Handler(listener.Addr()), ReadHeaderTimeout: headerPatience}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	close(d.ending)
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	if err := server.Shutdown(patience); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// Handler serves the pages to browsers that reach the desk at an address.
func (d *Desk) Handler(at net.Addr) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", d.today)
	mux.HandleFunc("GET /trouble", d.trouble)
	mux.HandleFunc("GET /held", d.held)
	mux.HandleFunc("GET /held/{group}", d.confirm)
	mux.HandleFunc("POST /held/{group}", d.approve)
	mux.HandleFunc("GET /people/{address}", d.person)
	mux.HandleFunc("GET /doors/{door}", d.door)
	mux.HandleFunc("GET /search", d.find)
	mux.HandleFunc("GET /changes", d.stream)
	mux.HandleFunc("GET /assets/scripts.js", serveScripts)
	mux.Handle("GET /assets/", http.FileServerFS(assets))
	return d.secrets.guard(at, mux)
}

// clock writes times as seen from now.
func (d *Desk) clock() text.Clock { return text.Clock{Now: d.now(), Zone: d.zone} }

// question is asked of the objects as they are now.
func (d *Desk) question() access.Question {
	now := d.now()
	return access.Question{In: d.cluster.Indexed(), Now: now, At: now}
}
