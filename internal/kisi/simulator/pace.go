package simulator

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// pace is Kisi's rate limit: per user over all of the user's keys, per address
// for requests without a good key. It runs on real time: a frozen or a fast
// clock changes windows, not how fast a client may ask.
type pace struct {
	perSecond float64 // 0: no limit
	buckets   map[string]*bucket
	now       func() time.Time
}

type bucket struct {
	tokens float64
	filled time.Time
}

func newPace(perSecond float64) pace {
	switch {
	case perSecond == 0:
		perSecond = KisiRequestsPerSecond
	case perSecond < 0:
		perSecond = 0
	}
	return pace{perSecond: perSecond, buckets: map[string]*bucket{}, now: time.Now}
}

// take uses up one request, or says that there is none left.
func (p *pace) take(s *Server, c *call, known bool) *answer {
	if p.perSecond == 0 {
		return nil
	}
	who := "address " + c.request.RemoteAddr
	if host, _, err := net.SplitHostPort(c.request.RemoteAddr); err == nil {
		who = "address " + host
	}
	if known {
		who = "user " + strconv.Itoa(c.user.ID)
	}
	wait, ok := p.spend(s.switches.RateLimit, who, p.perSecond)
	if ok && c.request.Method == http.MethodPost && c.request.URL.Path == "/event_sets" {
		wait, ok = p.spend(s.switches.RateLimit, who+" event sets", 1)
	}
	if ok {
		return nil
	}
	a := s.limited(wait)
	return &a
}

// limited is the 429 that the switch retryAfter asks for.
func (s *Server) limited(wait time.Duration) answer {
	a := tooManyRequests()
	whole := wait.Truncate(time.Second) + time.Second
	switch s.switches.RetryAfter {
	case RetryAfterSeconds:
		a.header = map[string]string{"Retry-After": strconv.Itoa(int(whole / time.Second))}
	case RetryAfterHTTPDate:
		a.header = map[string]string{"Retry-After": s.clock.Now().Add(whole).Format(http.TimeFormat)}
	}
	return a
}

func (p *pace) spend(algorithm RateLimit, who string, perSecond float64) (time.Duration, bool) {
	now := p.now()
	b, exists := p.buckets[who]
	if !exists {
		b = &bucket{tokens: max(perSecond, 1), filled: now}
		p.buckets[who] = b
	}
	if algorithm == RateLimitFixedSecond {
		if second := now.Truncate(time.Second); second.After(b.filled) {
			b.tokens, b.filled = max(perSecond, 1), second
		}
	} else {
		b.tokens = min(max(perSecond, 1), b.tokens+now.Sub(b.filled).Seconds()*perSecond)
		b.filled = now
	}
	if b.tokens >= 1 {
		b.tokens--
		return 0, true
	}
	return time.Duration((1 - b.tokens) / perSecond * float64(time.Second)), false
}
