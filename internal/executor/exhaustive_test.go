package executor_test

import (
	"flag"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
)

var every = flag.Bool("every", false, "meet every two troubles in every kind of Kisi, instead of each two in one of them")

// Two things may go wrong in one change. Every two of them are tried, wherever they may come: first one at each effect, and
// then, at each effect that still follows, one more.
func TestWhateverTwoThingsGoWrongWhereverTheEndIsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	var once, twice atomic.Int64
	t.Run("scenarios", func(t *testing.T) {
		for _, name := range slices.Sorted(maps.Keys(scenarios)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for kisi := range kisis() {
					ones, twos := scenarios[name].playPairs(t, kisi)
					once.Add(ones)
					twice.Add(twos)
				}
			})
		}
	})
	t.Logf("%d scenarios: one thing went wrong in %d ways, two in %d", len(scenarios), once.Load(), twice.Load())
}

// playPairs plays the scenario in the one Kisi of kisis with each trouble, and with each two of them.
func (s scenario) playPairs(t *testing.T, kisi int) (once, twice int64) {
	t.Helper()
	switches := kisis()[kisi]
	effects, _ := s.play(t, course{kisi: switches})
	for first, possible := range effects {
		for i, wrong := range possible {
			if !*every && (first+i)%len(kisis()) != kisi {
				continue
			}
			c := course{kisi: switches, wrong: map[int]trouble{first: wrong}, blind: (first+i)%2 == 0, undone: (first+i)%3 == 0}
			after, _ := s.play(t, c)
			once++
			for second := first + 1; second < len(after); second++ {
				for _, more := range after[second] {
					c.wrong = map[int]trouble{first: wrong, second: more}
					s.play(t, c)
					twice++
				}
			}
		}
	}
	return once, twice
}
