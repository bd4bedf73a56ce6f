package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFigureBeyondItsLimitIsMissed(t *testing.T) {
	for _, test := range []struct {
		limit  *Limit
		value  float64
		missed string
	}{
		{nil, 1000, ""},
		{&Limit{Most: of(1.02)}, 1.02, ""},
		{&Limit{Most: of(1.02)}, 1.021, "x: 1.02, at most 1.02"},
		{&Limit{Least: of(98)}, 98, ""},
		{&Limit{Least: of(98)}, 97.96, "x: 98, at least 98"},
		{&Limit{Most: of(0)}, 1, "x: 1, at most 0"},
		{&Limit{Most: of(3), Goal: of(1.5)}, 2, ""},
		{&Limit{Most: of(3), Goal: of(1.5)}, 3.1, "x: 3.1, at most 3"},
	} {
		f := Figure{Name: "x", Value: test.value, Limit: test.limit}
		if got := f.missed(); got != test.missed {
			t.Errorf("%g with %s: %q, want %q", test.value, test.limit.text(), got, test.missed)
		}
	}
}

func TestTheTableShowsTheLoopTheLimitAndTheRunBefore(t *testing.T) {
	r := Report{Figures: []Figure{
		{Name: "a", What: "requests", Value: 2, Peer: of(8), Limit: &Limit{Most: of(1)}},
		{Name: "b", What: "waits", Unit: "s", Value: 0.25, Peer: of(60), AtLeast: true},
		{Name: "c", What: "speed", Value: 0.3, Limit: &Limit{Least: of(0.2), Goal: of(0.8)}},
	}}
	var out strings.Builder
	r.table(&out, &Report{Figures: []Figure{{Name: "a", Value: 3}}})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"figure measured plain loop or floor ratio limit before",
		"requests 2 8 0.25 ≤ 1 MISSED 3",
		"waits 0.25 s > 60 s < 0.00417",
		"speed 0.3 ≥ 0.2, goal 0.8",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("line %d: %q, want %q", i, got, want)
		}
	}
}

func TestTheReportIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	if before, err := ReadReport(path); before != nil || err != nil {
		t.Fatalf("without a file: %v, %v", before, err)
	}
	if err := (&Report{Scale: "short", Figures: []Figure{{Name: "a", Value: 3}}}).write(path); err != nil {
		t.Fatal(err)
	}
	before, err := ReadReport(path)
	if err != nil || before.figure("a") == nil || before.figure("a").Value != 3 || before.figure("b") != nil {
		t.Errorf("%+v, %v", before, err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadReport(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a broken file: %v", err)
	}
}

func TestTheLimitsOfThisRepositoryAreOfFiguresOfBothScales(t *testing.T) {
	read, err := readLimits("../../hack/bench/limits.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for scale := range read {
		if _, known := scales[scale]; !known && scale != bothScales {
			t.Errorf("there is no scale %s", scale)
		}
	}
	for scale := range scales {
		of := read.of(scale)
		if of["let-in/requests"] == nil || of["takeover/requests"] == nil {
			t.Errorf("the scale %s has %d limits", scale, len(of))
		}
	}
}

func TestALimitNeedsOneBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "limits.yaml")
	for _, content := range []string{"short: {a: {}}", "short: {a: {most: 1, least: 2}}", "short: {a: {mst: 1}}", "short: {a: null}"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readLimits(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", content, err)
		}
	}
}
