package kisi

import "time"

// longestLead bounds how much sooner a task begins than its request may leave: what has begun cannot be overtaken by what is
// more urgent.
const longestLead = 100 * time.Millisecond

// preparation is how long tasks take from their turn until their request is ready, such as to write an intent.
type preparation struct {
	known              bool
	average, deviation time.Duration
}

func (p *preparation) note(took time.Duration) {
	if !p.known {
		p.known, p.average, p.deviation = true, took, took/2
		return
	}
	off := took - p.average
	p.average += off / 8
	p.deviation += (off.Abs() - p.deviation) / 4
}

// usually is how long nearly all of them take.
func (p *preparation) usually() time.Duration { return min(p.average+2*p.deviation, longestLead) }
