package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
)

// How the short event lies. The first wait is for a machine that needs seconds to write it to Kisi; doors are tried
// a moment after its start and its end.
const (
	eventStartsIn = 10 * time.Second
	eventLasts    = 6 * time.Second
	moment        = 500 * time.Millisecond
)

// signOfLife is how often something that takes long says so.
const signOfLife = 15 * time.Second

// Options say what to show.
type Options struct {
	// System is the directory of config/samples.
	System string
	// Way is how the operator gets into the cluster; default: by config/crd and config/rbac.
	Way Way
	// KubeAPIServer has it run on etcd and kube-apiserver, as a Way always does, rather than on an API server in memory.
	KubeAPIServer bool
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
// something else than the samples promise.
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
	r := &run{out: options.Out, environment: environment{
		root: root, story: story, way: options.Way, inMemory: !options.KubeAPIServer && options.Way == nil,
		programs: filepath.Join(root, "bin", "demo"),
	}}
	r.dir, err = os.MkdirTemp("", "kisi-demo-*")
	if err != nil {
		return err
	}
	defer func() {
		interrupted := ctx.Err() != nil
		keepLogs := err != nil && !interrupted
		if keepLogs {
			r.say("The logs are in %s.", r.dir)
		}
		err = errors.Join(err, r.stop(keepLogs))
	}()
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if err := r.prepare(running, fail); err != nil {
		return because(running, err)
	}
	surprises, err := r.show(running)
	if err != nil {
		return because(running, err)
	}
	r.conclude(surprises)
	if options.Way != nil {
		if err := options.Way.Afterwards(running, &Stage{&r.environment}); err != nil {
			return because(running, err)
		}
	}
	if options.Keep {
		if err := r.keep(running); err != nil {
			return because(running, err)
		}
	}
	if len(surprises) > 0 {
		return &UnmetError{surprises}
	}
	return nil
}

// because prefers what ended the run to what followed from it.
func because(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case cause == nil:
		return err
	case errors.Is(cause, context.Canceled):
		return errors.New("interrupted")
	}
	return cause
}

// run is one run of the demo.
type run struct {
	environment

	out       io.Writer
	startedAt time.Time         // when everything ran: what Kisi holds from then on is new
	logins    map[string]string // secrets of the people's logins, by address
	doors     map[string]int    // ids by name
}

func (r *run) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.out, format+"\n", args...)
}

func (r *run) headline(text string) { r.say("\n== %s", text) }

// step says how long something took, and now and then that it is still going on.
func (r *run) step(ctx context.Context, what string, do func(context.Context) error) error {
	start := time.Now()
	var telling sync.WaitGroup
	finished := make(chan struct{})
	telling.Go(func() {
		ticker := time.NewTicker(signOfLife)
		defer ticker.Stop()
		for {
			select {
			case <-finished:
				return
			case <-ticker.C:
				r.say("   ...  %s: %.0fs so far", what, time.Since(start).Seconds())
			}
		}
	})
	err := do(ctx)
	close(finished)
	telling.Wait()
	if err != nil {
		return err
	}
	r.say("%5.1fs  %s", time.Since(start).Seconds(), what)
	return nil
}

func (r *run) prepare(ctx context.Context, fail func(error)) error {
	r.headline("Building and starting (the very first time this takes minutes)")
	rights := "the rights of config/rbac"
	if r.way != nil {
		rights = "the rights that it is installed with"
	}
	kubernetes := "Kubernetes: etcd, kube-apiserver"
	if r.inMemory {
		kubernetes = "Kubernetes: its API server, in memory"
	}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"programs: kisi-operator, kisi-simulator", r.buildPrograms},
		{kubernetes, r.startCluster},
		{"Kisi: the simulator, at Kisi's 5 requests a second", r.startSimulator},
		{"operator: with " + rights, r.startOperator},
	}
	for _, s := range steps {
		if err := r.step(ctx, s.what, s.do); err != nil {
			return err
		}
	}
	if r.kisi.url != r.story.Endpoint {
		r.say("\nAnother program listens on %s, so the simulator is at %s, and the samples are applied with that endpoint.",
			r.story.Endpoint, r.kisi.url)
	}
	r.startedAt = time.Now()
	r.watch(ctx, fail)
	return nil
}

// show shows the story and returns what was not as promised.
func (r *run) show(ctx context.Context) ([]string, error) {
	samples, err := r.samples()
	if err != nil {
		return nil, err
	}
	r.headline("The samples")
	r.say("Applying %s:", r.relative(samples))
	applied, err := r.cluster.ApplyPath(ctx, samples)
	if err != nil {
		return nil, err
	}
	r.sayApplied(applied)
	r.say("")
	ready := newReadiness(r.reader, listKinds(r.reader.Scheme()), func(line string) { r.say("%s", line) })
	if err := ready.wait(ctx); err != nil {
		return nil, err
	}

	start := time.Now().Add(eventStartsIn).Truncate(time.Second)
	end := start.Add(eventLasts)
	event, err := r.story.RenderEvent(start, end)
	if err != nil {
		return nil, err
	}
	r.headline("In a few seconds from now, and for a few seconds: " + r.story.Occasion)
	r.say("%s", event)
	if applied, err = r.cluster.Apply(ctx, []byte(event)); err != nil {
		return nil, err
	}
	r.sayApplied(applied)
	if err := ready.wait(ctx, r.story.EventName); err != nil {
		return nil, err
	}
	attempts, err := r.tryDoors(ctx, start, end)
	if err != nil {
		return nil, err
	}
	requests, err := r.account(ctx)
	if err != nil {
		return nil, err
	}
	return append(r.story.Surprises(attempts), r.story.CostSurprises(requests)...), nil
}

