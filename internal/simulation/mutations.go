package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// mutation is one change of one field of an object's spec.
type mutation struct {
	Object string // Kind/name
	Field  string // as the schema names it, such as spec.groupRefs[].name
	To     any    // gone: the field is removed
	apply  func(spec map[string]any)
}

// gone is what a field is changed to that is removed.
type gone struct{}

func (m mutation) String() string {
	to := fmt.Sprintf("%q", fmt.Sprint(m.To))
	if _, removed := m.To.(gone); removed {
		to = "nothing"
	} else if len(to) > 60 {
		to = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(to[:50], ""), len(to))
	}
	return fmt.Sprintf("%s %s to %s", m.Object, m.Field, to)
}

// of returns the object as the mutation makes it.
func (m mutation) of(object *unstructured.Unstructured) *unstructured.Unstructured {
	changed := object.DeepCopy()
	spec, _ := changed.Object["spec"].(map[string]any)
	m.apply(spec)
	return changed
}

// mutator makes mutations out of a schema and of what the business has.
type mutator struct {
	object    string
	mutations []mutation
	// pools are what a reference or a name can be changed to, by the end of the field's path; the longest end counts.
	pools map[string][]any
}

// fieldsOf lists every field of a schema, as mutations name them.
func fieldsOf(schema apiextensionsv1.JSONSchemaProps, path string) []string {
	all := []string{path}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		all = append(all, fieldsOf(schema.Properties[name], path+"."+name)...)
	}
	if schema.Items != nil {
		all = append(all, fieldsOf(*schema.Items.Schema, path+"[]")...)
	}
	return all
}

// at finds a value within a spec; put exchanges it, or removes it.
type at struct {
	path  string
	steps []any // names and indexes, from the spec on
}

func (a at) name(name string) at { return at{a.path + "." + name, append(slices.Clone(a.steps), name)} }
func (a at) item(i int) at       { return at{a.path + "[]", append(slices.Clone(a.steps), i)} }

func (a at) put(spec map[string]any, value any) {
	if _, copied := value.(gone); !copied {
		value = runtime.DeepCopyJSONValue(value)
	}
	put(spec, a.steps, value)
}

func put(within any, steps []any, value any) any {
	if len(steps) == 0 {
		return value
	}
	switch step := steps[0].(type) {
	case string:
		fields, _ := within.(map[string]any)
		next := put(fields[step], steps[1:], value)
		if _, removed := next.(gone); removed {
			delete(fields, step)
		} else {
			fields[step] = next
		}
		return fields
	case int:
		items, _ := within.([]any)
		next := put(items[step], steps[1:], value)
		if _, removed := next.(gone); removed {
			return slices.Delete(items, step, step+1)
		}
		items[step] = next
		return items
	}
	return within
}

func (m *mutator) change(where at, to any) {
	m.mutations = append(m.mutations, mutation{m.object, where.path, to, func(spec map[string]any) { where.put(spec, to) }})
}

// walk makes the mutations of a value and of all within it.
func (m *mutator) walk(schema apiextensionsv1.JSONSchemaProps, where at, is any) {
	if len(where.steps) > 0 {
		m.change(where, gone{})
		for _, to := range m.others(schema, where.path, is) {
			m.change(where, to)
		}
	}
	switch value := is.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			m.walk(schema.Properties[name], where.name(name), value[name])
		}
	case []any:
		for i, item := range value {
			if i == 0 {
				m.walk(*schema.Items.Schema, where.item(0), item)
			} else if fields, first := asFields(item), asFields(value[0]); fields != nil { // what the first has not
				for _, name := range slices.Sorted(maps.Keys(fields)) {
					m.walkNew(schema.Items.Schema.Properties[name], where.item(i).name(name), fields[name], first[name])
				}
			}
		}
	}
}

// walkNew makes mutations of what a like value does not have.
func (m *mutator) walkNew(schema apiextensionsv1.JSONSchemaProps, where at, is, like any) {
	if like == nil {
		m.walk(schema, where, is)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(asFields(is))) {
		m.walkNew(schema.Properties[name], where.name(name), asFields(is)[name], asFields(like)[name])
	}
}

func asFields(of any) map[string]any {
	fields, _ := of.(map[string]any)
	return fields
}

// others are the values that a field is changed to: what its schema has at its bounds and beyond, and what means something.
func (m *mutator) others(schema apiextensionsv1.JSONSchemaProps, path string, is any) (all []any) {
	for _, allowed := range schema.Enum {
		all = append(all, strings.Trim(string(allowed.Raw), `"`))
	}
	switch value := is.(type) {
	case int64:
		if schema.Minimum != nil {
			all = append(all, int64(*schema.Minimum), int64(*schema.Minimum)-1)
		}
		if schema.Maximum != nil {
			all = append(all, int64(*schema.Maximum), int64(*schema.Maximum)+1)
		}
		all = append(all, value+1)
	case string:
		all = append(all, m.otherTexts(schema, path, value)...)
	case []any:
		all = append(all, []any{}, append(slices.Clone(value), value[0]))
		if len(value) > 1 {
			turned := slices.Clone(value)
			slices.Reverse(turned)
			all = append(all, turned)
		}
	case map[string]any:
		all = append(all, map[string]any{})
	}
	all = append(all, m.pool(path)...)
	return slices.DeleteFunc(all, func(to any) bool { return fmt.Sprint(to) == fmt.Sprint(is) })
}

func (m *mutator) otherTexts(schema apiextensionsv1.JSONSchemaProps, path, value string) (all []any) {
	if len(schema.Enum) > 0 {
		return []any{"Whatever"}
	}
	if when, err := time.Parse(time.RFC3339, value); err == nil {
		for _, by := range []time.Duration{-2 * time.Hour, 2 * time.Hour, 30 * time.Hour} {
			all = append(all, when.Add(by).Format(time.RFC3339))
		}
		return append(all, when.In(time.FixedZone("", -7*3600)).Format(time.RFC3339), "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2000-01-01", "2000-02-30T00:00:00Z")
	}
	if _, err := time.ParseDuration(value); err == nil {
		return []any{"0s", "1ns", "10s", "90m", "2562047h", "99999999999999999999999999h", "-1s", "soon"}
	}
	all = append(all, "", value+"\n", "x", strings.ToUpper(value))
	if schema.MaxLength != nil {
		all = append(all, strings.Repeat("m", int(*schema.MaxLength)), strings.Repeat("m", int(*schema.MaxLength)+1))
	}
	if !strings.Contains(path, "email") && !strings.HasSuffix(path, "Ref.name") && !strings.HasSuffix(path, "Refs[].name") {
		all = append(all, "Ana\u202eǅ\u0301 <b>")
	}
	return all
}

// pool is what the business has that the field may be changed to.
func (m *mutator) pool(path string) (values []any) {
	longest := ""
	for end := range m.pools {
		if strings.HasSuffix(path, end) && len(end) > len(longest) {
			longest = end
		}
	}
	return m.pools[longest]
}

// mutationsOf lists every mutation of an object.
func mutationsOf(definition *apiextensionsv1.CustomResourceDefinition, object *unstructured.Unstructured, pools map[string][]any) []mutation {
	m := mutator{object: object.GetKind() + "/" + object.GetName(), pools: pools}
	spec := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	m.walk(spec, at{path: "spec"}, object.Object["spec"])
	return m.mutations
}
