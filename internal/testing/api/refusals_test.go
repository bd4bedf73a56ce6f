package api_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// table says what each field takes and refuses. A key is a path such as spec.places[0].audience in the full example.
type table map[string]rules

// rules of one field.
type rules struct {
	// given edits the full example before a value is tried.
	given map[string]any
	// good values are accepted: the borders, and what is easily refused by mistake.
	good []any
	// bad values are refused.
	bad []rule
}

// rule is one way in which a value is refused.
type rule struct {
	// keyword of the schema, such as pattern, or "cel: " and the message.
	keyword string
	// value that breaks the rule. The value absent removes the field.
	value any
	// field that the complaint names, where it is not the field of the value; relative if it starts with . or [.
	field string
	// says is part of the complaint.
	says string
}

// transition is an edit of an object that is refused.
type transition struct {
	path    string
	keyword string
	// from and to edit the full example.
	from, to map[string]any
	// field that the complaint names, where it is not path.
	field string
}

// absent removes a field.
var absent = new(struct{})

var _ = Describe("The API server", func() {
	for _, k := range kinds {
		Context("given a "+k.name, func() {
			for _, path := range slices.Sorted(maps.Keys(k.rules)) {
				for _, good := range k.rules[path].good {
					It(fmt.Sprintf("accepts %s: %s", path, brief(good)), func(ctx context.Context) {
						Expect(k.submit(ctx, path, k.rules[path].given, good)).To(Succeed())
					})
				}
				for _, rule := range k.rules[path].bad {
					It(fmt.Sprintf("refuses %s: %s (%s)", path, brief(rule.value), rule.keyword), func(ctx context.Context) {
						field := rule.field
						if field == "" || strings.HasPrefix(field, ".") || strings.HasPrefix(field, "[") {
							field = path + field
						}
						err := k.submit(ctx, path, k.rules[path].given, rule.value)
						Expect(err).To(HaveOccurred(), "accepted")
						Expect(causes(err)).To(ContainElement(SatisfyAll(HavePrefix(field+": "), ContainSubstring(rule.says))), "%v", err)
					})
				}
			}
			for _, transition := range k.transits {
				It(fmt.Sprintf("refuses the change of %s to %v", transition.path, transition.to), func(ctx context.Context) {
					object := create(ctx, edited(k.example("full"), transition.from))
					err := admin.Update(ctx, edited(object, transition.to), client.DryRunAll)
					Expect(err).To(HaveOccurred(), "accepted")
					field := transition.field
					if field == "" {
						field = transition.path
					}
					message := strings.TrimPrefix(transition.keyword, "cel: ")
					Expect(causes(err)).To(ContainElement(SatisfyAll(HavePrefix(field+": "), ContainSubstring(message))), "%v", err)
				})
			}
		})
	}
})

// submit sends the full example with the value in the place of what is at path.
func (k kind) submit(ctx context.Context, path string, given map[string]any, value any) error {
	GinkgoHelper()
	object := edited(edited(k.example("full"), given), map[string]any{path: value})
	if !strings.HasPrefix(path, "status") {
		return admin.Create(ctx, object, client.DryRunAll)
	}
	created := create(ctx, k.example("full"))
	created.Object["status"] = object.Object["status"]
	return admin.Status().Update(ctx, created, client.DryRunAll)
}

// edited returns a copy of the object with each value at its path.
func edited(object *unstructured.Unstructured, edits map[string]any) *unstructured.Unstructured {
	GinkgoHelper()
	copied := object.DeepCopy()
	for _, path := range slices.Sorted(maps.Keys(edits)) {
		value := edits[path]
		if value != absent {
			value = runtime.DeepCopyJSONValue(value)
		}
		copied.Object = place(copied.Object, steps(path), value).(map[string]any) //nolint:forcetypeassert // an object stays one
	}
	return copied
}

func steps(path string) []string {
	return strings.Split(strings.ReplaceAll(path, "[", ".["), ".")
}

func place(node any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	if index, found := strings.CutPrefix(path[0], "["); found {
		number, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		Expect(err).NotTo(HaveOccurred())
		items, _ := node.([]any)
		for len(items) <= number {
			items = append(items, nil)
		}
		items[number] = place(items[number], path[1:], value)
		if items[number] == absent {
			items[number] = map[string]any{}
		}
		return items
	}
	fields, _ := node.(map[string]any)
	if fields == nil {
		fields = map[string]any{}
	}
	if placed := place(fields[path[0]], path[1:], value); placed == absent {
		delete(fields, path[0])
	} else {
		fields[path[0]] = placed
	}
	return fields
}

func brief(value any) string {
	if value == absent {
		return "nothing"
	}
	text := []rune(fmt.Sprintf("%#v", value))
	if len(text) > 60 {
		return fmt.Sprintf("%s… (%d)", string(text[:40]), len(text))
	}
	return string(text)
}
