package operator

import (
	"math"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

// withoutCeiling returns a copy of config whose clients do not hold back requests themselves: the API server's own
// priority and fairness decides. client-go's default, which a zero QPS means, is five requests a second for each kind.
func withoutCeiling(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst, config.RateLimiter = -1, 0, nil
	return config
}

// withCeiling returns a copy of config whose clients together make at most qps requests a second, and twice as many
// once after a rest; without a ceiling unless qps is positive.
func withCeiling(config *rest.Config, qps float32) *rest.Config {
	config = withoutCeiling(config)
	if qps > 0 {
		config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(qps, int(math.Ceil(2*float64(qps))))
	}
	return config
}
