// Package files reads objects from files, folders, kustomizations and standard input, as kubectl does, and admits them as
// the API server would.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/cli/schema"
)

// Loaded are objects as files have them.
type Loaded struct {
	objects []loaded
	// Namespaces that the objects name, sorted.
	Namespaces []string
}

type loaded struct {
	file   string
	object *unstructured.Unstructured
}

// Load reads every object of this project's kinds. Others are left out. What cannot be read is told at once, with the file.
func Load(in io.Reader, recursive bool, paths ...string) (*Loaded, error) {
	all := &Loaded{}
	var wrong []error
	for _, path := range paths {
		infos, err := infosOf(in, path, recursive)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", path, err))
		}
		for _, info := range infos {
			object, ours := info.Object.(*unstructured.Unstructured)
			if !ours || object.GroupVersionKind().Group != v1alpha1.GroupVersion.Group {
				continue
			}
			all.objects = append(all.objects, loaded{info.Source, object})
			if namespace := object.GetNamespace(); namespace != "" {
				all.Namespaces = append(all.Namespaces, namespace)
			}
		}
	}
	slices.Sort(all.Namespaces)
	all.Namespaces = slices.Compact(all.Namespaces)
	return all, errors.Join(wrong...)
}

// Admit returns the objects of a namespace as the API server would store them. An object that names none belongs to it. All
// that is wrong is told at once, each with file, object and field.
func (l *Loaded) Admit(ctx context.Context, namespace string) (*objects.Set, error) {
	set := &objects.Set{Namespace: namespace}
	from := map[string]string{} // which file an object is from
	var wrong []error
	for _, o := range l.objects {
		if named := o.object.GetNamespace(); named != "" && named != namespace {
			continue
		}
		name := o.object.GetKind() + "/" + o.object.GetName()
		if other, twice := from[name]; twice {
			wrong = append(wrong, fmt.Errorf("%s: %s is in %s, too; leave it out of one of them", o.file, name, other))
			continue
		}
		from[name] = o.file
		admitted, problems := schema.Admit(ctx, o.object)
		for _, problem := range problems {
			wrong = append(wrong, fmt.Errorf("%s: %s: %w", o.file, name, problem))
		}
		if admitted != nil {
			admitted.SetNamespace(namespace)
			set.Add(admitted)
		}
	}
	return set, errors.Join(wrong...)
}

// kustomizations are the file names that make a folder a kustomization.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// infosOf reads one argument: a kustomization is a folder that says so.
func infosOf(in io.Reader, path string, recursive bool) ([]*resource.Info, error) {
	if path == "-" {
		return resource.NewLocalBuilder().Unstructured().ContinueOnError().Stream(in, "standard input").Flatten().Do().Infos()
	}
	names := &resource.FilenameOptions{Filenames: []string{path}, Recursive: recursive}
	if slices.ContainsFunc(kustomizations, func(name string) bool {
		_, err := os.Stat(filepath.Join(path, name))
		return err == nil
	}) {
		names = &resource.FilenameOptions{Kustomize: path}
	}
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return nil, errors.New("an address is not read; download it first")
	}
	if names.Kustomize == "" && empty(path, recursive) {
		return nil, nil // a change may delete the last file
	}
	infos, err := resource.NewLocalBuilder().Unstructured().ContinueOnError().FilenameParam(false, names).Flatten().Do().Infos()
	if names.Kustomize != "" {
		for _, info := range infos {
			info.Source = path
		}
	}
	return infos, err
}

// empty reports whether the path is a folder without any file of objects.
func empty(path string, recursive bool) bool {
	found, err := os.Stat(path)
	if err != nil || !found.IsDir() {
		return false
	}
	none := true
	err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != path && !recursive:
			return fs.SkipDir
		case !entry.IsDir() && slices.Contains(resource.FileExtensions, filepath.Ext(file)):
			none = false
			return fs.SkipAll
		}
		return nil
	})
	return err == nil && none
}
