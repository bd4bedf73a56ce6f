package desk

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
)

// chart lays a day out from left to right. A day on which clocks change has 23 or 25 hours.
type chart struct{ from, until time.Time }

// tick is an hour on the axis.
type tick struct{ Place, Hour string }

// bar is a stretch of time. Places and widths are in percent of the day.
type bar struct {
	Place, Width string
	Tone         tone
	Label        string
}

// place is where an instant is; one outside of the day is at its edge.
func (c chart) place(t time.Time) string { return percent(c.share(t)) }

func (c chart) share(t time.Time) float64 {
	return min(1, max(0, float64(t.Sub(c.from))/float64(c.until.Sub(c.from))))
}

func percent(share float64) string { return fmt.Sprintf("%.3f%%", 100*share) }

// everyHours is how far apart the hours are that the axis names.
const everyHours = 3

// hours are those that the axis names.
func (c chart) hours() []tick {
	var ticks []tick
	year, month, day := c.from.Date()
	for hour := everyHours; hour < 24; hour += everyHours {
		at := time.Date(year, month, day, hour, 0, 0, 0, c.from.Location())
		ticks = append(ticks, tick{c.place(at), at.Format("15")})
	}
	return ticks
}

// bar is an opening on the day. A bound that is not set is beyond the edge.
func (c chart) bar(o access.Opening, row openingRow) bar {
	start, end := c.share(orElse(o.From, c.from)), c.share(orElse(o.Until, c.until))
	return bar{Place: percent(start), Width: percent(end - start), Tone: row.Tone, Label: row.State + ": " + row.Reason}
}

func orElse(bound *metav1.Time, otherwise time.Time) time.Time {
	if bound == nil {
		return otherwise
	}
	return bound.Time
}
