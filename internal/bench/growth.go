package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// measuredEdits is over how many edits costs are averaged.
const measuredEdits = 40

// team measures people who join a large team, and leave it, one after the other.
func team(ctx context.Context, r *run, w *world) error {
	n := r.scale.team
	inTeam := func(_ int, member *v1alpha1.Member) { member.Spec.Teams = []v1alpha1.Team{"everybody"} }
	if err := w.people(ctx, "person", n, inTeam); err != nil {
		return err
	}
	if err := w.subscribeTeam(ctx, "everybody", groupNames[0]); err != nil {
		return err
	}
	if _, _, _, err := w.letInAll(ctx, n); err != nil {
		return err
	}
	joining, err := w.cost(ctx, "POST /role_assignments", measuredEdits, func(ctx context.Context, i int) error {
		member := &v1alpha1.Member{ObjectMeta: w.meta(nameOf("joins", i)), Spec: v1alpha1.MemberSpec{Email: v1alpha1.EmailAddress(addressOf("joins", i))}}
		inTeam(i, member)
		return w.admin.Create(ctx, member)
	})
	if err != nil {
		return err
	}
	leaving, err := w.cost(ctx, "DELETE /role_assignments/*", measuredEdits, func(ctx context.Context, i int) error {
		return w.admin.Patch(ctx, &v1alpha1.Member{ObjectMeta: w.meta(nameOf("joins", i))}, ctrlclient.RawPatch(types.MergePatchType, []byte(`{"spec":{"teams":null}}`)))
	})
	if err != nil {
		return err
	}
	what := func(does, of string) string { return fmt.Sprintf("one person %s a team of %d: %s", does, n, of) }
	r.figure(Figure{Name: "team/join-requests", What: what("joins", "requests"), Value: joining.requests, Peer: of(float64(2*n + 4))})
	r.figure(Figure{Name: "team/join-cpu", What: what("joins", "CPU of the operator"), Unit: "ms", Value: joining.cpu})
	r.figure(Figure{Name: "team/leave-requests", What: what("leaves", "requests"), Value: leaving.requests, Peer: of(float64(2*n + 3))})
	r.figure(Figure{Name: "team/leave-cpu", What: what("leaves", "CPU of the operator"), Unit: "ms", Value: leaving.cpu})
	return nil
}

// edits compares the cost of an edit in a small organization with that in a large one.
func edits(ctx context.Context, r *run, w *world) error {
	few, many := r.scale.editsFew, r.scale.editsMany
	if err := w.people(ctx, "person", few, inGroup(groupNames[0])); err != nil {
		return err
	}
	if _, _, _, err := w.letInAll(ctx, few); err != nil {
		return err
	}
	before, err := w.edit(ctx, 0)
	if err != nil {
		return err
	}
	if err := w.people(ctx, "more", many-few, inGroup(groupNames[0])); err != nil {
		return err
	}
	if err := w.allGranted(ctx, many, time.Hour); err != nil {
		return err
	}
	if err := w.calm(ctx); err != nil {
		return err
	}
	after, err := w.edit(ctx, measuredEdits)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("the cost of an edit among %d people, as a multiple of that among %d: ", many, few)
	r.figure(Figure{Name: "edits/requests", What: what + "requests", Value: after.requests / before.requests, Peer: of(float64(many) / float64(few))})
	r.figure(Figure{Name: "edits/writes", What: what + "writes to Kubernetes", Value: after.writes / before.writes})
	r.figure(Figure{Name: "edits/cpu", What: what + "CPU of the operator", Value: after.cpu / before.cpu})
	return nil
}

// edit moves some people from one group to the other, one after the other.
func (w *world) edit(ctx context.Context, from int) (cost, error) {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"groupRefs": []map[string]any{{"name": groupNames[1]}}}})
	if err != nil {
		return cost{}, err
	}
	return w.cost(ctx, "DELETE /role_assignments/*", measuredEdits, func(ctx context.Context, i int) error {
		return w.admin.Patch(ctx, &v1alpha1.Member{ObjectMeta: w.meta(nameOf("person", from+i))}, ctrlclient.RawPatch(types.MergePatchType, patch))
	})
}

// cost is what an edit takes on average.
type cost struct {
	requests, writes float64
	cpu              float64 // milliseconds
}

