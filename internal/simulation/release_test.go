package simulation

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/operator"
	"github.com/kisi-operator/kisi-operator/internal/simulation/apiserver"
)

var recordRelease = flag.String("record", "", "record what this version, such as v0.1.0, makes of the samples")

const (
	releases = "../testing/api/testdata/releases"
	// lasting is for how long what a version made is held against what this one makes of it.
	lasting = 24 * time.Hour
)

// systems are the samples that are recorded, each at a time at which something of it is open that is not open always.
var systems = map[string]time.Time{
	"quickstart":   time.Date(2035, 6, 1, 10, 0, 0, 0, time.UTC),
	"boogyman":     time.Date(2034, 10, 2, 16, 0, 0, 0, time.UTC),
	"officernd":    time.Date(2034, 9, 4, 11, 30, 0, 0, time.UTC),
	"kangarootime": time.Date(2034, 7, 15, 12, 0, 0, 0, time.UTC),
	"optix":        time.Date(2034, 3, 31, 12, 0, 0, 0, time.UTC),
	"spacebring":   time.Date(2034, 9, 4, 11, 30, 0, 0, time.UTC),
}

// recordedWorld is what a version left behind: the objects beside it, and this.
type recordedWorld struct {
	// At is when it was recorded.
	At time.Time `json:"at"`
	// Kisi is what Kisi held then.
	Kisi simulator.Seed `json:"kisi"`
	// Access is who could open what from then on, for as long as lasting.
	Access []string `json:"access"`
}

// TestWhatEarlierVersionsStoredMeansTheSame has the operator take over what an earlier version left in Kubernetes and Kisi:
// it sends Kisi nothing but reads, says the same in the statuses, and lets the same people through the same doors.
func TestWhatEarlierVersionsStoredMeansTheSame(t *testing.T) {
	if *recordRelease != "" {
		for system, at := range systems {
			t.Run(system, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { recordSystem(t, system, at) }) })
		}
		return
	}
	found, err := filepath.Glob(filepath.Join(releases, "*", "*", "world.yaml"))
	if err != nil || len(found) == 0 {
		t.Fatal("no release is recorded: run go test . -run Earlier -record=v0.1.0", err)
	}
	for _, file := range found {
		t.Run(strings.TrimPrefix(filepath.Dir(file), releases+"/"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { takeOver(t, filepath.Dir(file)) })
		})
	}
}

