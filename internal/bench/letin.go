package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// letIn lets people in with one group each, then moves them to another group, with a Kisi that takes any number of requests.
func letIn(ctx context.Context, r *run, w *world) error {
	n := r.scale.letIn
	bare, err := w.bare(ctx, n)
	if err != nil {
		return err
	}
	least, err := w.floor(ctx, n)
	if err != nil {
		return err
	}
	if err := w.people(ctx, "person", n, inGroup(groupNames[0])); err != nil {
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
	plainLetIn := plain.kisi.asked()

	w.profileTo = r.profileTo
	used, asked, lasted, err := w.letInAll(ctx, n)
	if err != nil {
		return err
	}
	r.say("  reconciles for each person: %s", used.shares(n))
	per := func(count float64) float64 { return count / float64(n) }
	people := fmt.Sprintf("%d people let in with one group each: ", n)
	r.figure(Figure{Name: "let-in/requests", What: people + "requests, as a multiple of 2 each", Value: per(float64(asked)) / 2, Peer: of(per(float64(plainLetIn)) / 2)})
	r.figure(Figure{
		Name: "let-in/speed", What: people + "speed, as a share of a bare loop's that only sends the requests and writes one status each, beside that of the floor: the same writes, requests and watch, and nothing decided",
		Value: bare.Seconds() / lasted.Seconds(), Peer: of(bare.Seconds() / least.Lasted.Seconds()),
	})
	r.figure(Figure{Name: "let-in/speed-of-floor", What: people + "speed, as a share of the floor's", Value: least.Lasted.Seconds() / lasted.Seconds()})
	r.figure(Figure{Name: "let-in/people-per-second", What: people + "a second, beside the floor", Value: float64(n) / lasted.Seconds(), Peer: of(float64(n) / least.Lasted.Seconds())})
	r.figure(Figure{Name: "let-in/writes", What: people + "writes to Kubernetes each", Value: per(used.writes)})
	r.figure(Figure{Name: "let-in/reconciles", What: people + "reconciles of the Member each", Value: per(used.reconciles["member"])})
	r.figure(Figure{Name: "let-in/cpu", What: people + "CPU of the operator each, beside the floor's", Unit: "ms", Value: per(used.cpu.Seconds() * 1000), Peer: of(per(least.CPU.Seconds() * 1000))})
	r.figure(Figure{Name: "let-in/cpu-of-floor", What: people + "CPU of the operator, as a multiple of the floor's", Value: float64(used.cpu) / float64(least.CPU)})

	plain.all(groupNames[1])
	before := plain.kisi.asked()
	if err := plain.pass(ctx); err != nil {
		return err
	}
	plainMoved := plain.kisi.asked() - before
	asked, err = w.move(ctx, n)
	if err != nil {
		return err
	}
	r.figure(Figure{
		Name: "move/requests", What: fmt.Sprintf("%d people moved from one group to another: requests, as a multiple of 2 each", n),
		Value: per(float64(asked)) / 2, Peer: of(per(float64(plainMoved)) / 2),
	})
	return nil
}

// letInBySource lets people in by a subscription each.
func letInBySource(ctx context.Context, r *run, w *world) error {
	n := r.scale.sourced
	if err := w.people(ctx, "person", n, nil); err != nil {
		return err
	}
	if err := w.subscribe(ctx, "person", n, groupNames[0]); err != nil {
		return err
	}
	used, _, _, err := w.letInAll(ctx, n)
	if err != nil {
		return err
	}
	r.say("  reconciles for each person: %s", used.shares(n))
	r.figure(Figure{
		Name: "let-in/writes-with-source", What: fmt.Sprintf("%d people let in by a subscription each: writes to Kubernetes each", n),
		Value: used.writes / float64(n),
	})
	return nil
}

// subscribe makes a subscription to a group for each of the people.
func (w *world) subscribe(ctx context.Context, prefix string, n int, group string) error {
	return each(ctx, n, func(ctx context.Context, i int) error { return w.subscribeOne(ctx, prefix, i, group) })
}

func (w *world) subscribeOne(ctx context.Context, prefix string, i int, group string) error {
	return w.admin.Create(ctx, &v1alpha1.AccessSubscription{ObjectMeta: w.meta(nameOf(prefix, i)), Spec: v1alpha1.AccessSubscriptionSpec{
		Subject:   v1alpha1.Subject{Email: v1alpha1.EmailAddress(addressOf(prefix, i))},
		GroupRefs: []v1alpha1.GroupReference{{Name: v1alpha1.ObjectName(group)}},
	}})
}

// letInAll starts the operator and the connection, and measures from the first request about a person until everybody is in
// and every status says so.
func (w *world) letInAll(ctx context.Context, n int) (used usage, asked int, lasted time.Duration, err error) {
	if err := w.start(ctx); err != nil {
		return used, 0, 0, err
	}
	before, err := w.usage(ctx)
	if err != nil {
		return used, 0, 0, err
	}
	if err := w.connect(ctx, asFastAsAnything, nil); err != nil {
		return used, 0, 0, err
	}
	err = w.until(ctx, 5*time.Minute, "the first person to be let in", func(context.Context) (bool, error) { return w.kisi.asked("POST /users") > 0, nil })
	if err != nil {
		return used, 0, 0, err
	}
	begun := time.Now()
	profiled := make(chan error, 1)
	go func() { profiled <- w.profile(ctx) }()
	err = w.until(ctx, time.Hour, "everybody to be let in", func(context.Context) (bool, error) { return w.kisi.asked("POST /role_assignments") >= n, nil })
	if err != nil {
		return used, 0, 0, err
	}
	lasted = time.Since(begun)
	if err := <-profiled; err != nil {
		return used, 0, 0, err
	}
	if err := w.allGranted(ctx, n, 10*time.Minute); err != nil {
		return used, 0, 0, err
	}
	if err := w.calm(ctx); err != nil {
		return used, 0, 0, err
	}
	after, err := w.usage(ctx)
	return after.since(before), w.kisi.asked(aboutPeople...), lasted, err
}

// calm waits until the operator has written nothing to Kubernetes for two seconds.
func (w *world) calm(ctx context.Context) error {
	last, since := -1.0, time.Now()
	return w.untilEvery(ctx, 250*time.Millisecond, 10*time.Minute, "the operator to come to rest", func(ctx context.Context) (bool, error) {
		u, err := w.usage(ctx)
		if err != nil {
			return false, err
		}
		if u.writes != last {
			last, since = u.writes, time.Now()
		}
		return time.Since(since) > 2*time.Second, nil
	})
}

// move gives everybody the other group instead, and counts the requests.
func (w *world) move(ctx context.Context, n int) (asked int, err error) {
	before, deleted := w.kisi.asked(aboutPeople...), w.kisi.asked("DELETE /role_assignments/*")
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"groupRefs": []map[string]any{{"name": groupNames[1]}}}})
	if err != nil {
		return 0, err
	}
	err = each(ctx, n, func(ctx context.Context, i int) error {
		return w.admin.Patch(ctx, &v1alpha1.Member{ObjectMeta: w.meta(nameOf("person", i))}, ctrlclient.RawPatch(types.MergePatchType, patch))
	})
	if err != nil {
		return 0, err
	}
	err = w.until(ctx, time.Hour, "everybody to be moved", func(context.Context) (bool, error) {
		return w.kisi.asked("DELETE /role_assignments/*")-deleted >= n, nil
	})
	if err != nil {
		return 0, err
	}
	return w.kisi.asked(aboutPeople...) - before, w.calm(ctx)
}

