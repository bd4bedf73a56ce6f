package feed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/backoff"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

const (
	// pageLimit is how many events are asked for at once: the most that Kisi gives of other things. What it gives of events is
	// not documented; a page has 50 where it does not say more.
	pageLimit = 250
	// mostPages bounds what one poll reads of the audit trail, should pages be small.
	mostPages = 80
	// mostEvents bounds what one poll takes.
	mostEvents = 10_000
	// restPerEvent keeps polls at a tenth of Kisi's five requests a second however much happens and however small the pages are.
	restPerEvent = 40 * time.Millisecond
	// compareEvery is how many polls of the audit trail come to one comparison of the groups' counts, and how many polls
	// without the right to read events to one question whether that has changed.
	compareEvery = 10
	// patience bounds the wait for a set of events that Kisi is still collecting.
	patience = 30 * time.Second
)

// errOvertaken says that more has happened than one poll reads.
var errOvertaken = errors.New("more has happened than is read at once")

const (
	// firstRetry is how soon a poll that failed is repeated. It doubles with each failure in a row, up to lastRetry, or to the
	// interval between polls if that is longer.
	firstRetry, lastRetry = 5 * time.Second, 5 * time.Minute
	// patientFailures is how many failures in a row are put up with. After that what fails is left out, because it may fail
	// whenever it is asked, and the rest must not wait for it.
	patientFailures = 3
)

// compareSpacing keeps events that say nothing from having the counts compared all the time.
const compareSpacing = 10 * time.Second

// pollAlways asks for changes as often as the connections want it, a little earlier, so that several operators spread.
func (f *Feed) pollAlways() {
	last, share, rest := time.Now(), shareOfInterval(), time.Duration(0)
	for f.context.Err() == nil {
		wait := time.Hour // while nobody follows: whoever comes signals
		if interval, wanted := f.interval(); wanted {
			wait = time.Until(last.Add(max(pollIn(interval, share, f.failures), rest)))
		}
		if wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-f.followed:
			case <-f.obscure:
				f.compareSoon()
			case <-f.context.Done():
			}
			timer.Stop()
			continue
		}
		last, share = time.Now(), shareOfInterval()
		rest = time.Duration(f.poll()) * restPerEvent
	}
}

// compareSoon is for changes of which nothing is known but that there are any.
func (f *Feed) compareSoon() {
	if wait := compareSpacing - time.Since(f.compared); wait > 0 {
		time.AfterFunc(wait, func() { signal(f.obscure) })
		return
	}
	by, anybody := f.next()
	if !anybody {
		return
	}
	if err := f.compare(f.calls(by, kisi.Background), by); err != nil {
		f.failed(by, err)
	}
}

// pollIn is how long after a poll the next one is made, where so many have failed in a row.
func pollIn(interval time.Duration, share float64, failures int) time.Duration {
	if failures == 0 {
		return time.Duration(share * float64(interval))
	}
	return backoff.After(failures-1, firstRetry, 2, max(interval, lastRetry))
}

func shareOfInterval() float64 { return 1 - 0.2*rand.Float64() } // #nosec G404 -- not a secret

// poll asks once for what has changed, and returns how many events it has read.
func (f *Feed) poll() (events int) {
	by, anybody := f.next()
	if !anybody {
		return 0
	}
	if f.options.Known != nil {
		f.options.Mirror.SettleStrangers(f.options.Known, ownPatience)
	}
	ctx := f.calls(by, kisi.Background)
	compares := f.polls%compareEvery == compareEvery-1
	follows := f.Trail() != TrailForbidden || compares
	f.polls++
	result, err := Compared, error(nil)
	if follows {
		result = Followed
		events, err = f.follow(ctx, by)
	}
	switch {
	case kisi.IsForbidden(err):
		if f.Trail() == TrailReadable {
			f.failed(by, err) // the key's owner may have lost more than this
		}
		f.setTrail(TrailForbidden)
		result, err = Compared, nil
	case errors.Is(err, errOvertaken):
		f.rereadAll()
		result, err = Overtaken, nil
	}
	if (result == Compared || compares || f.failures >= patientFailures) && !silenced(err) {
		err = errors.Join(err, f.compare(ctx, by)) // also where the trail cannot be read: it is all there is then
	}
	if err != nil {
		result = Failed
		f.failed(by, err)
	}
	switch {
	case err == nil:
		f.failures = 0
	case !silenced(err): // else it is not the poll that is to blame
		f.failures++
	}
	if f.options.OnPoll != nil && f.context.Err() == nil {
		f.options.OnPoll(result)
	}
	return events
}

