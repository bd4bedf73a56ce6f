package desk

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
)

// secrets let in who started the desk, and nobody else.
type secrets struct {
	// token is in the address that is printed, and exchanged for the session at the first request.
	token string
	// session is the value of the cookie.
	session string
	// form is in every form that changes something.
	form string
}

func newSecrets() secrets {
	return secrets{token: rand.Text(), session: rand.Text(), form: rand.Text()}
}

func same(given, secret string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(secret)) == 1
}

// What a browser may do with a page: run and show what is the desk's own, and nothing in line.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard lets requests through that come from the desk's own pages, or bring the token.
func (s secrets) guard(at net.Addr, next http.Handler) http.Handler {
	listening, err := netip.ParseAddrPort(at.String())
	crossOrigin := http.NewCrossOriginProtection()
	// Cookies do not tell ports apart.
	cookie := "kisi-desk-" + port(at.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy":      contentPolicy,
			"Cache-Control":                "no-store",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "same-origin",
			"X-Content-Type-Options":       "nosniff",
		} {
			w.Header().Set(name, value)
		}
		if err != nil || !reaches(r.Host, listening) {
			http.Error(w, "The desk is not known by this name; open the address that kubectl kisi desk has printed.", http.StatusMisdirectedRequest)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host || crossOrigin.Check(r) != nil {
			http.Error(w, "The desk takes requests from its own pages only.", http.StatusForbidden)
			return
		}
		if token := r.URL.Query().Get("token"); token != "" && r.Method == http.MethodGet {
			if same(token, s.token) {
				http.SetCookie(w, &http.Cookie{Name: cookie, Value: s.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // not Secure: the desk speaks plain HTTP on this machine
				http.Redirect(w, r, "/", http.StatusSeeOther)
				return
			}
		}
		if given, err := r.Cookie(cookie); err != nil || !same(given.Value, s.session) {
			http.Error(w, "The desk does not know this browser; open the address that kubectl kisi desk has printed.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// reaches reports whether a Host header names the address at which the desk listens. A name that was made to lead there is no
// way in.
func reaches(host string, listening netip.AddrPort) bool {
	name, portOfHost, err := net.SplitHostPort(host)
	if err != nil || portOfHost != port(listening.String()) {
		return false
	}
	loopback := listening.Addr().IsLoopback()
	if name == "localhost" {
		return loopback
	}
	address, err := netip.ParseAddr(name)
	return err == nil && (address == listening.Addr() || loopback && address.IsLoopback())
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
