package text

import (
	"bytes"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same times on every machine

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/compare"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func TestTimesAreAsPeopleSayThem(t *testing.T) {
	// In the night after, clocks in Berlin go back.
	berlin := Clock{Now: time.Date(2026, 10, 24, 16, 0, 0, 0, time.UTC), Zone: zone(t, "Europe/Berlin")}
	at := func(hours float64) *metav1.Time {
		return &metav1.Time{Time: berlin.Now.Add(time.Duration(hours * float64(time.Hour)))}
	}
	for want, got := range map[string]string{
		"18:00 today":                         berlin.Moment(at(0).Time),
		"18:30 tomorrow":                      berlin.Moment(at(25.5).Time),
		"18:00:36 yesterday":                  berlin.Moment(at(-23.99).Time),
		"00:00 tomorrow":                      berlin.Moment(at(6).Time),
		"18:00 on Mon 26 Oct 2026":            berlin.Moment(at(49).Time),
		"always":                              berlin.Span(nil, nil),
		"from 18:00 today":                    berlin.Span(at(0), nil),
		"until 18:00 today":                   berlin.Span(nil, at(0)),
		"19:00-20:00 today":                   berlin.Span(at(1), at(2)),
		"23:00 today - 01:00 tomorrow":        berlin.Span(at(5), at(7)),
		"CEST (UTC+2)":                        berlin.ZoneName(berlin.Now),
		"CET (UTC+1)":                         berlin.ZoneName(at(12).Time),
		"UTC":                                 Clock{Zone: time.UTC}.ZoneName(berlin.Now),
		"IST (UTC+5:30)":                      Clock{Zone: zone(t, "Asia/Kolkata")}.ZoneName(berlin.Now),
		"UTC+4":                               Clock{Zone: zone(t, "Asia/Dubai")}.ZoneName(berlin.Now),
		"Saturday 24 October 2026, 16:00 UTC": Clock{Zone: time.UTC}.Header(berlin.Now),
		", 30 min before and after":           grace(30*time.Minute, 30*time.Minute),
		", 1 h before":                        grace(time.Hour, 0),
		", 10 min before, 5 min after":        grace(10*time.Minute, 5*time.Minute),
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestNamesOfOthersSteerNeitherTerminalNorPage(t *testing.T) {
	var out bytes.Buffer
	if _, err := Safe(&out).Write([]byte("Ana\x1b[2J\u202eDiaz\u0085é\n")); err != nil || out.String() != "Ana·[2J·Diaz·é\n" {
		t.Errorf("%v: %q", err, out.String())
	}
	out.Reset()
	change := compare.Change{Person: access.Person{Email: "a@example.com", FullName: "<img src=x> | @team [x](http://evil) \\[y](http://evil)\n# owned"}, Door: "Studio", Sources: []string{"Member/a"}}
	change.Windows = []v1alpha1.Window{{}}
	Clock{Zone: time.UTC}.Markdown(&out, &compare.Report{Loses: []compare.Change{change}})
	for _, bad := range []string{"<img", "@team", "x](", "\n# owned", " \\\\[y"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q is in the comment:\n%s", bad, out.String())
		}
	}
}