// tryDoors has everybody try every door before, during and after the event.
func (r *run) tryDoors(ctx context.Context, start, end time.Time) (Attempts, error) {
	r.headline("Everybody tries every door")
	if err := r.logIn(ctx); err != nil {
		return nil, err
	}
	attempts := Attempts{}
	for _, phase := range Phases {
		from := map[Phase]time.Time{Before: {}, During: start.Add(moment), After: end.Add(moment)}[phase]
		deadline := map[Phase]time.Time{Before: start, During: end}[phase]
		if err := r.waitUntil(ctx, phase, from); err != nil {
			return nil, err
		}
		if err := r.tryAll(ctx, phase, attempts); err != nil {
			return nil, err
		}
		if !deadline.IsZero() && !time.Now().Before(deadline) {
			return nil, fmt.Errorf("this machine is too busy: the doors tried %s %s were tried later than that; run it again", phase, r.story.Occasion)
		}
		if phase == During {
			r.say("")
			if err := r.sayObjects(ctx); err != nil {
				return nil, err
			}
			r.say("")
		}
	}
	r.say("\n%s", r.story.Table(attempts))
	return attempts, nil
}

func (r *run) waitUntil(ctx context.Context, phase Phase, at time.Time) error {
	if wait := time.Until(at); wait > 0 {
		r.say("waiting %.0fs ...", wait.Seconds())
	}
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		r.say("%s %s", phase, r.story.Occasion)
		return nil
	}
}

func (r *run) logIn(ctx context.Context) error {
	r.logins = map[string]string{}
	for _, person := range r.story.People {
		secret, err := r.kisi.login(ctx, person)
		if err != nil {
			return err
		}
		r.logins[person.Email] = secret
	}
	var err error
	r.doors, err = r.kisi.locks(ctx)
	return err
}

func (r *run) tryAll(ctx context.Context, phase Phase, attempts Attempts) error {
	for _, person := range r.story.People {
		for _, door := range r.story.Doors {
			id, known := r.doors[door]
			if !known {
				return fmt.Errorf("%s: Kisi has no door %q", r.story.Organization, door)
			}
			attempt, err := r.kisi.unlock(ctx, id, r.logins[person.Email])
			if err != nil {
				return fmt.Errorf("%s tries %s: %w", person.Name, door, err)
			}
			attempts.Record(person, door, phase, attempt)
		}
	}
	return nil
}

// account tells what changed in Kisi and what it cost.
func (r *run) account(ctx context.Context) (Requests, error) {
	r.headline("What the operator changed in Kisi")
	changes, err := r.kisi.history(ctx, r.story.KeyOwner, r.startedAt)
	if err != nil {
		return nil, err
	}
	assignments, err := r.kisi.assignments(ctx)
	if err != nil {
		return nil, err
	}
	r.say("%s", ChangeTable(changes, assignments))
	requests, err := r.kisi.requests(ctx, r.story.KeyOwner)
	if err != nil {
		return nil, err
	}
	r.say("%d requests to Kisi, %d of them writes; fewer than %d writes are not possible.\n",
		len(requests), requests.Writes(), r.story.Floor())
	r.say("%s", requests.Summary())
	return requests, nil
}

func (r *run) conclude(surprises []string) {
	if len(surprises) == 0 {
		r.say("Every expectation held: %d tries at doors, %d writes.",
			len(r.story.People)*len(r.story.Doors)*len(Phases), r.story.Floor())
	}
}

// keep waits until ctx is done.
func (r *run) keep(ctx context.Context) error {
	path := filepath.Join(r.dir, "kubeconfig")
	if err := r.writeKubeconfig(path); err != nil {
		return err
	}
	tools := r.programs // kubectl kisi
	var desk string
	if err := r.step(ctx, "kubectl, unless you have it, kubectl kisi, and its desk", func(ctx context.Context) (err error) {
		if _, err := exec.LookPath(binaries.Kubectl); err != nil {
			assets, err := binaries.Ensure(ctx, os.Stderr, binaries.Kubectl)
			if err != nil {
				return err
			}
			tools += string(filepath.ListSeparator) + assets
		}
		if err := deployment.Build(ctx, r.root, r.programs, "./cmd/kubectl-kisi"); err != nil {
			return err
		}
		desk, err = r.startDesk(ctx, path)
		return err
	}); err != nil {
		return err
	}
	if r.story.Calendar != nil {
		if err := r.step(ctx, "kisi-feed, which reads a calendar", func(ctx context.Context) error { return r.followCalendar(ctx, path) }); err != nil {
			return err
		}
	}
	r.headline("It keeps running until you press Ctrl-C. In your browser, who may enter (kubectl kisi desk):")
	r.say("\n  %s", desk)
	if r.story.Calendar != nil {
		r.sayCalendar()
	}
	r.headline("In another terminal:")
	r.say(`
  export KUBECONFIG=%s
  export PATH=%s:$PATH
  kubectl get kisi -A
  kubectl kisi access %s
  curl -s '%s/_simulator/try-unlock?user=%s&lock=%s'
  tail -f %s
`, path, tools, r.story.People[0].Email, r.kisi.url, r.story.People[0].Email, r.story.Doors[0], r.operator.Log)
	if r.inMemory {
		r.say("This API server serves the kinds of this project, what config/ holds, and your own CustomResourceDefinitions. For all of\nKubernetes: --kube-apiserver, which takes minutes more to build the first time.")
	}
	return untilInterrupted(ctx)
}

// untilInterrupted waits until ctx is done, and returns why, unless somebody interrupted it.
func untilInterrupted(ctx context.Context) error {
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
