package measure

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/internal/metrics"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Windows keeps what should be in Kisi and is not.
type Windows struct{ Late metrics.Late }

// Missing takes note of what Kisi should hold of a Member's person from now on and does not.
func (w *Windows) Missing(member types.NamespacedName, windows []plan.MissingWindow) {
	missing := make([]metrics.Missing, 0, len(windows))
	for _, window := range windows {
		missing = append(missing, metrics.Missing{
			Connection: types.NamespacedName{Namespace: member.Namespace, Name: string(window.Connection)},
			Group:      string(window.Group), From: window.Window.From, Until: window.Window.Until,
		})
	}
	w.Late.Set(member, missing, time.Now())
}