// newPlain is a plain loop, as fast as everything can, that lets n people in.
func newPlain(n int) (*peer, error) {
	k, err := newKisi(-1, nil)
	if err != nil {
		return nil, err
	}
	p := newPeer(k, 0)
	for i := range n {
		p.wanted = append(p.wanted, wish{email: addressOf("person", i)})
	}
	p.all(groupNames[0])
	return p, nil
}

// all has everybody want a group.
func (p *peer) all(group string) {
	for i := range p.wanted {
		p.wanted[i].group = group
	}
}

// bare measures a loop that knows everything: it sends the two requests and writes one status for each person, several
// people at once, against the same API server. Its people are gone afterwards.
func (w *world) bare(ctx context.Context, n int) (time.Duration, error) {
	k, err := newKisi(-1, nil)
	if err != nil {
		return 0, err
	}
	defer k.Close() //nolint:errcheck // the measurement is done
	if err := w.people(ctx, "person", n, inGroup(groupNames[0])); err != nil {
		return 0, err
	}
	p := newPeer(k, 0)
	if err := p.findGroups(ctx); err != nil {
		return 0, err
	}
	begun := time.Now()
	err = each(ctx, n, func(ctx context.Context, i int) error {
		if _, _, err := endpoint(k.URL()).letIn(ctx, i, p.groups[groupNames[0]], func(int) error { return nil }); err != nil {
			return err
		}
		patch, err := json.Marshal(map[string]any{"status": map[string]any{"observedGeneration": 1, "plannedCount": 0}})
		if err != nil {
			return err
		}
		return w.admin.Status().Patch(ctx, &v1alpha1.Member{ObjectMeta: w.meta(nameOf("person", i))}, ctrlclient.RawPatch(types.MergePatchType, patch))
	})
	lasted := time.Since(begun)
	if err != nil {
		return 0, err
	}
	return lasted, w.removePeople(ctx, n)
}

// removePeople deletes Members that no operator looks at.
func (w *world) removePeople(ctx context.Context, n int) error {
	release := ctrlclient.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
	return each(ctx, n, func(ctx context.Context, i int) error {
		member := &v1alpha1.Member{ObjectMeta: w.meta(nameOf("person", i))}
		return errors.Join(w.admin.Patch(ctx, member, release), w.admin.Delete(ctx, member))
	})
}

// letIn sends the two requests that let somebody into a group, and does something in between.
func (e endpoint) letIn(ctx context.Context, i, group int, between func(user int) error) (user, assignment int, err error) {
	var person peerUser
	if err := e.post(ctx, "/users", map[string]any{"user": map[string]any{"email": addressOf("person", i), "send_emails": false, "confirm": true}}, &person); err != nil {
		return 0, 0, err
	}
	if err := between(person.ID); err != nil {
		return 0, 0, err
	}
	var made peerAssignment
	err = e.post(ctx, "/role_assignments", map[string]any{"role_assignment": map[string]any{
		"assignee_type": "User", "assignee_id": person.ID, "applies_to_type": "Group", "applies_to_id": group, "role_id": "group_basic", "notify": false,
	}}, &made)
	return person.ID, made.ID, err
}

func (e endpoint) post(ctx context.Context, path string, body, into any) error {
	status, answer, err := e.send(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return errors.New(string(answer))
	}
	return json.Unmarshal(answer, into)
}

func of(value float64) *float64 { return &value }
