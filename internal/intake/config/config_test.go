package config

import (
	"strings"
	"testing"
	"time"
)

const good = `
feeds:
- name: boardroom
  from: {url: "https://calendar.example.com/room.ics", header: {name: Authorization, file: /secrets/token, prefix: "Bearer "}}
  calendar: {timeZone: Europe/Berlin, placeRef: {name: boardroom}}
`

func TestDefaults(t *testing.T) {
	c, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	f := c.Feeds[0]
	if f.Interval.Duration != 5*time.Minute || f.Horizon.Duration != 168*time.Hour || f.Calendar.Tentative != "Deny" || *f.Guard.Percent != 20 {
		t.Errorf("%+v %+v", f, f.Calendar)
	}
}

// Each mistake is told with its field, and no address is repeated.
func TestMistakesAreToldByField(t *testing.T) {
	for mistake, want := range map[string]string{
		"name: boardroom|name: Board Room":                                                      "feeds[0].name",
		"name: boardroom|nam: boardroom":                                                        `unknown field "feeds[0].nam"`,
		"name: boardroom|name: boardroom\n  name: x":                                            "already set",
		"from: {url|interval: 5s\n  from: {url":                                                 "feeds[0].interval",
		"from: {url|interval: soon\n  from: {url":                                               "interval",
		"{url|{file: room.ics, url":                                                             "exactly one of file, url and urlFile",
		`url: "https://calendar|url: "http://s3cr3t`:                                            "feeds[0].from.url: Forbidden: must be an https address",
		`url: "https://calendar|url: "webcal://s3cr3t`:                                          "instead of webcal",
		`url: "https://calendar|url: "s3cr3t`:                                                   "feeds[0].from.url",
		"name: Authorization|name: \"A B\"":                                                     "feeds[0].from.header.name",
		"file: /secrets/token|file: \"\"":                                                       "feeds[0].from.header.file",
		"Europe/Berlin|Europe/Atlantis":                                                         "feeds[0].calendar.timeZone",
		"from: {url|horizon: 1m\n  from: {url":                                                  "feeds[0].horizon",
		", placeRef: {name: boardroom}|":                                                        "exactly one of placeRef and groupRefs",
		"timeZone: Europe/Berlin|timeZone: Europe/Berlin, tentative: Maybe":                     "feeds[0].calendar.tentative",
		"timeZone: Europe/Berlin|timeZone: Europe/Berlin, tentativ: Deny":                       `unknown field "feeds[0].calendar.tentativ"`,
		"timeZone: Europe/Berlin|timeZone: Europe/Berlin, organizer: {email: ana}":              "feeds[0].calendar.organizer.email",
		"  from|  table: {format: CSV}\n  from":                                                 "exactly one of calendar and table",
		"calendar: {timeZone: Europe/Berlin, placeRef: {name: boardroom}}|table: {format: XML}": "feeds[0].table: Forbidden: format",
		"  from|  guard: {percent: 101}\n  from":                                                "feeds[0].guard.percent",
	} {
		before, after, _ := strings.Cut(mistake, "|")
		text := strings.Replace(good, before, after, 1)
		if text == good {
			t.Fatalf("%q changes nothing", mistake)
		}
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v, want %q", mistake, err, want)
		}
	}
	if _, err := Parse([]byte(good + strings.TrimPrefix(good, "\nfeeds:\n"))); err == nil || !strings.Contains(err.Error(), "feeds[1].name: Duplicate") {
		t.Errorf("two of a name: %v", err)
	}
	if _, err := Parse([]byte("feeds: []")); err == nil || !strings.Contains(err.Error(), "feeds: Required") {
		t.Errorf("no feed: %v", err)
	}
}
