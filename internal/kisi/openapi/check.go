package openapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

var kisiLogin = regexp.MustCompile(`^KISI-LOGIN \S+$`)

// ValidateRequest checks method, path, query, headers and body of a request; body is what the request carries, nil for
// none. The request itself is not read.
func ValidateRequest(r *http.Request, body []byte) error {
	input, err := requestInput(r, body)
	if err != nil {
		return err
	}
	documented := map[string]bool{}
	for _, parameter := range input.Route.Operation.Parameters {
		if parameter.Value.In == "query" {
			documented[parameter.Value.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !documented[name] {
			return fmt.Errorf("%s %s: query parameter %q is not documented", r.Method, input.Route.Path, name)
		}
	}
	if len(body) > 0 && input.Route.Operation.RequestBody == nil {
		return fmt.Errorf("%s %s: no request body is documented", r.Method, input.Route.Path)
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		return fmt.Errorf("request %s %s: %w", r.Method, input.Route.Path, err)
	}
	return nil
}

// ValidateResponse checks status, headers and body of the answer to a request.
func ValidateResponse(r *http.Request, status int, header http.Header, body []byte) error {
	input, err := requestInput(r, nil)
	if err != nil {
		return err
	}
	if status == http.StatusNoContent && len(body) > 0 {
		return fmt.Errorf("response to %s %s: 204 with a body", r.Method, input.Route.Path)
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 status,
		Header:                 header,
		Options:                input.Options,
		Body:                   io.NopCloser(bytes.NewReader(body)),
	}
	if err := openapi3filter.ValidateResponse(r.Context(), response); err != nil {
		return fmt.Errorf("response %d to %s %s: %w", status, r.Method, input.Route.Path, err)
	}
	return nil
}

func requestInput(r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	l, err := load()
	if err != nil {
		return nil, err
	}
	route, parameters, err := l.router.FindRoute(r)
	if err != nil {
		var routeError *routers.RouteError
		if errors.As(err, &routeError) {
			return nil, fmt.Errorf("%s %s is not documented: %s", r.Method, r.URL.Path, routeError.Reason)
		}
		return nil, fmt.Errorf("%s %s is not documented: %w", r.Method, r.URL.Path, err)
	}
	copied := r.Clone(r.Context())
	copied.Body = http.NoBody
	if body != nil {
		copied.Body = io.NopCloser(bytes.NewReader(body))
	}
	copied.ContentLength = int64(len(body))
	options := &openapi3filter.Options{
		IncludeResponseStatus: true,
		SkipSettingDefaults:   true,
		AuthenticationFunc:    authenticate,
	}
	options.WithCustomSchemaErrorFunc(withoutValue)
	return &openapi3filter.RequestValidationInput{
		Request:    copied,
		PathParams: parameters,
		Route:      route,
		Options:    options,
	}, nil
}

// withoutValue words a schema error in one line. The library's own words quote the whole body, secrets of logins included.
func withoutValue(err *openapi3.SchemaError) string {
	return fmt.Sprintf("at /%s: %s", strings.Join(err.JSONPointer(), "/"), err.Reason)
}

// authenticate accepts only the scheme that the project uses.
func authenticate(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	if input.SecuritySchemeName != "Kisi-Login" {
		return fmt.Errorf("the scheme %s is not used here", input.SecuritySchemeName)
	}
	if !kisiLogin.MatchString(input.RequestValidationInput.Request.Header.Get("Authorization")) {
		return errors.New("the header Authorization is not of the form KISI-LOGIN <secret>") // never quote it
	}
	return nil
}

// Checking returns a transport that passes everything on to next and reports each violation in what goes through. The
// traffic itself is not changed. A request whose context is done by the time of the answer is still checked.
func Checking(next http.RoundTripper, report func(error)) http.RoundTripper {
	return &checking{next: next, report: report}
}

type checking struct {
	next   http.RoundTripper
	report func(error)
}

func (c *checking) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil && r.Body != http.NoBody {
		var err error
		body, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("reading the request body: %w", err)
		}
		hadGetBody := r.GetBody != nil
		forwarded := r.Clone(r.Context())
		forwarded.Body = io.NopCloser(bytes.NewReader(body))
		if hadGetBody {
			forwarded.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		}
		r = forwarded
	}
	if err := ValidateRequest(r, body); err != nil {
		c.report(err)
	}
	response, err := c.next.RoundTrip(r)
	if err != nil {
		return response, err
	}
	answer, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(answer))
	if err != nil { // an answer cut short is a fault of the way, which the client must see as it is
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(answer), failing{err}))
		return response, nil //nolint:nilerr // the client gets the error where it belongs: when it reads that far
	}
	if err := ValidateResponse(r, response.StatusCode, response.Header, answer); err != nil {
		c.report(err)
	}
	return response, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
