// Package enqueuetest keeps objects as the informer cache does, in client-go's indexers with the operator's field indexes, and counts
// what is read of them. It decides nothing that an API server would.
package enqueuetest

import (
	"context"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Cache holds objects of any kinds.
type Cache struct {
	indexers map[reflect.Type]toolscache.Indexer
	indexes  map[reflect.Type]toolscache.Indexers

	// Lookups counts calls of Get and List, Walked the objects that they returned.
	Lookups, Walked int
}

var (
	_ client.Reader       = (*Cache)(nil)
	_ client.FieldIndexer = (*Cache)(nil)
)

// IndexField implements client.FieldIndexer. All indexes are registered before the first object is added.
func (c *Cache) IndexField(_ context.Context, object client.Object, field string, values client.IndexerFunc) error {
	kind := reflect.TypeOf(object)
	if c.indexes == nil {
		c.indexes = map[reflect.Type]toolscache.Indexers{}
	}
	if c.indexes[kind] == nil {
		c.indexes[kind] = toolscache.Indexers{}
	}
	c.indexes[kind][field] = func(object any) ([]string, error) {
		is := object.(client.Object)
		var keys []string
		for _, value := range values(is) {
			keys = append(keys, is.GetNamespace()+"/"+value, "/"+value)
		}
		return keys, nil
	}
	return nil
}

func (c *Cache) of(kind reflect.Type) toolscache.Indexer {
	if c.indexers == nil {
		c.indexers = map[reflect.Type]toolscache.Indexer{}
	}
	if c.indexers[kind] == nil {
		indexes := toolscache.Indexers{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc}
		for field, values := range c.indexes[kind] {
			indexes[field] = values
		}
		c.indexers[kind] = toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, indexes)
	}
	return c.indexers[kind]
}

// Put adds an object, or takes the place of the one that has its name.
func (c *Cache) Put(object client.Object) {
	if err := c.of(reflect.TypeOf(object)).Update(object); err != nil {
		panic(err)
	}
}

// Remove takes an object out.
func (c *Cache) Remove(object client.Object) {
	if err := c.of(reflect.TypeOf(object)).Delete(object); err != nil {
		panic(err)
	}
}

// Forget sets what was counted to nothing.
func (c *Cache) Forget() { c.Lookups, c.Walked = 0, 0 }

// Get implements client.Reader, without a copy.
func (c *Cache) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	c.Lookups++
	found, exists, err := c.of(reflect.TypeOf(object)).GetByKey(key.String())
	if err != nil {
		return err
	}
	if !exists {
		return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
	}
	c.Walked++
	reflect.ValueOf(object).Elem().Set(reflect.ValueOf(found).Elem())
	return nil
}

// List implements client.Reader, without copies and for one field at most.
func (c *Cache) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	c.Lookups++
	asked := client.ListOptions{}
	asked.ApplyOptions(options)
	item, exists := reflect.TypeOf(list).Elem().FieldByName("Items")
	if !exists {
		return fmt.Errorf("%T has no items", list)
	}
	found, err := c.find(c.of(reflect.PointerTo(item.Type.Elem())), asked)
	if err != nil {
		return err
	}
	objects := make([]runtime.Object, 0, len(found))
	for _, object := range found {
		objects = append(objects, object.(runtime.Object))
	}
	c.Walked += len(objects)
	return meta.SetList(list, objects)
}

func (c *Cache) find(in toolscache.Indexer, asked client.ListOptions) ([]any, error) {
	switch {
	case asked.FieldSelector != nil:
		wanted := asked.FieldSelector.Requirements()[0]
		return in.ByIndex(wanted.Field, asked.Namespace+"/"+wanted.Value)
	case asked.Namespace != "":
		return in.ByIndex(toolscache.NamespaceIndex, asked.Namespace)
	}
	return in.List(), nil
}
