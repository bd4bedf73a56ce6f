package retained

import (
	"container/list"
	"maps"
	"sync"
	"testing"
)

type shelf struct {
	books   map[string]*book
	loans   sync.Map
	waiting list.List
	any     any
	self    *shelf
}

type book struct{ pages []int }

type box[T any] struct{ things map[int]T }

func TestEntriesCountsWhatCanBeReached(t *testing.T) {
	s := &shelf{books: map[string]*book{"a": {pages: []int{1, 2}}, "b": {pages: []int{3}}}}
	s.loans.Store("a", &book{pages: []int{4, 5, 6}})
	s.waiting.PushBack("me")
	s.any = &box[book]{things: map[int]book{1: {}}}
	s.self = s
	got := Entries("github.com/kisi-operator/", s)
	want := map[string]int{
		"retained.shelf.books": 2, "retained.shelf.loans": 1, "retained.shelf.waiting": 1, "retained.book.pages": 6, "retained.box.things": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
