// Package tally keeps counts by the events of what is counted, so that nothing is counted over again.
package tally

import (
	"maps"
	"sync"
)

// Kept holds, for each place, how often every thing is counted there. The zero value is ready to use.
type Kept[P, T comparable] struct {
	mu     sync.Mutex
	places map[P]map[T]int32
}

// Change takes out of a place what an object counted for before an event, and puts in what it counts for since. It reports
// whether that differs.
func (k *Kept[P, T]) Change(place P, before, after map[T]int32) bool {
	if maps.Equal(before, after) {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.places == nil {
		k.places = map[P]map[T]int32{}
	}
	sums := k.places[place]
	if sums == nil {
		sums = map[T]int32{}
		k.places[place] = sums
	}
	for thing, times := range after {
		sums[thing] += times
	}
	for thing, times := range before {
		if sums[thing] -= times; sums[thing] == 0 {
			delete(sums, thing)
		}
	}
	if len(sums) == 0 {
		delete(k.places, place)
	}
	return true
}

// At passes what is counted at a place, and must not be kept, to a function, during which nothing changes.
func (k *Kept[P, T]) At(place P, tell func(counts map[T]int32)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	tell(k.places[place])
}
