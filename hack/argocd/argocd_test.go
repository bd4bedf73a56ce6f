package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// customization is what Argo CD reads of one kind.
type customization struct {
	health  string
	actions struct {
		Discovery   string `json:"discovery.lua"`
		Definitions []struct {
			Name   string `json:"name"`
			Action string `json:"action.lua"`
		} `json:"definitions"`
	}
}

// shipped reads argocd-cm.yaml as Argo CD does.
func shipped(t *testing.T) map[string]customization {
	t.Helper()
	var config struct {
		Data map[string]string `json:"data"`
	}
	text, err := os.ReadFile("../../config/argocd/argocd-cm.yaml")
	if err == nil {
		err = yaml.UnmarshalStrict(text, &struct {
			APIVersion string            `json:"apiVersion"`
			Kind       string            `json:"kind"`
			Metadata   map[string]string `json:"metadata"`
			Data       *map[string]string
		}{Data: &config.Data})
	}
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]customization{}
	for key, value := range config.Data {
		rest, isOurs := strings.CutPrefix(key, "resource.customizations.")
		of, kind, _ := strings.Cut(rest, ".access.kisi-operator.dev_")
		c := found[kind]
		switch {
		case isOurs && of == "health":
			c.health = value
		case isOurs && of == "actions":
			if err := yaml.UnmarshalStrict([]byte(value), &c.actions); err != nil {
				t.Fatalf("%s: %v", key, err)
			}
		default:
			t.Errorf("Argo CD has no key %s", key)
		}
		found[kind] = c
	}
	return found
}

func TestWhatIsShippedIsWhatTheScriptsComeTo(t *testing.T) {
	t.Parallel()
	want, err := configMap("../../config/argocd/lua")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../../config/argocd/argocd-cm.yaml"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("config/argocd/argocd-cm.yaml is stale (%v): run `make manifests`", err)
	}
	found := shipped(t)
	definitions, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil || len(found) != len(definitions) || len(kinds()) != len(definitions) {
		t.Errorf("%d kinds are shipped, of %d definitions: %v", len(found), len(definitions), err)
	}
}

// run runs a script with obj, and with no more libraries than Argo CD gives it.
func run(t *testing.T, script string, object map[string]any, now time.Time) *lua.LTable {
	t.Helper()
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	t.Cleanup(l.Close)
	for name, open := range map[string]lua.LGFunction{lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		l.Push(l.NewFunction(open))
		l.Push(lua.LString(name))
		l.Call(1, 0)
	}
	l.PreloadModule(lua.OsLibName, func(l *lua.LState) int {
		l.Push(l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{"time": func(l *lua.LState) int {
			l.Push(lua.LNumber(now.Unix()))
			return 1
		}}))
		return 1
	})
	l.SetGlobal("obj", toLua(l, object))
	if err := l.DoString(script); err != nil {
		t.Fatal(err)
	}
	result, isTable := l.Get(-1).(*lua.LTable)
	if !isTable {
		t.Fatalf("the script returns %s", l.Get(-1).Type())
	}
	return result
}

func toLua(l *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case string:
		return lua.LString(value)
	case int64:
		return lua.LNumber(value)
	case []any:
		table := l.NewTable()
		for _, item := range value {
			table.Append(toLua(l, item))
		}
		return table
	case map[string]any:
		table := l.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(l, item))
		}
		return table
	}
	return lua.LNil
}

// object is one that the specs have recorded.
type object struct {
	name string
	unstructured.Unstructured
	ready, reason string
	has           map[string]bool // the conditions that are True
	seen          bool
}

