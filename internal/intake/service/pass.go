// Package service follows feeds: it reads each export, has the guard decide, and writes.
package service

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/intake"
	"github.com/kisi-operator/kisi-operator/internal/intake/apply"
	"github.com/kisi-operator/kisi-operator/internal/intake/config"
	"github.com/kisi-operator/kisi-operator/internal/intake/fetch"
	"github.com/kisi-operator/kisi-operator/internal/intake/guard"
	"github.com/kisi-operator/kisi-operator/internal/intake/ical"
	"github.com/kisi-operator/kisi-operator/internal/intake/table"
)

// patience is how long a pass may take.
const patience = 5 * time.Minute

// past is how long ago a booking may have ended and still be read: one that was open and has been cut short is to end.
const past = 24 * time.Hour

// Feed is one export that is followed.
type Feed struct {
	Config config.Feed
	Source *fetch.Source
	// Client writes to Namespace, without a cache.
	Client    client.Client
	Namespace string
	// Accept is the digest of a loss that is wanted.
	Accept string
	// DryRun has nothing written.
	DryRun bool

	table *table.Reader  // of a table
	zone  *time.Location // of a calendar
	said  string         // what people were told last
}

// NewFeed returns a feed that writes to a namespace, without a cache. It fails if the feed does not say what its export is.
func NewFeed(c config.Feed, writer client.Client, namespace, userAgent string) (*Feed, error) {
	feed := &Feed{Config: c, Source: fetch.New(c.From, userAgent, nil), Client: writer, Namespace: namespace}
	var err error
	switch {
	case c.Table != nil:
		feed.table, err = table.New(*c.Table)
	case c.Calendar != nil:
		feed.zone, err = time.LoadLocation(c.Calendar.TimeZone)
	default:
		err = errors.New("neither calendar nor table is set")
	}
	if err != nil {
		return nil, fmt.Errorf("feed %s: %w", c.Name, err)
	}
	return feed, nil
}

// Result is what a pass came to.
type Result struct {
	Entries, Rows int
	// Problems are entries that were not understood or not taken.
	Problems []intake.Problem
	// Writes are what was done, or would have been.
	Writes []apply.Write
	// Decision is the guard's.
	Decision guard.Decision
}

// Pass reads the export once and brings the objects in step with it. If it fails, nothing has been pruned, and what was
// written is right.
func (f *Feed) Pass(ctx context.Context, now time.Time) (Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it took longer than %s", patience))
	defer cancel()
	content, err := f.Source.Fetch(ctx)
	if err != nil {
		return Result{}, err
	}
	reading, until, err := f.read(ctx, content, now)
	if err != nil {
		return Result{}, err
	}
	reading = unique(reading)
	result := Result{Entries: len(reading.Entries), Rows: reading.Rows, Problems: reading.Problems}
	cluster := apply.Cluster{Client: f.Client, Namespace: f.Namespace, Feed: f.Config.Name}
	objects := map[string]apply.Objects{}
	var there []guard.Object
	for _, kind := range f.kinds() {
		if objects[kind], err = cluster.List(ctx, kind); err != nil {
			return result, err
		}
		there = append(there, objects[kind].Guarded()...)
	}
	guarded, err := guardedReading(reading, until)
	if err != nil {
		return result, err
	}
	result.Decision = guard.Decide(there, guarded, guard.Options{Percent: *f.Config.Guard.Percent, Accept: f.Accept}, now)
	if result.Decision.Frozen {
		return result, nil
	}
	// First what gives, so that nobody who is in both loses anything between.
	for _, entry := range reading.Entries {
		kind := entry.Object.GetObjectKind().GroupVersionKind().Kind
		if slices.ContainsFunc(result.Decision.Held, func(o guard.Object) bool { return o.Kind == kind && o.ID == entry.ID }) {
			continue
		}
		write, needed, err := objects[kind].Upsert(f.Namespace, entry, now)
		if err == nil && needed {
			err = f.do(ctx, cluster, write, &result)
			if err != nil && !apply.OneObject(err) {
				return result, err
			}
		}
		if err != nil {
			result.Problems = append(result.Problems, intake.Problem{Where: entry.Where, ID: entry.ID, Err: err})
		}
	}
	for _, pruned := range result.Decision.Prune {
		write, err := objects[pruned.Kind].Prune(pruned, now)
		if err == nil {
			err = f.do(ctx, cluster, write, &result)
		}
		if err != nil && !apply.OneObject(err) {
			return result, err
		}
		if err != nil {
			result.Problems = append(result.Problems, intake.Problem{Where: pruned.Kind + " " + pruned.Name, ID: pruned.ID, Err: err})
		}
	}
	return result, nil
}

