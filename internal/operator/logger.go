package operator

import (
	"slices"

	"github.com/go-logr/logr"
)

// Deferred returns a logger that encodes the values it is given only for the lines that it writes. Every reconcile is given some,
// and few write a line.
func Deferred(logger logr.Logger) logr.Logger {
	return logger.WithSink(deferredSink{sink: logger.GetSink()})
}

// deferredSink holds values for the lines of another one.
type deferredSink struct {
	sink   logr.LogSink
	values []any
}

// Init implements logr.LogSink. The sink that writes has been told already.
func (deferredSink) Init(logr.RuntimeInfo) {}

// Enabled implements logr.LogSink.
func (d deferredSink) Enabled(level int) bool { return d.sink.Enabled(level) }

// Info implements logr.LogSink.
func (d deferredSink) Info(level int, message string, values ...any) {
	d.sink.Info(level, message, slices.Concat(d.values, values)...)
}

// Error implements logr.LogSink.
func (d deferredSink) Error(err error, message string, values ...any) {
	d.sink.Error(err, message, slices.Concat(d.values, values)...)
}

// WithValues implements logr.LogSink.
func (d deferredSink) WithValues(values ...any) logr.LogSink {
	return deferredSink{d.sink, slices.Concat(d.values, values)}
}

// WithName implements logr.LogSink.
func (d deferredSink) WithName(name string) logr.LogSink {
	return deferredSink{d.sink.WithName(name), d.values}
}
