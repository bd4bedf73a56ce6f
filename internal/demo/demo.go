package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
)

// How the short booking lies. The first wait is for a machine that needs seconds to write it to Kisi; doors are tried
// a moment after its start and its end.
const (
	bookingStartsIn = 10 * time.Second
	bookingLasts    = 6 * time.Second
	moment          = 500 * time.Millisecond
)

// Options say what to show.
type Options struct {
	// System is the directory of config/samples.
	System string
	// Keep leaves everything running until the context is done.
	Keep bool
	// Out is told the story. Default: os.Stdout.
	Out io.Writer
}

// UnmetError lists what was not as the samples promise.
type UnmetError struct{ Surprises []string }

func (e *UnmetError) Error() string {
	return fmt.Sprintf("%d expectations did not hold:\n  %s", len(e.Surprises), strings.Join(e.Surprises, "\n  "))
}

// Run builds what is needed, shows the story and stops everything again. It fails with an UnmetError when a door did
// something else than the samples promise. The calling goroutine must be locked to the main thread (see
// childAttributes).
func Run(ctx context.Context, options Options) (err error) {
	if options.Out == nil {
		options.Out = os.Stdout
	}
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	story, err := StoryOf(root, options.System)
	if err != nil {
		return err
	}
	p := &performance{out: options.Out, stage: stage{root: root, story: story}}
	p.dir, err = os.MkdirTemp("", "kisi-demo-*")
	if err != nil {
		return err
	}
	defer func() {
		interrupted := ctx.Err() != nil
		keepLogs := err != nil && !interrupted
		if keepLogs {
			p.say("The logs are in %s.", p.dir)
		}
		err = errors.Join(err, p.strike(keepLogs))
	}()
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if err := p.prepare(running, fail); err != nil {
		return because(running, err)
	}
	surprises, err := p.perform(running)
	if err != nil {
		return because(running, err)
	}
	p.conclude(surprises)
	if options.Keep {
		if err := p.keep(running); err != nil {
			return because(running, err)
		}
	}
	if len(surprises) > 0 {
		return &UnmetError{surprises}
	}
	return nil
}

// because prefers the end of a program to what followed from it.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// performance is one run of the demo.
type performance struct {
	stage

	out    io.Writer
	chorus map[string]string // secrets of the people's logins, by address
	doors  map[string]int    // ids by name
}

func (p *performance) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, format+"\n", args...)
}

func (p *performance) headline(format string, args ...any) {
	p.say("\n== "+format, args...)
}

// step says what is being done, and then how long it took.
func (p *performance) step(ctx context.Context, what string, do func(context.Context) error) error {
	start := time.Now()
	if err := do(ctx); err != nil {
		return err
	}
	p.say("%5.1fs  %s", time.Since(start).Seconds(), what)
	return nil
}

func (p *performance) prepare(ctx context.Context, fail func(error)) error {
	p.headline("Building and starting (the very first time this takes minutes)")
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"programs: kisi-operator, kisi-simulator", p.buildPrograms},
		{"Kubernetes: etcd, kube-apiserver, kube-controller-manager", p.startCluster},
		{"Kisi: the simulator, at Kisi's 5 requests a second", p.startSimulator},
		{"operator: with the rights of config/rbac", p.startOperator},
	}
	for _, s := range steps {
		if err := p.step(ctx, s.what, s.do); err != nil {
			return err
		}
	}
	if p.kisi.url != p.story.Endpoint {
		p.say("\nAnother program listens on %s, so the simulator is at %s, and the samples are applied with that endpoint.",
			p.story.Endpoint, p.kisi.url)
	}
	p.watch(ctx, fail)
	return nil
}

// perform shows the story and returns what was not as promised.
func (p *performance) perform(ctx context.Context) ([]string, error) {
	samples, err := p.samples()
	if err != nil {
		return nil, err
	}
	p.headline("The samples")
	if err := p.kubectl(ctx, nil, "apply", "-f", samples); err != nil {
		return nil, err
	}
	p.say("")
	ready := newReadiness(p.reader, func(line string) { p.say("%s", line) })
	if err := ready.wait(ctx); err != nil {
		return nil, err
	}

	start := time.Now().Add(bookingStartsIn).Truncate(time.Second)
	end := start.Add(bookingLasts)
	booking, err := p.story.RenderBooking(start, end)
	if err != nil {
		return nil, err
	}
	p.headline("A short booking, in a few seconds from now")
	p.say("%s", booking)
	if err := p.kubectl(ctx, strings.NewReader(booking), "apply", "-f", "-"); err != nil {
		return nil, err
	}
	if err := ready.wait(ctx, "BookingGrant/"+p.story.BookingName); err != nil {
		return nil, err
	}
	attempts, err := p.tryDoors(ctx, start, end)
	if err != nil {
		return nil, err
	}
	requests, err := p.account(ctx)
	if err != nil {
		return nil, err
	}
	return append(p.story.Surprises(attempts), p.story.CostSurprises(requests)...), nil
}

