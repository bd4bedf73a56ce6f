// Package pairs chooses few combinations in which every two values of different factors meet: most faults need no more than
// two circumstances.
package pairs

import "math/rand/v2"

// Factor is something that is one way or another.
type Factor struct {
	Name   string
	Values []string
}

// Choice has one value for each factor, by the factor's name.
type Choice map[string]string

// candidates is how many choices are compared each time; more make the result only a little shorter.
const candidates = 200

// pair is a value of one factor with a value of a later one, all by their index. A value with itself is one, too, so that a
// factor that has no other to meet shows all its values.
type pair struct{ factor, value, other, otherValue int }

// Cover chooses combinations until every two values have met in one. Those that show most that is new come first. The same
// factors give the same combinations. Every factor has at least one value.
func Cover(factors []Factor) []Choice {
	c := cover{factors: factors, missing: map[pair]bool{}, random: rand.New(rand.NewPCG(1, 2))} // #nosec G404 -- not a secret
	pairs := c.all()
	for _, p := range pairs {
		c.missing[p] = true
	}
	var choices []Choice
	for _, p := range pairs {
		for c.missing[p] {
			chosen := c.best(p)
			c.each(chosen, func(shown pair) { delete(c.missing, shown) })
			choices = append(choices, c.named(chosen))
		}
	}
	return choices
}

type cover struct {
	factors []Factor
	missing map[pair]bool
	random  *rand.Rand
}

func (c *cover) all() []pair {
	var pairs []pair
	for i, f := range c.factors {
		for x := range f.Values {
			pairs = append(pairs, pair{i, x, i, x})
			for j := i + 1; j < len(c.factors); j++ {
				for y := range c.factors[j].Values {
					pairs = append(pairs, pair{i, x, j, y})
				}
			}
		}
	}
	return pairs
}

// unchosen stands for the value of a factor that has none yet.
const unchosen = -1

// best returns, of some candidates that show the pair, the one that shows most missing pairs.
func (c *cover) best(p pair) []int {
	var best []int
	most := 0
	for range candidates {
		chosen := make([]int, len(c.factors))
		for i := range chosen {
			chosen[i] = unchosen
		}
		chosen[p.factor], chosen[p.other] = p.value, p.otherValue
		for _, i := range c.random.Perm(len(chosen)) {
			if chosen[i] == unchosen {
				chosen[i] = c.bestValue(chosen, i)
			}
		}
		news := 0
		c.each(chosen, func(shown pair) {
			if c.missing[shown] {
				news++
			}
		})
		if news > most {
			best, most = chosen, news
		}
	}
	return best
}

// bestValue returns the value of a factor that shows most missing pairs with those that are chosen already.
func (c *cover) bestValue(chosen []int, i int) int {
	best, most := 0, -1
	for _, value := range c.random.Perm(len(c.factors[i].Values)) {
		news := 0
		for j, other := range chosen {
			if other != unchosen && c.missing[ordered(i, value, j, other)] {
				news++
			}
		}
		if news > most {
			best, most = value, news
		}
	}
	return best
}

func ordered(i, x, j, y int) pair {
	if i > j {
		return pair{j, y, i, x}
	}
	return pair{i, x, j, y}
}

func (c *cover) each(chosen []int, do func(pair)) {
	for i, x := range chosen {
		for j := i; j < len(chosen); j++ {
			do(pair{i, x, j, chosen[j]})
		}
	}
}

func (c *cover) named(chosen []int) Choice {
	choice := Choice{}
	for i, f := range c.factors {
		choice[f.Name] = f.Values[chosen[i]]
	}
	return choice
}
