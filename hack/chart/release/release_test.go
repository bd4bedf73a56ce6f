package release

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"

	"github.com/kisi-operator/kisi-operator/hack/chart/chart"
	"github.com/kisi-operator/kisi-operator/hack/chart/conform"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
)

const root = "../../.."

// everything switches on what is optional, as far as the cluster's own kinds go.
var everything = map[string]any{
	"replicas":            2,
	"rbac":                map[string]any{"logins": true},
	"webhook":             map[string]any{"enabled": true, "ingress": map[string]any{"enabled": true, "host": "hooks.example.com"}},
	"podDisruptionBudget": map[string]any{"enabled": true},
	"networkPolicy":       map[string]any{"enabled": true},
}

func startPlane(t *testing.T) *controlplane.ControlPlane {
	t.Helper()
	plane, err := controlplane.Start(t.Context(), controlplane.Options{WithoutControllerManager: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	return plane
}

// TestInstall installs the chart with everything on, and checks by the schemas of that cluster what the chart, kustomize's
// directories and the samples say.
func TestInstall(t *testing.T) {
	plane := startPlane(t)
	c, err := chart.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	helm, err := New(plane, t.TempDir(), chart.Release, chart.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	if err := helm.Install(t.Context(), c, everything); err != nil {
		t.Fatal(err)
	}
	if notes, err := helm.Notes(); err != nil || !strings.Contains(notes, "works in all namespaces") {
		t.Errorf("the notes are %q (%v)", notes, err)
	}
	t.Run("kubeconform", func(t *testing.T) { testConform(t, plane) })
	t.Run("pod security", func(t *testing.T) { testPodSecurity(t, plane) })
	t.Run("another release", func(t *testing.T) {
		other, err := New(plane, t.TempDir(), "second", "second")
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]any{"crds": map[string]any{"enabled": false}, "namespaces": []any{"default"}}
		if err := other.Install(t.Context(), c, values); err != nil {
			t.Errorf("a second release beside the first: %v", err)
		}
	})
}

func testConform(t *testing.T, plane *controlplane.ControlPlane) {
	client, err := discovery.NewDiscoveryClientForConfig(plane.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var kinds []string
	for _, kind := range []string{"accessplan", "accesssubscription", "bookinggrant", "kisiconnection", "kisigroup", "member", "placemapping"} {
		kinds = append(kinds, kind+"-access-v1alpha1")
	}
	v, err := conform.New(patience, client, t.TempDir(), kinds...)
	if err != nil {
		t.Fatal(err)
	}
	c, err := chart.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string]map[string]any{
		"defaults": nil, "everything": everything, "namespaces": {"namespaces": []any{"default"}, "rbac": map[string]any{"logins": true}},
	} {
		rendered, err := chart.Render(c, values)
		if err != nil {
			t.Fatal(err)
		}
		problems, valid, unknown := conform.Problems(v, name, rendered.Manifests())
		for _, problem := range problems {
			t.Error(problem)
		}
		if valid < 15 || unknown > 0 {
			t.Errorf("%s: %d objects are valid, %d of unknown kinds", name, valid, unknown)
		}
	}
	samples, err := filepath.Glob(filepath.Join(root, "config/samples/*/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, sample := range samples {
		content, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		problems, valid, unknown := conform.Problems(v, sample, string(content))
		checked += valid
		for _, problem := range problems {
			t.Error(problem)
		}
		if unknown > 0 {
			t.Errorf("%s: %d objects of unknown kinds", sample, unknown)
		}
	}
	if checked < 50 {
		t.Errorf("only %d samples were checked", checked)
	}
	for text, path := range map[string]string{
		"apiVersion: access.kisi-operator.dev/v1alpha1\nkind: Member\nmetadata: {name: ana}\nspec: {mail: ana@example.com}":               "mail",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {port: 80}":                                                            "port",
		"apiVersion: access.kisi-operator.dev/v1alpha1\nkind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, state: Gone}": "state",
	} {
		if problems, _, _ := conform.Problems(v, "wrong", text); len(problems) != 1 || !strings.Contains(problems[0], path) {
			t.Errorf("a wrong manifest gets by: %q in\n%s", problems, text)
		}
	}
}

// testPodSecurity has a namespace that enforces the restricted standard take the pod of the chart.
func testPodSecurity(t *testing.T, plane *controlplane.ControlPlane) {
	admin, err := kubernetes.NewForConfig(plane.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	const namespace = "restricted"
	_, err = admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	deployments, err := admin.AppsV1().Deployments(chart.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(deployments.Items) != 1 {
		t.Fatalf("%d deployments (%v)", len(deployments.Items), err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "operator-"}, Spec: deployments.Items[0].Spec.Template.Spec}
	pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = "", ""
	pod.Spec.AutomountServiceAccountToken = new(bool)
	dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	if err := create(t.Context(), admin, namespace, pod, dryRun); err != nil {
		t.Errorf("the restricted standard refuses the pod: %v", err)
	}
	pod.Spec.SecurityContext = nil
	if err := create(t.Context(), admin, namespace, pod, dryRun); !apierrors.IsForbidden(err) {
		t.Errorf("without its security context the pod is not refused: %v", err)
	}
}

// create makes a pod with the default service account, which nothing here makes by itself.
func create(ctx context.Context, admin kubernetes.Interface, namespace string, pod *corev1.Pod, options metav1.CreateOptions) error {
	_, err := admin.CoreV1().ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	_, err = admin.CoreV1().Pods(namespace).Create(ctx, pod.DeepCopy(), options)
	return err
}
