package apiserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

// versioner reads and writes resource versions, as for etcd.
var versioner = storage.APIObjectVersioner{}

// resourceStorage is the part of a database that holds the objects of one resource. It implements storage.Interface with
// the meaning that etcd's has, so that everything above it is the API server's own code.
type resourceStorage struct {
	*database
	prefix  string // "/group/resource"
	newFunc func() runtime.Object
	// codec, if there is one, writes and reads what is stored. Reading is where custom resources get their defaults.
	codec runtime.Codec
}

// storageFor is a generic.StorageDecorator.
func (d *database) storageFor(config *storagebackend.ConfigForResource, prefix string, _ func(runtime.Object) (string, error),
	newFunc, _ func() runtime.Object, _ storage.AttrFunc, _ storage.IndexerFuncs, _ *cache.Indexers,
) (storage.Interface, factory.DestroyFunc, error) {
	return &resourceStorage{database: d, prefix: path(prefix), newFunc: newFunc, codec: config.Codec}, func() {}, nil
}

// uncodedStorageFor is a generic.StorageDecorator for objects that are stored as they are.
func (d *database) uncodedStorageFor(_ *storagebackend.ConfigForResource, prefix string, _ func(runtime.Object) (string, error),
	newFunc, _ func() runtime.Object, _ storage.AttrFunc, _ storage.IndexerFuncs, _ *cache.Indexers,
) (storage.Interface, factory.DestroyFunc, error) {
	return &resourceStorage{database: d, prefix: path(prefix), newFunc: newFunc}, func() {}, nil
}

// path makes every key begin with one slash.
func path(key string) string { return "/" + strings.TrimPrefix(key, "/") }

// folder is the key below which everything is that a recursive look at key concerns.
func folder(key string) string { return strings.TrimSuffix(path(key), "/") + "/" }

func (s *resourceStorage) Versioner() storage.Versioner { return versioner }

// Create implements storage.Interface.
func (s *resourceStorage) Create(_ context.Context, key string, object, out runtime.Object, _ uint64) error {
	if version, err := versioner.ObjectResourceVersion(object); err == nil && version != 0 {
		return storage.ErrResourceVersionSetOnCreate
	}
	if err := versioner.PrepareObjectForStorage(object); err != nil {
		return fmt.Errorf("preparing the object: %w", err)
	}
	read, data, err := s.stored(object)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key = path(key)
	if _, exists := s.objects[key]; exists {
		return storage.NewKeyExistsError(key, 0)
	}
	s.written[key] = data
	return assign(out, s.put(s.prefix, watch.Added, key, read, nil))
}

// stored is an object as it is read once it has been written, and what is written.
func (s *resourceStorage) stored(object runtime.Object) (runtime.Object, []byte, error) {
	if s.codec == nil {
		return object.DeepCopyObject(), nil, nil
	}
	data, err := runtime.Encode(s.codec, object)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding the object: %w", err)
	}
	read, err := runtime.Decode(s.codec, data)
	if err != nil {
		return nil, nil, fmt.Errorf("decoding the object: %w", err)
	}
	return read, data, nil
}

// Delete implements storage.Interface.
func (s *resourceStorage) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, _ runtime.Object, _ storage.DeleteOptions,
) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key = path(key)
	current, exists := s.objects[key]
	if !exists {
		return storage.NewKeyNotFoundError(key, 0)
	}
	if preconditions != nil {
		if err := preconditions.Check(key, current); err != nil {
			return err
		}
	}
	if err := validate(ctx, current.DeepCopyObject()); err != nil {
		return err
	}
	return assign(out, s.put(s.prefix, watch.Deleted, key, current.DeepCopyObject(), current))
}

// Get implements storage.Interface.
func (s *resourceStorage) Get(_ context.Context, key string, options storage.GetOptions, out runtime.Object) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.notOlderThan(options.ResourceVersion); err != nil {
		return err
	}
	key = path(key)
	current, exists := s.objects[key]
	switch {
	case exists:
		return assign(out, current)
	case options.IgnoreNotFound:
		return runtime.SetZeroValue(out)
	}
	return storage.NewKeyNotFoundError(key, 0)
}

// GetList implements storage.Interface. Pages are not cut: a limit is only a wish.
func (s *resourceStorage) GetList(_ context.Context, key string, options storage.ListOptions, list runtime.Object) error {
	items, err := meta.GetItemsPtr(list)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.notOlderThan(options.ResourceVersion); err != nil {
		return err
	}
	found := reflect.ValueOf(items).Elem()
	found.Set(reflect.MakeSlice(found.Type(), 0, 0))
	for _, at := range s.below(key, options.Recursive) {
		object := s.objects[at]
		if matches, err := options.Predicate.Matches(object); err != nil || !matches {
			continue
		}
		item := reflect.ValueOf(object.DeepCopyObject())
		if found.Type().Elem().Kind() == reflect.Struct {
			item = item.Elem()
		}
		found.Set(reflect.Append(found, item))
	}
	return versioner.UpdateList(list, s.version, "", nil)
}

