package simulator

import (
	"strings"
	"testing"
	"time"
)

func TestTheClockStandsJumpsAndNeverGoesBack(t *testing.T) {
	c := newFrozenClock(epoch)
	if !c.Now().Equal(epoch) {
		t.Errorf("frozen at %s", c.Now())
	}
	if err := c.Advance(time.Hour); err != nil || !c.Now().Equal(at(time.Hour)) {
		t.Errorf("advanced to %s: %v", c.Now(), err)
	}
	if err := c.Set(at(2 * time.Hour)); err != nil || !c.Now().Equal(at(2*time.Hour)) {
		t.Errorf("set to %s: %v", c.Now(), err)
	}
	for _, err := range []error{c.Set(epoch), c.Advance(-time.Second)} {
		if err == nil || !strings.Contains(err.Error(), "never goes back") {
			t.Errorf("got %v", err)
		}
	}
	for _, speed := range []float64{0, -1, 2e6} {
		if c.SetSpeed(speed) == nil {
			t.Errorf("speed %v was taken", speed)
		}
	}
}

func TestAFastClockRunsFast(t *testing.T) {
	c := NewClock(epoch)
	if err := c.SetSpeed(1e6); err != nil {
		t.Fatal(err)
	}
	simulated0 := c.Now()
	real0 := time.Now() // after it: a few nanoseconds are milliseconds there
	for time.Since(real0) < 2*time.Millisecond {
		continue
	}
	if ran := c.Now().Sub(simulated0); ran < 2000*time.Second {
		t.Errorf("2ms at a million times the speed were %s", ran)
	}
}

func TestTheDateHeaderIsTheSimulatedTime(t *testing.T) {
	s := simulated(t)
	_ = s.Clock().Set(time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC))
	if got := send(t, s, ownerKey, "GET", "/login", "").want(200).header.Get("Date"); got != "Mon, 03 Feb 2031 04:05:06 GMT" {
		t.Errorf("Date: %s", got)
	}
}
