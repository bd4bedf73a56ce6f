package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
)

const (
	crds     = "../../../config/crd/bases"
	group    = "/apis/access.kisi-operator.dev/v1alpha1/namespaces/n/"
	requests = 3000
)

// side is one of the servers that are compared.
type side struct {
	name   string
	base   string
	client *http.Client
	// versions are the resource versions that an object has had, by path.
	versions map[string][]string
	events   chan string
	plane    *controlplane.ControlPlane // if it runs on its own
}

// TestItAnswersAsKubeAPIServerDoes sends the same requests to it, by function calls and by the network, and to kube-apiserver.
func TestItAnswersAsKubeAPIServerDoes(t *testing.T) {
	logf.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	kube, byNetwork := reached(t, "kube-apiserver", controlplane.Options{}), reached(t, "in memory, by the network", controlplane.Options{MemoryAPIServer: memoryAPIServer(t)})
	t.Run("random requests for Members", func(t *testing.T) { compareRandomly(t, kube, byNetwork) })
	t.Run("rights, policies and Kubernetes' own kinds", func(t *testing.T) { compareRest(t, kube, byNetwork) })
}

// compareRandomly compares what servers answer to random requests, and what their watches tell.
func compareRandomly(t *testing.T, kube, byNetwork *side) {
	definitions, err := Definitions(crds)
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(definitions)
	if err != nil {
		t.Fatal(err)
	}
	sides := []*side{
		kube,
		{name: "in memory", base: "http://in-memory", client: &http.Client{Transport: server}},
		byNetwork,
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &requester{rand.New(rand.NewPCG(seed, 0))}
	for _, s := range sides {
		s.versions, s.events = map[string][]string{}, make(chan string, 10*requests)
		s.send(t, call{method: http.MethodPost, path: "/api/v1/namespaces", body: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "n"}}})
		s.watch(t, group+"members")
	}
	for i := range requests {
		is := g.call()
		want := sides[0].send(t, is)
		for _, s := range sides[1:] {
			if diff := cmp.Diff(want, s.send(t, is)); diff != "" {
				t.Fatalf("request %d, %s: %s (-) and %s (+) differ:\n%s", i, is, sides[0].name, s.name, diff)
			}
		}
	}
	last := call{method: http.MethodPost, path: group + "members", body: member("the-last", "last@example.com")}
	for i := 0; ; i++ {
		var want string
		for at, s := range sides {
			if i == 0 {
				s.send(t, last)
			}
			select {
			case got := <-s.events:
				if at == 0 {
					want = got
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("event %d: %s (-) and %s (+) differ:\n%s", i, sides[0].name, s.name, diff)
				}
			case <-time.After(time.Minute):
				t.Fatalf("%s: its watch tells nothing more after %d events", s.name, i)
			}
		}
		if strings.Contains(want, "the-last") {
			t.Logf("%d requests, %d events", requests, i+1)
			return
		}
	}
}

// reached is a server that runs on its own.
func reached(t *testing.T, name string, options controlplane.Options) *side {
	t.Helper()
	options.CRDs, options.WithoutControllerManager = []string{crds}, true
	plane, err := controlplane.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plane.Stop() })
	client, err := rest.HTTPClientFor(plane.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	return &side{name: name, base: strings.TrimSuffix(plane.AdminConfig().Host, "/"), client: client, plane: plane}
}

// memoryAPIServer builds the command that serves by the network.
func memoryAPIServer(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := deployment.Build(t.Context(), "..", folder, "./cmd/memory-apiserver"); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "memory-apiserver")
}

// call is a request. version says which resource version the body carries: of now, an older one, or none.
type call struct {
	method, path, kind, query string
	body                      map[string]any
	version                   string
}

func (c call) String() string {
	body, _ := json.Marshal(c.body)
	return fmt.Sprintf("%s %s%s %s (version: %s) %s", c.method, c.path, c.query, c.kind, c.version, body)
}

