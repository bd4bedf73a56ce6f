package metrics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Description says what a metric shows; docs/metrics.md is made of these.
type Description struct {
	Name, Type, Help string
	Labels           []string
}

// described are all metrics of this package, in the order of docs/metrics.md.
var described []Description

// Descriptions lists every metric of the operator's own.
func Descriptions() []Description { return slices.Clone(described) }

// ofConnection are the labels of what belongs to one KisiConnection, and goes with it.
var ofConnection = []string{"namespace", "connection"}

func describe(kind, name, help string, labels []string) string {
	name = "kisi_operator_" + name
	described = append(described, Description{Name: name, Type: kind, Help: help, Labels: labels})
	return name
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: describe("counter", name, help, labels), Help: help}, labels)
}

// connectionCounter is a counter whose first labels are those of a connection.
func connectionCounter(name, help string, labels ...string) *prometheus.CounterVec {
	return counter(name, help, slices.Concat(ofConnection, labels)...)
}

// histogram has classic buckets, in seconds, and for a Prometheus that asks for them native ones, each 10 % wider than the one
// before.
func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	labels = slices.Concat(ofConnection, labels)
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: describe("histogram", name, help, labels), Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
	}, labels)
}

// info is a gauge that is always 1 and says something with its labels.
func info(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: describe("gauge", name, help, labels), Help: help}, labels)
}

// gauge describes a gauge that is read when somebody looks.
func gauge(name, help string, labels ...string) *prometheus.Desc {
	labels = slices.Concat(ofConnection, labels)
	return prometheus.NewDesc(describe("gauge", name, help, labels), help, labels, nil)
}

// Markdown is the table of docs/metrics.md.
func Markdown() string {
	var table strings.Builder
	table.WriteString("| metric | type | labels | says |\n| --- | --- | --- | --- |\n")
	for _, d := range described {
		var labels []string
		for _, label := range d.Labels {
			labels = append(labels, "`"+label+"`")
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", d.Name, d.Type, strings.Join(labels, ", "), strings.ReplaceAll(d.Help, "|", "\\|"))
	}
	return table.String()
}
