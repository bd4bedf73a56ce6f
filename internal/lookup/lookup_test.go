package lookup

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

func TestADoubtDuringALookupOutlivesItsAnswer(t *testing.T) {
	l := Lookups[int]{answers: map[string]*lookup[int]{"group/a": {version: "1"}}}
	q := Question[int]{Key: "group/a", Version: "1"}
	read := func(meanwhile func()) func() (int, error) {
		return func() (int, error) {
			meanwhile()
			return 7, nil
		}
	}
	l.Doubt("group/a")
	l.keep(q, read(func() {}))
	if l.answers["group/a"].at.IsZero() {
		t.Error("an answer does not settle an earlier doubt")
	}
	l.keep(q, read(func() { l.Doubt("group/a") }))
	if !l.answers["group/a"].at.IsZero() {
		t.Error("a doubt is settled by an answer that was being read before")
	}
	if value, _, answered := l.Known("group/a"); value != 7 || !answered {
		t.Error("until it is asked again the answer does not stand")
	}
}

// What is broken for good is asked about at growing intervals, behind everything else, and after six hours hardly more often
// than what is not.
func TestWhatIsBrokenIsAskedAboutMoreAndMoreSeldom(t *testing.T) {
	const resync = 6 * time.Hour
	q := Question[int]{Key: "group/a", Version: "1", MaxAge: resync, RetryMin: 5 * time.Second, RetryMax: resync, Trouble: func(value int) bool { return value == 0 }}
	l := Lookups[int]{answers: map[string]*lookup[int]{q.Key: {version: q.Version}}}
	known := l.answers[q.Key]
	asked, elapsed := 0, time.Duration(0)
	for ; elapsed < 24*time.Hour; asked++ {
		l.keep(q, func() (int, error) {
			if asked%2 == 1 {
				return 0, &kisi.Error{Status: http.StatusForbidden}
			}
			return 0, nil
		})
		elapsed += q.waits(known.troubles, known.failed)
	}
	if asked > 20 {
		t.Errorf("asked %d times within a day", asked)
	}
	if got := q.waits(known.troubles, known.failed); got != resync {
		t.Errorf("it ends at every %s", got)
	}
	if got := q.priority(kisi.Grant, known.troubles, known.failed, false); got != kisi.Background {
		t.Errorf("asked again at the priority %s", got)
	}
	if got := q.priority(kisi.Grant, known.troubles, known.failed, true); got != kisi.Change {
		t.Errorf("asked again after a doubt at the priority %s", got)
	}
	l.DoubtTrouble(q.Key)
	if !known.at.IsZero() {
		t.Error("what may have ended the trouble does not have it asked again")
	}
	l.keep(q, func() (int, error) { return 7, nil })
	if l.DoubtTrouble(q.Key); known.at.IsZero() {
		t.Error("a good answer is doubted")
	}
	if known.troubles != 0 || q.waits(known.troubles, known.failed) != resync || q.priority(kisi.Grant, known.troubles, known.failed, false) != kisi.Grant {
		t.Error("a good answer does not end it")
	}
}

// shortAnswer is an answer that may lack something.
type shortAnswer bool

func (s shortAnswer) FellShort() bool { return bool(s) }

// A question that gets no answer, or one that falls short, is asked again soon, and then at growing intervals up to minutes,
// however seldom it is asked otherwise. That Kisi is down is not the question's fault.
func TestAQuestionWithoutAnAnswerIsAskedAgainAtGrowingIntervals(t *testing.T) {
	q := Question[shortAnswer]{MaxAge: 6 * time.Hour, RetryMin: time.Minute, RetryMax: 6 * time.Hour}
	for name, fail := range map[string]func(troubles int) (int, bool){
		"an error":     func(troubles int) (int, bool) { return q.judge(troubles, false, errors.New("unusable")) },
		"a 5xx":        func(troubles int) (int, bool) { return q.judge(troubles, false, &kisi.Error{Status: 500}) },
		"a short read": func(troubles int) (int, bool) { return q.judge(troubles, true, nil) },
	} {
		var troubles int
		var failed bool
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second,
			32 * time.Second, 64 * time.Second, 128 * time.Second, 256 * time.Second, 5 * time.Minute, 5 * time.Minute} {
			if troubles, failed = fail(troubles); q.waits(troubles, failed) != want {
				t.Errorf("%s: after failure %d it is asked again in %s", name, i+1, q.waits(troubles, failed))
			}
		}
		if again, _ := q.judge(troubles, false, kisi.ErrOutage); again != troubles {
			t.Errorf("%s: an outage counts for the question", name)
		}
		if again, failed := q.judge(troubles, false, nil); q.waits(again, failed) != q.MaxAge {
			t.Errorf("%s: a good answer does not end it", name)
		}
	}
	if got := q.priority(kisi.Grant, 1, true, false); got != kisi.Grant {
		t.Errorf("after a single bad answer it is asked at the priority %s", got)
	}
}
