// Package cluster reads and annotates objects for `kubectl kisi`, with the rights of whoever runs it.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

// Client reads the kinds of this project.
type Client struct{ rest rest.Interface }

// NewClient makes a client; it sends nothing.
func NewClient(config *rest.Config) (*Client, error) {
	scheme := runtime.NewScheme()
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	config = rest.CopyConfig(config)
	config.GroupVersion, config.APIPath = &v1alpha1.GroupVersion, "/apis"
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.QPS = -1 // a handful of requests
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the Kubernetes API: %w", err)
	}
	return &Client{client}, nil
}

// Read lists some kinds of a namespace, all if none is named, with one request each. A kind that may not be listed is noted
// as unreadable; anything else that goes wrong is an error.
func (c *Client) Read(ctx context.Context, namespace string, kinds ...string) (*objects.Set, error) {
	lists, err := c.read(ctx, namespace, kinds)
	if err != nil {
		return nil, err
	}
	set := empty(namespace, lists)
	for _, list := range lists {
		for _, object := range list.items {
			set.Add(object)
		}
	}
	return set, nil
}

// ReadAll lists every kind in all namespaces, with one request each, and returns the namespaces that have any, by name.
func (c *Client) ReadAll(ctx context.Context) ([]*objects.Set, error) {
	lists, err := c.read(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	byName := map[string]*objects.Set{}
	for _, list := range lists {
		for _, object := range list.items {
			namespace := object.GetNamespace()
			if byName[namespace] == nil {
				byName[namespace] = empty(namespace, lists)
			}
			byName[namespace].Add(object)
		}
	}
	var all []*objects.Set
	for _, namespace := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, byName[namespace])
	}
	if len(all) == 0 {
		return nil, refusals(lists)
	}
	return all, nil
}

// refusals is why nothing could be listed, or nil.
func refusals(lists map[string]listed) error {
	var refused []error
	for _, kind := range objects.Kinds {
		refused = append(refused, lists[kind].refused)
	}
	return errors.Join(refused...)
}

// empty is a namespace without objects, which knows what could not be listed.
func empty(namespace string, lists map[string]listed) *objects.Set {
	set := &objects.Set{Namespace: namespace, Unreadable: map[string]error{}}
	for kind, list := range lists {
		if list.refused != nil {
			set.Unreadable[kind] = list.refused
		}
	}
	return set
}

// listed is what a list request came to.
type listed struct {
	items   []objects.Object
	refused error
}

func (c *Client) read(ctx context.Context, namespace string, kinds []string) (map[string]listed, error) {
	if len(kinds) == 0 {
		kinds = objects.Kinds
	}
	var (
		mu       sync.Mutex
		wait     sync.WaitGroup
		found    = map[string]listed{}
		firstErr error
	)
	for _, kind := range kinds {
		wait.Go(func() {
			items, err := c.list(ctx, namespace, kind)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				found[kind] = listed{items: items}
			case apierrors.IsForbidden(err):
				found[kind] = listed{refused: missing("list", kind, namespace)}
			case firstErr == nil:
				firstErr = explain(err, kind, namespace)
			}
		})
	}
	wait.Wait()
	return found, firstErr
}

// missing says which right is missing.
func missing(verb, kind, namespace string) error {
	where := "namespace " + namespace
	if namespace == "" {
		where = "all namespaces"
	}
	return fmt.Errorf("you may not %s %s.%s in %s; ask for a Role with the verb %q on %s", verb, objects.Resource(kind), v1alpha1.GroupVersion.Group, where, verb, objects.Resource(kind))
}

func explain(err error, kind, namespace string) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("this cluster does not know %s.%s; install the operator's CustomResourceDefinitions, or choose another --context", objects.Resource(kind), v1alpha1.GroupVersion.Group)
	}
	return fmt.Errorf("listing the %ss of namespace %q: %w", kind, namespace, err)
}

func (c *Client) list(ctx context.Context, namespace, kind string) ([]objects.Object, error) {
	list, err := c.rest.Get().NamespaceIfScoped(namespace, namespace != "").Resource(objects.Resource(kind)).Do(ctx).Get()
	if err != nil {
		return nil, err
	}
	items := make([]objects.Object, 0, meta.LenList(list))
	err = meta.EachListItem(list, func(item runtime.Object) error {
		object, ok := item.(objects.Object)
		if !ok {
			return fmt.Errorf("the API server lists a %T among the %ss", item, kind)
		}
		items = append(items, object)
		return nil
	})
	return items, err
}
