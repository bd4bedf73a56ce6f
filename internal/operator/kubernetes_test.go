package operator

import (
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

func TestNoCeilingUnlessOneIsWanted(t *testing.T) {
	throttled := flowcontrol.NewFakeNeverRateLimiter()
	for name, given := range map[string]*rest.Config{
		"as a kubeconfig gives it": {},
		"with limits of its own":   {QPS: 5, Burst: 10, RateLimiter: throttled},
	} {
		for _, qps := range []float32{-1, 0} {
			config := withCeiling(given, qps)
			if config.QPS >= 0 || config.RateLimiter != nil {
				t.Errorf("%s, qps %v: QPS %v and rate limiter %v hold requests back", name, qps, config.QPS, config.RateLimiter)
			}
			if config == given {
				t.Errorf("%s: the caller's config was changed", name)
			}
		}
	}
}

func TestTheCeilingIsOfAllKindsTogether(t *testing.T) {
	config := withCeiling(&rest.Config{}, 2.5)
	if config.RateLimiter == nil {
		t.Fatal("every client has a ceiling of its own")
	}
	if got := config.RateLimiter.QPS(); got != 2.5 {
		t.Errorf("%v requests a second, want 2.5", got)
	}
	burst := 0
	for config.RateLimiter.TryAccept() {
		burst++
	}
	if burst != 5 {
		t.Errorf("%d requests at once, want 5", burst)
	}
}
