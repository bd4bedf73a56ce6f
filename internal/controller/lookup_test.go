package controller

import (
	"errors"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

func TestADoubtDuringALookupOutlivesItsAnswer(t *testing.T) {
	l := lookups[int]{answers: map[string]*lookup[int]{"group/a": {version: "1"}}}
	q := question[int]{Key: "group/a", Version: "1"}
	read := func(meanwhile func()) func() (int, error) {
		return func() (int, error) {
			meanwhile()
			return 7, nil
		}
	}
	l.doubt("group/a")
	l.keep(q, read(func() {}))
	if l.answers["group/a"].at.IsZero() {
		t.Error("an answer does not settle an earlier doubt")
	}
	l.keep(q, read(func() { l.doubt("group/a") }))
	if !l.answers["group/a"].at.IsZero() {
		t.Error("a doubt is settled by an answer that was being read before")
	}
	if value, _, answered := l.known("group/a"); value != 7 || !answered {
		t.Error("until it is asked again the answer does not stand")
	}
}

// What is broken for good is asked about at growing intervals, behind everything else, and after six hours hardly more often
// than what is not.
func TestWhatIsBrokenIsAskedAboutMoreAndMoreSeldom(t *testing.T) {
	const resync = 6 * time.Hour
	q := question[int]{Key: "group/a", Version: "1", MaxAge: resync, RetryMin: 5 * time.Second, RetryMax: resync, Trouble: func(value int) bool { return value == 0 }}
	l := lookups[int]{answers: map[string]*lookup[int]{q.Key: {version: q.Version}}}
	known := l.answers[q.Key]
	asked, elapsed := 0, time.Duration(0)
	for ; elapsed < 24*time.Hour; asked++ {
		l.keep(q, func() (int, error) {
			if asked%2 == 1 {
				return 0, errors.New("unusable")
			}
			return 0, nil
		})
		elapsed += q.waits(known.troubles)
	}
	if asked > 20 {
		t.Errorf("asked %d times within a day", asked)
	}
	if got := q.waits(known.troubles); got != resync {
		t.Errorf("it ends at every %s", got)
	}
	if got := q.priority(kisi.Grant, known.troubles, false); got != kisi.Background {
		t.Errorf("asked again at the priority %s", got)
	}
	if got := q.priority(kisi.Grant, known.troubles, true); got != kisi.Change {
		t.Errorf("asked again after a doubt at the priority %s", got)
	}
	l.doubtTrouble(q.Key)
	if !known.at.IsZero() {
		t.Error("what may have ended the trouble does not have it asked again")
	}
	l.keep(q, func() (int, error) { return 7, nil })
	if l.doubtTrouble(q.Key); known.at.IsZero() {
		t.Error("a good answer is doubted")
	}
	if known.troubles != 0 || q.waits(known.troubles) != resync || q.priority(kisi.Grant, known.troubles, false) != kisi.Grant {
		t.Error("a good answer does not end it")
	}
}
