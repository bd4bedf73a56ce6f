// Package release installs, upgrades and uninstalls the chart with Helm.
package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/kube"
	releasev1 "helm.sh/helm/v4/pkg/release/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
)

// Helm works on a release of the chart in a cluster, as the command line does.
type Helm struct {
	Release, Namespace string

	configuration *action.Configuration
	cluster       client.Client
}

// New returns a Helm that acts as the cluster's administrator. It keeps a kubeconfig in a directory.
func New(plane *controlplane.ControlPlane, directory, release, namespace string) (*Helm, error) {
	kubeconfig, err := plane.AdminKubeconfig()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(directory, "helm.kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		return nil, err
	}
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig, flags.Namespace = ptr.To(path), ptr.To(namespace)
	configuration := action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))
	if err := configuration.Init(flags, namespace, "secret"); err != nil {
		return nil, err
	}
	cluster, err := client.New(plane.AdminConfig(), client.Options{})
	return &Helm{Release: release, Namespace: namespace, configuration: configuration, cluster: cluster}, err
}

// Install is `helm install --create-namespace`, or, as Helm sees no difference, with what an earlier release has kept.
func (h *Helm) Install(ctx context.Context, c *chart.Chart, values map[string]any) error {
	install := action.NewInstall(h.configuration)
	install.ReleaseName, install.Namespace, install.CreateNamespace = h.Release, h.Namespace, true
	install.WaitStrategy = kube.HookOnlyStrategy
	_, err := install.RunWithContext(ctx, c, values)
	return err
}

// Upgrade is `helm upgrade`.
func (h *Helm) Upgrade(ctx context.Context, c *chart.Chart, values map[string]any) error {
	upgrade := action.NewUpgrade(h.configuration)
	upgrade.Namespace, upgrade.WaitStrategy = h.Namespace, kube.HookOnlyStrategy
	upgrade.ServerSideApply = "auto"
	_, err := upgrade.RunWithContext(ctx, h.Release, c, values)
	return err
}

// Uninstall is `helm uninstall`. It returns what Helm says that it kept.
func (h *Helm) Uninstall() (string, error) {
	uninstall := action.NewUninstall(h.configuration)
	uninstall.WaitStrategy = kube.HookOnlyStrategy
	uninstall.DeletionPropagation = "background"
	response, err := uninstall.Run(h.Release)
	if err != nil {
		return "", err
	}
	return response.Info, nil
}

// Notes are what Helm tells after an installation or an upgrade.
func (h *Helm) Notes() (string, error) {
	found, err := h.configuration.Releases.Last(h.Release)
	if err != nil {
		return "", err
	}
	last, isRelease := found.(*releasev1.Release)
	if !isRelease {
		return "", fmt.Errorf("the release is a %T", found)
	}
	return last.Info.Notes, nil
}

// Arguments are those that the Deployment of the release gives the operator.
func (h *Helm) Arguments(ctx context.Context) ([]string, error) {
	var deployments appsv1.DeploymentList
	if err := h.cluster.List(ctx, &deployments, client.InNamespace(h.Namespace), client.MatchingLabels{"app.kubernetes.io/instance": h.Release}); err != nil {
		return nil, err
	}
	if len(deployments.Items) != 1 {
		return nil, fmt.Errorf("the release has %d Deployments", len(deployments.Items))
	}
	return deployments.Items[0].Spec.Template.Spec.Containers[0].Args, nil
}

// Former returns a release of the past as a chart: what it rendered is its only template.
func Former(path string) (*chart.Chart, error) {
	manifests, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(manifests) == 0 {
		return nil, errors.New(path + " is empty")
	}
	version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "v"), ".yaml")
	escaped := strings.NewReplacer("{{", `{{ "{{" }}`).Replace(string(manifests))
	return &chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: chart.APIVersionV2, Name: "kisi-operator", Version: version, AppVersion: "v" + version},
		Templates: []*common.File{{Name: "templates/rendered.yaml", Data: []byte(escaped)}},
	}, nil
}
