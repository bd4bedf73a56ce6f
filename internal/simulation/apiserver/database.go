package apiserver

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// keptEvents is how many changes of a resource a watch may be behind.
const keptEvents = 10_000

// database holds all objects, by key, under one sequence of resource versions as in etcd. What it holds is never changed in
// place: a change puts another object there.
type database struct {
	mu       sync.Mutex
	version  uint64
	objects  map[string]runtime.Object
	written  map[string][]byte          // as it was encoded, where it is
	keys     map[string]map[string]bool // of objects, by prefix of the resource
	changes  map[string][]change        // the latest, by prefix
	dropped  map[string]uint64          // the version of the latest change that is not kept, by prefix
	watchers map[*watcher]bool
}

// change is one event of an object. before is nil for one that was added.
type change struct {
	kind          watch.EventType
	key           string
	version       uint64
	before, after runtime.Object
}

func newDatabase() *database {
	return &database{
		version: 1, objects: map[string]runtime.Object{}, written: map[string][]byte{}, keys: map[string]map[string]bool{},
		changes: map[string][]change{}, dropped: map[string]uint64{}, watchers: map[*watcher]bool{},
	}
}

// put stores object under the next version, or takes it away, and tells whoever watches. It returns what is stored, which
// must not be changed.
func (d *database) put(prefix string, kind watch.EventType, key string, object, before runtime.Object) runtime.Object {
	d.version++
	if err := versioner.UpdateObject(object, d.version); err != nil {
		panic(err) // every stored object has metadata
	}
	if kind == watch.Deleted {
		delete(d.objects, key)
		delete(d.written, key)
		delete(d.keys[prefix], key)
	} else {
		d.objects[key] = object
		if d.keys[prefix] == nil {
			d.keys[prefix] = map[string]bool{}
		}
		d.keys[prefix][key] = true
	}
	is := change{kind: kind, key: key, version: d.version, before: before, after: object}
	d.changes[prefix] = append(d.changes[prefix], is)
	kept := d.changes[prefix]
	if excess := len(kept) - keptEvents; excess > keptEvents/10 {
		d.dropped[prefix] = kept[excess-1].version
		d.changes[prefix] = slices.Clone(kept[excess:])
	}
	for w := range d.watchers {
		if w.prefix == prefix {
			w.tell(is)
		}
	}
	return object
}

// expire forgets all changes so far: a watch that begins before now is told that it is too old.
func (d *database) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for prefix := range d.changes {
		d.dropped[prefix] = d.version
		d.changes[prefix] = nil
	}
}
