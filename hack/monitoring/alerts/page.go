package alerts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Page is a metrics page, to hold expressions against.
type Page struct {
	samples model.Vector
	names   map[string][]string // label names, by metric
}

// ofScraping are the labels that Prometheus adds to what it scrapes.
var ofScraping = []string{"job", "instance", "pod", "le"}

// ReadPage reads a page in the text format.
func ReadPage(text string) (Page, error) {
	samples, err := Samples(text, time.Now())
	page := Page{samples: samples, names: map[string][]string{}}
	for _, s := range samples {
		metric := string(s.Metric[model.MetricNameLabel])
		for name := range s.Metric {
			if !slices.Contains(page.names[metric], string(name)) {
				page.names[metric] = append(page.names[metric], string(name))
			}
		}
	}
	return page, err
}

// Metrics lists the names of the metrics on the page.
func (p Page) Metrics() (names []string) {
	for name := range p.names {
		names = append(names, name)
	}
	return names
}

// Problems says what of an expression does not fit the page: metrics that are not there, and labels that they do not have.
// Recorded metrics, which rules make, are not looked for.
func (p Page) Problems(expression string, recorded ...string) (problems []string) {
	parsed, err := Parse(expression)
	if err != nil {
		return []string{err.Error()}
	}
	var available []string // labels of anything that the expression selects
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, isSelector := node.(*parser.VectorSelector)
		if !isSelector {
			return nil
		}
		if slices.Contains(recorded, selector.Name) {
			available = append(available, "namespace", "connection")
			return nil
		}
		names, shown := p.names[selector.Name]
		if !shown {
			problems = append(problems, fmt.Sprintf("there is no metric %q", selector.Name))
		}
		available = append(available, names...)
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name != model.MetricNameLabel && !slices.Contains(names, matcher.Name) && !slices.Contains(ofScraping, matcher.Name) {
				problems = append(problems, fmt.Sprintf("%s has no label %q", selector.Name, matcher.Name))
			}
		}
		return nil
	})
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		var used []string
		switch n := node.(type) {
		case *parser.AggregateExpr:
			used = n.Grouping
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				used = slices.Concat(n.VectorMatching.MatchingLabels, n.VectorMatching.Include)
			}
		}
		for _, name := range used {
			if !slices.Contains(available, name) && !slices.Contains(ofScraping, name) {
				problems = append(problems, fmt.Sprintf("nothing that it selects has a label %q", name))
			}
		}
		return nil
	})
	return problems
}

// Query evaluates an expression over the page, as if it had been scraped every minute and always been the same. Labels are those
// that Prometheus would have added.
func (p Page) Query(expression string, added map[string]string) (promql.Vector, error) {
	store := newStore()
	now := time.Now()
	for _, s := range p.samples {
		builder := labels.NewBuilder(labels.EmptyLabels())
		for name, value := range s.Metric {
			builder.Set(string(name), string(value))
		}
		for name, value := range added {
			builder.Set(name, value)
		}
		of := builder.Labels()
		known := &series{labels: of}
		for minutes := 10; minutes >= 0; minutes-- {
			known.samples = append(known.samples, sample{now.Add(time.Duration(-minutes) * time.Minute).UnixMilli(), float64(s.Value)})
		}
		store.series[of.Hash()] = known
	}
	query, err := newEngine(1).NewInstantQuery(context.Background(), store, nil, expression, now)
	if err != nil {
		return nil, err
	}
	defer query.Close()
	return query.Exec(context.Background()).Vector()
}
