package metrics

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

func TestCallsThatKisiRetiresAreCountedUntilTheConnectionIsGone(t *testing.T) {
	connection := types.NamespacedName{Namespace: "metrics-test", Name: "gym"}
	count := func() (total float64) {
		families, err := ctrlmetrics.Registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() == "kisi_operator_deprecated_requests_total" {
				for _, series := range family.GetMetric() {
					total += series.GetCounter().GetValue()
				}
			}
		}
		return total
	}
	Request(connection, kisi.RequestStats{Op: "read user", Method: "GET", Status: 200})
	Request(connection, kisi.RequestStats{Op: "list users", Method: "GET", Status: 200, Deprecated: true})
	if got := count(); got != 1 {
		t.Errorf("%v deprecated requests, want 1", got)
	}
	Forget(connection)
	if got := count(); got != 0 {
		t.Errorf("%v deprecated requests of a connection that is gone", got)
	}
}
