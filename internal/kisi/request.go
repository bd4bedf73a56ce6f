package kisi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// request is one call before it is sent.
type request struct {
	op     string
	method string
	path   string // empty: an id in it is not one
	query  url.Values
	body   any
	// id is that of the one thing which the request reads, changes or deletes; 0: it is about none by its id.
	id int64
	// strays says in which way the answer is not what was asked for; nil: that is not looked at.
	strays func() string
	// secret is a value of the body that no error may show.
	secret Secret
}

// refused makes the error of a request that is not sent.
func (r request) refused(cause error) *Error {
	return &Error{Op: r.op, Method: r.method, Path: r.path, Err: cause, notSent: true}
}

// call sends a request and decodes the answer into out. It returns Kisi's clock.
func (c *Client) call(ctx context.Context, r request, out any) (time.Time, error) {
	a, err := c.send(ctx, r)
	if err != nil {
		return a.at, err
	}
	unreadable := func(cause error) error { return r.doubtful(a, cause) }
	if a.bodyErr != nil {
		return a.at, unreadable(a.bodyErr)
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return a.at, unreadable(errors.New("the answer is not what was asked for: " + misread(err)))
	}
	if thing, ok := out.(identified); ok && !thing.hasID() {
		return a.at, unreadable(errors.New("the answer has no id"))
	}
	if stray := r.stray(out); stray != "" {
		return a.at, unreadable(errors.New("the answer is not what was asked for: " + printable(c.scrub(stray, r.secret))))
	}
	return a.at, nil
}

// write sends a request that changes or deletes one thing. Kisi answers those with 204 and no body. Any other success may
// be that of something in between, which has changed nothing, unless it names the very thing.
func (c *Client) write(ctx context.Context, r request) error {
	a, err := c.send(ctx, r)
	if err != nil || a.status == http.StatusNoContent {
		return err
	}
	var named struct{ ID int64 }
	if a.status == http.StatusOK && a.bodyErr == nil && json.Unmarshal(a.body, &named) == nil && named.ID == r.id {
		return nil
	}
	return r.doubtful(a, errors.New("the answer does not say that it is done: Kisi says so with 204 No Content"))
}

// reading is a request that reads one thing by its id.
func reading(op, resource string, id int64) request {
	return request{op: op, method: http.MethodGet, path: pathOfID(resource, id), id: id}
}

// changing is a request that changes one thing by its id.
func changing(op, resource string, id int64, body any) request {
	return request{op: op, method: http.MethodPatch, path: pathOfID(resource, id), id: id, body: body}
}

// deleting is a request that deletes one thing by its id.
func deleting(op, resource string, id int64) request {
	return request{op: op, method: http.MethodDelete, path: pathOfID(resource, id), id: id}
}

// send makes one request; see attempt. That a thing was not found is an answer only of a key that may see it.
func (c *Client) send(ctx context.Context, r request) (answer, error) {
	a, err := c.attempt(ctx, r)
	if IsNotFound(err) && r.method != http.MethodPost {
		if hidden := c.Confirm(ctx); hidden != nil {
			return a, r.refused(hidden)
		}
	}
	return a, err
}

// attempt waits for a turn, sends the request once, and reads the answer. Whatever is not a 2xx is an *Error.
func (c *Client) attempt(ctx context.Context, r request) (answer, error) {
	if r.path == "" {
		return answer{}, r.refused(errors.New("the id is not set: ids begin at 1"))
	}
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return answer{}, r.refused(fmt.Errorf("encoding the request: %w", err))
		}
	}
	class := classOf(ctx)
	if class.Connection == "" {
		class.Connection = c.config.Connection
	}
	finishes := r.method != http.MethodGet && taskHasSent(ctx)
	shut := func() bool { return c.closed.Load() && !finishes }
	if shut() {
		return answer{}, r.refused(ErrClientClosed)
	}
	var t *turn
	if c.config.Queue != nil {
		var err error
		if t, err = c.config.Queue.enter(ctx, class, r.method+" "+r.path); err != nil {
			return answer{}, r.refused(fmt.Errorf("waiting for a turn: %w", err))
		}
	} else if ctx.Err() != nil {
		return answer{}, r.refused(context.Cause(ctx))
	}
	result, retryAfter := outcomeAbandoned, time.Duration(0)
	if t != nil {
		defer func() { t.finish(result, retryAfter) }()
	}
	if shut() { // while it waited
		return answer{}, r.refused(ErrClientClosed)
	}

	started := c.config.Clock.Now()
	a, failure := c.exchange(ctx, r, body)
	status := a.status
	switch {
	case failure != nil:
		status, retryAfter = failure.Status, failure.RetryAfter
		result = outcomeOf(failure)
	case errors.Is(a.bodyErr, ErrNoAnswer):
		result = outcomeLost
	case a.bodyErr == nil || ctx.Err() == nil:
		result = outcomeAnswered
	}
	if c.config.OnRequest != nil {
		c.config.OnRequest(RequestStats{
			Op: r.op, Method: r.method, Route: routeOf(r.path), Status: status, Duration: c.config.Clock.Since(started), Class: class,
			Deprecated: a.header.Get("Deprecation")+a.header.Get("Sunset") != "",
		})
	}
	if failure != nil {
		return a, failure
	}
	return a, nil
}

