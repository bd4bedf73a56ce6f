// Package fetch reads exports from files and addresses. What it says of a failure has neither the address nor a key in it.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/intake/config"
)

const (
	// MaxBytes is how large an export may be.
	MaxBytes = 16 << 20
	timeout  = time.Minute
	maxHops  = 5
)

// Source reads one export again and again. It keeps the last content, for a server that says it has not changed.
type Source struct {
	from      config.From
	userAgent string
	transport http.RoundTripper

	address        string // of what is kept
	content        []byte
	etag, modified string
}

// New returns the source of an export. transport defaults to one with the system's proxies and roots.
func New(from config.From, userAgent string, transport http.RoundTripper) *Source {
	return &Source{from: from, userAgent: userAgent, transport: transport}
}

// Fetch returns the export as it is now, whole.
func (s *Source) Fetch(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no whole answer within %s", timeout))
	defer cancel()
	if s.from.File != "" {
		return readFile(s.from.File)
	}
	address, err := s.where()
	if err != nil {
		return nil, err
	}
	request, err := s.request(ctx, address)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: s.transport, CheckRedirect: s.follow}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", address.Hostname(), withoutAddress(ctx, err))
	}
	defer func() { _ = response.Body.Close() }()
	content, err := s.answer(address, response)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address.Hostname(), withoutAddress(ctx, err))
	}
	return content, nil
}

func (s *Source) where() (*url.URL, error) {
	text := s.from.URL
	if s.from.URLFile != "" {
		content, err := readFile(s.from.URLFile)
		if err != nil {
			return nil, fmt.Errorf("urlFile: %w", err)
		}
		text = string(content)
	}
	address, err := s.from.Address(text)
	if err != nil {
		return nil, fmt.Errorf("the address %w", err)
	}
	return address, nil
}

func (s *Source) request(ctx context.Context, address *url.URL) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return nil, errors.New("the address cannot be asked")
	}
	request.Header.Set("User-Agent", s.userAgent)
	if h := s.from.Header; h != nil {
		value, err := readFile(h.File)
		if err != nil {
			return nil, fmt.Errorf("header.file: %w", err)
		}
		text := h.Prefix + strings.TrimSpace(string(value))
		if strings.ContainsAny(text, "\r\n\x00") {
			return nil, errors.New("header.file: the value has more than one line")
		}
		request.Header.Set(h.Name, text)
	}
	if s.content != nil && s.address == address.String() {
		if s.etag != "" {
			request.Header.Set("If-None-Match", s.etag)
		}
		if s.modified != "" {
			request.Header.Set("If-Modified-Since", s.modified)
		}
	}
	return request, nil
}

// follow lets a server send the request elsewhere, to a place as safe, and without the header if it is another host.
func (s *Source) follow(request *http.Request, via []*http.Request) error {
	if len(via) > maxHops {
		return fmt.Errorf("sent on more than %d times", maxHops)
	}
	if request.URL.Scheme != "https" && s.from.PlainHTTP != "Allow" {
		return errors.New("sent on to an address that is not https")
	}
	first := via[0].URL
	for _, hop := range append(via[1:len(via):len(via)], request) {
		if hop.URL.Host != first.Host || hop.URL.Scheme != first.Scheme {
			if s.from.Header != nil {
				request.Header.Del(s.from.Header.Name)
			}
			break
		}
	}
	request.Header.Del("Referer") // it would have the address in it
	return nil
}

// answer takes the content of an answer that has it whole.
func (s *Source) answer(address *url.URL, response *http.Response) ([]byte, error) {
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		if s.content == nil {
			return nil, errors.New("answers that nothing has changed, without having been asked")
		}
		return s.content, nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, fmt.Errorf("answers %s; check the header or the address", response.Status)
	default:
		return nil, fmt.Errorf("answers %.80s, not 200 OK", response.Status)
	}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind == "text/html" || kind == "application/xhtml+xml" {
		return nil, errors.New("answers with a web page, not with an export; check the address, and whether it asks for a login")
	}
	content, err := readWhole(response.Body)
	if err != nil {
		return nil, err
	}
	s.address, s.content = address.String(), content
	s.etag, s.modified = response.Header.Get("ETag"), response.Header.Get("Last-Modified")
	return content, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return readWhole(file)
}

func readWhole(r io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading: %w", err)
	case len(content) > MaxBytes:
		return nil, fmt.Errorf("the content has more than %d MiB", MaxBytes>>20)
	}
	return content, nil
}

// withoutAddress takes what net/http says of the address out of its error.
func withoutAddress(ctx context.Context, err error) error {
	var withAddress *url.Error
	if errors.As(err, &withAddress) {
		err = withAddress.Err
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case strings.Contains(err.Error(), "Location header"):
		return errors.New("sends the request on to what is no address")
	}
	return err
}
