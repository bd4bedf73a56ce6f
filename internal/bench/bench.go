// Package bench measures the operator as it ships: the built program with its default flags, a real kube-apiserver and the
// simulator, all on this machine. Beside it, in the same run, it measures a plain sync loop of the kind that most
// integrations are, so that every figure has something to be compared with.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// Options say what to measure.
type Options struct {
	// Scale is short (ten minutes) or full.
	Scale string
	// Only measures the scenarios whose names match; empty: all.
	Only string
	// Limits is the YAML file with what the figures may be.
	Limits string
	// JSON is the file to which the report is written. What it held before is compared with; see Compare.
	JSON string
	// Compare is the report of an earlier run to show beside; empty: the one in JSON.
	Compare string
	// Profile is a file to which a CPU profile of the operator is written while it lets people in; empty: none.
	Profile string
	// Out is told how it goes; default os.Stdout.
	Out io.Writer
}

// MissedError lists the figures beyond their limits.
type MissedError struct{ Figures []string }

func (e *MissedError) Error() string {
	return fmt.Sprintf("%d figures are beyond their limits:\n  %s", len(e.Figures), strings.Join(e.Figures, "\n  "))
}

// scenario measures some figures in a world of its own.
type scenario struct {
	name, about string
	kisi        func(scale) (*kisi, error)
	run         func(context.Context, *run, *world) error
}

var scenarios = []scenario{
	{"let-in", "people let in, and moved, as fast as everything can", unlimited, letIn},
	{"let-in-by-source", "the same with a subscription each", unlimited, letInBySource},
	{"bulk", "a bulk import at Kisi's five requests a second, and bookings for now meanwhile", asItIs, bulk},
	{"rest", "nothing happens; then one change in Kisi by somebody else", unlimited, rest},
	{"takeover", "an organization whose people are all right already", inhabited, takeover},
	{"team", "one person joins and leaves a large team", unlimited, team},
	{"edits", "the cost of an edit as the organization grows", unlimited, edits},
	{"restart", "memory, and a restart with everything granted", unlimited, restart},
}

// unlimited is a Kisi that takes any number of requests.
func unlimited(scale) (*kisi, error) { return newKisi(-1, nil) }

// asItIs is a Kisi with Kisi's own limit.
func asItIs(scale) (*kisi, error) { return newKisi(simulator.KisiRequestsPerSecond, nil) }

// Names lists the scenarios.
func Names() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// scale says how many people each scenario has.
type scale struct {
	letIn, sourced, bulk, bookings, rest, takeover, team, editsFew, editsMany, restart, largeTeam int
	bulkLasts, restLasts                                                                          time.Duration
}

var scales = map[string]scale{
	"short": {
		letIn: 1000, sourced: 500, bulk: 600, bookings: 50, rest: 1000, takeover: 2000, team: 1000, editsFew: 500, editsMany: 2500,
		restart: 2500, largeTeam: 500, bulkLasts: 75 * time.Second, restLasts: 60 * time.Second,
	},
	"full": {
		letIn: 10_000, sourced: 5000, bulk: 10_000, bookings: 300, rest: 20_000, takeover: 20_000, team: 10_000, editsFew: 1000, editsMany: 100_000,
		restart: 100_000, largeTeam: 10_000, bulkLasts: 10 * time.Minute, restLasts: 10 * time.Minute,
	},
}

// run is one run of a benchmark.
type run struct {
	*stack
	scale  scale
	out    io.Writer
	report Report
	limits map[string]*Limit

	profileTo string
}

// Run measures, prints a table and writes the report. It fails with a MissedError when a figure is beyond its limit.
func Run(ctx context.Context, options Options) (err error) {
	if options.Out == nil {
		options.Out = os.Stdout
	}
	ctrl.SetLogger(logr.Discard()) // the client of controller-runtime asks for one
	size, known := scales[options.Scale]
	if !known {
		return fmt.Errorf("--scale: %q is neither short nor full", options.Scale)
	}
	only, err := regexp.Compile(options.Only)
	if err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	limits, err := readLimits(options.Limits)
	if err != nil {
		return err
	}
	before, err := ReadReport(cmp.Or(options.Compare, options.JSON))
	if err != nil {
		return err
	}
	r := &run{scale: size, out: options.Out, report: Report{Scale: options.Scale}, limits: limits.of(options.Scale), profileTo: options.Profile}
	if before != nil && before.Scale != options.Scale {
		r.say("The earlier report is of the scale %s, and not compared with.", before.Scale)
		before = nil
	}
	if r.stack, err = newStack(ctx, r.say); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stack.stop()) }()
	for _, s := range scenarios {
		if !only.MatchString(s.name) {
			continue
		}
		r.say("%s: %s", s.name, s.about)
		begun := time.Now()
		if err := r.measure(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.say("  took %.0f s", time.Since(begun).Seconds())
	}
	r.say("")
	r.report.table(options.Out, before)
	if options.JSON != "" {
		if err := os.MkdirAll(filepath.Dir(options.JSON), 0o755); err != nil { //nolint:gosec // anybody may read it
			return err
		}
		if err := r.report.write(options.JSON); err != nil {
			return err
		}
		r.say("\nThe report is in %s.", options.JSON)
	}
	return r.verdict()
}

// measure runs a scenario in a world that is made for it.
func (r *run) measure(ctx context.Context, s scenario) (err error) {
	k, err := s.kisi(r.scale)
	if err != nil {
		return err
	}
	w, err := r.newWorld(ctx, k)
	if err != nil {
		return errors.Join(err, k.Close())
	}
	defer func() { err = errors.Join(err, w.end()) }()
	return s.run(ctx, r, w)
}

func (r *run) verdict() error {
	var missed []string
	for i := range r.report.Figures {
		if m := r.report.Figures[i].missed(); m != "" {
			missed = append(missed, m)
		}
	}
	if len(missed) > 0 {
		return &MissedError{missed}
	}
	return nil
}

func (r *run) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.out, format+"\n", args...)
}

// figure takes down a measurement.
func (r *run) figure(f Figure) {
	f.Limit = r.limits[f.Name]
	r.report.Figures = append(r.report.Figures, f)
	line := fmt.Sprintf("  %s: %s%s", f.What, number(f.Value), unit(&f))
	if f.Peer != nil {
		line += fmt.Sprintf(" (beside: %s%s)", number(*f.Peer), unit(&f))
	}
	r.say("%s", line)
}
