package simulation

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// poll is how often the operator looks for what others changed, by default.
const poll = time.Minute

// disturb carries out what an administrator does in Kisi, and what goes wrong.
func (w *world) disturb(s step) error {
	began := now()
	switch s.Do {
	case "grant":
		add := func(b *business) { b.Foreign = append(b.Foreign, *s.Foreign) }
		if slices.Contains(w.history.Exclusive, s.Foreign.Group) && !w.is.Gone[s.Foreign.Group] {
			w.excuse(*s.Foreign) // until it is found
			add = func(*business) {}
		}
		return w.administrator(simulator.Action{
			Action: simulator.ActionGrant, User: s.Foreign.Address, Group: s.Foreign.Group, As: admin,
			ValidFrom: timePtr(s.Foreign.Span.From), ValidUntil: timePtr(s.Foreign.Span.Until),
		}, add)
	case "change window":
		w.excuse(*s.Foreign)
		for _, is := range w.ours(s.Foreign.Group) {
			if is.User == s.Foreign.Address {
				return w.administrator(simulator.Action{
					Action: simulator.ActionSetWindow, AssignmentID: is.ID, As: admin,
					ValidFrom: timePtr(s.Foreign.Span.From), ValidUntil: timePtr(s.Foreign.Span.Until),
				}, func(*business) {})
			}
		}
		return nil
	case "revoke":
		whom := [2]string{s.Foreign.Address, s.Foreign.Group}
		w.excuse(*s.Foreign)
		return w.administrator(simulator.Action{Action: simulator.ActionRevoke, User: s.Foreign.Address, Group: s.Foreign.Group, As: admin},
			func(b *business) {
				b.Foreign = slices.DeleteFunc(b.Foreign, func(is foreign) bool { return whom == [2]string{is.Address, is.Group} })
			})
	case "kill":
		w.count.Kills++
		w.operator.kill(s.N)
		w.bury(w.operator)
		time.Sleep(s.For)
		if err := w.start(); err != nil {
			return fmt.Errorf("starting again: %w", err)
		}
	case "two at once":
		w.count.Kills++
		first := w.operator
		if err := w.start(); err != nil {
			return fmt.Errorf("starting a second one: %w", err)
		}
		time.Sleep(s.For)
		w.bury(first)
	case "new key":
		w.count.KisiFaults++
		if err := w.changeKey(s.For); err != nil {
			return fmt.Errorf("changing the key: %w", err)
		}
	case "mode":
		w.count.Modes++
		if err := w.connect(func(spec *v1alpha1.KisiConnectionSpec) { spec.Mode = v1alpha1.Mode(s.Name) }); err != nil {
			return err
		}
		time.Sleep(s.For)
		if err := w.connect(func(spec *v1alpha1.KisiConnectionSpec) { spec.Mode = v1alpha1.ModeEnforce }); err != nil {
			return err
		}
	case "kubernetes away":
		w.count.KubernetesFaults++
		w.away.Store(true)
		time.Sleep(s.For)
		w.away.Store(false)
	case "kubernetes loses answers":
		w.count.KubernetesFaults++
		w.lose(0.3)
		time.Sleep(s.For)
		w.lose(0)
	case "watches late":
		w.count.KubernetesFaults++
		w.mu.Lock()
		w.held[s.Name] = began.Add(s.For)
		w.mu.Unlock()
		time.Sleep(s.For)
	case "watches expire":
		w.count.KubernetesFaults++
		w.server.ExpireWatches()
		return nil
	case "kisi":
		w.count.KisiFaults++
		id, err := w.kisi.AddFault(*s.Fault)
		if err != nil {
			return err
		}
		time.Sleep(s.For)
		w.kisi.RemoveFault(id)
	default:
		return fmt.Errorf("nothing is known of %q", s.Do)
	}
	w.trouble(began)
	return nil
}

// excuse has the oracle say nothing of what an administrator changed until it is found.
func (w *world) excuse(is foreign) {
	whom := [2]string{is.Address, is.Group}
	w.record.excused[whom] = append(w.record.excused[whom], span{now(), w.record.deadline(now().Add(poll + recovery))})
}

// changeKey takes the operator's key from it, and gives it another after a while.
func (w *world) changeKey(away time.Duration) error {
	w.keys++
	key := fmt.Sprintf("owner-key-%d", w.keys)
	if _, err := w.kisi.Act(simulator.Action{Action: simulator.ActionRevokeKeys, User: owner, As: admin}); err != nil {
		return err
	}
	if _, err := w.kisi.Act(simulator.Action{Action: simulator.ActionCreateKey, User: owner, Secret: key, As: owner}); err != nil {
		return err
	}
	time.Sleep(away)
	secret := &corev1.Secret{ObjectMeta: meta("kisi")}
	if err := w.client.Get(w.ctx, client.ObjectKeyFromObject(secret), secret); err != nil {
		return err
	}
	secret.Data["apiKey"] = []byte(key)
	return w.client.Update(w.ctx, secret)
}

// connect changes the connection's spec.
func (w *world) connect(change func(*v1alpha1.KisiConnectionSpec)) error {
	connection := &v1alpha1.KisiConnection{ObjectMeta: meta("default")}
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := w.client.Get(w.ctx, client.ObjectKeyFromObject(connection), connection); err != nil {
			return err
		}
		change(&connection.Spec)
		return w.client.Update(w.ctx, connection)
	})
}

func (w *world) lose(chance float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lossy = chance
}

// administrator does something in Kisi; what Kisi refuses, such as a grant for somebody whom it does not know, does not happen.
func (w *world) administrator(action simulator.Action, change func(*business)) error {
	if _, err := w.kisi.Act(action); err != nil {
		return nil //nolint:nilerr // see above
	}
	w.count.AdminSteps++
	w.change(change)
	return nil
}

func timePtr(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