func recorded(t *testing.T) (objects []object) {
	t.Helper()
	paths, err := filepath.Glob("testdata/statuses/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings (%v): run `make statuses`", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o := object{name: strings.TrimSuffix(filepath.Base(path), ".yaml"), has: map[string]bool{}}
		if text, err = yaml.YAMLToJSON(text); err == nil {
			err = o.UnmarshalJSON(text)
		}
		if err != nil {
			t.Fatal(path, err)
		}
		observed, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
		o.seen = observed == o.GetGeneration()
		conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
		for _, entry := range conditions {
			condition := entry.(map[string]any)
			o.has[condition["type"].(string)] = condition["status"] == "True"
			if condition["type"] == v1alpha1.ConditionReady {
				o.ready, o.reason = condition["status"].(string), condition["reason"].(string)
			}
		}
		objects = append(objects, o)
	}
	return objects
}

// byReason are the reasons of Ready=False that are neither Stalled nor Reconciling and more than waiting for what is missing.
var byReason = map[string][]string{
	"Suspended": {v1alpha1.ReasonPaused, v1alpha1.ReasonObserving, v1alpha1.ReasonRevocationsHeld},
	"Degraded":  {v1alpha1.ReasonInsufficientRole, v1alpha1.ReasonKisiLimitReached, v1alpha1.ReasonRefusedByKisi, v1alpha1.ReasonBlockedByForeignAssignment},
}

// healthOf says in which health Argo CD is to show what the specs have recorded: by the table of Ready in the docs of each kind.
func healthOf(o object) string {
	switch {
	case !o.seen || o.ready == "":
		return "Progressing"
	case o.ready == "True":
		return "Healthy"
	case o.has[v1alpha1.ConditionStalled]:
		return "Degraded"
	case o.has[v1alpha1.ConditionReconciling]:
		return "Progressing"
	}
	for health, reasons := range byReason {
		if slices.Contains(reasons, o.reason) {
			return health
		}
	}
	return "Progressing"
}

// Argo CD shows the health that the docs of each kind have for a status, and Flux does not contradict it.
func TestTheHealthOfEveryRecordedStatus(t *testing.T) {
	t.Parallel()
	customizations, seen := shipped(t), map[string]bool{}
	for _, o := range recorded(t) {
		got := run(t, customizations[o.GetKind()].health, o.Object, time.Now())
		status, want := got.RawGetString("status").String(), healthOf(o)
		if status != want {
			t.Errorf("%s is shown as %s, not %s", o.name, status, want)
		}
		message := got.RawGetString("message").String()
		if o.seen && !strings.HasPrefix(message, o.reason+": ") {
			t.Errorf("%s: the message does not begin with the reason: %q", o.name, message)
		}
		if o.has[v1alpha1.ConditionRevocationsHeld] && !strings.Contains(message, "RevocationsHeld: ") {
			t.Errorf("%s: nobody is told of what is held: %q", o.name, message)
		}
		// What Flux goes by: it shows less, and must not say the contrary.
		flux, err := kstatus.Compute(&o.Unstructured)
		if err != nil {
			t.Fatal(err)
		}
		inFlux := kstatus.InProgressStatus
		switch {
		case want == "Healthy":
			inFlux = kstatus.CurrentStatus
		case o.seen && o.has[v1alpha1.ConditionStalled]:
			inFlux = kstatus.FailedStatus
		}
		if flux.Status != inFlux {
			t.Errorf("%s is %s for Flux, and %s for Argo CD", o.name, flux.Status, want)
		}
		seen[o.GetKind()+" "+want] = true
	}
	for kind, healths := range map[string][]string{
		"KisiConnection": {"Progressing", "Healthy", "Suspended", "Degraded"}, "KisiGroup": {"Progressing", "Healthy", "Degraded"},
		"PlaceMapping": {"Progressing", "Healthy", "Degraded"}, "AccessPlan": {"Progressing", "Healthy"},
		"AccessSubscription": {"Progressing", "Healthy", "Suspended", "Degraded"}, "BookingGrant": {"Progressing", "Healthy", "Suspended", "Degraded"},
		"Member": {"Progressing", "Healthy", "Suspended", "Degraded"},
	} {
		for _, health := range healths {
			if !seen[kind+" "+health] {
				t.Errorf("no recording shows a %s that is %s", kind, health)
			}
		}
	}
}