// do carries a write out, unless this is a dry run.
func (f *Feed) do(ctx context.Context, cluster apply.Cluster, write apply.Write, result *Result) error {
	if !f.DryRun {
		if err := cluster.Do(ctx, write); err != nil {
			return fmt.Errorf("%s %s %s: %w", write.Action, write.Kind, write.Name, err)
		}
	}
	result.Writes = append(result.Writes, write)
	return nil
}

// kinds are those of the objects that the feed has.
func (f *Feed) kinds() []string {
	if f.table != nil {
		return f.table.Kinds()
	}
	return []string{entitlement.KindBookingGrant}
}

// read understands the export. until is up to which start it is understood.
func (f *Feed) read(ctx context.Context, content []byte, now time.Time) (_ intake.Reading, until time.Time, _ error) {
	from, until := now.Add(-past), now.Add(f.Config.Horizon.Duration)
	if f.table != nil {
		reading, err := f.table.Read(ctx, f.fileName(), content, table.Span{From: from, Until: until})
		return reading, until, err
	}
	calendar := f.Config.Calendar
	reading, err := ical.Read(ctx, f.fileName(), content, ical.Options{
		Zone: f.zone, From: from, Until: until, Tentative: calendar.Tentative, Room: strings.TrimSpace(calendar.Room),
		Organizer: calendar.Organizer, NotPeople: calendar.NotPeople, PlaceRef: calendar.PlaceRef, GroupRefs: calendar.GroupRefs,
	})
	return reading, until, err
}

// fileName is what messages call the export.
func (f *Feed) fileName() string {
	if file := f.Config.From.File; file != "" {
		return path.Base(file)
	}
	return f.Config.Name
}

// unique is a reading without what has the ID of an entry before it: one object cannot be two.
func unique(reading intake.Reading) intake.Reading {
	first := map[string]string{} // where, by kind and ID
	reading.Entries = slices.DeleteFunc(reading.Entries, func(e intake.Entry) bool {
		key := e.Object.GetObjectKind().GroupVersionKind().Kind + "/" + e.ID
		where, again := first[key]
		if again {
			reading.Problems = append(reading.Problems, intake.Problem{
				Where: e.Where, ID: e.ID, Err: fmt.Errorf("it has the same id as %s, which counts; give it one of its own", where),
			})
			return true
		}
		first[key] = e.Where
		return false
	})
	return reading
}

// guardedReading is a reading as the guard knows it.
func guardedReading(reading intake.Reading, until time.Time) (guard.Reading, error) {
	guarded := guard.Reading{Series: reading.Series, Until: until}
	for _, e := range reading.Entries {
		entry, err := apply.EntryOf(e)
		if err != nil {
			return guard.Reading{}, fmt.Errorf("%s: %w", e.Where, err)
		}
		guarded.Entries = append(guarded.Entries, entry)
	}
	for _, p := range reading.Problems {
		if p.ID != "" {
			guarded.Kept = append(guarded.Kept, p.ID)
		}
		if p.Series != "" {
			guarded.KeptSeries = append(guarded.KeptSeries, p.Series)
		}
	}
	return guarded, nil
}
