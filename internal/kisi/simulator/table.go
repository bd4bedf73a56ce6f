package simulator

import (
	"slices"
	"time"
)

// table keeps every version that each of its rows ever had, so that the past
// can be asked the same questions as the present.
type table[T any] struct {
	rows map[int]*[]version[T]
	next int
}

type version[T any] struct {
	since   time.Time
	value   T
	deleted bool
}

// newTable starts ids at first. Tables start far apart so that an id of one
// kind is never mistaken for an id of another without anybody noticing.
func newTable[T any](first int) table[T] {
	return table[T]{rows: map[int]*[]version[T]{}, next: first}
}

// allocate returns wanted if it is given and free, else the next id.
func (t *table[T]) allocate(wanted int) int {
	id := t.next
	if wanted > 0 {
		id = wanted
	}
	t.next = max(t.next, id+1)
	return id
}

func (t *table[T]) get(id int) (T, bool) {
	var none T
	versions, ok := t.rows[id]
	if !ok {
		return none, false
	}
	last := (*versions)[len(*versions)-1]
	if last.deleted {
		return none, false
	}
	return last.value, true
}

// at is the row as it was at an instant.
func (t *table[T]) at(id int, instant time.Time) (T, bool) {
	var none T
	versions, ok := t.rows[id]
	if !ok {
		return none, false
	}
	for i := len(*versions) - 1; i >= 0; i-- {
		if v := (*versions)[i]; !v.since.After(instant) {
			return v.value, !v.deleted
		}
	}
	return none, false
}

// everKnown is the latest value of a row, deleted or not.
func (t *table[T]) everKnown(id int) (T, bool) {
	var none T
	versions, ok := t.rows[id]
	if !ok {
		return none, false
	}
	return (*versions)[len(*versions)-1].value, true
}

func (t *table[T]) versions(id int) []version[T] {
	if versions, ok := t.rows[id]; ok {
		return *versions
	}
	return nil
}

func (t *table[T]) put(now time.Time, id int, value T) {
	t.append(id, version[T]{since: now, value: value})
}

func (t *table[T]) remove(now time.Time, id int) {
	if value, ok := t.get(id); ok {
		t.append(id, version[T]{since: now, value: value, deleted: true})
	}
}

// touch changes a row without making a version: for what no decision about
// access depends on, such as when somebody was last seen.
func (t *table[T]) touch(id int, change func(*T)) {
	if versions, ok := t.rows[id]; ok {
		change(&(*versions)[len(*versions)-1].value)
	}
}

func (t *table[T]) append(id int, v version[T]) {
	versions, ok := t.rows[id]
	if !ok {
		t.rows[id] = &[]version[T]{v}
		return
	}
	*versions = append(*versions, v)
}

// index lists row ids by a key that a row keeps for life: those that exist,
// ascending, and those that ever did.
type index[K comparable] struct {
	live map[K][]int
	ever map[K][]int
}

func newIndex[K comparable]() index[K] {
	return index[K]{live: map[K][]int{}, ever: map[K][]int{}}
}

func (x index[K]) add(key K, id int) {
	x.live[key] = insertSorted(x.live[key], id)
	x.ever[key] = insertSorted(x.ever[key], id)
}

func (x index[K]) remove(key K, id int) {
	ids := x.live[key]
	if at, ok := slices.BinarySearch(ids, id); ok {
		x.live[key] = slices.Delete(ids, at, at+1)
	}
}

func insertSorted(ids []int, id int) []int {
	if len(ids) == 0 || ids[len(ids)-1] < id {
		return append(ids, id)
	}
	at, found := slices.BinarySearch(ids, id)
	if found {
		return ids
	}
	return slices.Insert(ids, at, id)
}
