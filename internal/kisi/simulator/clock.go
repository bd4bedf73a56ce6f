package simulator

import (
	"fmt"
	"sync"
	"time"
)

// Clock is the simulator's time. Every decision about windows, expiry and
// history uses it, and so does the Date header. It never goes back, because
// the history of who could open what would then have two answers for one
// instant. A new clock follows real time.
type Clock struct {
	mu     sync.Mutex
	base   time.Time // simulated time at anchor
	anchor time.Time // real time, with its monotonic reading
	speed  float64
	frozen bool
}

// NewClock starts a clock at the given instant; the zero time means now.
func NewClock(start time.Time) *Clock {
	now := time.Now()
	if start.IsZero() {
		start = now
	}
	return &Clock{base: start.UTC().Round(0), anchor: now, speed: 1}
}

// Now is the simulated time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if c.frozen {
		return c.base
	}
	return c.base.Add(time.Duration(float64(time.Since(c.anchor)) * c.speed))
}

func (c *Clock) rebase(to time.Time) {
	c.base, c.anchor = to.UTC().Round(0), time.Now()
}

// Set jumps forward to an instant. An earlier instant is refused.
func (c *Clock) Set(to time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); to.Before(now) {
		return fmt.Errorf("clock: %s is before the simulated time %s: the clock never goes back; start another simulator instead",
			to.UTC().Format(time.RFC3339), now.Format(time.RFC3339))
	}
	c.rebase(to)
	return nil
}

// Advance jumps forward by a duration. A negative duration is refused.
func (c *Clock) Advance(by time.Duration) error {
	if by < 0 {
		return fmt.Errorf("clock: cannot advance by %s: the clock never goes back", by)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rebase(c.now().Add(by))
	return nil
}

// Freeze stops the clock until Resume; Set and Advance still move it.
func (c *Clock) Freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rebase(c.now())
	c.frozen = true
}

// Resume lets a frozen clock run on from where it stands.
func (c *Clock) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rebase(c.now())
	c.frozen = false
}

// SetSpeed makes the clock run so many times faster than real time. It must be
// more than 0 and at most 1,000,000.
func (c *Clock) SetSpeed(factor float64) error {
	if !(factor > 0 && factor <= 1e6) {
		return fmt.Errorf("clock: speed %v: must be more than 0 and at most 1000000; use freeze to stop the clock", factor)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rebase(c.now())
	c.speed = factor
	return nil
}

// ClockState is what the admin API shows of the clock.
type ClockState struct {
	Now    time.Time `json:"now"`
	Speed  float64   `json:"speed"`
	Frozen bool      `json:"frozen"`
}

// State reads the clock as a whole.
func (c *Clock) State() ClockState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ClockState{Now: c.now(), Speed: c.speed, Frozen: c.frozen}
}
