package api_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

var _ = Describe("The specs of the rules", func() {
	for _, k := range kinds {
		It("cover every rule in the definition of "+k.name, func() {
			var specified []string
			for path, rules := range k.rules {
				for _, rule := range rules.bad {
					specified = append(specified, withoutIndexes(path)+" "+rule.keyword)
				}
			}
			for _, transition := range k.transits {
				specified = append(specified, withoutIndexes(transition.path)+" "+transition.keyword)
			}
			slices.Sort(specified)
			Expect(slices.Compact(specified)).To(ConsistOf(definedRules(k.definition())), "have specs (actual), are in the definition (expected)")
		})
	}
})

// definition reads the CustomResourceDefinition of the kind.
func (k kind) definition() *apiextensionsv1.CustomResourceDefinition {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join(crdDir, "access.kisi-operator.dev_"+k.plural+".yaml"))
	Expect(err).NotTo(HaveOccurred())
	definition := &apiextensionsv1.CustomResourceDefinition{}
	Expect(yaml.UnmarshalStrict(content, definition)).To(Succeed())
	return definition
}

func schemaOf(definition *apiextensionsv1.CustomResourceDefinition) apiextensionsv1.JSONSchemaProps {
	return *definition.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// definedRules lists everything that a definition may refuse, as "path keyword". The path of a list's items ends in [].
func definedRules(definition *apiextensionsv1.CustomResourceDefinition) []string {
	schema := schemaOf(definition)
	all := collectRules("spec", schema.Properties["spec"])
	all = append(all, collectRules("status", schema.Properties["status"])...)
	for _, property := range schema.Required {
		all = append(all, property+" required")
	}
	for _, rule := range schema.XValidations {
		all = append(all, " cel: "+rule.Message)
	}
	return all
}

func collectRules(path string, schema apiextensionsv1.JSONSchemaProps) []string {
	var all []string
	add := func(present bool, keyword string) {
		if present {
			all = append(all, path+" "+keyword)
		}
	}
	add(schema.Pattern != "", "pattern")
	add(schema.Format == "date-time", "format")
	add(len(schema.Enum) > 0, "enum")
	add(schema.MinLength != nil, "minLength")
	add(schema.MaxLength != nil, "maxLength")
	add(schema.Minimum != nil, "minimum")
	add(schema.Maximum != nil, "maximum")
	add(schema.MinItems != nil, "minItems")
	add(schema.MaxItems != nil, "maxItems")
	add(schema.MinProperties != nil, "minProperties")
	add(schema.MaxProperties != nil, "maxProperties")
	add(schema.MultipleOf != nil, "multipleOf")
	add(schema.UniqueItems, "uniqueItems")
	add(schema.XListType != nil && *schema.XListType != "atomic", "unique")
	for _, rule := range schema.XValidations {
		add(true, "cel: "+rule.Message)
	}
	for _, property := range schema.Required {
		all = append(all, path+"."+property+" required")
	}
	for name, property := range schema.Properties {
		all = append(all, collectRules(path+"."+name, property)...)
	}
	if schema.Items != nil {
		all = append(all, collectRules(path+"[]", *schema.Items.Schema)...)
	}
	for _, combined := range [][]apiextensionsv1.JSONSchemaProps{schema.AllOf, schema.AnyOf, schema.OneOf} {
		if len(combined) > 0 {
			Fail(fmt.Sprintf("%s combines schemas, which these specs do not look into", path))
		}
	}
	return all
}

var listIndex = regexp.MustCompile(`\[[0-9]+\]`)

func withoutIndexes(path string) string {
	return listIndex.ReplaceAllString(path, "[]")
}

// words lists the names of all fields and the values of all enums in a schema.
func words(schema apiextensionsv1.JSONSchemaProps) []string {
	var all []string
	for _, value := range schema.Enum {
		var word string
		Expect(yaml.Unmarshal(value.Raw, &word)).To(Succeed())
		all = append(all, word)
	}
	for name, property := range schema.Properties {
		all = append(all, name)
		all = append(all, words(property)...)
	}
	if schema.Items != nil {
		all = append(all, words(*schema.Items.Schema)...)
	}
	return all
}
