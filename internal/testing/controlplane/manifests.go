package controlplane

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	sigsyaml "sigs.k8s.io/yaml"
)

// fieldOwner is the field manager of everything that Apply writes.
const fieldOwner = client.FieldOwner("local-control-plane")

// InstallCRDs creates or updates the CustomResourceDefinitions in a file or a directory, and returns when the API
// server serves them.
//
// The garbage collector looks for new kinds every 30 seconds, which nobody wants to wait for, so
// kube-controller-manager is started afresh. Definitions in Options.CRDs save that second.
func (c *ControlPlane) InstallCRDs(ctx context.Context, path string) error {
	if c.attached {
		return errAttached
	}
	if _, err := c.installCRDs(path); err != nil {
		return err
	}
	c.mu.Lock()
	err := c.controllerManager.Kill()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.startControllerManager(ctx)
}

func (c *ControlPlane) installCRDs(path string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	crds, err := envtest.InstallCRDs(c.AdminConfig(), envtest.CRDInstallOptions{
		Paths:              []string{path},
		ErrorIfPathMissing: true,
		MaxTime:            startTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("installing the definitions in %s: %w", path, err)
	}
	if len(crds) == 0 {
		return nil, fmt.Errorf("%s holds no CustomResourceDefinition", path)
	}
	return crds, nil
}

// Apply applies YAML or JSON documents with server-side apply, as the administrator, in their order, and returns the
// objects as the API server stored them. An object of a namespaced kind without a namespace goes to "default".
func (c *ControlPlane) Apply(ctx context.Context, manifests []byte) ([]*unstructured.Unstructured, error) {
	objects, err := decode(manifests)
	if err != nil {
		return nil, err
	}
	admin, err := c.client()
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		namespaced, err := admin.IsObjectNamespaced(object)
		if err != nil {
			return nil, fmt.Errorf("applying %s: %w", describe(object), err)
		}
		if namespaced && object.GetNamespace() == "" {
			object.SetNamespace(metav1.NamespaceDefault)
		}
		if err := admin.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), fieldOwner, client.ForceOwnership); err != nil {
			return nil, fmt.Errorf("applying %s: %w", describe(object), err)
		}
	}
	return objects, nil
}

// newClient makes the client of Apply. One is enough: what the API server serves is asked for once, and again for a kind
// that is not known yet.
func (c *ControlPlane) newClient() (client.Client, error) {
	return client.New(c.AdminConfig(), client.Options{})
}

// ApplyPath applies a file, or all .yaml, .yml and .json files below a directory in the order of their names, as Apply
// does.
func (c *ControlPlane) ApplyPath(ctx context.Context, path string) ([]*unstructured.Unstructured, error) {
	files, err := manifestFiles(path)
	if err != nil {
		return nil, err
	}
	var applied []*unstructured.Unstructured
	for _, file := range files {
		manifests, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		objects, err := c.Apply(ctx, manifests)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		applied = append(applied, objects...)
	}
	return applied, nil
}

func manifestFiles(path string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		isManifest := slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file))
		// kustomize's own files describe other files; they are no objects.
		if isManifest && entry.Name() != "kustomization.yaml" || file == path {
			files = append(files, file)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no manifest (.yaml, .yml or .json)", path)
	}
	return files, err
}

func decode(manifests []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifests)))
	for number := 1; ; number++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		object := &unstructured.Unstructured{}
		if err := sigsyaml.Unmarshal(document, &object.Object); err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		if len(object.Object) == 0 { // nothing but comments
			continue
		}
		if object.GetKind() == "" || object.GetAPIVersion() == "" {
			return nil, fmt.Errorf("document %d: apiVersion and kind are required", number)
		}
		objects = append(objects, object)
	}
}

func describe(object *unstructured.Unstructured) string {
	name := object.GetName()
	if object.GetNamespace() != "" {
		name = object.GetNamespace() + "/" + name
	}
	return object.GetKind() + " " + name
}
