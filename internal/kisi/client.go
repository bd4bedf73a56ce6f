package kisi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"
)

// DefaultEndpoint is Kisi's public API.
const DefaultEndpoint = "https://api.kisi.io"

// DefaultTimeout bounds one request with its answer.
const DefaultTimeout = 10 * time.Second

// maxResponseBytes bounds what is read of one answer. The largest lawful page, 250 role assignments, is below 1 MiB.
const maxResponseBytes = 16 << 20

// maxRefusalBytes bounds what is read of an answer that is no success. Of a longer one only the status counts.
const maxRefusalBytes = 64 << 10

// Config says how to reach Kisi and as whom.
type Config struct {
	// Endpoint is an absolute http or https URL; default DefaultEndpoint.
	Endpoint string
	Key      APIKey
	// Transport carries the requests; default a transport of the client's own. It must not follow redirects.
	Transport http.RoundTripper
	// Timeout bounds one request from sending to the last byte of the answer; default DefaultTimeout. Waiting for a
	// turn does not count.
	Timeout time.Duration
	// IntegrationIdentifier and IntegrationContact are sent as X-Kisi-Integration-Identifier and -Contact, which Kisi
	// asks its integration partners for. Empty: not sent.
	IntegrationIdentifier string
	IntegrationContact    string
	UserAgent             string
	// Queue paces the requests. Nil: every request is sent at once.
	Queue *Queue
	// Connection is the name under which calls take turns with those of other connections of the same key owner, where
	// the context does not name one.
	Connection string
	// Clock reads the time for durations and Retry-After dates; default the real one. Time-outs always run in real time,
	// because the network does.
	Clock clock.PassiveClock

	// Confirm, if set, asks Kisi whether the key may still see everything, and returns an error unless it may. It is called
	// where something was not found, with the context of that call; see Client.Confirm.
	Confirm func(context.Context) error
	// OnRequest, if set, is called after every request that was sent.
	OnRequest func(RequestStats)
}

// RequestStats describes one request that was sent, for metrics. It has no ids and no addresses.
type RequestStats struct {
	Op     string
	Method string
	// Route is the path with {id} in the place of an id.
	Route    string
	Status   int // 0: no answer
	Duration time.Duration
	Class    Class
	// Deprecated tells that the answer has a Deprecation or Sunset header: Kisi is going to retire the call.
	Deprecated bool
}

// Client makes typed calls to Kisi's REST API with one key. It never repeats a request by itself. It has no method for
// the calls that destroy a key or its owner: DELETE /login, DELETE /login/elsewhere, DELETE /user. It is safe for
// concurrent use.
type Client struct {
	base      *url.URL
	key       APIKey
	transport http.RoundTripper
	config    Config

	own        atomic.Pointer[Login]
	serverTime atomic.Pointer[time.Time]
	closed     *atomic.Bool // of this client under every queue
}

// NewClient checks the configuration and returns a client; it sends nothing.
func NewClient(config Config) (*Client, error) {
	if config.Endpoint == "" {
		config.Endpoint = DefaultEndpoint
	}
	base, err := url.Parse(config.Endpoint)
	if strings.Contains(config.Endpoint, "@") { // before anything quotes it
		return nil, errors.New("the endpoint carries credentials: the API key is the only credential, leave out what stands before the @")
	}
	if err != nil {
		return nil, fmt.Errorf("endpoint %q is not a URL: write it like %s", config.Endpoint, DefaultEndpoint)
	}
	if (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("endpoint %q is not an absolute http(s) URL without query and fragment: write it like %s", config.Endpoint, DefaultEndpoint)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	if config.Key.IsZero() {
		return nil, errors.New("there is no API key")
	}
	for name, value := range map[string]string{
		"integration identifier": config.IntegrationIdentifier,
		"integration contact":    config.IntegrationContact,
		"user agent":             config.UserAgent,
	} {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, fmt.Errorf("%s %q cannot stand in an HTTP header: use printable ASCII only", name, value)
		}
	}
	if config.Timeout <= 0 {
		config.Timeout = DefaultTimeout
	}
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if config.Transport == nil {
		config.Transport = newTransport()
	}
	return &Client{base: base, key: config.Key, transport: config.Transport, config: config, closed: &atomic.Bool{}}, nil
}

// Close has no request sent any more from now on: calls fail with ErrClientClosed, also those that wait for a turn. The
// writes of a task that has sent a request already are still sent, because half of what it does may be worse than none.
func (c *Client) Close() { c.closed.Store(true) }

// OnQueue returns this client under another queue. It has the same key, so it knows whose key that is if this one does.
func (c *Client) OnQueue(queue *Queue) *Client {
	moved := &Client{base: c.base, key: c.key, transport: c.transport, config: c.config, closed: c.closed}
	moved.config.Queue = queue
	moved.own.Store(c.own.Load())
	moved.serverTime.Store(c.serverTime.Load())
	return moved
}

// Confirm has to be called before anything is concluded from what a list does not show, as it is for every 404 that is not
// the answer to a POST: a key whose owner has lost a role may be shown nothing, and what it is not shown may well be there.
// The error wraps ErrHidden.
func (c *Client) Confirm(ctx context.Context) error {
	if c.config.Confirm == nil {
		return nil
	}
	if err := c.config.Confirm(ctx); err != nil {
		return fmt.Errorf("%w: %s", ErrHidden, c.scrub(err.Error()))
	}
	return nil
}

// protect refuses a call that would destroy the key in use or its owner. Before CurrentLogin has told which they are, any
// call could, so it refuses all.
func (c *Client) protect(call request, destroys func(own *Login) bool) error {
	switch own := c.own.Load(); {
	case own == nil:
		return call.refused(fmt.Errorf("%w, for all that is known: Kisi has not said yet whose key it is", ErrProtected))
	case destroys(own):
		return call.refused(ErrProtected)
	}
	return nil
}

// newTransport differs from http.DefaultTransport in what an API needs that counts requests and cannot take a repeated
// write: few connections, and none kept idle so long that the other side has likely closed it.
func newTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = mostInFlight // those of a burst are used again, and not closed and opened for each request
	transport.IdleConnTimeout = 30 * time.Second
	return transport
}

// ServerTime returns what Kisi's own clock showed in its latest answer, and false before the first one.
func (c *Client) ServerTime() (time.Time, bool) {
	latest := c.serverTime.Load()
	if latest == nil {
		return time.Time{}, false
	}
	return *latest, true
}