func outcomeOf(failure *Error) outcome {
	switch {
	case failure.Status == http.StatusTooManyRequests:
		return outcomeLimited
	case failure.Status >= http.StatusInternalServerError:
		return outcomeUnavailable
	case errors.Is(failure, ErrNoAnswer) && failure.unconnected:
		return outcomeUnconnected
	case errors.Is(failure, ErrNoAnswer):
		return outcomeLost
	case failure.Status == 0:
		return outcomeAbandoned
	}
	return outcomeAnswered
}

// exchange is one request and its answer, bounded in time and size.
func (c *Client) exchange(ctx context.Context, r request, body []byte) (answer, *Error) {
	limited, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	// A transport that asked for a connection and never got one has sent nothing. Any other failure may come after the
	// request has left, also one without a connection if a kept one was tried before.
	var asked, connected, connecting atomic.Bool
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true); connecting.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true); connecting.Store(false) },
	})
	fail := func(cause error) *Error {
		failure := &Error{Op: r.op, Method: r.method, Path: r.path, notSent: asked.Load() && !connected.Load(), unconnected: connecting.Load()}
		switch {
		case ctx.Err() != nil:
			failure.Err = context.Cause(ctx)
		case limited.Err() != nil:
			failure.Err = fmt.Errorf("%w within %s", ErrNoAnswer, c.config.Timeout)
		default:
			failure.Err = fmt.Errorf("%w: %w", ErrNoAnswer, c.scrubError(cause, r.secret))
		}
		return failure
	}

	outgoing, err := c.newRequest(traced, r, body)
	if err != nil {
		return answer{}, r.refused(c.scrubError(err, r.secret))
	}
	response, err := c.transport.RoundTrip(outgoing)
	if err != nil {
		return answer{}, fail(err)
	}
	defer func() { _ = response.Body.Close() }()

	a := answer{status: response.StatusCode, header: response.Header}
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		a.at = at
		c.serverTime.Store(&at)
	}
	success := a.status >= 200 && a.status < 300
	most := maxResponseBytes
	if !success {
		most = maxRefusalBytes
	}
	a.body, err = readUpTo(int64(most)+1, response)
	switch {
	case err != nil:
		a.bodyErr = fail(err).Err
	case len(a.body) > most:
		a.bodyErr = fmt.Errorf("the answer is larger than %d MiB", maxResponseBytes>>20)
	}
	if success {
		return a, nil
	}
	return a, c.statusError(r, a)
}

// readUpTo reads a body, at most so many bytes of it, into as much memory as it says it is long.
func readUpTo(most int64, response *http.Response) ([]byte, error) {
	var body bytes.Buffer
	if response.ContentLength > 0 {
		body.Grow(int(min(response.ContentLength, most)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(response.Body, most))
	return body.Bytes(), err
}

func (c *Client) newRequest(ctx context.Context, r request, body []byte) (*http.Request, error) {
	target := *c.base
	target.Path += r.path
	target.RawPath = ""
	target.RawQuery = r.query.Encode()
	outgoing, err := http.NewRequestWithContext(ctx, r.method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	if body != nil {
		// Without GetBody net/http cannot rewind the body, so it never sends a write a second time on a new connection,
		// not even when it believes that the first one was not read.
		outgoing.Body = io.NopCloser(bytes.NewReader(body))
		outgoing.ContentLength = int64(len(body))
		outgoing.Header.Set("Content-Type", "application/json")
	}
	outgoing.Header.Set("Accept", "application/json")
	outgoing.Header.Set("Authorization", "KISI-LOGIN "+c.key.Reveal())
	for name, value := range map[string]string{
		"User-Agent":                    c.config.UserAgent,
		"X-Kisi-Integration-Identifier": c.config.IntegrationIdentifier,
		"X-Kisi-Integration-Contact":    c.config.IntegrationContact,
	} {
		if value != "" {
			outgoing.Header.Set(name, value)
		}
	}
	return outgoing, nil
}

// scrubError replaces an error that quotes a secret, which a server can bring about by echoing it.
func (c *Client) scrubError(err error, secret Secret) error {
	if scrubbed := c.scrub(err.Error(), secret); scrubbed != err.Error() {
		return errors.New(scrubbed)
	}
	return err
}

func (c *Client) scrub(text string, secrets ...Secret) string {
	for _, secret := range append(secrets, c.key.Secret) {
		if !secret.IsZero() {
			text = strings.ReplaceAll(text, secret.Reveal(), redacted)
		}
	}
	return text
}
