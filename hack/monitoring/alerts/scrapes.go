package alerts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// Scrape is the metrics page at one time, in the text format; empty if nobody answered.
type Scrape struct {
	Time time.Time `json:"time"`
	Page string    `json:"page"`
}

// ReadScrapes reads scrapes, one JSON object after the other.
func ReadScrapes(from io.Reader) (scrapes []Scrape, err error) {
	for decoder := json.NewDecoder(from); ; {
		var scrape Scrape
		if err := decoder.Decode(&scrape); errors.Is(err, io.EOF) {
			return scrapes, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading scrapes: %w", err)
		}
		scrapes = append(scrapes, scrape)
	}
}

// Samples reads a page.
func Samples(page string, at time.Time) (model.Vector, error) {
	text := expfmt.NewTextParser(model.UTF8Validation)
	families, err := text.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		return nil, fmt.Errorf("reading a metrics page: %w", err)
	}
	var all model.Vector
	for _, family := range families {
		samples, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: model.TimeFromUnixNano(at.UnixNano())}, family)
		if err != nil {
			return nil, err
		}
		all = append(all, samples...)
	}
	return all, nil
}

// sample implements chunks.Sample for a number.
type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// series is one series, kept in memory.
type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// store is what a Prometheus would have of some scrapes. It implements storage.Queryable.
type store struct{ series map[uint64]*series }

func newStore() *store { return &store{series: map[uint64]*series{}} }

// append takes samples of one time in. A series that is not among them, and was before, goes stale, as after a scrape.
func (s *store) append(at time.Time, samples map[uint64]sampleOf, gone func(labels.Labels) bool) {
	for id, of := range samples {
		known := s.series[id]
		if known == nil {
			known = &series{labels: of.labels}
			s.series[id] = known
		}
		known.samples = append(known.samples, sample{at.UnixMilli(), of.value})
	}
	for id, known := range s.series {
		if _, there := samples[id]; !there && gone(known.labels) && !value.IsStaleNaN(known.samples[len(known.samples)-1].F()) {
			known.samples = append(known.samples, sample{at.UnixMilli(), math.Float64frombits(value.StaleNaN)})
		}
	}
}

// sampleOf is a value and the series that it is of.
type sampleOf struct {
	labels labels.Labels
	value  float64
}

// Querier implements storage.Queryable.
func (s *store) Querier(from, until int64) (storage.Querier, error) {
	return querier{s, from, until}, nil
}

// querier selects from a store, within a time.
type querier struct {
	store       *store
	from, until int64
}

// Select implements storage.Querier.
func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var found []storage.Series
	for _, s := range q.store.series {
		fits := !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) })
		if fits {
			within := slices.DeleteFunc(slices.Clone(s.samples), func(s chunks.Sample) bool { return s.T() < q.from || s.T() > q.until })
			found = append(found, storage.NewListSeries(s.labels, within))
		}
	}
	slices.SortFunc(found, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return &seriesSet{series: found}
}

// LabelValues implements storage.LabelQuerier; no expression asks for them.
func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.ErrUnsupported
}

// LabelNames implements storage.LabelQuerier; no expression asks for them.
func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.ErrUnsupported
}

// Close implements storage.LabelQuerier.
func (querier) Close() error { return nil }

// seriesSet implements storage.SeriesSet.
type seriesSet struct {
	series []storage.Series
	next   int
}

func (s *seriesSet) Next() bool                        { s.next++; return s.next <= len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.next-1] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
