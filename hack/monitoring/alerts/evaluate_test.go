package alerts

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

var begin = time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC)

// recording has a scrape every 100 ms; page says what is on it after so long.
func recording(duration time.Duration, page func(after time.Duration) string) (scrapes []Scrape) {
	for after := time.Duration(0); after <= duration; after += 100 * time.Millisecond {
		scrapes = append(scrapes, Scrape{Time: begin.Add(after), Page: page(after)})
	}
	return scrapes
}

func TestAnAlertIsPendingFiresAndIsResolvedInTime(t *testing.T) {
	rules := []Group{{Name: "g", Rules: []Rule{{Alert: "Down", Expr: "up == 0", For: minutes(5)}, {Alert: "Gone", Expr: "absent(up)", For: minutes(1)}}}}
	scrapes := recording(10*time.Second, func(after time.Duration) string {
		switch {
		case after < time.Second:
			return "up 1\n"
		case after < 6*time.Second:
			return "up 0\n"
		case after < 8*time.Second:
			return "up 1\n"
		}
		return "" // nobody answers
	})
	instances, err := Evaluate(rules, scrapes, Options{Speed: 100})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range instances {
		got = append(got, fmt.Sprint(i.Alert, i.Pending.Sub(begin), i.Fired.Sub(begin), i.Resolved.IsZero()))
	}
	if want := "[Down1s 4s false Gone8s 8.6s true]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestARateIsPerSecondHoweverFastTheRecordingIs(t *testing.T) {
	rules := []Group{{Name: "g", Rules: []Rule{
		{Record: "job:requests:rate5m", Expr: "sum(rate(requests_total[5m]))"},
		{Alert: "Fast", Expr: "job:requests:rate5m > 9.5 < 10.5"},
		{Alert: "TooFast", Expr: "job:requests:rate5m > 11"},
		{Alert: "Divided", Expr: "interval_seconds < 10"},
	}}}
	scrapes := recording(5*time.Second, func(after time.Duration) string {
		return fmt.Sprintf("requests_total{code=\"200\"} %v\ninterval_seconds 60\n", after.Seconds()*10)
	})
	instances, err := Evaluate(rules, scrapes, Options{Speed: 100, Divide: map[string]float64{"interval_seconds": 10}})
	if err != nil {
		t.Fatal(err)
	}
	fired := map[string]bool{}
	for _, i := range instances {
		fired[i.Alert] = !i.Fired.IsZero() && i.Resolved.IsZero()
	}
	if !fired["Fast"] || fired["TooFast"] || !fired["Divided"] {
		t.Errorf("%v", fired)
	}
}

func minutes(n int) model.Duration { return model.Duration(n * int(time.Minute)) }