// answer is what is compared of one.
type answer struct {
	Status int
	Body   any
	// Versions is how many resource versions the object has had.
	Versions int
}

// send sends a call and returns the answer without what differs between any two servers.
func (s *side) send(t *testing.T, is call) answer {
	t.Helper()
	known := s.versions[strings.TrimSuffix(is.path, "/status")]
	if is.body != nil && is.version != "" {
		version := "1"
		if n := len(known); n > 0 {
			version = known[map[string]int{"now": n - 1, "old": 0}[is.version]]
		}
		is.body["metadata"].(map[string]any)["resourceVersion"] = version
	}
	var body io.Reader
	if is.body != nil {
		encoded, err := json.Marshal(is.body)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(t.Context(), is.method, s.base+is.path+is.query, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "somebody")
	request.Header.Set("Content-Type", "application/json")
	if is.kind != "" {
		request.Header.Set("Content-Type", is.kind)
	}
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatalf("%s: %s: %v", s.name, is, err)
	}
	if response.StatusCode == http.StatusTooManyRequests { // its cache of the kind is not there yet
		_ = response.Body.Close()
		time.Sleep(100 * time.Millisecond)
		return s.send(t, is)
	}
	defer func() { _ = response.Body.Close() }()
	var decoded map[string]any
	if err := json.NewDecoder(response.Body).Decode(&decoded); err != nil {
		t.Fatalf("%s: %s: %v", s.name, is, err)
	}
	if version := nested(decoded, "metadata", "resourceVersion"); version != "" && nested(decoded, "metadata", "name") != "" {
		at := group + strings.ToLower(decoded["kind"].(string)) + "s/" + nested(decoded, "metadata", "name")
		if have := s.versions[at]; len(have) == 0 || have[len(have)-1] != version {
			s.versions[at] = append(have, version)
		}
	}
	return answer{response.StatusCode, plain(decoded), len(s.versions[group+"members/"+nested(decoded, "metadata", "name")])}
}

func nested(object map[string]any, outer, inner string) string {
	of, _ := object[outer].(map[string]any)
	value, _ := of[inner].(string)
	return value
}

// plain takes out what differs between any two servers.
func plain(value any) any {
	switch is := value.(type) {
	case map[string]any:
		for key, of := range is {
			switch key {
			case "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "time":
				if of != "" {
					is[key] = "some"
				}
			case "causes", "managedFields": // in no order, or in that of seconds
				list := plain(of).([]any)
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
				is[key] = list
			case "message": // the causes again, in no order
				text, _ := of.(string)
				if before, _, refused := strings.Cut(text, " is invalid: ["); refused {
					text = before
				} else if strings.HasPrefix(text, "failed to create typed patch object") { // as many of its mistakes as were found
					text, _, _ = strings.Cut(text, ")")
				}
				is[key] = plain(text)
			default:
				is[key] = plain(of)
			}
		}
	case []any:
		for i := range is {
			is[i] = plain(is[i])
		}
	case string:
		return numbers.ReplaceAllString(is, "<uid>")
	}
	return value
}

// watch sends on what a watch tells.
func (s *side) watch(t *testing.T, path string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+path+"?watch=true&resourceVersion=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := s.client.Do(request)                                 //nolint:bodyclose // when the watch ends
	for err == nil && response.StatusCode == http.StatusTooManyRequests { // its cache of the kind is not there yet
		_ = response.Body.Close()
		time.Sleep(100 * time.Millisecond)
		response, err = s.client.Do(request) //nolint:bodyclose // when the watch ends
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer func() { _ = response.Body.Close() }()
		decoder := json.NewDecoder(response.Body)
		for {
			var event map[string]any
			if err := decoder.Decode(&event); err != nil {
				return
			}
			text, err := json.Marshal(plain(event))
			if err != nil {
				return
			}
			s.events <- string(text)
		}
	}()
}
