package service

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/intake"
	"github.com/kisi-operator/kisi-operator/internal/intake/apply"
	"github.com/kisi-operator/kisi-operator/internal/intake/guard"
)

func TestWhatPeopleAreTold(t *testing.T) {
	held := make([]guard.Object, 12)
	for i := range held {
		held[i].Name = fmt.Sprintf("gym-%02d", i)
	}
	result := Result{
		Rows: 3, Entries: 2,
		Problems: []intake.Problem{{Where: "gym.ics:7", Err: errors.New("the event has no DTSTART")}},
		Writes:   []apply.Write{{Action: apply.Create, Kind: "BookingGrant", Name: "gym-1", Where: "gym.ics:3"}, {Action: apply.Cancel, Kind: "BookingGrant", Name: "gym-2"}},
		Decision: guard.Decision{Held: held, Why: "12 of 20 would be lost within an hour, more than 20 %", Digest: "3f9a51c20b7e"},
	}
	var out bytes.Buffer
	tell(&out, "gym", result, problemsOf(result, nil))
	for _, want := range []string{
		"gym: 3 records, 2 entries until the horizon\n", "  create BookingGrant gym-1 (gym.ics:3)\n", "  cancel BookingGrant gym-2\n",
		"gym.ics:7: the event has no DTSTART\n", "12 of 20", "gym-09, and more.", "--once --accept=3f9a51c20b7e\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing says %q:\n%s", want, out.String())
		}
	}
	if told := problemsOf(Result{}, errors.New("asking calendar.example.com: connection refused")); len(told) != 1 || !strings.Contains(told[0], "nothing is taken away") {
		t.Errorf("%q", told)
	}
}

func TestMetricsOfAFeed(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	now := time.Unix(1_800_000_000, 0)
	m.passed("gym", Result{Entries: 2, Problems: make([]intake.Problem, 1), Writes: []apply.Write{{Action: apply.Create}}, Decision: guard.Decision{Held: make([]guard.Object, 3)}}, nil, now)
	m.passed("gym", Result{}, errors.New("unreachable"), now.Add(time.Hour)) // leaves what is known
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&page, family); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		`kisi_feed_entries{feed="gym"} 2`, `kisi_feed_held_objects{feed="gym"} 3`, `kisi_feed_last_success_timestamp_seconds{feed="gym"} 1.8e+09`,
		`kisi_feed_problems{feed="gym"} 1`, `kisi_feed_reads_total{feed="gym",result="failure"} 1`, `kisi_feed_reads_total{feed="gym",result="success"} 1`,
		`kisi_feed_writes_total{action="create",feed="gym"} 1`,
	} {
		if !strings.Contains(page.String(), want+"\n") {
			t.Errorf("the page lacks %s:\n%s", want, page.String())
		}
	}
}

func TestTheSecondOfAnIDIsAProblem(t *testing.T) {
	booking := func(id, where string) intake.Entry {
		b := &v1alpha1.BookingGrant{}
		b.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("BookingGrant"))
		return intake.Entry{ID: id, Where: where, Object: b}
	}
	got := unique(intake.Reading{Entries: []intake.Entry{booking("a", "x:1"), booking("b", "x:2"), booking("a", "x:3")}})
	if len(got.Entries) != 2 || got.Entries[0].Where != "x:1" || len(got.Problems) != 1 || got.Problems[0].Where != "x:3" || !strings.Contains(got.Problems[0].Err.Error(), "x:1") {
		t.Errorf("%+v", got)
	}
}
