package simulation

import (
	"fmt"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// poll is how often the operator looks for what others changed, by default.
const poll = time.Minute

// disturb carries out what an administrator does in Kisi, and what goes wrong.
func (w *world) disturb(s step) error {
	began := now()
	switch s.Do {
	case "grant":
		return w.administrator(simulator.Action{
			Action: simulator.ActionGrant, User: s.Foreign.Address, Group: s.Foreign.Group, As: admin,
			ValidFrom: timePtr(s.Foreign.Span.From), ValidUntil: timePtr(s.Foreign.Span.Until),
		}, func(b *business) { b.Foreign = append(b.Foreign, *s.Foreign) })
	case "revoke":
		whom := [2]string{s.Foreign.Address, s.Foreign.Group}
		w.record.excused[whom] = append(w.record.excused[whom], span{began, began.Add(poll + recovery)})
		return w.administrator(simulator.Action{Action: simulator.ActionRevoke, User: s.Foreign.Address, Group: s.Foreign.Group, As: admin},
			func(b *business) {
				b.Foreign = slices.DeleteFunc(b.Foreign, func(is foreign) bool { return whom == [2]string{is.Address, is.Group} })
			})
	case "kill":
		w.count.Kills++
		w.operator.kill(s.N)
		w.operator.end()
		w.buried = append(w.buried, w.operator)
		time.Sleep(s.For)
		if err := w.start(); err != nil {
			return fmt.Errorf("starting again: %w", err)
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