func TestThePageSaysWhatTheHealthGoesBy(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/gitops.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			rows[strings.TrimSpace(cells[1])] = cells[2]
		}
	}
	for health, reasons := range byReason {
		for _, reason := range reasons {
			if !strings.Contains(rows[health], "`"+reason+"`") {
				t.Errorf("%s is missing among what is %s", reason, health)
			}
		}
	}
}

func TestWhichActionsThereAre(t *testing.T) {
	t.Parallel()
	customizations := shipped(t)
	held, free := 0, 0
	for _, o := range recorded(t) {
		var names []string
		offered := run(t, customizations[o.GetKind()].actions.Discovery, o.Object, time.Now())
		offered.ForEach(func(name, _ lua.LValue) { names = append(names, name.String()) })
		slices.Sort(names)
		var defined []string
		for _, definition := range customizations[o.GetKind()].actions.Definitions {
			defined = append(defined, definition.Name)
		}
		slices.Sort(defined)
		if !slices.Equal(names, defined) {
			t.Errorf("%s: offered are %v, defined are %v", o.name, names, defined)
		}
		approve, approvable := offered.RawGetString("approve").(*lua.LTable)
		if !approvable {
			continue
		}
		holds := o.has[v1alpha1.ConditionRevocationsHeld] || o.reason == v1alpha1.ReasonRevocationsHeld
		if count, _, _ := unstructured.NestedInt64(o.Object, "status", "counts", "held"); o.GetKind() == "KisiGroup" {
			holds = count > 0
		}
		if disabled := lua.LVAsBool(approve.RawGetString("disabled")); disabled == holds {
			t.Errorf("%s: something is held: %t, and approving is disabled: %t", o.name, holds, disabled)
		}
		if holds {
			held++
		} else {
			free++
		}
	}
	if held < 3 || free < 3 {
		t.Errorf("%d recordings hold something, and %d do not", held, free)
	}
}

func TestWhatActionsDo(t *testing.T) {
	t.Parallel()
	annotations := map[string]string{"reconcile": v1alpha1.ReconcileAtAnnotation, "approve": v1alpha1.ApproveRevocationsUntilAnnotation}
	after := map[string]time.Duration{"approve": time.Hour}
	leap, newYear := time.Date(2028, 2, 28, 23, 30, 7, 0, time.UTC), time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
	times := []time.Time{leap, leap.AddDate(0, 0, 1), newYear, time.Date(2100, 2, 28, 23, 0, 0, 0, time.UTC)}
	for day := range 800 {
		times = append(times, time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC).Add(time.Duration(day)*25*time.Hour+time.Duration(day)*time.Second))
	}
	for kind, c := range shipped(t) {
		for _, definition := range c.actions.Definitions {
			annotation, known := annotations[definition.Name]
			if !known {
				t.Fatalf("%s: what does %s do?", kind, definition.Name)
			}
			for i, now := range times {
				if i > 10 && kind != "Member" {
					break // it is the same script
				}
				metadata := map[string]any{"name": "a"}
				if i%2 == 1 {
					metadata["annotations"] = map[string]any{"own": "stays"}
				}
				result := run(t, definition.Action, map[string]any{"kind": kind, "metadata": metadata, "spec": map[string]any{"n": int64(1)}}, now)
				written := result.RawGetString("metadata").(*lua.LTable).RawGetString("annotations").(*lua.LTable)
				want := now.Add(after[definition.Name]).Format(time.RFC3339)
				if got := written.RawGetString(annotation).String(); got != want {
					t.Fatalf("%s of a %s at %s writes %s", definition.Name, kind, now, got)
				}
				if i%2 == 1 && written.RawGetString("own").String() != "stays" {
					t.Error("another annotation is lost")
				}
				if fmt.Sprint(result.RawGetString("spec").(*lua.LTable).RawGetString("n")) != "1" {
					t.Error("the spec is lost")
				}
			}
		}
	}
}
