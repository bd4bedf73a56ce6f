package table

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/schema"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// made are the kinds that rows are made into. Connections and groups are nothing that a business system knows.
var made = map[string]func() client.Object{
	entitlement.KindMember:             func() client.Object { return &v1alpha1.Member{} },
	entitlement.KindAccessSubscription: func() client.Object { return &v1alpha1.AccessSubscription{} },
	entitlement.KindAccessPlan:         func() client.Object { return &v1alpha1.AccessPlan{} },
	entitlement.KindBookingGrant:       func() client.Object { return &v1alpha1.BookingGrant{} },
	entitlement.KindPlaceMapping:       func() client.Object { return &v1alpha1.PlaceMapping{} },
}

// object makes one object of a row.
type object struct {
	kind   string
	when   cel.Program
	id     *value
	fields []fieldOf
}

// fieldOf is one field of an object's spec.
type fieldOf struct {
	*value

	path   []string
	schema *structuralschema.Structural
	clock  clock
}

func (f fieldOf) name() string { return strings.Join(f.path, ".") }

func compileObject(o Object, m Mapping, zone *time.Location) (object, error) {
	compiled := object{kind: o.Kind}
	if made[o.Kind] == nil {
		return compiled, fmt.Errorf("kind: %q is none of %s", o.Kind, strings.Join(slices.Sorted(maps.Keys(made)), ", "))
	}
	known, err := schema.Of(o.Kind)
	if err != nil {
		return compiled, err
	}
	if o.When != "" {
		if compiled.when, err = compileCEL(o.When); err != nil {
			return compiled, fmt.Errorf("when: %w", err)
		}
	}
	if compiled.id, err = compileValue(o.ID, m.Format); err != nil {
		return compiled, fmt.Errorf("id: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Fields)) {
		f := fieldOf{path: strings.Split(name, ".")}
		if name == "externalID" {
			return compiled, errors.New("fields.externalID: the id is said by id; remove it here")
		}
		properties := known.Properties["spec"]
		f.schema = &properties
		for _, step := range f.path {
			next, found := f.schema.Properties[step]
			if !found {
				return compiled, fmt.Errorf("fields: %s has no field spec.%s; at %s there are %s", o.Kind, name, step, strings.Join(slices.Sorted(maps.Keys(f.schema.Properties)), ", "))
			}
			f.schema = &next
		}
		if f.value, err = compileValue(o.Fields[name], m.Format); err != nil {
			return compiled, fmt.Errorf("fields[%s]: %w", name, err)
		}
		if f.clock, err = clockOf(f, zone); err != nil {
			return compiled, fmt.Errorf("fields[%s]: %w", name, err)
		}
		compiled.fields = append(compiled.fields, f)
	}
	return compiled, nil
}

func clockOf(f fieldOf, zone *time.Location) (clock, error) {
	c := clock{layouts: iso, zone: zone, unix: f.Layout == unix, end: f.path[len(f.path)-1] == "endTime" && f.LastDay != LastDayExcluded}
	if f.Layout != "" && !c.unix {
		layout, err := layoutOf(f.Layout)
		if err != nil {
			return c, fmt.Errorf("layout: %w", err)
		}
		c.layouts = []string{layout}
	}
	return c, nil
}

// wanted reports whether the row makes such an object.
func (o object) wanted(ctx context.Context, r row) (bool, error) {
	if o.when == nil {
		return true, nil
	}
	result, err := evaluate(ctx, o.when, r)
	if err != nil {
		return false, fmt.Errorf("when: %w", err)
	}
	wanted, is := result.(bool)
	if !is {
		return false, errors.New("when: is neither true nor false: have the expression compare something")
	}
	return wanted, nil
}

// idOf returns the id that the row has.
func (o object) idOf(ctx context.Context, r row) (string, error) {
	found, err := o.id.of(ctx, r)
	if err != nil {
		return "", fmt.Errorf("%s: %w", o.id.described(), err)
	}
	if found == nil {
		return "", fmt.Errorf("%s is empty, and is the id by which the object is found again: correct it in the export", o.id.described())
	}
	id, err := textOf(found)
	if err != nil {
		return "", fmt.Errorf("%s: %w", o.id.described(), err)
	}
	return id, nil
}

// make makes the object, as far as the row says it.
func (o object) make(ctx context.Context, r row, id string) (client.Object, error) {
	spec := map[string]any{"externalID": id}
	for _, f := range o.fields {
		found, err := f.of(ctx, r)
		if err != nil {
			return nil, o.wrong(f, r, err)
		}
		if found == nil {
			continue
		}
		shaped, err := f.shape(found, f.schema)
		if err != nil {
			return nil, o.wrong(f, r, err)
		}
		if err := unstructured.SetNestedField(spec, shaped, f.path...); err != nil {
			return nil, o.wrong(f, r, errors.New("lies in a field that is set to something else: correct the mapping"))
		}
	}
	content := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": o.kind, "metadata": map[string]any{"name": "row"}, "spec": spec,
	}}
	if _, wrong := schema.Admit(ctx, content); len(wrong) > 0 {
		return nil, o.refused(r, wrong[0])
	}
	typed := made[o.kind]()
	content.SetName("")
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content.Object, typed); err != nil {
		return nil, err
	}
	return typed, nil
}

// shape gives a value the form that its field has.
func (f fieldOf) shape(found any, as *structuralschema.Structural) (any, error) {
	switch as.Type {
	case "array":
		list, is := found.([]any)
		if !is {
			list = f.split(found)
		}
		shaped := make([]any, 0, len(list))
		for _, element := range list {
			one, err := f.shape(element, as.Items)
			if err != nil {
				return nil, err
			}
			if one != nil && !slices.ContainsFunc(shaped, func(there any) bool { return reflect.DeepEqual(there, one) }) {
				shaped = append(shaped, one)
			}
		}
		return shaped, nil
	case "object":
		if whole, is := found.(map[string]any); is {
			return whole, nil
		}
		if len(as.ValueValidation.Required) != 1 {
			return nil, fmt.Errorf("is an object with the fields %s: name one of them in the mapping, such as %s.externalID", strings.Join(slices.Sorted(maps.Keys(as.Properties)), ", "), f.name())
		}
		key := as.ValueValidation.Required[0]
		property := as.Properties[key]
		one, err := f.shape(found, &property)
		return map[string]any{key: one}, err
	case "integer":
		if number, is := found.(float64); is {
			found = int64(number)
		}
		if number, is := found.(int64); is {
			return number, nil
		}
		text, err := textOf(found)
		if err != nil {
			return nil, err
		}
		return integer(text)
	}
	text, err := textOf(found)
	if err != nil {
		return nil, err
	}
	if as.ValueValidation != nil && as.ValueValidation.Format == "date-time" {
		moment, err := f.clock.moment(text)
		return moment.Format(time.RFC3339), err
	}
	return text, nil
}

// split returns the elements of a list that is written as one text.
func (f fieldOf) split(found any) []any {
	text, is := found.(string)
	if !is || f.Separator == "" {
		return []any{found}
	}
	var list []any
	for element := range strings.SplitSeq(text, f.Separator) {
		if element = strings.TrimSpace(element); element != "" {
			list = append(list, element)
		}
	}
	return list
}
