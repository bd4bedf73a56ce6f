package api_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("The API server", func() {
	for _, k := range kinds {
		It("fills in the defaults of a minimal "+k.name, func(ctx context.Context) {
			content, err := os.ReadFile(filepath.Join("testdata", "defaulted", strings.ToLower(k.name)+".yaml"))
			Expect(err).NotTo(HaveOccurred())
			expected := map[string]any{}
			Expect(yaml.UnmarshalStrict(content, &expected)).To(Succeed())

			created := create(ctx, k.example("minimal"))
			Expect(asJSON(created.Object["spec"])).To(MatchJSON(asJSON(expected["spec"])))
			Expect(asJSON(created.Object["status"])).To(MatchJSON(asJSON(expected["status"])))
		})

		It("keeps everything of a full "+k.name, func(ctx context.Context) {
			full := k.example("full")
			created := create(ctx, full)
			Expect(asJSON(created.Object["spec"])).To(MatchJSON(asJSON(full.Object["spec"])))
			Expect(asJSON(created.Object["status"])).To(MatchJSON(asJSON(full.Object["status"])))
		})

		It("takes a status only through the subresource of a "+k.name, func(ctx context.Context) {
			object := k.example("full")
			object.SetGenerateName("example-")
			object.SetName("")
			Expect(admin.Create(ctx, object, client.DryRunAll)).To(Succeed())
			Expect(object.Object["status"]).To(Equal(map[string]any{"observedGeneration": int64(-1)}))
		})

		It("serves "+k.name+" by its short name and its category", func(ctx context.Context) {
			definition := &apiextensionsv1.CustomResourceDefinition{}
			Expect(admin.Get(ctx, client.ObjectKey{Name: k.plural + "." + v1alpha1.GroupName}, definition)).To(Succeed())
			Expect(definition.Spec.Names.ShortNames).To(ConsistOf(k.short))
			Expect(definition.Spec.Names.Categories).To(ConsistOf("kisi"))
			Expect(definition.Spec.Scope).To(Equal(apiextensionsv1.NamespaceScoped))
			Expect(definition.Status.AcceptedNames).To(Equal(definition.Spec.Names))
		})
	}

	for _, k := range kinds {
		if k.name == "KisiConnection" || k.name == "KisiGroup" {
			continue
		}
		It("selects a "+k.name+" by its externalID", func(ctx context.Context) {
			wanted := create(ctx, edited(k.example("full"), map[string]any{"spec.externalID": "wanted"}))
			create(ctx, edited(k.example("full"), map[string]any{"spec.externalID": "other"}))
			list := k.list()
			Expect(admin.List(ctx, list, client.MatchingFields{"spec.externalID": "wanted"})).To(Succeed())
			Expect(namesOf(list)).To(ConsistOf(wanted.GetName()))
		})
	}

	It("selects a Member by its email", func(ctx context.Context) {
		member := kinds[len(kinds)-1]
		wanted := create(ctx, edited(member.example("full"), map[string]any{"spec.email": "wanted@example.com"}))
		create(ctx, member.example("full"))
		list := member.list()
		Expect(admin.List(ctx, list, client.MatchingFields{"spec.email": "wanted@example.com"})).To(Succeed())
		Expect(namesOf(list)).To(ConsistOf(wanted.GetName()))
	})
})

func asJSON(value any) string {
	GinkgoHelper()
	content, err := yaml.Marshal(value)
	Expect(err).NotTo(HaveOccurred())
	content, err = yaml.YAMLToJSON(content)
	Expect(err).NotTo(HaveOccurred())
	return string(content)
}

func namesOf(list client.ObjectList) []string {
	GinkgoHelper()
	var names []string
	Expect(metaEachItem(list, func(object metav1.Object) { names = append(names, object.GetName()) })).To(Succeed())
	return names
}

// namespaced returns the object with a namespace, if its kind has any.
func namespaced(object *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	isNamespaced, err := admin.IsObjectNamespaced(object)
	Expect(err).NotTo(HaveOccurred())
	if isNamespaced && object.GetNamespace() == "" {
		object.SetNamespace(metav1.NamespaceDefault)
	}
	return object
}
