package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the same times on every machine

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/command"
)

// noon is when the objects of testdata/cowork are looked at.
var noon = time.Date(2026, 11, 27, 16, 5, 0, 0, time.UTC)

// recorded answers list requests with recorded objects, and notes what it is asked.
type recorded struct {
	*httptest.Server
	lists map[string]map[string]any // by resource

	mu       sync.Mutex
	requests []string
	refused  map[string]bool // resources that may not be listed
	patches  []string
}

// record serves the objects of a folder as an API server would.
func record(t testing.TB, folder string) *recorded {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no objects in %s: %v", folder, err)
	}
	r := &recorded{lists: map[string]map[string]any{}, refused: map[string]bool{}}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(content), "\n---\n") {
			var object map[string]any
			if err := yaml.Unmarshal([]byte(document), &object); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			object["metadata"].(map[string]any)["namespace"] = "cowork"
			r.add(object["kind"].(string), object)
		}
	}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *recorded) add(kind string, objects ...map[string]any) {
	resource := strings.ToLower(kind) + "s"
	list := r.lists[resource]
	if list == nil {
		list = map[string]any{"apiVersion": v1alpha1.GroupVersion.String(), "kind": kind + "List", "metadata": map[string]any{"resourceVersion": "1"}, "items": []any{}}
		r.lists[resource] = list
	}
	for _, object := range objects {
		list["items"] = append(list["items"].([]any), object)
	}
}

func (r *recorded) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	parts := strings.Split(strings.TrimPrefix(request.URL.Path, "/apis/"+v1alpha1.GroupVersion.String()+"/namespaces/"), "/")
	resource := parts[len(parts)-1]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, request.Method+" "+request.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", noon.Format(http.TimeFormat))
	if request.Method == http.MethodPatch {
		var body bytes.Buffer
		_, _ = body.ReadFrom(request.Body)
		r.patches = append(r.patches, strings.Join(parts[1:], "/")+" "+body.String())
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Success"})
		return
	}
	list, known := r.lists[resource]
	switch {
	case r.refused[resource]:
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403, "message": resource + " is forbidden"})
	case !known:
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": v1alpha1.GroupVersion.String(), "kind": "MemberList", "metadata": map[string]any{}, "items": []any{}})
	default:
		_ = json.NewEncoder(w).Encode(list)
	}
}

// run runs `kubectl kisi` in London, at noon.
func (r *recorded) run(t testing.TB, in string, args ...string) (string, error) {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],"users":[{"name":"u","user":{}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u","namespace":"cowork"}}],"current-context":"x"}`, r.URL)
	if err := os.WriteFile(kubeconfig, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	root := command.New(command.Settings{
		IOStreams: genericiooptions.IOStreams{In: strings.NewReader(in), Out: &out, ErrOut: &out},
		Now:       func() time.Time { return noon }, Zone: london, Version: "v1.0.0",
	})
	root.SetArgs(append([]string{"--kubeconfig", kubeconfig}, args...))
	err = root.ExecuteContext(context.Background())
	return out.String(), err
}
