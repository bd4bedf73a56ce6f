package apiserver

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
)

// RoundTrip serves a request as if it had come by the network.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close() //nolint:errcheck // it has been read, or is not to be
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	served := Arrived(r)
	if r.URL.Query().Get("watch") != "" && r.Method == http.MethodGet {
		return s.stream(served)
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, served)
	response := answer.Result()
	response.Request = r
	return response, nil
}

// Arrived is a client's request as a server gets it.
func Arrived(r *http.Request) *http.Request {
	arrived := r.Clone(r.Context())
	arrived.RequestURI, arrived.RemoteAddr, arrived.Host = r.URL.RequestURI(), "192.0.2.1:1234", r.URL.Host
	if arrived.Body == nil {
		arrived.Body = http.NoBody
	}
	return arrived
}

// stream serves a watch: the answer begins as soon as its header is known, and goes on.
func (s *Server) stream(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	reader, writer := io.Pipe()
	answer := &streamed{header: http.Header{}, out: writer, begun: make(chan struct{})}
	context.AfterFunc(ctx, func() { _ = writer.Close() }) // an end like any other: whoever gave up does not read an error
	go func() {
		defer cancel()
		s.ServeHTTP(answer, r.WithContext(ctx))
		answer.WriteHeader(http.StatusOK)
		_ = writer.Close()
	}()
	select {
	case <-answer.begun:
		return &http.Response{
			Status: strconv.Itoa(answer.status) + " " + http.StatusText(answer.status), StatusCode: answer.status, Header: answer.header.Clone(),
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: body{reader, cancel}, ContentLength: -1, Request: r,
		}, nil
	case <-r.Context().Done():
		cancel()
		return nil, r.Context().Err()
	}
}

// body ends the watch when its reader closes it.
type body struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b body) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}

// streamed is the answer to a watch.
type streamed struct {
	header http.Header
	status int
	out    *io.PipeWriter
	once   sync.Once
	begun  chan struct{}
}

func (a *streamed) Header() http.Header { return a.header }

func (a *streamed) WriteHeader(status int) {
	a.once.Do(func() {
		a.status = status
		close(a.begun)
	})
}

func (a *streamed) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.out.Write(p)
}

// Flush implements http.Flusher.
func (a *streamed) Flush() { a.WriteHeader(http.StatusOK) }

// CloseNotify implements http.CloseNotifier, by which k8s.io/apiserver knows a writer that can stream. Nothing reads it: the
// request's context ends.
func (a *streamed) CloseNotify() <-chan bool { return make(chan bool) }
