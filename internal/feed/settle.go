package feed

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// settle takes events in: what they are about is looked at, the mirror brought up to date, and whom it concerns is told.
// After an error all of them count as not taken. With leaveOut, what Kisi fails to show is left out, and does not keep the
// rest.
func (f *Feed) settle(ctx context.Context, by follower, events []kisi.Event, leaveOut bool) error {
	if err := f.settling.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("waiting for the events before: %w", err)
	}
	defer f.settling.Release(1)
	var news, early, own []kisi.Event
	for _, event := range f.seen.fresh(events) {
		switch {
		case f.isOwn(event):
			own = append(own, event)
		case f.mayBeOwn(event):
			early = append(early, event)
		default:
			news = append(news, event)
		}
	}
	f.seen.mark(own)
	f.deliverLater(early, ownPatience)
	if len(news) == 0 {
		return nil
	}
	slices.SortStableFunc(news, func(a, b kisi.Event) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt)) })
	noteActors(f.options.Mirror, news)
	l := look{feed: f, ctx: ctx, by: by, asked: time.Now(), digest: digestOf(news), leaveOut: leaveOut}
	err := l.all()
	f.options.Mirror.Report(l.change)
	if err != nil {
		return err
	}
	f.seen.mark(news)
	if l.digest.obscure {
		signal(f.obscure)
	}
	return nil
}

// mayBeOwn reports whether the event may be of a request of this process that is not answered yet. One that is ahead of its
// time would be waited for until then.
func (f *Feed) mayBeOwn(e kisi.Event) bool {
	return f.byOwner(e) && time.Since(f.kisiTime().local(e.CreatedAt)).Abs() < ownPatience
}

// isOwn reports whether this process did what the event tells, and recorded it then. Whoever uses the same account may have
// done something else just then, or the same once more.
func (f *Feed) isOwn(e kisi.Event) bool {
	act, known := actOf(e)
	if !known || !f.byOwner(e) || e.CreatedAt.IsZero() {
		return false
	}
	done := f.kisiTime().local(e.CreatedAt)
	return f.options.Mirror.Explain(mirror.Subject{Kind: mirror.Kind(e.ObjectType), ID: e.ObjectID}, act, func(recorded time.Time) bool {
		// With the answer, so not long after it was done; Kisi's clock shows whole seconds.
		after := recorded.Sub(done)
		return after > -2*time.Second && after < kisi.DefaultTimeout+2*time.Second
	})
}

// actOf is what the event says that somebody did.
func actOf(e kisi.Event) (act mirror.Act, known bool) {
	_, action, _ := strings.Cut(e.Type, ".")
	switch action {
	case "create":
		return mirror.Made, true
	case "update":
		return mirror.Changed, true
	case "destroy":
		return mirror.Removed, true
	}
	return 0, false
}

func (f *Feed) byOwner(e kisi.Event) bool {
	return e.ActorID != nil && *e.ActorID == f.options.OwnerID && f.options.OwnerID != 0
}
