package apiserver

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// RoundTrip serves a request as if it had come by the network.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		closeBody(r)
		return nil, err
	}
	served := r.Clone(r.Context())
	served.RequestURI, served.RemoteAddr, served.Host = r.URL.RequestURI(), "192.0.2.1:1234", r.URL.Host
	if served.Body == nil {
		served.Body = http.NoBody
	}
	if r.URL.Query().Get("watch") != "" && r.Method == http.MethodGet {
		return s.stream(served)
	}
	answer := &recorder{header: http.Header{}}
	s.ServeHTTP(answer, served)
	closeBody(r)
	return answer.response(r), nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// recorder is the answer to a request that is no watch.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *recorder) Header() http.Header { return a.header }

func (a *recorder) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *recorder) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// Flush implements http.Flusher.
func (a *recorder) Flush() {}

func (a *recorder) response(r *http.Request) *http.Response {
	a.WriteHeader(http.StatusOK)
	return response(r, a.status, a.header, io.NopCloser(&a.body), int64(a.body.Len()))
}

func response(r *http.Request, status int, header http.Header, body io.ReadCloser, length int64) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: body, ContentLength: length, Request: r,
	}
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
		return response(r, answer.status, answer.header.Clone(), body{reader, cancel}, -1), nil
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
