package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
	"github.com/kisi-operator/kisi-operator/internal/testing/process"
)

// Calendar is one that kisi-feed follows while the demo is kept.
type Calendar struct {
	// File is the calendar, relative to the repository, and Place the PlaceMapping that it is of.
	File, Place string
	// Line is one that lets Guest through Door once somebody adds it to the calendar's event.
	Line, Guest, Door string
}

// followCalendar has kisi-feed make bookings of the story's calendar, with the rights of a kubeconfig.
func (s *environment) followCalendar(ctx context.Context, kubeconfig string) (err error) {
	if err := deployment.Build(ctx, s.root, s.programs, "./cmd/kisi-feed"); err != nil {
		return err
	}
	feeds := filepath.Join(s.dir, "feeds.yaml")
	content := fmt.Sprintf("feeds:\n- name: calendar\n  interval: 1m\n  from: {file: %q}\n  calendar: {timeZone: UTC, placeRef: {name: %s}}\n",
		filepath.Join(s.root, s.story.Calendar.File), s.story.Calendar.Place)
	if err := os.WriteFile(feeds, []byte(content), 0o600); err != nil {
		return err
	}
	s.feed, err = process.Start(s.dir, filepath.Join(s.programs, "kisi-feed"), "--config", feeds, "--kubeconfig", kubeconfig,
		"--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	return err
}

// sayCalendar tells how a door opens by an edit of the calendar.
func (r *run) sayCalendar() {
	c := r.story.Calendar
	r.headline("kisi-feed makes bookings of " + c.File + ". Add this line before END:VEVENT, and within a minute the door opens:")
	r.say(`
  %s

  curl -s '%s/_simulator/try-unlock?user=%s&lock=%s'
  tail -f %s`, c.Line, r.kisi.url, c.Guest, c.Door, r.feed.Log)
}