// cost measures n edits, one after the other, each of which ends with a request of a kind.
func (w *world) cost(ctx context.Context, kind string, n int, edit func(context.Context, int) error) (cost, error) {
	before, err := w.usage(ctx)
	if err != nil {
		return cost{}, err
	}
	looking := w.kisi.asked(lookingForChanges...)
	asked := w.kisi.asked()
	for i := range n {
		done := w.kisi.asked(kind)
		if err := edit(ctx, i); err != nil {
			return cost{}, err
		}
		err := w.until(ctx, time.Minute, "an edit to come into Kisi", func(context.Context) (bool, error) { return w.kisi.asked(kind) > done, nil })
		if err != nil {
			return cost{}, err
		}
	}
	if err := w.calm(ctx); err != nil {
		return cost{}, err
	}
	after, err := w.usage(ctx)
	if err != nil {
		return cost{}, err
	}
	used := after.since(before)
	requests := w.kisi.asked() - asked - (w.kisi.asked(lookingForChanges...) - looking)
	per := func(total float64) float64 { return total / float64(n) }
	return cost{requests: per(float64(requests)), writes: per(used.writes), cpu: per(used.cpu.Seconds() * 1000)}, nil
}

// restart measures what a large organization takes in memory, and how a new process begins: half of the people are in fifty
// teams, a tenth in one.
func restart(ctx context.Context, r *run, w *world) error {
	n := r.scale.restart
	err := w.people(ctx, "person", n, func(i int, member *v1alpha1.Member) {
		switch {
		case i < n/2:
			member.Spec.Teams = []v1alpha1.Team{v1alpha1.Team(nameOf("team", i%50))}
		case i < n/2+n/10:
			member.Spec.Teams = []v1alpha1.Team{"everybody"}
		}
	})
	if err != nil {
		return err
	}
	if err := w.subscribe(ctx, "person", n, groupNames[0]); err != nil {
		return err
	}
	for i := range 50 {
		if err := w.subscribeTeam(ctx, nameOf("team", i), groupNames[0]); err != nil {
			return err
		}
	}
	if err := w.subscribeTeam(ctx, "everybody", groupNames[0]); err != nil {
		return err
	}
	if _, _, _, err := w.letInAll(ctx, n); err != nil {
		return err
	}
	if err := w.halt(); err != nil {
		return err
	}
	connection := &v1alpha1.KisiConnection{ObjectMeta: w.meta("default")}
	if err := w.admin.Patch(ctx, connection, ctrlclient.RawPatch(types.MergePatchType, []byte(`{"spec":{"requestsPerSecond":5}}`))); err != nil {
		return err
	}
	pages := int(math.Ceil(float64(n) / 250))
	read := w.kisi.asked("GET /role_assignments")
	begun := time.Now()
	o := w.watchBookings()
	if err := w.bookOne(ctx, "now", addressOf("person", n-1), begun.Add(2*time.Hour).Truncate(time.Second), o); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	waits, err := w.opened(ctx, o, 30*time.Minute)
	if err != nil {
		return err
	}
	err = w.until(ctx, 30*time.Minute, "the groups to be read", func(context.Context) (bool, error) { return w.kisi.asked("GET /role_assignments")-read >= pages, nil })
	if err != nil {
		return err
	}
	mirrored := time.Since(begun)
	if err := w.calm(ctx); err != nil {
		return err
	}
	used, err := w.usage(ctx)
	if err != nil {
		return err
	}
	people := fmt.Sprintf("a restart with %d people granted, most of them in teams too: ", n)
	r.figure(Figure{Name: "restart/booking", What: people + "until the first booking is in Kisi", Unit: "s", Value: waits[0].Seconds()})
	r.figure(Figure{Name: "restart/mirror", What: people + "until Kisi is read completely, at 5 requests a second, as a multiple of the pages", Value: mirrored.Seconds() / max(10, float64(pages)/5)})
	r.figure(Figure{Name: "restart/memory", What: people + "memory", Unit: "MiB", Value: used.resident / (1 << 20)})
	return nil
}

// subscribeTeam makes a subscription to a group for a team.
func (w *world) subscribeTeam(ctx context.Context, team, group string) error {
	return w.admin.Create(ctx, &v1alpha1.AccessSubscription{ObjectMeta: w.meta(team), Spec: v1alpha1.AccessSubscriptionSpec{
		Subject:   v1alpha1.Subject{Team: v1alpha1.Team(team)},
		GroupRefs: []v1alpha1.GroupReference{{Name: v1alpha1.ObjectName(group)}},
	}})
}