// below lists keys in order: of one object, or of everything in a folder.
func (s *resourceStorage) below(key string, recursive bool) []string {
	if !recursive {
		if _, exists := s.objects[path(key)]; exists {
			return []string{path(key)}
		}
		return nil
	}
	return s.keysIn(s.prefix, folder(key))
}

// GuaranteedUpdate implements storage.Interface.
func (s *resourceStorage) GuaranteedUpdate(_ context.Context, key string, out runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, update storage.UpdateFunc, _ runtime.Object,
) error {
	key = path(key)
	for {
		s.mu.Lock()
		current, exists := s.objects[key]
		s.mu.Unlock()
		var input runtime.Object
		var version uint64
		switch {
		case exists:
			input = current.DeepCopyObject()
			version, _ = versioner.ObjectResourceVersion(current)
		case ignoreNotFound:
			input = s.newFunc()
			if unstructured, is := out.(runtime.Unstructured); is {
				input = unstructured.NewEmptyInstance()
			}
		default:
			return storage.NewKeyNotFoundError(key, 0)
		}
		if err := preconditions.Check(key, input); err != nil {
			return err
		}
		result, _, err := update(input, storage.ResponseMeta{ResourceVersion: version})
		if err != nil {
			return err
		}
		if done, err := s.swap(key, current, result, out); done || err != nil {
			return err
		}
	}
}

// swap writes result where current still is what is stored, and tells whether it did. What says nothing new is not written.
func (s *resourceStorage) swap(key string, current, result, out runtime.Object) (bool, error) {
	if err := versioner.PrepareObjectForStorage(result); err != nil {
		return false, fmt.Errorf("preparing the object: %w", err)
	}
	read, data, err := s.stored(result)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.objects[key]; now != current {
		return false, nil
	}
	kind := watch.Modified
	if current == nil {
		kind = watch.Added
	} else if same, err := s.same(key, current, result, data); same || err != nil {
		return true, errors.Join(err, assign(out, current))
	}
	s.written[key] = data
	return true, assign(out, s.put(s.prefix, kind, key, read, current))
}

// same tells whether a write says nothing new: by what was written, so that the first write after a default has come in by
// reading is one.
func (s *resourceStorage) same(key string, current, result runtime.Object, data []byte) (bool, error) {
	if s.codec != nil {
		return bytes.Equal(s.written[key], data), nil
	}
	same := current.DeepCopyObject()
	if err := versioner.PrepareObjectForStorage(same); err != nil {
		return false, fmt.Errorf("preparing the object: %w", err)
	}
	return reflect.DeepEqual(same, result), nil
}

// assign sets what a caller gave for the answer.
func assign(out, object runtime.Object) error {
	if out == nil {
		return nil
	}
	into, from := reflect.ValueOf(out), reflect.ValueOf(object.DeepCopyObject())
	if into.Type() != from.Type() {
		return fmt.Errorf("a %T was asked for and a %T is stored", out, object)
	}
	into.Elem().Set(from.Elem())
	return nil
}

func (s *resourceStorage) notOlderThan(version string) error {
	wanted, err := versioner.ParseResourceVersion(version)
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	if wanted > s.version {
		return storage.NewTooLargeResourceVersionError(wanted, s.version, 0)
	}
	return nil
}

// Stats implements storage.Interface.
func (s *resourceStorage) Stats(context.Context) (storage.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return storage.Stats{ObjectCount: int64(len(s.keysIn(s.prefix, s.prefix+"/")))}, nil
}

// GetCurrentResourceVersion implements storage.Interface.
func (s *resourceStorage) GetCurrentResourceVersion(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, nil
}

// The rest of storage.Interface concerns etcd alone.

func (*resourceStorage) ReadinessCheck() error                               { return nil }
func (*resourceStorage) RequestWatchProgress(context.Context) error          { return nil }
func (*resourceStorage) EnableResourceSizeEstimation(storage.KeysFunc) error { return nil }
func (*resourceStorage) CompactRevision() int64                              { return 0 }

// keysIn lists the keys of a resource that are in a folder, in order.
func (d *database) keysIn(prefix, folder string) []string {
	var keys []string
	for key := range d.keys[prefix] {
		if strings.HasPrefix(key, folder) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
