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
func bulk(ctx context.Context, r *run) error {
	perSecond := float64(simulator.KisiRequestsPerSecond)
	k, err := newKisi(perSecond, nil)
	if err != nil {
		return err
	}
	w, err := r.newWorld(ctx, k)
	if err != nil {
		return err
	}
	defer w.end() //nolint:errcheck // the measurement is done
	if err := w.start(ctx); err != nil {
		return err
	}
	if err := w.connect(ctx, simulator.KisiRequestsPerSecond, nil); err != nil {
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
	var opened *openings
	var asked, polls, limited, plainAsked int
	var lasted time.Duration
	err = beside(ctx, plain, func() error {
		if err := sleep(ctx, 5*time.Second); err != nil { // until both are at full speed
			return err
		}
		begun := time.Now()
		asked, polls, limited, plainAsked = k.asked(), k.asked("POST /event_sets", "GET /event_sets/*", "GET /groups"), k.asked("429"), plainKisi.asked()
		opened, err = w.book(ctx, regulars, r.scale.bulkLasts)
		asked, polls, limited, plainAsked = k.asked()-asked, k.asked("POST /event_sets", "GET /event_sets/*", "GET /groups")-polls, k.asked("429")-limited, plainKisi.asked()-plainAsked
		lasted = time.Since(begun)
		return err
	})
	if err != nil {
		return err
	}
	waits, err := opened.waits()
	if err != nil {
		return err
	}
	if len(k.kinds()) > 0 {
		r.say("  requests: %s", k.kinds())
	}
	during := fmt.Sprintf("during a bulk import of %d people at 5 requests a second: ", r.scale.bulk)
	allowed := perSecond * lasted.Seconds()
	r.figure(Figure{Name: "bulk/rate", What: during + "share of the allowed requests", Unit: "%", Value: 100 * float64(asked) / allowed, Peer: of(100 * float64(plainAsked) / allowed)})
	r.figure(Figure{Name: "bulk/limited", What: during + "requests refused with 429", Value: float64(limited)})
	r.figure(Figure{Name: "bulk/polls", What: during + "share of the requests that look for changes", Unit: "%", Value: 100 * float64(polls) / float64(asked)})
	// The loop comes to a booking after everybody whom its list has before.
	r.figure(Figure{Name: "bulk/booking-p50", What: during + "a booking for now, until the row is in Kisi, median", Unit: "s", Value: percentile(waits, 50).Seconds(), Peer: of(lasted.Seconds()), AtLeast: true})
	r.figure(Figure{Name: "bulk/booking-p99", What: during + "the same, 99th percentile", Unit: "s", Value: percentile(waits, 99).Seconds(), Peer: of(lasted.Seconds()), AtLeast: true})
	return nil
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

// waits are how long the bookings took, the shortest first.
func (o *openings) waits() ([]time.Duration, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []time.Duration
	for end, made := range o.made {
		opened, known := o.opened[end]
		if !known {
			return nil, fmt.Errorf("the booking until %s never came into Kisi", time.Unix(end, 0))
		}
		all = append(all, opened.Sub(made))
	}
	slices.Sort(all)
	return all, nil
}

func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

// book makes bookings for now by as many members, spread over a time.
func (w *world) book(ctx context.Context, n int, lasts time.Duration) (*openings, error) {
	o := &openings{made: map[int64]time.Time{}, opened: map[int64]time.Time{}}
	w.kisi.watching(o.note)
	begun := time.Now()
	for i := range n {
		if err := sleep(ctx, time.Until(begun.Add(lasts*time.Duration(i)/time.Duration(n)))); err != nil {
			return o, err
		}
		end := begun.Add(time.Hour + time.Duration(i)*2*time.Minute).Truncate(time.Second)
		if err := w.bookOne(ctx, nameOf("booking", i), addressOf("regular", i), end, o); err != nil {
			return o, err
		}
	}
	if err := sleep(ctx, time.Until(begun.Add(lasts))); err != nil {
		return o, err
	}
	return o, w.until(ctx, time.Minute, "the last booking to come into Kisi", func(context.Context) (bool, error) {
		_, err := o.waits()
		return err == nil, nil
	})
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