// silenced reports whether an error says that it is no use to ask Kisi anything else now.
func silenced(err error) bool {
	return errors.Is(err, kisi.ErrOutage) || kisi.IsRateLimited(err) || kisi.IsUnauthorized(err) || errors.Is(err, context.Canceled)
}

// follow reads the audit trail from where it was left, and takes in what it says. Unless all of that succeeds, the next
// poll begins where this one did. While much happens, most of it our own doing, the whole overlap is not asked for each time.
func (f *Feed) follow(ctx context.Context, by follower) (read int, err error) {
	if wait := f.options.Spacing - time.Since(f.asked); wait > 0 && !f.sleep(wait) {
		return 0, context.Cause(f.context)
	}
	clock := f.kisiTime()
	now := clock.at(time.Now())
	if f.cursor.lost(now) {
		f.cursor = newCursor(now) // whatever came before is in the complete reads that follow
		return 0, errOvertaken
	}
	whole := !f.busy || f.cursor.due(now)
	from, until := f.cursor.window(now, whole)
	set, err := by.client.CreateEventSet(ctx, kisi.EventSetCreate{From: from, Until: until, Types: EventTypes})
	f.asked = time.Now() // not before: the question may have waited for its turn
	if err != nil {
		return 0, err
	}
	f.setTrail(TrailReadable)
	f.noteTime(set.ServerTime)
	through := until
	if !set.ServerTime.IsZero() && set.ServerTime.Before(until) {
		through = set.ServerTime // what happens later in the span cannot be in the set
	}
	events, pages, err := f.read(ctx, by, set)
	if err != nil && !errors.Is(err, errOvertaken) {
		return len(events), err
	}
	if whole {
		f.busy = pages > 1
	}
	if settled := f.settle(ctx, by, events, f.failures >= patientFailures); settled != nil {
		return len(events), settled
	}
	f.cursor.advance(through, whole)
	return len(events), err
}

// read collects the events of a set, and counts the pages that they came in. The answer to the request that made it does not
// count: whether that one carries events is not documented.
func (f *Feed) read(ctx context.Context, by follower, set *kisi.EventSet) (events []kisi.Event, pages int, err error) {
	deadline := time.Now().Add(patience)
	pause := time.Second
	for cursor := ""; ; {
		page, err := f.page(ctx, by, set.ID, cursor)
		if err != nil {
			return events, pages, err
		}
		switch page.Status {
		case kisi.EventSetFinished:
			pages++
			events = append(events, allKept(page.Events)...)
			switch {
			case len(events) > mostEvents:
				return events[:mostEvents], pages, errOvertaken
			case page.Cursor == "":
				return events, pages, nil
			case page.Cursor == cursor:
				return events, pages, errors.New("reading events: the cursor does not move")
			case pages >= mostPages:
				return events, pages, errOvertaken
			}
			cursor = page.Cursor
		case kisi.EventSetInProgress:
			if time.Now().After(deadline) {
				return events, pages, fmt.Errorf("reading events: Kisi has not collected them within %s", patience)
			}
			if !f.sleep(pause) {
				return events, pages, context.Cause(f.context)
			}
			pause *= 2
		default:
			return events, pages, fmt.Errorf("reading events: Kisi says that collecting them is %q", page.Status)
		}
	}
}

// page reads a page of a set, as large a one as Kisi gives.
func (f *Feed) page(ctx context.Context, by follower, id int64, cursor string) (*kisi.EventSet, error) {
	if f.smallPages {
		return by.client.EventSet(ctx, id, cursor, 0)
	}
	page, err := by.client.EventSet(ctx, id, cursor, pageLimit)
	if !kisi.IsBadRequest(err) && !kisi.IsInvalid(err) {
		return page, err
	}
	page, err = by.client.EventSet(ctx, id, cursor, 0)
	f.smallPages = err == nil // else it was not the limit
	return page, err
}

// rereadAll has every group read completely, because what happened cannot be told event by event.
func (f *Feed) rereadAll() {
	groups := f.options.Mirror.Groups()
	for _, id := range groups {
		f.options.Mirror.DoubtGroup(id)
	}
	f.options.Mirror.Report(mirror.Change{DoubtedGroups: groups})
}
