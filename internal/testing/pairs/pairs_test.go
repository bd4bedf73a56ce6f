package pairs

import (
	"fmt"
	"reflect"
	"testing"
)

// of makes a factor for each number of values.
func of(sizes ...int) []Factor {
	var factors []Factor
	for i, size := range sizes {
		f := Factor{Name: fmt.Sprintf("f%d", i)}
		for v := range size {
			f.Values = append(f.Values, fmt.Sprintf("v%d", v))
		}
		factors = append(factors, f)
	}
	return factors
}

// unmet lists the values and the pairs of values that no choice has.
func unmet(factors []Factor, choices []Choice) (missing []string) {
	for i, f := range factors {
		for _, x := range f.Values {
			for _, g := range factors[i:] {
				for _, y := range g.Values {
					met := g.Name == f.Name && x != y
					for _, choice := range choices {
						met = met || choice[f.Name] == x && choice[g.Name] == y
					}
					if !met {
						missing = append(missing, fmt.Sprint(f.Name, "=", x, " with ", g.Name, "=", y))
					}
				}
			}
		}
	}
	return missing
}

func TestEveryTwoValuesMeetInFewChoices(t *testing.T) {
	for name, test := range map[string]struct {
		factors []Factor
		most    int
	}{
		"nothing":                     {nil, 0},
		"one factor":                  {of(3), 3},
		"one way only":                {of(1, 1), 1},
		"two factors":                 {of(3, 2), 6},
		"two ways each":               {of(2, 2, 2, 2, 2, 2, 2), 8},
		"some have more":              {of(4, 3, 3, 2, 2, 2, 1), 14},
		"the order makes no matter":   {of(1, 2, 2, 2, 3, 3, 4), 14},
		"as many as Kisi has":         {of(2, 3, 4, 3, 2, 3, 3, 2, 3, 2, 2, 2, 2, 2, 2, 2, 2), 20},
		"twice as many cost few more": {of(2, 3, 4, 3, 2, 3, 3, 2, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 2, 2, 2, 3, 2, 2, 2), 24},
	} {
		t.Run(name, func(t *testing.T) {
			choices := Cover(test.factors)
			if missing := unmet(test.factors, choices); missing != nil {
				t.Errorf("do not meet: %v", missing)
			}
			if len(choices) > test.most {
				t.Errorf("%d choices, want %d at most", len(choices), test.most)
			}
			for _, choice := range choices {
				if len(choice) != len(test.factors) {
					t.Errorf("%v has not one value for each factor", choice)
				}
			}
			if again := Cover(test.factors); !reflect.DeepEqual(again, choices) {
				t.Error("chosen otherwise the second time")
			}
		})
	}
}

func TestThoseThatShowMostComeFirst(t *testing.T) {
	factors := of(4, 3, 3, 3, 2, 2, 2, 2, 2)
	choices := Cover(factors)
	before, last := len(unmet(factors, nil)), 1<<30
	for i := range choices {
		after := len(unmet(factors, choices[:i+1]))
		if news := before - after; i < 5 && news > last {
			t.Errorf("choice %d shows %d that is new, the one before %d", i+1, news, last)
		} else {
			before, last = after, news
		}
	}
}