// emptyWorld is a cluster with the namespace and without an operator, at a time.
func emptyWorld(t *testing.T, at time.Time) *world {
	t.Helper()
	time.Sleep(time.Until(at))
	server, err := apiserver.New(definitions(t))
	w := &world{ctx: t.Context(), server: server, logger: logr.Discard(), held: map[string]time.Time{}}
	if err == nil {
		w.kisi, err = simulator.New(simulator.Options{})
	}
	if err == nil {
		w.client, err = client.New(server.Config(), client.Options{Scheme: operator.Scheme()})
	}
	if err == nil {
		err = w.client.Create(w.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) stop(t *testing.T) {
	t.Helper()
	w.operator.die()
	w.operator.end()
	if err := <-w.operator.done; err != nil && !errors.Is(err, errKilled) {
		t.Error(err)
	}
}

// takeOver has the operator go on from what was recorded.
func takeOver(t *testing.T, folder string) {
	content, err := os.ReadFile(filepath.Join(folder, "world.yaml"))
	var was recordedWorld
	if err == nil {
		err = yaml.UnmarshalStrict(content, &was)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := emptyWorld(t, was.At)
	objects := documents(t, filepath.Join(folder, "objects.yaml"))
	var order []string
	for _, object := range objects {
		before := object.GetUID()
		status, hasStatus := object.Object["status"]
		stored := object.DeepCopy()
		stored.SetUID("")
		if err := w.client.Create(w.ctx, stored); err != nil {
			t.Fatalf("%s is not admitted: %v", named(object), err)
		}
		if hasStatus {
			stored.Object["status"] = status
			if err := w.client.Status().Update(w.ctx, stored); err != nil {
				t.Fatalf("the status of %s is not admitted: %v", named(object), err)
			}
		}
		// Kisi holds the marks of objects, which an upgrade does not make anew.
		was.Kisi = replaced(t, was.Kisi, string(before), string(stored.GetUID()))
		order = append(order, named(object))
		time.Sleep(time.Second)
	}
	if err := w.kisi.Load(was.Kisi); err != nil {
		t.Fatal(err)
	}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Minute)
	for _, r := range w.kisi.Requests(simulator.RequestFilter{}) {
		if r.Method != http.MethodGet && r.Path != "/event_sets" {
			t.Errorf("the operator sent %s %s, and nothing is to be done", r.Method, r.Path)
		}
	}
	stays := w.storedObjects(t, order)
	if len(stays) != len(objects) {
		t.Errorf("%d objects became %d", len(objects), len(stays))
	}
	for i, object := range stays {
		if i >= len(objects) || named(object) != named(objects[i]) {
			t.Fatalf("there is %s now", named(object))
		}
		before, _ := objects[i].Object["status"].(map[string]any)
		after, _ := object.Object["status"].(map[string]any)
		for _, change := range changes("status", said(before), said(after)) {
			t.Errorf("%s: %s", named(object), change)
		}
	}
	time.Sleep(time.Until(was.At.Add(lasting)))
	if access := w.access(t, was.At); !slices.Equal(access, was.Access) {
		t.Errorf("these could open doors:\n%s\nand these can now:\n%s", strings.Join(was.Access, "\n"), strings.Join(access, "\n"))
	}
	w.stop(t)
}

// replaced writes another UID wherever a seed has one.
func replaced(t *testing.T, seed simulator.Seed, before, after string) simulator.Seed {
	t.Helper()
	text, err := json.Marshal(seed)
	var with simulator.Seed
	if err == nil {
		err = json.Unmarshal(bytes.ReplaceAll(text, []byte(before), []byte(after)), &with)
	}
	if err != nil {
		t.Fatal(err)
	}
	return with
}

// said is what a status says, apart from when and in which words.
func said(status map[string]any) map[string]any {
	text, _ := json.Marshal(status)
	out := map[string]any{}
	_ = json.Unmarshal(text, &out)
	if out == nil {
		return nil // of an object without a status
	}
	delete(out, "lastSyncTime")
	reasons := map[string]any{}
	conditions, _ := out["conditions"].([]any)
	for _, entry := range conditions {
		if condition, is := entry.(map[string]any); is {
			reasons[fmt.Sprint(condition["type"])] = fmt.Sprint(condition["status"], " ", condition["reason"])
		}
	}
	out["conditions"] = reasons
	return out
}

// changes lists what was said before and is not said now; more may be said.
func changes(path string, before, after any) []string {
	switch was := before.(type) {
	case map[string]any:
		is, _ := after.(map[string]any)
		var all []string
		for key, value := range was {
			all = append(all, changes(path+"."+key, value, is[key])...)
		}
		return all
	case []any:
		if is, same := after.([]any); same && len(is) == len(was) {
			var all []string
			for i := range was {
				all = append(all, changes(fmt.Sprintf("%s[%d]", path, i), was[i], is[i])...)
			}
			return all
		}
	}
	if reflect.DeepEqual(before, after) {
		return nil
	}
	return []string{fmt.Sprintf("%s was %v and is %v", path, before, after)}
}

func named(object client.Object) string {
	return object.GetObjectKind().GroupVersionKind().Kind + "/" + object.GetName()
}

func documents(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Logins need a dry run of a Secret, which the API server in memory does not have.
	text := strings.NewReplacer("http://127.0.0.1:8180", endpoint, "logins: Secret", "logins: None").Replace(string(content))
	var all []*unstructured.Unstructured
	for _, document := range strings.Split(text, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		object.SetNamespace(namespace)
		if secret, found, _ := unstructured.NestedStringMap(object.Object, "stringData"); found { // kube-apiserver's own conversion of it is not simulated
			data := map[string]any{}
			for key, value := range secret {
				data[key] = base64.StdEncoding.EncodeToString([]byte(value))
			}
			delete(object.Object, "stringData")
			object.Object["data"] = data
		}
		all = append(all, object)
	}
	return all
}
