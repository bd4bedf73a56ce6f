package session

import (
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr/funcr"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Whoever looks for what uses up the requests sees each of them at debug, and no person.
func TestEachRequestIsALineAtDebugOnly(t *testing.T) {
	for _, verbosity := range []int{0, 1} {
		var (
			mu    sync.Mutex
			lines []string
		)
		w := newWorld(t)
		w.pool.options.Logger = funcr.New(func(_, line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		}, funcr.Options{Verbosity: verbosity})
		s := w.connect("acme", "olgas-key-0123456789")
		w.all(Accepted, s)
		client, _ := s.Client()
		if _, err := client.ListUsers(kisi.WithClass(t.Context(), kisi.Class{Priority: kisi.Grant}), kisi.UserFilter{Email: "olga@acme.example"}); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		text := strings.Join(lines, "\n")
		mu.Unlock()
		if verbosity == 0 && text != "" {
			t.Errorf("at info it says: %s", text)
		}
		if says := strings.Count(text, `"msg"="Sent a request to Kisi" "namespace"="n" "connection"="acme" "request"="list users" "method"="GET" "status"=200 `); says != verbosity {
			t.Errorf("at level %d the search for a user is said %d times in:\n%s", verbosity, says, text)
		}
		if strings.Contains(text, "olga") {
			t.Errorf("it names a person or a key:\n%s", text)
		}
	}
}
