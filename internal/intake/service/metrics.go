package service

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are those of kisi-feed.
type Metrics struct {
	reads    *prometheus.CounterVec
	writes   *prometheus.CounterVec
	entries  *prometheus.GaugeVec
	problems *prometheus.GaugeVec
	held     *prometheus.GaugeVec
	success  *prometheus.GaugeVec
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kisi_feed_reads_total", Help: "Reads of an export, by result: success or failure.",
		}, []string{"feed", "result"}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kisi_feed_writes_total", Help: "Objects written, by action: create, change, cancel or delete.",
		}, []string{"feed", "action"}),
		entries: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kisi_feed_entries", Help: "Entries of the export, as last read.",
		}, []string{"feed"}),
		problems: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kisi_feed_problems", Help: "Entries that were not understood or not taken by the API server, at the last read.",
		}, []string{"feed"}),
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kisi_feed_held_objects", Help: "Objects from which the last reading would take access against the bounds of the guard.",
		}, []string{"feed"}),
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kisi_feed_last_success_timestamp_seconds", Help: "When the export was last read whole.",
		}, []string{"feed"}),
	}
	registry.MustRegister(m.reads, m.writes, m.entries, m.problems, m.held, m.success)
	return m
}

// passed takes a pass down. What is known of entries stays as it was while reads fail.
func (m *Metrics) passed(feed string, result Result, err error, now time.Time) {
	for _, w := range result.Writes {
		m.writes.WithLabelValues(feed, string(w.Action)).Inc()
	}
	if err != nil {
		m.reads.WithLabelValues(feed, "failure").Inc()
		return
	}
	m.reads.WithLabelValues(feed, "success").Inc()
	m.entries.WithLabelValues(feed).Set(float64(result.Entries))
	m.problems.WithLabelValues(feed).Set(float64(len(result.Problems)))
	m.held.WithLabelValues(feed).Set(float64(len(result.Decision.Held)))
	m.success.WithLabelValues(feed).Set(float64(now.Unix()))
}
