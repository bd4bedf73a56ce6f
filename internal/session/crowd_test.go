package session

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// connectIn makes the session of a connection in a namespace.
func (w *world) connectIn(namespace, name, key string, requestsPerSecond int) *Session {
	w.t.Helper()
	secret, err := kisi.NewAPIKey([]byte(key))
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.pool.Ensure(types.NamespacedName{Namespace: namespace, Name: name}, Settings{Endpoint: w.url, Key: secret, RequestsPerSecond: requestsPerSecond})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// Until it is known whose a key is, all of an endpoint share one queue. One namespace has no more of it than another.
func TestAThousandRefusedKeysOfOneNamespaceKeepNoOtherWaiting(t *testing.T) {
	w := newWorld(t)
	for i := range 1000 {
		w.connectIn("crowd", fmt.Sprint("c", i), fmt.Sprint("not-a-key-", i, "-0123456789"), 1)
	}
	alone := w.connectIn("alone", "a", "hanks-key-0123456789", 100)
	w.all(Accepted, alone)
	if sent := w.requests(); sent > 10 {
		t.Errorf("%d requests came first", sent)
	}
	again := w.connectIn("alone", "b", "olgas-key-0123456789", 100)
	w.all(Accepted, again)
	if sent := w.requests(); sent > 20 {
		t.Errorf("%d requests came first", sent)
	}
}
