package ical

import (
	"bufio"
	"compress/gzip"
	"crypto/md5" // #nosec G501 -- what the recording has
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRulesAreFollowedAsByAnotherLibrary compares with ical.js, by random rules that testdata/record.mjs recorded: all 10,000
// if properties are checked for long, otherwise each tenth.
func TestRulesAreFollowedAsByAnotherLibrary(t *testing.T) {
	file, err := os.Open("testdata/rules.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	each := 10
	if checks, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String()); err == nil && checks >= 10_000 {
		each = 1
	}
	rules := 0
	for lines := bufio.NewScanner(unpacked); lines.Scan(); rules++ {
		if rules%each != 0 {
			continue
		}
		var start, rule, hash string
		var count int
		if _, err := fmt.Sscan(lines.Text(), &start, &rule, &count, &hash); err != nil {
			t.Fatal(err)
		}
		from, err := parseMoment(start, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		end := from.wall.AddDate(4, 0, 0)
		moments, err := recur(rule, from, span{from.wall, end}, 100_000)
		if err != nil {
			t.Errorf("%s %s: %v", start, rule, err)
			continue
		}
		var all strings.Builder
		n := 0
		for _, m := range moments {
			if n < 200 && m.wall.Before(end) {
				n++
				fmt.Fprintln(&all, m.wall.Format(clockLayout))
			}
		}
		sum := md5.Sum([]byte(all.String()))
		if n != count || hex.EncodeToString(sum[:8]) != hash {
			t.Errorf("%s %s repeats %d times here and %d times there:\n%.400s", start, rule, n, count, all.String())
		}
	}
	if rules != 10_000 {
		t.Errorf("%d rules", rules)
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	start := moment{wall: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), zone: time.UTC}
	for rule, why := range map[string]string{
		"FREQ=SECONDLY":                                         "hourly at most",
		"FREQ=MINUTELY;INTERVAL=30":                             "hourly at most",
		"FREQ=HOURLY;INTERVAL=2;BYHOUR=10":                      "never comes to an hour",
		"FREQ=HOURLY;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11,12":     "times a day",
		"FREQ=HOURLY;BYHOUR=1,2,3,4,5;BYSETPOS=5":               "BYSETPOS",
		"FREQ=DAILY;BYHOUR=9,12;BYSETPOS=-3":                    "BYSETPOS",
		"FREQ=MONTHLY;BYDAY=10MO":                               "numbers weekdays",
		"FREQ=YEARLY;BYMONTH=12;BYDAY=-9SU":                     "numbers weekdays",
		"FREQ=DAILY;INTERVAL=10001":                             "INTERVAL",
		"FREQ=DAILY;INTERVAL=-1":                                "interval",
		"FREQ=DAILY;UNTIL=tomorrow":                             "UNTIL",
		"FREQ=FORTNIGHTLY":                                      "not understood",
		"FREQ=DAILY;RSCALE=CHINESE":                             "not understood",
		"COUNT=3":                                               "not understood",
		"FREQ=DAILY;BYHOUR=" + strings.Repeat("1,", 3000) + "1": "characters",
	} {
		if got, err := recur(rule, start, span{start.wall, start.wall.AddDate(1, 0, 0)}, 1000); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.60s: %d repetitions, error %v, want %q", rule, len(got), err, why)
		}
	}
}

// However strange a rule, it ends in time, and what it gives lies within a few days of the span.
func TestRulesAreBounded(t *testing.T) {
	number := rapid.IntRange(-400, 400)
	rapid.Check(t, func(t *rapid.T) {
		parts := []string{"FREQ=" + rapid.SampledFrom([]string{"HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq")}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{
			"INTERVAL", "COUNT", "BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYHOUR", "BYMINUTE", "BYSECOND", "BYEASTER",
		}), rapid.ID[string]).Draw(t, "parts") {
			parts = append(parts, fmt.Sprintf("%s=%d", name, number.Draw(t, name)))
		}
		if rapid.Bool().Draw(t, "by day") {
			parts = append(parts, fmt.Sprintf("BYDAY=%dSU,MO", rapid.IntRange(-60, 60).Draw(t, "which")))
		}
		start := moment{wall: time.Date(2010, 1, 31, 9, 0, 0, 0, time.UTC), zone: time.UTC}
		within := span{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
		began := time.Now()
		moments, _ := recur(strings.Join(parts, ";"), start, within, 500)
		for _, m := range moments {
			if m.wall.Before(within.from.AddDate(0, 0, -2)) || m.wall.After(within.until.AddDate(0, 0, 2)) {
				t.Errorf("%s is not within a day of %v", m.wall, within)
			}
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%v took %s", parts, took)
		}
	})
}
