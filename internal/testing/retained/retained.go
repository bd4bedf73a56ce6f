// Package retained counts what a value remembers: the entries of every map, slice and list that can be reached from it.
package retained

import (
	"container/list"
	"reflect"
	"strings"
	"sync"
	"unsafe"
)

// Entries counts the entries of every map, slice and list in structs of packages below prefix that can be reached from
// the roots, by package, type and field: "session.Pool.sessions". Those of several values of one type are added up. What
// is reached only through other packages' types is not seen. Nothing may change meanwhile.
func Entries(prefix string, roots ...any) map[string]int {
	w := walk{prefix: prefix, entries: map[string]int{}, seen: map[visit]bool{}}
	for _, root := range roots {
		w.value(reflect.ValueOf(root), "")
	}
	return w.entries
}

type walk struct {
	prefix  string
	entries map[string]int
	seen    map[visit]bool
}

type visit struct {
	at unsafe.Pointer
	of reflect.Type
}

func (w *walk) value(v reflect.Value, field string) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || w.visited(v) {
			return
		}
		w.value(v.Elem(), field)
	case reflect.Interface:
		w.value(v.Elem(), field)
	case reflect.Struct:
		w.structure(v, field)
	case reflect.Map:
		w.entries[field] += v.Len()
		for entries := v.MapRange(); entries.Next(); {
			w.value(entries.Key(), field)
			w.value(entries.Value(), field)
		}
	case reflect.Slice:
		w.entries[field] += v.Len()
		fallthrough
	case reflect.Array:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				w.value(v.Index(i), field)
			}
		}
	}
}

func (w *walk) visited(pointer reflect.Value) bool {
	this := visit{pointer.UnsafePointer(), pointer.Type()}
	known := w.seen[this]
	w.seen[this] = true
	return known
}

func (w *walk) structure(v reflect.Value, field string) {
	if !v.CanAddr() { // an element of a map: its fields can be looked at only in a copy
		addressable := reflect.New(v.Type()).Elem()
		if !v.CanInterface() {
			return
		}
		addressable.Set(v)
		v = addressable
	}
	switch held := reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Interface().(type) {
	case *sync.Map:
		held.Range(func(_, value any) bool {
			w.entries[field]++
			w.value(reflect.ValueOf(value), field)
			return true
		})
		return
	case *list.List:
		w.entries[field] += held.Len()
		for element := held.Front(); element != nil; element = element.Next() {
			w.value(reflect.ValueOf(element.Value), field)
		}
		return
	}
	if !strings.HasPrefix(v.Type().PkgPath(), w.prefix) {
		return
	}
	name := v.Type().String()
	name, _, _ = strings.Cut(name, "[") // of a generic type
	for i := range v.NumField() {
		f := v.Field(i)
		// Unexported fields cannot be looked at otherwise.
		f = reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem()
		w.value(f, name+"."+v.Type().Field(i).Name)
	}
}
