package kisi

import "time"

const (
	// outageAfter is how many different requests fail in a row before Kisi is suspected to be down. Fewer would suspect it
	// all the time where one request in seven fails.
	outageAfter = 4
	// outageSilence is how long requests fail, with no answer between them, before Kisi is suspected to be down though they
	// are fewer.
	outageSilence = 10 * time.Second
)

// outages tells an outage of Kisi from requests that fail by themselves. It is pure: time is an argument.
//
// A failure says something of its own request only. Kisi is suspected to be down once several different requests have
// failed in a row, once requests have failed for a while and nothing was answered, or where there is no connection to be
// had. Then a probe is made, while all else goes on. If that fails too, before anything was answered, Kisi is down.
type outages struct {
	// after is how many different requests failing in a row raise the suspicion.
	after int
	// failed holds the different requests that have failed since the latest answer.
	failed map[string]bool
	// since is when the first of them failed.
	since     time.Time
	suspected bool
	down      bool
	// mark is the number of the latest request sent before Kisi was found to be down. What those answer is from before.
	mark uint64
}

// failure is a request that got no usable answer.
type failure struct {
	// request names it: a request that is asked again has the same name.
	request string
	// probe tells that it was asked to find out whether Kisi is there.
	probe bool
	// unconnected tells that no connection could be had, so it does not depend on what was asked.
	unconnected bool
}

// answered takes in that Kisi has answered the request of a number.
func (o *outages) answered(number uint64) {
	o.failed, o.suspected = nil, false
	if number > o.mark {
		o.down = false
	}
}

// unanswered takes in a failure; sent counts the requests so far.
func (o *outages) unanswered(now time.Time, f failure, sent uint64) {
	if len(o.failed) == 0 {
		o.failed, o.since = map[string]bool{}, now
	}
	o.failed[f.request] = true
	o.suspected = o.suspected || f.unconnected || len(o.failed) >= o.after || now.Sub(o.since) >= outageSilence
	if o.suspected && f.probe && !o.down {
		o.down, o.mark = true, sent
	}
}
