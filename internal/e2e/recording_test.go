package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// recordingsVariable names a directory in which the specs leave an object of every kind in every state that they come upon,
// for tests of what others make of a status. `make statuses` sets it.
const recordingsVariable = "KISI_OPERATOR_E2E_STATUSES"

// fickle is what differs from run to run.
var fickle = regexp.MustCompile(`127\.0\.0\.1:[0-9]+|spec-[a-z0-9]{5}\b|until [0-9TZ:.-]+`)

// record leaves the object with what its status says of the whole, unless one in the same state is there.
func record(object *unstructured.Unstructured) {
	directory := os.Getenv(recordingsVariable)
	if directory == "" {
		return
	}
	recordReasons(directory, object)
	if object.GetDeletionTimestamp() != nil {
		return
	}
	status, _, _ := unstructured.NestedMap(object.Object, "status")
	observed, _, _ := unstructured.NestedInt64(status, "observedGeneration")
	state := []string{object.GetKind()}
	conditions, _, _ := unstructured.NestedSlice(status, "conditions")
	for _, entry := range conditions {
		condition, _ := entry.(map[string]any)
		condition["lastTransitionTime"] = "2026-12-01T12:00:00Z"
		message, _ := condition["message"].(string)
		condition["message"] = fickle.ReplaceAllString(message, "…")
		switch condition["type"] {
		case v1alpha1.ConditionReady:
			state = append(state, cmp.Or(condition["reason"].(string), "none"))
		case v1alpha1.ConditionStalled, v1alpha1.ConditionReconciling, v1alpha1.ConditionRevocationsHeld, v1alpha1.ConditionKept:
			state = append(state, condition["type"].(string))
		}
	}
	if observed != object.GetGeneration() {
		state = append(state[:min(len(state), 1)], "unseen")
		if len(conditions) > 0 {
			state[1] = "outdated"
		}
	}
	counts, _, _ := unstructured.NestedMap(status, "counts")
	if held, _, _ := unstructured.NestedInt64(counts, "held"); held > 0 {
		state = append(state, "held")
	}
	path := filepath.Join(directory, strings.Join(state, "-")+".yaml")
	if _, err := os.Stat(path); err == nil {
		return
	}
	kept := map[string]any{"observedGeneration": observed, "conditions": conditions}
	if counts != nil {
		kept["counts"] = counts
	}
	if len(conditions) == 0 {
		delete(kept, "conditions")
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": object.GetAPIVersion(), "kind": object.GetKind(),
		"metadata": map[string]any{"name": object.GetName(), "generation": object.GetGeneration()}, "status": kept,
	})
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		GinkgoWriter.Printf("recording %s: %v\n", path, err)
	}
}

// recordedReasons are the lines that this process has written.
var recordedReasons sync.Map

// recordReasons adds a line for each condition, of whatever object, that nobody has come upon before.
func recordReasons(directory string, object *unstructured.Unstructured) {
	for _, condition := range conditionsIn(object) {
		line := fmt.Sprintf("%s %s %s %s\n", object.GetKind(), condition.Type, condition.Status, condition.Reason)
		if _, known := recordedReasons.LoadOrStore(line, true); known {
			continue
		}
		file, err := os.OpenFile(filepath.Join(directory, "reasons.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = file.WriteString(line)
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			GinkgoWriter.Printf("recording a reason: %v\n", err)
		}
	}
}

var _ = Describe("A status that is recorded", func() {
	It("says how the whole stands, and nothing that differs from run to run or names a person", func() {
		directory := GinkgoT().TempDir()
		GinkgoT().Setenv(recordingsVariable, directory)
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "access.kisi-operator.dev/v1alpha1", "kind": "Member",
			"metadata": map[string]any{"name": "ana", "generation": int64(2), "namespace": "spec-abcde", "uid": "u"},
			"spec":     map[string]any{"email": "ana@example.com"},
			"status": map[string]any{"observedGeneration": int64(2), "grants": []any{map[string]any{"group": "members"}}, "conditions": []any{
				map[string]any{"type": "Ready", "status": "False", "reason": "Granting", "message": "see http://127.0.0.1:4711", "observedGeneration": int64(2), "lastTransitionTime": "now"},
				map[string]any{"type": "Reconciling", "status": "True", "reason": "Granting", "message": "", "observedGeneration": int64(2), "lastTransitionTime": "now"},
			}},
		}}
		record(object)
		text, err := os.ReadFile(filepath.Join(directory, "Member-Granting-Reconciling.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(And(ContainSubstring("generation: 2"), ContainSubstring("see http://…"), ContainSubstring("2026-12-01T12:00:00Z")))
		Expect(string(text)).NotTo(Or(ContainSubstring("example.com"), ContainSubstring("grants"), ContainSubstring("spec-abcde"), ContainSubstring("uid"), ContainSubstring("now")))
	})
})
