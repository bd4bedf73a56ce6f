package alerts

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// Options say how recorded scrapes are looked at.
type Options struct {
	// Speed is how many times shorter than the rules say every range and every "for" is, and for how long a series without a
	// new sample is still shown: a recording has seconds of what takes minutes. Rates stay per second, and thresholds what
	// they are.
	Speed float64
	// Divide makes the values of a metric so many times smaller: those that say how long something may take.
	Divide map[string]float64
}

// lookback is how long Prometheus shows a series without a new sample.
const lookback = 5 * time.Minute

// Instance is one alert of one set of labels that was pending at least.
type Instance struct {
	Alert  string            `json:"alert"`
	Labels map[string]string `json:"labels"`
	// Pending is when its expression held first, Fired when it had held for long enough; zero if it never did.
	Pending time.Time `json:"pending"`
	Fired   time.Time `json:"fired,omitzero"`
	// Resolved is when it held no more; zero if it held to the end.
	Resolved time.Time `json:"resolved,omitzero"`
}

// evaluation is a look at scrapes under way.
type evaluation struct {
	options   Options
	engine    *promql.Engine
	store     *store
	recorded  map[string]bool // metrics that rules record, and no scrape makes stale
	active    map[string]*Instance
	instances []*Instance
}

// Evaluate evaluates the rules after every scrape, in their order, and returns every alert that was pending or fired.
func Evaluate(groups []Group, scrapes []Scrape, options Options) ([]*Instance, error) {
	e := &evaluation{
		options: options, store: newStore(), recorded: map[string]bool{}, active: map[string]*Instance{},
		engine: newEngine(options.Speed),
	}
	fast := map[string]string{}
	for _, group := range groups {
		for _, rule := range group.Rules {
			expression, err := faster(rule.Expr, options.Speed)
			if err != nil {
				return nil, fmt.Errorf("%s%s: %w", rule.Record, rule.Alert, err)
			}
			fast[rule.Expr] = expression
			e.recorded[rule.Record] = rule.Record != ""
		}
	}
	for _, scrape := range scrapes {
		if err := e.take(scrape); err != nil {
			return nil, err
		}
		for _, group := range groups {
			for _, rule := range group.Rules {
				if err := e.rule(rule, fast[rule.Expr], scrape.Time); err != nil {
					return nil, fmt.Errorf("%s%s: %w", rule.Record, rule.Alert, err)
				}
			}
		}
	}
	return e.instances, nil
}

func newEngine(speed float64) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples: 10_000_000, Timeout: time.Minute, Parser: promQL,
		LookbackDelta: time.Duration(float64(lookback) / speed), EnableAtModifier: true, EnableNegativeOffset: true,
	})
}

// take takes a scrape in.
func (e *evaluation) take(scrape Scrape) error {
	page, err := Samples(scrape.Page, scrape.Time)
	if err != nil {
		return err
	}
	samples := map[uint64]sampleOf{}
	for _, s := range page {
		builder := labels.NewScratchBuilder(len(s.Metric))
		for name, value := range s.Metric {
			builder.Add(string(name), string(value))
		}
		builder.Sort()
		of := sampleOf{labels: builder.Labels(), value: float64(s.Value)}
		if divisor := e.options.Divide[of.labels.Get(model.MetricNameLabel)]; divisor != 0 {
			of.value /= divisor
		}
		samples[of.labels.Hash()] = of
	}
	e.store.append(scrape.Time, samples, func(of labels.Labels) bool { return !e.recorded[of.Get(model.MetricNameLabel)] })
	return nil
}

func (e *evaluation) rule(rule Rule, expression string, now time.Time) error {
	query, err := e.engine.NewInstantQuery(context.Background(), e.store, nil, expression, now)
	if err != nil {
		return err
	}
	defer query.Close()
	result := query.Exec(context.Background())
	vector, err := result.Vector()
	if err != nil {
		return err
	}
	if rule.Record != "" {
		samples := map[uint64]sampleOf{}
		for _, s := range vector {
			of := labels.NewBuilder(s.Metric).Set(model.MetricNameLabel, rule.Record).Labels()
			samples[of.Hash()] = sampleOf{of, s.F}
		}
		e.store.append(now, samples, func(of labels.Labels) bool { return of.Get(model.MetricNameLabel) == rule.Record })
		return nil
	}
	e.alert(rule, vector, now)
	return nil
}

// alert follows which sets of labels the alert's expression holds for.
func (e *evaluation) alert(rule Rule, vector promql.Vector, now time.Time) {
	holds := map[string]bool{}
	for _, s := range vector {
		of := labels.NewBuilder(s.Metric).Del(model.MetricNameLabel).Labels()
		key := rule.Alert + of.String()
		holds[key] = true
		instance := e.active[key]
		if instance == nil {
			instance = &Instance{Alert: rule.Alert, Labels: maps.Clone(of.Map()), Pending: now}
			e.active[key] = instance
			e.instances = append(e.instances, instance)
		}
		if held := time.Duration(float64(rule.For) / e.options.Speed); instance.Fired.IsZero() && now.Sub(instance.Pending) >= held {
			instance.Fired = now
		}
	}
	for key, instance := range e.active {
		if instance.Alert == rule.Alert && !holds[key] {
			instance.Resolved = now
			delete(e.active, key)
		}
	}
}
