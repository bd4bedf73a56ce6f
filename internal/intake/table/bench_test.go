package table

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRows is what a row costs.
func BenchmarkRows(b *testing.B) {
	reader := people(b)
	var content strings.Builder
	content.WriteString(header)
	const rows = 1000
	for i := range rows {
		fmt.Fprintf(&content, "%d,p%[1]d@example.com,Person %[1]d,acme\n", i)
	}
	for b.Loop() {
		if reading, err := reader.Read(b.Context(), "x.csv", []byte(content.String()), Span{}); err != nil || len(reading.Entries) != rows {
			b.Fatal(err, len(reading.Entries))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/rows, "µs/row")
}
