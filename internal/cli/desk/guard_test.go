package desk

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnlyWhoHasTheAddressGetsIn(t *testing.T) {
	d := open(t, cowork(t))
	network := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8500}
	in := map[string]string{"Cookie": "kisi-desk-8500=" + d.secrets.session}
	with := func(name, value string) map[string]string {
		return map[string]string{"Cookie": in["Cookie"], name: value}
	}
	for _, test := range []struct {
		name   string
		at     net.Addr
		method string
		target string
		header map[string]string
		status int
	}{
		{"nobody", listening, "GET", "http://127.0.0.1:8500/", nil, http.StatusForbidden},
		{"nobody, for a file", listening, "GET", "http://127.0.0.1:8500/assets/desk.css", nil, http.StatusForbidden},
		{"nobody, for changes", listening, "GET", "http://127.0.0.1:8500/changes", nil, http.StatusForbidden},
		{"another token", listening, "GET", "http://127.0.0.1:8500/?token=guessed", nil, http.StatusForbidden},
		{"the session as a token", listening, "GET", "http://127.0.0.1:8500/?token=" + d.secrets.session, nil, http.StatusForbidden},
		{"the token as a session", listening, "GET", "http://127.0.0.1:8500/", map[string]string{"Cookie": "kisi-desk-8500=" + d.secrets.token}, http.StatusForbidden},
		{"the cookie of another desk", listening, "GET", "http://127.0.0.1:8500/", map[string]string{"Cookie": "kisi-desk-8501=" + d.secrets.session}, http.StatusForbidden},
		{"the token", listening, "GET", "http://127.0.0.1:8500/?token=" + d.secrets.token, nil, http.StatusSeeOther},
		{"who was let in", listening, "GET", "http://127.0.0.1:8500/", in, http.StatusOK},
		{"by the name of this machine", listening, "GET", "http://localhost:8500/", in, http.StatusOK},
		{"by another loopback address", listening, "GET", "http://[::1]:8500/", in, http.StatusOK},
		{"a name made to lead here", listening, "GET", "http://desk.attacker.example:8500/", in, http.StatusMisdirectedRequest},
		{"a name made to lead here, with the token", listening, "GET", "http://attacker.example:8500/?token=" + d.secrets.token, nil, http.StatusMisdirectedRequest},
		{"a name like this machine's", listening, "GET", "http://localhost.attacker.example:8500/", in, http.StatusMisdirectedRequest},
		{"another address", listening, "GET", "http://192.0.2.7:8500/", in, http.StatusMisdirectedRequest},
		{"another port", listening, "GET", "http://127.0.0.1:80/", in, http.StatusMisdirectedRequest},
		{"no port", listening, "GET", "http://127.0.0.1/", in, http.StatusMisdirectedRequest},
		{"the address that was asked for", network, "GET", "http://192.0.2.7:8500/", in, http.StatusOK},
		{"a name of the address that was asked for", network, "GET", "http://front.example:8500/", in, http.StatusMisdirectedRequest},
		{"loopback where that was not asked for", network, "GET", "http://localhost:8500/", in, http.StatusMisdirectedRequest},
		{"another origin", listening, "GET", "http://127.0.0.1:8500/", with("Origin", "http://attacker.example"), http.StatusForbidden},
		{"another port of this machine", listening, "GET", "http://127.0.0.1:8500/", with("Origin", "http://127.0.0.1:9999"), http.StatusForbidden},
		{"no origin that it tells", listening, "GET", "http://127.0.0.1:8500/", with("Origin", "null"), http.StatusForbidden},
		{"its own origin", listening, "GET", "http://127.0.0.1:8500/", with("Origin", "http://127.0.0.1:8500"), http.StatusOK},
		{"a form of another site", listening, "POST", "http://127.0.0.1:8500/held/members", with("Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		{"a form of another port", listening, "POST", "http://127.0.0.1:8500/held/members", with("Sec-Fetch-Site", "same-site"), http.StatusForbidden},
		{"another method", listening, "DELETE", "http://127.0.0.1:8500/held/members", in, http.StatusMethodNotAllowed},
	} {
		r := httptest.NewRequest(test.method, test.target, nil)
		for name, value := range test.header {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		d.Handler(test.at).ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%s: %d, not %d", test.name, w.Code, test.status)
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", test.name, policy)
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", test.name, w.Header())
		}
		if w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), "Ana") {
			t.Errorf("%s sees people", test.name)
		}
	}
}

// The token does not stay where others find it: the address bar, the history, a Referer.
func TestTheTokenIsExchanged(t *testing.T) {
	d := open(t, cowork(t))
	address := d.Address(&listenerAt{listening})
	w := httptest.NewRecorder()
	d.Handler(listening).ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || len(cookies) != 1 {
		t.Fatalf("%d to %q with %v", w.Code, w.Header().Get("Location"), cookies)
	}
	if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Value == d.secrets.token || c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("%+v", c)
	}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8500/", nil)
	r.AddCookie(cookies[0])
	if status, body := d.answer(r); status != http.StatusOK || strings.Contains(body, d.secrets.token) || strings.Contains(body, d.secrets.session) {
		t.Errorf("%d, or the page has a secret", status)
	}
}

type listenerAt struct{ address net.Addr }

func (l *listenerAt) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (l *listenerAt) Close() error              { return nil }
func (l *listenerAt) Addr() net.Addr            { return l.address }
