package operator

import (
	"cmp"
	"context"
	"strings"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/measure"
	"github.com/kisi-operator/kisi-operator/internal/metrics"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// measures are what the metrics of one operator are made of.
type measures struct {
	missing *measure.Windows
	doors   measure.Doors
	events  *measure.Events
}

// takeMeasures has the metrics of an operator kept and, while it acts, shown.
func takeMeasures(mgr ctrl.Manager, pool *session.Pool, writes *measure.Writes) (*measures, error) {
	m := &measures{
		missing: &measure.Windows{}, doors: measure.Doors{Reader: mgr.GetClient(), Writes: writes}, events: &measure.Events{Cache: mgr.GetCache()},
	}
	if err := mgr.Add(m.events); err != nil {
		return nil, err
	}
	if err := mgr.Add(measure.Forgetting{Cache: mgr.GetCache(), Writes: writes}); err != nil {
		return nil, err
	}
	return m, mgr.Add(showing{&metrics.Operator{
		Connections: connectionsIn(mgr.GetClient()), States: pool.States, Grants: m.events.Grants, Late: &m.missing.Late,
	}})
}

// showing shows the gauges of the replica that acts while the manager runs.
type showing struct{ operator *metrics.Operator }

func (s showing) Start(ctx context.Context) error {
	hide := metrics.Show(s.operator)
	<-ctx.Done()
	hide()
	return nil
}

// connectionsIn lists the connections that the cache has. They are not to be changed.
func connectionsIn(cached client.Reader) func() []v1alpha1.KisiConnection {
	return func() []v1alpha1.KisiConnection {
		var connections v1alpha1.KisiConnectionList
		if err := cached.List(context.Background(), &connections, client.UnsafeDisableDeepCopy); err != nil {
			return nil // the gauges are absent until the cache can be read
		}
		return connections.Items
	}
}

// fieldManager is the name under which the API server records what a client with the configuration writes.
func fieldManager(config *rest.Config) string {
	name, _, _ := strings.Cut(cmp.Or(config.UserAgent, rest.DefaultKubernetesUserAgent()), "/")
	return name
}
