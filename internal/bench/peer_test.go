package bench

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// The plain loop does its work, or nothing would be gained by being better: it lets in, moves, takes back, and has nothing to
// do in a pass after that; a page more than it reads at once is no obstacle.
func TestThePlainLoopDoesItsWork(t *testing.T) {
	const n = 130
	plain, err := newPlain(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.kisi.Close() })
	pass := func() int {
		t.Helper()
		before := plain.kisi.asked()
		if err := plain.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		return plain.kisi.asked() - before
	}
	in := func(group string) int { return len(plain.kisi.Assignments(group)) }
	if asked := pass(); asked != 4*n+1 || in("alpha") != n {
		t.Errorf("%d requests, %d people in", asked, in("alpha"))
	}
	plain.all("beta")
	if asked := pass(); asked != 4*n || in("alpha") != 0 || in("beta") != n {
		t.Errorf("%d requests, %d and %d people in", asked, in("alpha"), in("beta"))
	}
	if asked := pass(); asked != 2*n {
		t.Errorf("%d requests though all is right", asked)
	}
	plain.all("")
	if pass(); in("beta") != 0 {
		t.Errorf("%d people stay in", in("beta"))
	}
}

// What Kisi has no room for, or fails at, is asked again.
func TestThePlainLoopRepeatsWhatFails(t *testing.T) {
	plain, err := newPlain(3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.kisi.Close() })
	if _, err := plain.kisi.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 503, Count: 1, Path: "/users"}); err != nil {
		t.Fatal(err)
	}
	if err := plain.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if in := len(plain.kisi.Assignments("alpha")); in != 3 {
		t.Errorf("%d people are in", in)
	}
}