// tryDoors has everybody try every door before, during and after the booking.
func (p *performance) tryDoors(ctx context.Context, start, end time.Time) (Attempts, error) {
	p.headline("Everybody tries every door")
	if err := p.logIn(ctx); err != nil {
		return nil, err
	}
	attempts := Attempts{}
	for _, phase := range Phases {
		from := map[Phase]time.Time{Before: {}, During: start.Add(moment), After: end.Add(moment)}[phase]
		until := map[Phase]time.Time{Before: start, During: end}[phase]
		if err := p.waitUntil(ctx, phase, from); err != nil {
			return nil, err
		}
		if err := p.tryAll(ctx, phase, attempts); err != nil {
			return nil, err
		}
		if !until.IsZero() && !time.Now().Before(until) {
			return nil, fmt.Errorf("this machine is too busy: the doors tried %s the booking were tried later than that; run it again", phase)
		}
		if phase == During {
			p.say("")
			if err := p.kubectl(ctx, nil, "get", "kisi", "-A"); err != nil {
				return nil, err
			}
			p.say("")
		}
	}
	p.say("\n%s", p.story.Table(attempts))
	return attempts, nil
}

func (p *performance) waitUntil(ctx context.Context, phase Phase, at time.Time) error {
	if wait := time.Until(at); wait > 0 {
		p.say("waiting %.0fs ...", wait.Seconds())
	}
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		p.say("%s the booking", phase)
		return nil
	}
}

func (p *performance) logIn(ctx context.Context) error {
	p.chorus = map[string]string{}
	for _, person := range p.story.People {
		secret, err := p.kisi.login(ctx, person)
		if err != nil {
			return err
		}
		p.chorus[person.Email] = secret
	}
	var err error
	p.doors, err = p.kisi.locks(ctx)
	return err
}

func (p *performance) tryAll(ctx context.Context, phase Phase, attempts Attempts) error {
	for _, person := range p.story.People {
		for _, door := range p.story.Doors {
			id, known := p.doors[door]
			if !known {
				return fmt.Errorf("%s: Kisi has no door %q", p.story.Organization, door)
			}
			attempt, err := p.kisi.unlock(ctx, id, p.chorus[person.Email])
			if err != nil {
				return fmt.Errorf("%s tries %s: %w", person.Name, door, err)
			}
			attempts.Record(person, door, phase, attempt)
		}
	}
	return nil
}

// account tells what changed in Kisi and what it cost.
func (p *performance) account(ctx context.Context) (Requests, error) {
	p.headline("What the operator changed in Kisi")
	changes, err := p.kisi.history(ctx)
	if err != nil {
		return nil, err
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 3, ' ', 0)
	for _, c := range changes {
		if c.By == p.story.KeyOwner {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", c.Time.UTC().Format(time.TimeOnly), c.Type, c.ObjectName)
		}
	}
	if err := table.Flush(); err != nil {
		return nil, err
	}
	requests, err := p.kisi.requests(ctx, p.story.KeyOwner)
	if err != nil {
		return nil, err
	}
	p.say("\n%d requests to Kisi, %d of them writes; fewer than %d writes are not possible.\n",
		len(requests), requests.Writes(), p.story.Floor())
	p.say("%s", requests.Summary())
	return requests, nil
}

func (p *performance) conclude(surprises []string) {
	if len(surprises) == 0 {
		p.say("Every expectation held: %d tries at doors, %d writes.",
			len(p.story.People)*len(p.story.Doors)*len(Phases), p.story.Floor())
	}
}

// keep waits until ctx is done.
func (p *performance) keep(ctx context.Context) error {
	kubeconfig, err := p.cluster.AdminKubeconfig()
	if err != nil {
		return err
	}
	path := filepath.Join(p.dir, "kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		return err
	}
	p.headline("It keeps running until you press Ctrl-C. In another terminal:")
	p.say(`
  export KUBECONFIG=%s
  export PATH=%s:$PATH    # kubectl
  kubectl get kisi -A
  curl -s '%s/_simulator/try-unlock?user=%s&lock=%s'
  tail -f %s
`, path, p.cluster.Assets(), p.kisi.url, p.story.People[0].Email, p.story.Doors[0], p.operator.log)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// kubectl shows a command as a person would type it, and what it prints.
func (p *performance) kubectl(ctx context.Context, stdin io.Reader, args ...string) error {
	p.say("$ kubectl %s", strings.Join(args, " "))
	command, err := p.cluster.KubectlCommand(ctx, args...)
	if err != nil {
		return err
	}
	var stderr bytes.Buffer
	command.Dir = p.root
	command.Stdin, command.Stdout, command.Stderr = stdin, p.out, &stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", strings.Join(slices.Clone(args), " "), err, strings.TrimSpace(stderr.String()))
	}
	return nil
}
