package api_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Objects that an earlier version stored are admitted as they are, with their statuses, and nothing of them is lost: neither in
// the API server, which drops fields that it does not know, nor in Go. What they mean is held against what they meant by
// internal/simulation. docs/upgrade.md says what a release adds here.
var _ = Describe("What was stored by", func() {
	files, err := filepath.Glob("testdata/releases/*/*.yaml")
	if err != nil {
		panic(err)
	}
	worlds, err := filepath.Glob("testdata/releases/*/*/objects.yaml")
	if err != nil {
		panic(err)
	}
	for _, file := range slices.Concat(files, worlds) {
		It(strings.TrimPrefix(file, "testdata/releases/")+" is admitted, and nothing of it is lost", func(ctx context.Context) {
			content, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			objects := slices.DeleteFunc(documents(content), func(o *unstructured.Unstructured) bool { return o.GetKind() == "Secret" })
			Expect(objects).NotTo(BeEmpty())
			for _, object := range objects {
				what := fmt.Sprintf("%s %s", object.GetKind(), object.GetName())
				k := kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.name == object.GetKind() })]
				if _, hasSpec := object.Object["spec"]; !hasSpec { // a recorded status, of whatever object
					object.Object["spec"] = k.example("minimal").Object["spec"]
				}
				stored := &unstructured.Unstructured{Object: map[string]any{"spec": runtime.DeepCopyJSONValue(object.Object["spec"])}}
				stored.SetAPIVersion(object.GetAPIVersion())
				stored.SetKind(object.GetKind())
				stored.SetNamespace(metav1.NamespaceDefault)
				stored.SetGenerateName("stored-")
				Expect(admin.Create(ctx, stored)).To(Succeed(), what)
				DeferCleanup(func(ctx context.Context) {
					Expect(client.IgnoreNotFound(admin.Delete(ctx, stored))).To(Succeed())
				})
				if status, hasStatus := object.Object["status"]; hasStatus {
					stored.Object["status"] = runtime.DeepCopyJSONValue(status)
					Expect(admin.Status().Update(ctx, stored)).To(Succeed(), what)
				}
				Expect(lost("", object.Object["spec"], stored.Object["spec"])).To(BeEmpty(), what)
				Expect(lost("", object.Object["status"], stored.Object["status"])).To(BeEmpty(), what)

				read := k.object()
				Expect(admin.Get(ctx, client.ObjectKeyFromObject(stored), read)).To(Succeed(), what)
				again, err := runtime.DefaultUnstructuredConverter.ToUnstructured(read)
				Expect(err).NotTo(HaveOccurred())
				Expect(lost("", object.Object["spec"], again["spec"])).To(BeEmpty(), "%s, in Go", what)
				Expect(lost("", object.Object["status"], again["status"])).To(BeEmpty(), "%s, in Go", what)
			}
		})
	}
})

// lost lists what was written and is not there; there may be more.
func lost(path string, written, stored any) []string {
	switch was := written.(type) {
	case map[string]any:
		is, _ := stored.(map[string]any)
		var all []string
		for key, value := range was {
			all = append(all, lost(path+"."+key, value, is[key])...)
		}
		return all
	case []any:
		is, _ := stored.([]any)
		if len(is) != len(was) {
			return []string{fmt.Sprintf("%s: %v became %v", path, written, stored)}
		}
		var all []string
		for i := range was {
			all = append(all, lost(fmt.Sprintf("%s[%d]", path, i), was[i], is[i])...)
		}
		return all
	}
	if written == nil || sameValue(fmt.Sprint(written), fmt.Sprint(stored)) {
		return nil
	}
	return []string{fmt.Sprintf("%s: %v became %v", path, written, stored)}
}

// sameValue reports whether two values are one, in whatever spelling Go gives durations and times.
func sameValue(a, b string) bool {
	if x, err := time.ParseDuration(a); err == nil {
		if y, err := time.ParseDuration(b); err == nil {
			return x == y
		}
	}
	if x, err := time.Parse(time.RFC3339, a); err == nil {
		if y, err := time.Parse(time.RFC3339, b); err == nil {
			return x.Truncate(time.Second).Equal(y.Truncate(time.Second))
		}
	}
	return a == b
}
