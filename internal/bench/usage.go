package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// usage is what the operator has used since it started, by its own metrics.
type usage struct {
	cpu      time.Duration
	resident float64 // bytes, now
	writes   float64 // requests to Kubernetes that change something
	// reconciles are counted by controller.
	reconciles map[string]float64
}

func (u usage) since(before usage) usage {
	since := usage{cpu: u.cpu - before.cpu, resident: u.resident, writes: u.writes - before.writes, reconciles: map[string]float64{}}
	for controller, n := range u.reconciles {
		since.reconciles[controller] = n - before.reconciles[controller]
	}
	return since
}

// shares says how often each controller has reconciled for each of n things.
func (u usage) shares(n int) string {
	var texts []string
	for _, controller := range slices.Sorted(maps.Keys(u.reconciles)) {
		if per := u.reconciles[controller] / float64(n); per >= 0.005 {
			texts = append(texts, fmt.Sprintf("%s %.2f", controller, per))
		}
	}
	return strings.Join(texts, ", ")
}

func (w *world) usage(ctx context.Context) (usage, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.metrics+"/metrics", nil)
	if err != nil {
		return usage{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return usage{}, err
	}
	defer response.Body.Close() //nolint:errcheck // nothing is written
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return usage{}, fmt.Errorf("reading the operator's metrics: %w", err)
	}
	u := usage{reconciles: map[string]float64{}}
	for _, metric := range families["rest_client_requests_total"].GetMetric() {
		switch label(metric, "method") {
		case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
			u.writes += metric.GetCounter().GetValue()
		}
	}
	for _, metric := range families["controller_runtime_reconcile_total"].GetMetric() {
		u.reconciles[label(metric, "controller")] += metric.GetCounter().GetValue()
	}
	u.cpu = time.Duration(only(families["process_cpu_seconds_total"]).GetCounter().GetValue() * float64(time.Second))
	u.resident = only(families["process_resident_memory_bytes"]).GetGauge().GetValue()
	return u, nil
}

// profile writes a CPU profile of the next seconds of the operator to a file, if one is wanted.
func (w *world) profile(ctx context.Context) error {
	if w.profileTo == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.pprof+"/debug/pprof/profile?seconds=30", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("profiling the operator: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // nothing is written
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("profiling the operator: %w", err)
	}
	return os.WriteFile(w.profileTo, content, 0o644) //nolint:gosec // anybody may read it
}

func only(family *dto.MetricFamily) *dto.Metric {
	if metrics := family.GetMetric(); len(metrics) > 0 {
		return metrics[0]
	}
	return nil
}

func label(metric *dto.Metric, name string) string {
	for _, pair := range metric.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}
