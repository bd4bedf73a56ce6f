package source

import (
	"os"
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func TestWhatGitOpsTracks(t *testing.T) {
	t.Parallel()
	type pairs = map[string]string
	for _, c := range []struct {
		name                string
		labels, annotations pairs
		want                bool
	}{
		{name: "nothing"},
		{name: "an adapter's own labels", labels: pairs{"app.kubernetes.io/managed-by": "adapter", "app.kubernetes.io/name": "bookings"}, annotations: pairs{"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
		{name: "Argo CD by annotation", annotations: pairs{"argocd.argoproj.io/tracking-id": "house:access.kisi-operator.dev/BookingGrant:hq/b1"}, want: true},
		{name: "the name of an application, which anything may have", labels: pairs{"app.kubernetes.io/instance": "house"}},
		{name: "Argo CD by a label of its own", labels: pairs{"argocd.argoproj.io/instance": "house"}, want: true},
		{name: "a chart that Argo CD rendered", labels: pairs{"app.kubernetes.io/instance": "house", "app.kubernetes.io/managed-by": "Helm"}, want: true},
		{name: "a chart that Helm installed", labels: pairs{"app.kubernetes.io/instance": "house", "app.kubernetes.io/managed-by": "Helm"}, annotations: pairs{"meta.helm.sh/release-name": "house"}, want: true},
		{name: "a chart that Flux installed", labels: pairs{"app.kubernetes.io/instance": "house", "helm.toolkit.fluxcd.io/name": "house"}, annotations: pairs{"meta.helm.sh/release-name": "house"}, want: true},
		{name: "Flux", labels: pairs{"kustomize.toolkit.fluxcd.io/name": "house", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}, want: true},
		{name: "the Flux operator", labels: pairs{"resourceset.fluxcd.controlplane.io/name": "house"}, want: true},
		{name: "kapp", labels: pairs{"kapp.k14s.io/app": "1645205001589335916"}, want: true},
		{name: "Config Sync", annotations: pairs{"configmanagement.gke.io/managed": "enabled"}, want: true},
		{name: "what Config Sync has let go", annotations: pairs{"configmanagement.gke.io/managed": "disabled"}},
		{name: "Fleet", annotations: pairs{"objectset.rio.cattle.io/id": "default-house", "meta.helm.sh/release-name": "house"}, want: true},
		{name: "a mark in the wrong place", labels: pairs{"argocd.argoproj.io/tracking-id": "house"}, annotations: pairs{"kapp.k14s.io/app": "1"}},
		{name: "an empty name", labels: pairs{"": "house"}, annotations: pairs{"": "house"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &v1alpha1.BookingGrant{}
			b.Labels, b.Annotations = c.labels, c.annotations
			if got := gitOpsMarkOf(b); got != "" != c.want {
				t.Errorf("tracked by %q", got)
			}
		})
	}
}

func TestThePageOfABookingListsTheMarksOfGitOps(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/kinds/bookinggrant.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range gitOpsMarks {
		if name := "`" + mark.label + mark.annotation; !strings.Contains(string(page), name) {
			t.Errorf("%s is missing", name)
		}
	}
}
