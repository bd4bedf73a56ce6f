package service

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/kisi-operator/kisi-operator/internal/intake/guard"
)

// Service follows feeds until it is stopped.
type Service struct {
	Feeds    []*Feed
	Log      logr.Logger
	Metrics  *Metrics
	Recorder Recorder
	// Out, if set, is told in lines what was written, or would be, and what is wrong.
	Out io.Writer
}

// Once makes one pass of every feed, and returns how many of them failed or are held.
func (s *Service) Once(ctx context.Context) (failed int) {
	for _, feed := range s.Feeds {
		if !s.pass(ctx, feed) {
			failed++
		}
	}
	return failed
}

// Start makes passes of all feeds until ctx ends. It implements manager.Runnable.
func (s *Service) Start(ctx context.Context) error {
	var feeds sync.WaitGroup
	for _, feed := range s.Feeds {
		feeds.Go(func() { s.follow(ctx, feed) })
	}
	feeds.Wait()
	return nil
}

// follow makes a pass of a feed after each interval and up to a tenth more, so that not all ask at once.
func (s *Service) follow(ctx context.Context, feed *Feed) {
	for {
		s.pass(ctx, feed)
		interval := feed.Config.Interval.Duration
		select {
		case <-ctx.Done():
			return
		case <-time.After(interval + rand.N(interval/10)): // #nosec G404 -- jitter
		}
	}
}

// pass makes one pass of a feed and says what came of it. It returns false if it failed or is held.
func (s *Service) pass(ctx context.Context, feed *Feed) bool {
	log := s.Log.WithValues("feed", feed.Config.Name)
	result, err := feed.Pass(ctx, time.Now())
	if ctx.Err() != nil {
		return err == nil
	}
	s.Metrics.passed(feed.Config.Name, result, err, time.Now())
	for _, w := range result.Writes {
		log.Info("object written", "action", w.Action, "kind", w.Kind, "name", w.Name, "where", w.Where, "dryRun", feed.DryRun)
	}
	problems := problemsOf(result, err)
	if s.Out != nil {
		tell(s.Out, feed.Config.Name, result, problems)
	}
	if all := strings.Join(problems, "\n"); all != feed.said { // once, not at every read
		feed.said = all
		for _, one := range problems {
			log.Info("feed has a problem", "problem", one)
		}
		if len(problems) > 0 {
			s.Recorder.warn(ctx, log, feed, problems)
		}
	}
	log.V(1).Info("feed read", "rows", result.Rows, "entries", result.Entries, "writes", len(result.Writes), "problems", len(result.Problems))
	return err == nil && len(result.Decision.Held) == 0
}

// tell prints a pass.
func tell(out io.Writer, feed string, result Result, problems []string) {
	fmt.Fprintf(out, "%s: %d records, %d entries until the horizon\n", feed, result.Rows, result.Entries)
	for _, w := range result.Writes {
		fmt.Fprintf(out, "  %s %s %s", w.Action, w.Kind, w.Name)
		if w.Where != "" {
			fmt.Fprintf(out, " (%s)", w.Where)
		}
		fmt.Fprintln(out)
	}
	for _, one := range problems {
		fmt.Fprintf(out, "  problem: %s\n", one)
	}
}

// problemsOf are what people are told of a pass.
func problemsOf(result Result, err error) []string {
	var problems []string
	if err != nil {
		problems = append(problems, "not read, so nothing is taken away: "+err.Error())
	}
	if len(result.Decision.Held) > 0 {
		problems = append(problems, held(result.Decision))
	}
	for _, p := range result.Problems {
		problems = append(problems, p.Where+": "+p.Err.Error())
	}
	return problems
}

// held says what the guard holds and what to do.
func held(d guard.Decision) string {
	names := make([]string, 0, len(d.Held))
	for _, o := range d.Held {
		names = append(names, o.Name)
	}
	slices.Sort(names)
	if len(names) > 10 {
		names = append(names[:10], "and more")
	}
	what := "these stay as they are: "
	if d.Frozen {
		what = "nothing is written, and these stay: "
	}
	return d.Why + "; " + what + strings.Join(names, ", ") + ". If the export is right, run kisi-feed with --once --accept=" + d.Digest
}
