package fetch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/intake/config"
)

const secret = "s3cr3t-of-the-calendar"

// keyFile is a file with the secret.
func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnchangedContentIsNotSentAgain(t *testing.T) {
	version, sent := 1, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := fmt.Sprintf("%q", fmt.Sprint(version))
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		fmt.Fprintf(w, "version %d", version)
	}))
	defer server.Close()
	s := New(config.From{URL: server.URL, PlainHTTP: "Allow"}, "test", nil)
	for _, is := range []struct{ version, sent int }{{1, 1}, {1, 1}, {2, 2}, {2, 2}} {
		version = is.version
		content, err := s.Fetch(t.Context())
		if want := fmt.Sprintf("version %d", is.version); err != nil || string(content) != want || sent != is.sent {
			t.Errorf("%q, %v, sent %d times; want %q and %d", content, err, sent, want, is.sent)
		}
	}
}

func TestAnswersThatAreNoExport(t *testing.T) {
	for name, is := range map[string]struct {
		answer http.HandlerFunc
		why    string
	}{
		"a login page with status 200": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<html>")
		}, "web page"},
		"not found":                        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "404"},
		"no rights":                        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "check the header"},
		"a part":                           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) }, "206"},
		"nothing, with OK":                 {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "204"},
		"not modified, without a question": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, "nothing has changed"},
		"less than announced": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "BEGIN:VCALENDAR")
		}, "unexpected EOF"},
		"a connection that breaks": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			for range MaxBytes>>20 + 1 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		}, "more than 16 MiB"},
		"sent on to nowhere": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://[::1"+secret)
			w.WriteHeader(http.StatusFound)
		}, "no address"},
		"sent on for ever": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again/"+secret, http.StatusFound)
		}, "sent on more than"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(is.answer)
			defer server.Close()
			s := New(config.From{
				URL: server.URL + "/" + secret + ".ics?token=" + secret, PlainHTTP: "Allow",
				Header: &config.Header{Name: "Authorization", File: keyFile(t), Prefix: "Bearer "},
			}, "test", nil)
			content, err := s.Fetch(t.Context())
			if err == nil || !strings.Contains(err.Error(), is.why) || strings.Contains(err.Error(), secret) {
				t.Errorf("%d bytes, error %v, want %q and no secret", len(content), err, is.why)
			}
		})
	}
}

// A failure leaves what was read before, and the next answer counts again.
func TestFailuresBetween(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status == http.StatusOK && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Last-Modified", "Tue, 01 Dec 2026 12:00:00 GMT")
		w.WriteHeader(status)
		fmt.Fprint(w, "content")
	}))
	defer server.Close()
	s := New(config.From{URL: server.URL, PlainHTTP: "Allow"}, "test", nil)
	for _, is := range []int{http.StatusOK, http.StatusBadGateway, http.StatusOK} {
		status = is
		content, err := s.Fetch(t.Context())
		if (err == nil) != (is == http.StatusOK) || err == nil && string(content) != "content" {
			t.Errorf("status %d: %q, %v", is, content, err)
		}
	}
}

func TestTheHeaderStaysWithItsHost(t *testing.T) {
	got := map[string]string{}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got["other"+r.URL.Path] = r.Header.Get("X-Calendar-Key") + r.Header.Get("Referer")
		fmt.Fprint(w, "content")
	}))
	defer other.Close()
	var target string
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got["first"+r.URL.Path] = r.Header.Get("X-Calendar-Key")
		if r.URL.Path == "/start" {
			http.Redirect(w, r, target, http.StatusFound)
			return
		}
		fmt.Fprint(w, "content")
	}))
	defer first.Close()
	from := config.From{URL: first.URL + "/start", PlainHTTP: "Allow", Header: &config.Header{Name: "X-Calendar-Key", File: keyFile(t)}}
	for _, target = range []string{"/same", other.URL + "/elsewhere"} {
		if _, err := New(from, "test", nil).Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got["first/start"] != secret || got["first/same"] != secret || got["other/elsewhere"] != "" {
		t.Errorf("the header came as %v", got)
	}
}

// plain answers each request with the address to go on to.
type plain struct{ location string }

// RoundTrip implements http.RoundTripper.
func (p plain) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	http.Redirect(answer, r, p.location, http.StatusFound)
	return answer.Result(), nil
}

func TestNobodyIsSentToPlainHTTP(t *testing.T) {
	s := New(config.From{URL: "https://calendar.example.com/room.ics"}, "test", plain{"http://calendar.example.com/room.ics"})
	if _, err := s.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "not https") {
		t.Errorf("error %v", err)
	}
}

func TestFiles(t *testing.T) {
	path := keyFile(t)
	if content, err := New(config.From{File: path}, "test", nil).Fetch(t.Context()); err != nil || string(content) != secret+"\n" {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := New(config.From{File: path + "-missing"}, "test", nil).Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(path, []byte("ftp://"+secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(config.From{URLFile: path}, "test", nil).Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "https") || strings.Contains(err.Error(), secret) {
		t.Errorf("error %v", err)
	}
}
