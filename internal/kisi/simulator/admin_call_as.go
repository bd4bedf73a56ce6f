package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// serveAs carries out a call of Kisi's API as a person in the dashboard:
// without key, rate limit, faults, or an entry in the request log.
func (s *Server) serveAs(w http.ResponseWriter, r *http.Request) {
	domain, email := r.PathValue("domain"), r.PathValue("email")
	s.mu.Lock()
	org, found := s.organizationByDomain(domain)
	u, known := s.userByEmail(org.ID, email)
	s.mu.Unlock()
	if !found || !known {
		s.sendAdmin(w, nil, fmt.Errorf("there is no %q in an organization with the domain %q", email, domain))
		return
	}
	prefix := "/_simulator/as/" + domain + "/" + email
	inner := r.Clone(context.WithValue(r.Context(), dashboardUser{}, u.ID))
	inner.URL = &url.URL{Path: strings.TrimPrefix(r.URL.Path, prefix), RawQuery: r.URL.RawQuery}
	s.mux.ServeHTTP(w, inner)
}

// CallAs does the same in process and returns status and body.
func (s *Server) CallAs(domain, email, method, path string, body any) (int, []byte, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, nil, fmt.Errorf("body: %w", err)
	}
	if body == nil {
		encoded = nil
	}
	target := "http://simulator/_simulator/as/" + domain + "/" + email + path
	request, err := http.NewRequestWithContext(context.Background(), method, target, bytes.NewReader(encoded))
	if err != nil {
		return 0, nil, err
	}
	recorder := &recorder{header: http.Header{}, status: http.StatusOK}
	s.ServeHTTP(recorder, request)
	return recorder.status, recorder.body.Bytes(), nil
}

// recorder is the least ResponseWriter that keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
