package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// bulk imports more people than Kisi lets in during the measurement, at Kisi's own rate, while members book for now.
func bulk(ctx context.Context, r *run, w *world) error {
	const perSecond = simulator.KisiRequestsPerSecond
	if err := w.start(ctx); err != nil {
		return err
	}
	if err := w.connect(ctx, perSecond, nil); err != nil {
		return err
	}
	// Those who book are members that Kisi knows already.
	regulars := r.scale.bookings
	if err := w.people(ctx, "regular", regulars, inGroup(groupNames[0])); err != nil {
		return err
	}
	if err := w.allGranted(ctx, regulars, 5*time.Minute); err != nil {
		return err
	}
	plainKisi, err := newKisi(perSecond, map[string][]string{groupNames[0]: addresses("regular", regulars)})
	if err != nil {
		return err
	}
	defer plainKisi.Close() //nolint:errcheck // the measurement is done
	plain := newPeer(plainKisi, perSecond)
	for i := range r.scale.bulk {
		plain.wanted = append(plain.wanted, wish{email: addressOf("person", i), group: groupNames[0]})
	}
	if err := w.people(ctx, "person", r.scale.bulk, inGroup(groupNames[0])); err != nil {
		return err
	}
	var begun, ended moment
	var waits []time.Duration
	err = beside(ctx, plain, func() (err error) {
		if err := sleep(ctx, 5*time.Second); err != nil { // until both are at full speed
			return err
		}
		begun = momentOf(w.kisi, plainKisi)
		waits, err = w.book(ctx, regulars, r.scale.bulkLasts)
		ended = momentOf(w.kisi, plainKisi)
		return err
	})
	if err != nil {
		return err
	}
	r.say("  requests: %s", w.kisi.kinds())
	during := fmt.Sprintf("during a bulk import of %d people at %d requests a second: ", r.scale.bulk, perSecond)
	lasted, asked := ended.at.Sub(begun.at).Seconds(), float64(ended.asked-begun.asked)
	share := func(of float64) float64 { return 100 * of / (perSecond * lasted) }
	r.figure(Figure{Name: "bulk/rate", What: during + "share of the allowed requests", Unit: "%", Value: share(asked), Peer: of(share(float64(ended.plain - begun.plain)))})
	r.figure(Figure{Name: "bulk/limited", What: during + "requests refused with 429", Value: float64(ended.limited - begun.limited)})
	r.figure(Figure{Name: "bulk/polls", What: during + "share of the requests that look for changes", Unit: "%", Value: 100 * float64(ended.polls-begun.polls) / asked})
	// The loop comes to a booking after everybody whom its list has before.
	r.figure(Figure{Name: "bulk/booking-p50", What: during + "a booking for now, until the row is in Kisi, median", Unit: "s", Value: percentile(waits, 50).Seconds(), Peer: of(lasted), AtLeast: true})
	r.figure(Figure{Name: "bulk/booking-p99", What: during + "the same, 99th percentile", Unit: "s", Value: percentile(waits, 99).Seconds(), Peer: of(lasted), AtLeast: true})
	return nil
}

// moment is what has been asked by then, of the operator's Kisi and of the plain loop's.
type moment struct {
	at                           time.Time
	asked, polls, limited, plain int
}

func momentOf(k, plain *kisi) moment {
	return moment{at: time.Now(), asked: k.asked(), polls: k.asked(lookingForChanges...), limited: k.asked("429"), plain: plain.asked()}
}

func addresses(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = addressOf(prefix, i)
	}
	return all
}

// openings notes when bookings were made and when they came into Kisi. A booking is known by its end.
type openings struct {
	mu     sync.Mutex
	made   map[int64]time.Time
	opened map[int64]time.Time
}

func (o *openings) note(request simulator.Request) {
	if request.Method != http.MethodPost || request.Path != "/role_assignments" || request.Status != http.StatusOK {
		return
	}
	var body struct {
		RoleAssignment struct {
			ValidUntil time.Time `json:"valid_until"`
		} `json:"role_assignment"`
	}
	if json.Unmarshal(request.Body, &body) != nil || body.RoleAssignment.ValidUntil.IsZero() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened[body.RoleAssignment.ValidUntil.Unix()] = time.Now()
}

func (o *openings) make(end time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made[end.Unix()] = time.Now()
}

// waits are how long the bookings took, the shortest first; all says whether every one is in Kisi.
func (o *openings) waits() (waits []time.Duration, all bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for end, made := range o.made {
		if opened, known := o.opened[end]; known {
			waits = append(waits, opened.Sub(made))
		}
	}
	slices.Sort(waits)
	return waits, len(waits) == len(o.made)
}

func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

// watchBookings begins to note when bookings come into Kisi.
func (w *world) watchBookings() *openings {
	o := &openings{made: map[int64]time.Time{}, opened: map[int64]time.Time{}}
	w.kisi.watching(o.note)
	return o
}

// opened waits until all bookings are in Kisi, and returns how long they took, the shortest first.
func (w *world) opened(ctx context.Context, o *openings, patience time.Duration) (waits []time.Duration, err error) {
	err = w.until(ctx, patience, "the bookings to come into Kisi", func(context.Context) (all bool, _ error) {
		waits, all = o.waits()
		return all, nil
	})
	return waits, err
}

// book makes bookings for now by as many members, spread over a time, and returns how long they took.
func (w *world) book(ctx context.Context, n int, lasts time.Duration) ([]time.Duration, error) {
	o := w.watchBookings()
	begun := time.Now()
	for i := range n {
		if err := sleep(ctx, time.Until(begun.Add(lasts*time.Duration(i)/time.Duration(n)))); err != nil {
			return nil, err
		}
		end := begun.Add(time.Hour + time.Duration(i)*2*time.Minute).Truncate(time.Second)
		if err := w.bookOne(ctx, nameOf("booking", i), addressOf("regular", i), end, o); err != nil {
			return nil, err
		}
	}
	if err := sleep(ctx, time.Until(begun.Add(lasts))); err != nil {
		return nil, err
	}
	return w.opened(ctx, o, time.Minute)
}

// bookOne books the second group from now until end.
func (w *world) bookOne(ctx context.Context, name, address string, end time.Time, o *openings) error {
	booking := &v1alpha1.BookingGrant{ObjectMeta: w.meta(name), Spec: v1alpha1.BookingGrantSpec{
		GroupRefs: []v1alpha1.GroupReference{{Name: v1alpha1.ObjectName(groupNames[1])}},
		Organizer: v1alpha1.Person{Email: v1alpha1.EmailAddress(address)},
		StartTime: metav1.NewTime(time.Now().Truncate(time.Second)), EndTime: metav1.NewTime(end.Add(-30 * time.Minute)), // open for 30 more
	}}
	o.make(end)
	return w.admin.Create(ctx, booking)
}
