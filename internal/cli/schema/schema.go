// Package schema admits objects as the API server would, without one: unknown fields, defaults, the schema and its rules.
package schema

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/config/crd"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

// kind is what is known of the objects of one kind.
type kind struct {
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
}

// kinds are compiled once, because rules take long.
var kinds = sync.OnceValues(load)

func load() (map[string]kind, error) {
	files, err := fs.Glob(crd.Bases, "bases/*.yaml")
	if err != nil {
		return nil, err
	}
	all := map[string]kind{}
	for _, file := range files {
		content, err := crd.Bases.ReadFile(file)
		if err != nil {
			return nil, err
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(content, definition); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		for _, version := range definition.Spec.Versions {
			if version.Name != v1alpha1.GroupVersion.Version {
				continue
			}
			if all[definition.Spec.Names.Kind], err = compile(version.Schema); err != nil {
				return nil, fmt.Errorf("reading %s: %w", file, err)
			}
		}
	}
	return all, nil
}

func compile(schema *apiextensionsv1.CustomResourceValidation) (kind, error) {
	internal := &apiextensions.CustomResourceValidation{}
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(schema, internal, nil); err != nil {
		return kind{}, err
	}
	structural, err := structuralschema.NewStructural(internal.OpenAPIV3Schema)
	if err != nil {
		return kind{}, err
	}
	validator, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		return kind{}, err
	}
	return kind{structural, validator, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// Of returns the schema of the objects of a kind.
func Of(name string) (*structuralschema.Structural, error) {
	known, err := kinds()
	if err != nil {
		return nil, err
	}
	k, found := known[name]
	if !found {
		return nil, fmt.Errorf("there is no kind %q", name)
	}
	return k.structural, nil
}

// Admit returns the object as the API server would store it, with defaults, or everything that is wrong with it, each with
// the path of the field.
func Admit(ctx context.Context, object *unstructured.Unstructured) (objects.Object, field.ErrorList) {
	known, err := kinds()
	if err != nil {
		return nil, field.ErrorList{field.InternalError(nil, err)}
	}
	k, found := known[object.GetKind()]
	if !found {
		return nil, field.ErrorList{field.NotSupported(field.NewPath("kind"), object.GetKind(), objects.Kinds)}
	}
	if version := object.GetAPIVersion(); version != v1alpha1.GroupVersion.String() {
		return nil, field.ErrorList{field.NotSupported(field.NewPath("apiVersion"), version, []string{v1alpha1.GroupVersion.String()})}
	}
	content := object.DeepCopy().Object
	var wrong field.ErrorList
	for _, path := range pruning.PruneWithOptions(content, k.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		wrong = append(wrong, field.Forbidden(field.NewPath(path), "there is no such field"))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(content, k.structural)
	defaulting.Default(content, k.structural)
	for _, problem := range apivalidation.NameIsDNSSubdomain(object.GetName(), false) {
		wrong = append(wrong, field.Invalid(field.NewPath("metadata", "name"), object.GetName(), problem))
	}
	wrong = append(wrong, validation.ValidateCustomResource(nil, content, k.validator)...)
	wrong = append(wrong, listtype.ValidateListSetsAndMaps(nil, k.structural, content)...)
	slices.SortFunc(wrong, func(a, b *field.Error) int { return strings.Compare(a.Error(), b.Error()) }) // of maps, in any order
	if len(wrong) > 0 {
		return nil, wrong // rules speak of objects that have the right form
	}
	broken, _ := k.rules.Validate(ctx, nil, k.structural, content, nil, celconfig.RuntimeCELCostBudget)
	if len(broken) > 0 {
		return nil, broken
	}
	typed := objects.New(object.GetKind())
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, typed); err != nil {
		return nil, field.ErrorList{field.Invalid(nil, object.GetName(), err.Error())}
	}
	return typed, nil
}
