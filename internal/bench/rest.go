package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// passEvery is how often a plain loop goes through all people, as far as the rate lets it.
const passEvery = 15 * time.Minute

// rest measures an operator that has nothing to do, and then one change by an administrator.
func rest(ctx context.Context, r *run, w *world) error {
	n := r.scale.rest
	if err := w.people(ctx, "person", n, inGroup(groupNames[0])); err != nil {
		return err
	}
	if _, _, _, err := w.letInAll(ctx, n); err != nil {
		return err
	}
	plain, err := newPlain(n)
	if err != nil {
		return err
	}
	defer plain.kisi.Close() //nolint:errcheck // the measurement is done
	if err := plain.pass(ctx); err != nil {
		return err
	}
	before := plain.kisi.asked()
	if err := plain.pass(ctx); err != nil {
		return err
	}
	perPass := float64(plain.kisi.asked() - before)

	// A new process does not read the events of the import again.
	if err := w.halt(); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	if err := w.polled(ctx); err != nil {
		return err
	}
	if err := w.calm(ctx); err != nil {
		return err
	}
	if err := w.polled(ctx); err != nil { // from one poll to another, so that their number does not depend on luck
		return err
	}
	begun, asked := time.Now(), w.kisi.asked()
	used, err := w.usage(ctx)
	if err != nil {
		return err
	}
	for polls := 0; polls < 2 || time.Since(begun) < r.scale.restLasts; polls++ {
		if err := w.polled(ctx); err != nil {
			return err
		}
	}
	lasted, requests := time.Since(begun), w.kisi.asked()-asked
	after, err := w.usage(ctx)
	if err != nil {
		return err
	}
	used = after.since(used)
	people := fmt.Sprintf("at rest with %d people: ", n)
	r.figure(Figure{
		Name: "rest/requests", What: people + "requests to Kisi a minute", Value: float64(requests) / lasted.Minutes(),
		Peer: of(min(perPass/passEvery.Minutes(), simulator.KisiRequestsPerSecond*60)),
	})
	r.figure(Figure{Name: "rest/writes", What: people + "writes to Kubernetes", Value: used.writes})
	r.figure(Figure{Name: "rest/cpu", What: people + "share of one core", Unit: "%", Value: 100 * used.cpu.Seconds() / lasted.Seconds()})

	asked = w.kisi.asked()
	assignments := w.kisi.Assignments(groupNames[0])
	if _, err := w.kisi.Act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: assignments[len(assignments)/2].ID}); err != nil {
		return err
	}
	made := w.kisi.asked("POST /role_assignments")
	err = w.until(ctx, 5*time.Minute, "the row to be put back", func(context.Context) (bool, error) { return w.kisi.asked("POST /role_assignments") > made, nil })
	if err != nil {
		return err
	}
	r.figure(Figure{
		Name: "change/requests", What: fmt.Sprintf("one change in Kisi among %d people: requests to find it and put it right", n),
		Value: float64(w.kisi.asked() - asked), Peer: of(perPass + 1),
	})
	return nil
}

// polled waits for the next look at the audit trail.
func (w *world) polled(ctx context.Context) error {
	before := w.kisi.asked("GET /event_sets/*")
	return w.until(ctx, 5*time.Minute, "a change poll", func(context.Context) (bool, error) { return w.kisi.asked("GET /event_sets/*") > before, nil })
}
