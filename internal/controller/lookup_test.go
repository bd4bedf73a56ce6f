package controller

import "testing"

func TestADoubtDuringALookupOutlivesItsAnswer(t *testing.T) {
	l := lookups[int]{answers: map[string]*lookup[int]{"group/a": {version: "1"}}}
	read := func(meanwhile func()) func() (int, error) {
		return func() (int, error) {
			meanwhile()
			return 7, nil
		}
	}
	l.doubt("group/a")
	l.keep("group/a", "1", read(func() {}))
	if l.answers["group/a"].at.IsZero() {
		t.Error("an answer does not settle an earlier doubt")
	}
	l.keep("group/a", "1", read(func() { l.doubt("group/a") }))
	if !l.answers["group/a"].at.IsZero() {
		t.Error("a doubt is settled by an answer that was being read before")
	}
	if value, _, answered := l.known("group/a"); value != 7 || !answered {
		t.Error("until it is asked again the answer does not stand")
	}
}
