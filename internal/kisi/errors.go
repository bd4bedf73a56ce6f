package kisi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Error is a call that did not succeed. It never holds a secret, and no query string, since e-mail addresses travel in
// those.
type Error struct {
	// Op names the call in words, "create role assignment".
	Op string
	// Method and Path are those of the request. Path has no query.
	Method string
	Path   string
	// Status is the HTTP status, 0 if no answer came.
	Status int
	// Code is Kisi's own error code ("afc516"); codes are open strings.
	Code    string
	Message string
	// Fields are the messages per field of a 422.
	Fields map[string][]string
	// RetryAfter is what the answer asked for; 0 if it did not.
	RetryAfter time.Duration
	// Err is the cause, if there is one: no answer, an unreadable answer, a request refused before sending.
	Err error

	// notSent is set only where it is certain that not one byte of the request left this process.
	notSent bool
	// unconnected is set where no connection could be had.
	unconnected bool
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.Op)
	if e.Method != "" {
		fmt.Fprintf(&text, " (%s %s)", e.Method, e.Path)
	}
	if e.Status != 0 {
		fmt.Fprintf(&text, ": Kisi answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		fmt.Fprintf(&text, " [%s]", e.Code)
	}
	if e.Message != "" {
		text.WriteString(": " + e.Message)
	}
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		fmt.Fprintf(&text, ": %s %s", field, strings.Join(e.Fields[field], ", "))
	}
	if e.Err != nil {
		text.WriteString(": " + e.Err.Error())
	}
	return text.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func hasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

// IsUnauthorized reports a 401: the key is not, or no longer, valid.
func IsUnauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsForbidden reports a 403: the key's owner may not do this.
func IsForbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

// IsNotFound reports a 404.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsConflict reports a 409.
func IsConflict(err error) bool { return hasStatus(err, http.StatusConflict) }

// IsInvalid reports a 422; FieldErrors tells which fields.
func IsInvalid(err error) bool { return hasStatus(err, http.StatusUnprocessableEntity) }

// IsBadRequest reports a 400: Kisi does not take a parameter.
func IsBadRequest(err error) bool { return hasStatus(err, http.StatusBadRequest) }

// IsRateLimited reports a 429.
func IsRateLimited(err error) bool { return hasStatus(err, http.StatusTooManyRequests) }

// IsUnavailable reports that Kisi, or the way to it, is down: no answer, a 5xx, or an outage in which the request was not
// sent. A request given up by its own caller is none of these.
func IsUnavailable(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Status >= 500 || errors.Is(err, ErrNoAnswer) || errors.Is(err, ErrOutage)
}

// IsUnclear reports a success that does not say that what was asked for is done.
func IsUnclear(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status >= 200 && e.Status < 300
}

// FieldErrors returns Kisi's messages per field, nil if there are none.
func FieldErrors(err error) map[string][]string {
	var e *Error
	if !errors.As(err, &e) {
		return nil
	}
	return e.Fields
}

// Answered reports whether the request that failed with err was answered, so that nothing more becomes of it. The time-out
// of a gateway in between is no answer: behind it the request may go on.
func Answered(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status >= 300 && e.Err == nil &&
		e.Status != http.StatusRequestTimeout && e.Status != http.StatusGatewayTimeout && e.Status != originTimeout
}

// originTimeout is how Cloudflare says that what is behind it did not answer in time.
const originTimeout = 524

// RetryAfter returns how long to wait before the request that failed with err is made again, if the answer said so. It is
// bounded, so that a mistaken header cannot stop anything for a day.
func RetryAfter(err error) time.Duration {
	var e *Error
	if !errors.As(err, &e) {
		return 0
	}
	return min(e.RetryAfter, retryAfterMax)
}

// ErrNoAnswer is wrapped by every error of a request that got no complete answer though its caller still waited:
// connection refused or lost, time-out of the request.
var ErrNoAnswer = errors.New("no answer from Kisi")

// ErrOutage is wrapped by the error of a request that was not sent because Kisi is down, and answers no probe.
var ErrOutage = errors.New("nothing but probes is sent while Kisi is down")

// ErrQueueClosed is wrapped by the error of a call that waited for a turn, or asked for one, when the queue was closed.
var ErrQueueClosed = errors.New("the request queue is closed")

// ErrHidden is wrapped by the error of a call that did not find something which may be there all the same: whether the key
// may see everything could not be confirmed. Nothing was changed.
var ErrHidden = errors.New("what Kisi does not show may be there")

// ErrClientClosed is wrapped by the error of a call that was not sent because its client was closed.
var ErrClientClosed = errors.New("the connection was closed")

// ErrProtected is wrapped by the refusal to destroy the key in use or its owner.
var ErrProtected = errors.New("this would destroy the API key in use")

// OutcomeUnknown reports whether the write that failed with err may nevertheless have been carried out: the
// connection was lost or timed out with the request on its way, Kisi answered 5xx or a redirect, or the answer to a
// success could not be read. Such a write must be resolved by looking, never repeated.
//
// It is false for reads, for every 4xx, for 501 and 505 (the server says that it cannot do such a thing), and for a
// request that certainly never left. An error that does not come from this package counts as unknown.
func OutcomeUnknown(err error) bool {
	if err == nil {
		return false
	}
	var e *Error
	if !errors.As(err, &e) {
		return true
	}
	switch {
	case e.notSent, e.Method == http.MethodGet:
		return false
	case e.Status >= 400 && e.Status < 500:
		return false
	case e.Status == http.StatusNotImplemented, e.Status == http.StatusHTTPVersionNotSupported:
		return false
	}
	return true
}
