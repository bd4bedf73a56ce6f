package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// outcome is how everything stands, here and in Kisi, without what differs from one run to the next: ids, times of
// writing, and messages, which hold ids.
func (t *tenant) outcome() map[string]string {
	GinkgoHelper()
	outcome := map[string]string{}
	for _, object := range t.everything(t.ctx) {
		content := plain(object).(map[string]any)
		outcome[kindOf(object)+"/"+object.GetName()] = text(steady(content["status"]))
	}
	for _, organization := range t.kisi.State().Organizations {
		outcome["Kisi of "+organization.Name] = text(steady(plain(organization)))
	}
	return outcome
}

// differences lists, one by one, where two outcomes differ.
func differences(a, b map[string]string) []string {
	keys := slices.Sorted(maps.Keys(a))
	keys = append(keys, slices.DeleteFunc(slices.Sorted(maps.Keys(b)), func(key string) bool { _, known := a[key]; return known })...)
	var different []string
	for _, key := range keys {
		if a[key] != b[key] {
			different = append(different, key+":\n"+a[key]+"\n"+b[key])
		}
	}
	return different
}

// passing are the fields that differ from one run to the next. Counts follow at their own pace, and which of a person's
// groups is the first, which Kisi mails about, is a matter of order.
var passing = []string{
	"id", "notify", "lastTransitionTime", "lastSyncTime", "lastUsedAt", "message", "metadata", "counts",
}

// steady leaves out what is passing, in any depth, and orders lists by what they hold.
func steady(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for field, content := range v {
			if !slices.Contains(passing, field) && !strings.HasSuffix(field, "ID") {
				kept[field] = steady(content)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i := range v {
			kept[i] = steady(v[i])
		}
		slices.SortFunc(kept, func(a, b any) int { return strings.Compare(text(a), text(b)) })
		return kept
	case string:
		before, _, _ := strings.Cut(v, "[kisi-operator ") // the mark of a managed group names this very object
		return before
	}
	return value
}

// plain is a value as JSON has it.
func plain(value any) any {
	GinkgoHelper()
	var decoded any
	Expect(json.Unmarshal([]byte(text(value)), &decoded)).To(Succeed())
	return decoded
}

func text(value any) string {
	GinkgoHelper()
	encoded, err := json.Marshal(value)
	Expect(err).NotTo(HaveOccurred())
	return string(encoded)
}

// namesOf lists objects in their order.
func namesOf(objects []*unstructured.Unstructured) string {
	var names []string
	for _, object := range objects {
		names = append(names, object.GetKind()+"/"+object.GetName())
	}
	return strings.Join(names, ", ")
}
