package api_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("config", func() {
	It("lists every definition in the kustomization", func() {
		Expect(resourcesOf("../../../config/crd/kustomization.yaml")).To(ConsistOf(filesBelow("../../../config/crd", "bases/*.yaml")))
	})

	It("has a sample of each kind, listed in the kustomization", func() {
		samples := filesBelow(sampleDir, "access_v1alpha1_*.yaml")
		Expect(samples).To(HaveLen(len(kinds)))
		for _, k := range kinds {
			Expect(samples).To(ContainElement("access_v1alpha1_" + strings.ToLower(k.name) + ".yaml"))
		}
		Expect(resourcesOf(sampleDir + "/kustomization.yaml")).To(ConsistOf(samples))
	})

	for _, k := range kinds {
		It("has a sample that is accepted: "+k.name, func(ctx context.Context) {
			content, err := os.ReadFile(filepath.Join(sampleDir, "access_v1alpha1_"+strings.ToLower(k.name)+".yaml"))
			Expect(err).NotTo(HaveOccurred())
			objects := documents(content)
			Expect(objects[len(objects)-1].GetKind()).To(Equal(k.name))
			for _, object := range objects {
				Expect(dryRun(ctx, object)).To(Succeed())
			}
		})
	}
})

var _ = Describe("What Argo CD is to know of the kinds", func() {
	keys := func(data any) (ours []string) {
		for key := range data.(map[string]any) {
			if strings.Contains(key, ".access.kisi-operator.dev_") {
				ours = append(ours, key)
			}
		}
		return ours
	}
	const argocd = "{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm, namespace: %s}, data: {url: 'https://argocd.example.com'}}"

	It("comes into its ConfigMap with kustomize", func(ctx context.Context) {
		directory, err := os.MkdirTemp("../../../config", "argocd-overlay-")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(os.RemoveAll, directory)
		for name, text := range map[string]string{
			"kustomization.yaml": "resources: [argocd.yaml]\ncomponents: [../argocd]", "argocd.yaml": fmt.Sprintf(argocd, "argocd"),
		} {
			Expect(os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600)).To(Succeed())
		}
		out, err := plane.Kubectl(ctx, "kustomize", directory)
		Expect(err).NotTo(HaveOccurred())
		built := documents([]byte(out))
		Expect(built).To(HaveLen(1))
		Expect(keys(built[0].Object["data"])).To(HaveLen(2 * len(kinds)))
		Expect(built[0].Object["data"]).To(HaveKey("url"), "what was there stays")
	})

	It("is merged into its ConfigMap by kubectl patch", func(ctx context.Context) {
		_, err := plane.Apply(ctx, fmt.Appendf(nil, argocd, "default"))
		Expect(err).NotTo(HaveOccurred())
		out, err := plane.Kubectl(ctx, "patch", "configmap", "argocd-cm", "-n", "default", "--type=merge", "--patch-file=../../../config/argocd/argocd-cm.yaml", "-o", "yaml")
		Expect(err).NotTo(HaveOccurred())
		merged := documents([]byte(out))[0].Object["data"]
		Expect(keys(merged)).To(HaveLen(2 * len(kinds)))
		Expect(merged).To(HaveKey("url"), "what was there stays")
	})
})

var yamlBlock = regexp.MustCompile("(?ms)^```ya?ml\n(.*?)^```")

var _ = Describe("The page about", func() {
	for _, k := range kinds {
		It(k.name+" holds examples that are accepted", func(ctx context.Context) {
			page, err := os.ReadFile(filepath.Join(docsDir, strings.ToLower(k.name)+".md"))
			Expect(err).NotTo(HaveOccurred())
			blocks := yamlBlock.FindAllSubmatch(page, -1)
			Expect(blocks).NotTo(BeEmpty())
			shown := map[string]bool{}
			for number, block := range blocks {
				for _, object := range documents(block[1]) {
					Expect(dryRun(ctx, object)).To(Succeed(), "example %d:\n%s", number+1, block[1])
					shown[object.GetKind()] = true
				}
			}
			Expect(shown).To(HaveKey(k.name))
		})

		It(k.name+" speaks of every field and every value", func() {
			page, err := os.ReadFile(filepath.Join(docsDir, strings.ToLower(k.name)+".md"))
			Expect(err).NotTo(HaveOccurred())
			for _, word := range words(schemaOf(k.definition()).Properties["spec"]) {
				Expect(string(page)).To(ContainSubstring(word))
			}
		})
	}
})

var _ = Describe("Every page", func() {
	pages := append(filesBelow("../../../docs", "*.md"), filesBelow("../../../docs", "systems/*.md")...)
	for _, path := range pages {
		It(path+" shows objects that are accepted", func(ctx context.Context) {
			page, err := os.ReadFile(filepath.Join("../../../docs", path))
			Expect(err).NotTo(HaveOccurred())
			for number, block := range yamlBlock.FindAllSubmatch(page, -1) {
				if !bytes.HasPrefix(block[1], []byte("apiVersion: "+v1alpha1.GroupVersion.String())) {
					continue // a part of an object, or not ours
				}
				for _, object := range documents(block[1]) {
					Expect(dryRun(ctx, object)).To(Succeed(), "example %d:\n%s", number+1, block[1])
				}
			}
		})
	}

	It("for people of a system shows some", func() {
		for _, path := range filesBelow("../../../docs", "systems/*.md") {
			page, err := os.ReadFile(filepath.Join("../../../docs", path))
			Expect(err).NotTo(HaveOccurred())
			Expect(yamlBlock.Match(page)).To(BeTrue(), path)
		}
	})
})

// dryRun asks the API server what it would say to the object, unknown fields included.
func dryRun(ctx context.Context, object *unstructured.Unstructured) error {
	GinkgoHelper()
	return admin.Apply(ctx, client.ApplyConfigurationFromUnstructured(namespaced(object)), client.FieldOwner("specs"), client.DryRunAll)
}

func documents(content []byte) []*unstructured.Unstructured {
	GinkgoHelper()
	var objects []*unstructured.Unstructured
	for _, document := range bytes.Split(content, []byte("\n---\n")) {
		object := &unstructured.Unstructured{}
		Expect(yaml.UnmarshalStrict(document, &object.Object)).To(Succeed(), "%s", document)
		objects = append(objects, object)
	}
	return objects
}

func resourcesOf(path string) []string {
	GinkgoHelper()
	content, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	var kustomization struct {
		metav1.TypeMeta `json:",inline"`
		Resources       []string `json:"resources"`
	}
	Expect(yaml.UnmarshalStrict(content, &kustomization)).To(Succeed())
	Expect(kustomization.Kind).To(Equal("Kustomization"))
	return kustomization.Resources
}

func filesBelow(dir, pattern string) []string {
	GinkgoHelper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	Expect(err).NotTo(HaveOccurred())
	for i, file := range files {
		files[i], err = filepath.Rel(dir, file)
		Expect(err).NotTo(HaveOccurred())
	}
	return files
}

func metaEachItem(list client.ObjectList, visit func(metav1.Object)) error {
	return meta.EachListItem(list, func(object runtime.Object) error {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return fmt.Errorf("an item of %T: %w", list, err)
		}
		visit(accessor)
		return nil
	})
}
