package kisi

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

func TestWhatWaitsIsCountedByConnectionAndToldWhenItHasItsTurn(t *testing.T) {
	var told []string
	options := QueueOptions{RequestsPerSecond: 1, OnTurn: func(class Class, waited time.Duration) {
		told = append(told, fmt.Sprintf("%s %s after %s", class.Connection, class.Priority, waited.Round(time.Second)))
	}}
	onBench(t, options, func(b *bench) {
		b.busy()
		b.submit("a", Grant, "gym/a")
		b.submit("b", Grant, "gym/b")
		b.submit("c", Urgent, "gym/a")
		b.submit("a", Urgent, "gym/a") // it keeps its place in time
		if waiting := b.queue.WaitingFor("gym/a"); !maps.Equal(waiting, map[Priority]int{Urgent: 2}) {
			t.Errorf("%v wait for gym/a", waiting)
		}
		if waiting := b.queue.WaitingFor("gym/b"); !maps.Equal(waiting, map[Priority]int{Grant: 1}) {
			t.Errorf("%v wait for gym/b", waiting)
		}
		b.advance(4 * time.Second)
		b.expect("c", "a", "b")
		want := []string{" Background after 0s", "gym/a Urgent after 1s", "gym/a Urgent after 2s", "gym/b Grant after 3s"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if waiting := b.queue.WaitingFor("gym/a"); len(waiting) > 0 {
			t.Errorf("%v wait for gym/a", waiting)
		}
	})
}

func TestARouteNamesNoID(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/users": "/users", pathOfID("users", 7): "/users/{id}", pathOf("roles", "group_basic"): "/roles/{id}", "/login": "/login", "": "/",
	} {
		if got := routeOf(path); got != want {
			t.Errorf("the route of %q is %q, want %q", path, got, want)
		}
	}
}
