package controlplane_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
)

// shared is one control plane for all tests that do not stop it; each works in a namespace of its own.
var shared *controlplane.ControlPlane

func TestMain(m *testing.M) {
	code, err := runWithControlPlane(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runWithControlPlane(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "audit")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	shared, err = controlplane.Start(context.Background(), controlplane.Options{
		AuditLog: filepath.Join(dir, "audit.log"),
		CRDs:     []string{"testdata/crds"},
	})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.Stop()) }()
	return m.Run(), nil
}

func TestReportsThePinnedKubernetesVersion(t *testing.T) {
	if os.Getenv(binaries.AssetsEnv) != "" {
		t.Skipf("%s is set: its version is its owner's business", binaries.AssetsEnv)
	}
	goMod, err := os.ReadFile("../../../hack/controlplane/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version, err := adminClient(t).Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(goMod), "k8s.io/kubernetes "+version.GitVersion+" ") {
		t.Errorf("the API server reports %s, which is not what go.mod pins", version.GitVersion)
	}
}

func TestServiceAccountMayDoWhatItsRoleSaysAndNoMore(t *testing.T) {
	ctx := t.Context()
	namespace := newNamespace(t)
	config, err := shared.ServiceAccountConfig(ctx, namespace, "default")
	if err != nil {
		t.Fatal(err)
	}
	configMaps := clientFor(t, config).CoreV1().ConfigMaps(namespace)
	if _, err := configMaps.List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Fatalf("listing without a role: got %v, want a refusal", err)
	}

	if _, err := shared.Apply(ctx, []byte(strings.ReplaceAll(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NAMESPACE}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: default, namespace: NAMESPACE}]
`, "NAMESPACE", namespace))); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := configMaps.List(ctx, metav1.ListOptions{})
		return err
	})
	if _, err := configMaps.Create(ctx, configMap("x"), metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("creating with a role that only lists: got %v, want a refusal", err)
	}
}

func TestUserHasItsNameAndGroups(t *testing.T) {
	config, err := shared.ConfigFor("jane", "front-desk")
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := controlplane.Kubeconfig(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := shared.Kubectl(t.Context(), "auth", "whoami", "--kubeconfig", file,
		"-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}")
	if err != nil {
		t.Fatal(err)
	}
	if want := `jane ["front-desk","system:authenticated"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestServiceAccountTokenIsThatOfTheServiceAccount(t *testing.T) {
	namespace := newNamespace(t)
	kubeconfig, err := shared.ServiceAccountKubeconfig(t.Context(), namespace, "default")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := shared.Kubectl(t.Context(), "auth", "whoami", "--kubeconfig", file, "-o", "jsonpath={.status.userInfo.username}")
	if err != nil {
		t.Fatal(err)
	}
	if want := "system:serviceaccount:" + namespace + ":default"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDeletedNamespaceGoesWithItsObjects(t *testing.T) {
	ctx := t.Context()
	admin := adminClient(t)
	namespace := newNamespace(t)
	if _, err := admin.CoreV1().ConfigMaps(namespace).Create(ctx, configMap("x"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := admin.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := admin.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		return wantNotFound(err)
	})
	if _, err := admin.CoreV1().ConfigMaps(namespace).Get(ctx, "x", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace's object: got %v, want not found", err)
	}
}

func TestObjectWhoseOwnerIsDeletedIsCollected(t *testing.T) {
	ctx := t.Context()
	namespace := newNamespace(t)
	configMaps := adminClient(t).CoreV1().ConfigMaps(namespace)

	for name, ownerManifest := range map[string]string{
		"core":   `{apiVersion: v1, kind: ConfigMap, metadata: {name: owner, namespace: NAMESPACE}}`,
		"custom": `{apiVersion: example.com/v1, kind: Widget, metadata: {name: owner, namespace: NAMESPACE}}`,
	} {
		t.Run(name, func(t *testing.T) {
			applied, err := shared.Apply(ctx, []byte(strings.ReplaceAll(ownerManifest, "NAMESPACE", namespace)))
			if err != nil {
				t.Fatal(err)
			}
			owner := applied[0]
			owned := configMap("owned-by-" + name)
			owned.OwnerReferences = []metav1.OwnerReference{{
				APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(), UID: owner.GetUID(),
			}}
			if _, err := configMaps.Create(ctx, owned, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := configMaps.Create(ctx, configMap("bystander-of-"+name), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			admin, err := client.New(shared.AdminConfig(), client.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := admin.Delete(ctx, owner); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() error {
				_, err := configMaps.Get(ctx, owned.Name, metav1.GetOptions{})
				return wantNotFound(err)
			})
			if _, err := configMaps.Get(ctx, "bystander-of-"+name, metav1.GetOptions{}); err != nil {
				t.Errorf("an object without an owner: %v", err)
			}
		})
	}
}

func TestAuditLogTellsWhoWroteWhat(t *testing.T) {
	ctx := t.Context()
	namespace := newNamespace(t)
	if _, err := adminClient(t).CoreV1().ConfigMaps(namespace).Create(ctx, configMap("x"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	events, err := shared.AuditEvents()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, event := range events {
		if object := event.ObjectRef; object != nil && object.Namespace == namespace && object.Resource == "configmaps" &&
			event.Verb == "create" && event.User.Username == "kubernetes-admin" {
			found++
		}
	}
	if found != 1 {
		t.Errorf("found %d creations of the object in %d events, want 1", found, len(events))
	}
}

func TestApplyNamesTheObjectThatIsRefused(t *testing.T) {
	_, err := shared.Apply(t.Context(), []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n"))
	if err == nil || !strings.Contains(err.Error(), "ConfigMap default/Not_A_Name") {
		t.Errorf("got %v, want an error that names the object", err)
	}
}

func TestAnythingBuiltAlreadyIsNotBuiltAgain(t *testing.T) {
	var progress bytes.Buffer
	if _, err := binaries.Ensure(t.Context(), &progress, binaries.KubeAPIServer, binaries.Etcd, binaries.KubeControllerManager); err != nil { // TestMain has built what was missing
		t.Fatal(err)
	}
	if progress.Len() > 0 {
		t.Errorf("reported %q, want no word", progress.String())
	}
}

func TestAssetsWithoutControllerManagerAreRefusedUnlessItIsNotWanted(t *testing.T) {
	assets := t.TempDir()
	for _, name := range []string{binaries.Etcd, binaries.KubeAPIServer} {
		if err := os.Symlink(filepath.Join(shared.Assets(), name), filepath.Join(assets, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(binaries.AssetsEnv, assets)
	if c, err := controlplane.Start(t.Context(), controlplane.Options{}); err == nil {
		_ = c.Stop()
		t.Error("it started without kube-controller-manager")
	} else if !strings.Contains(err.Error(), assets+" holds no kube-controller-manager") {
		t.Errorf("got %v, want an error that names what is missing and where", err)
	}
	c, err := controlplane.Start(t.Context(), controlplane.Options{WithoutControllerManager: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}

func eventually(t *testing.T, condition func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("still after a minute: %v", err)
		case <-ticker.C:
		}
	}
}

func wantNotFound(err error) error {
	switch {
	case err == nil:
		return errors.New("it still exists")
	case apierrors.IsNotFound(err):
		return nil
	default:
		return err
	}
}

// newNamespace makes a namespace and waits for its default service account.
func newNamespace(t *testing.T) string {
	t.Helper()
	admin := adminClient(t)
	namespace, err := admin.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := admin.CoreV1().ServiceAccounts(namespace.Name).Get(t.Context(), "default", metav1.GetOptions{})
		return err
	})
	return namespace.Name
}

func adminClient(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	return clientFor(t, shared.AdminConfig())
}

func clientFor(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return clientset
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func TestAuditLogIsReadFromAPointOn(t *testing.T) {
	ctx := t.Context()
	namespace := newNamespace(t)
	create := func(name string) {
		t.Helper()
		if _, err := adminClient(t).CoreV1().ConfigMaps(namespace).Create(ctx, configMap(name), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	create("before")
	length, err := shared.AuditLength()
	if err != nil {
		t.Fatal(err)
	}
	create("after")
	for _, test := range []struct {
		after int64
		want  []string
	}{{0, []string{"before", "after"}}, {length, []string{"after"}}, {length - 1, []string{"after"}}} {
		events, err := shared.AuditEventsAbout(namespace, test.after)
		if err != nil {
			t.Fatal(err)
		}
		var created []string
		for _, event := range events {
			if event.Verb == "create" && event.ObjectRef.Resource == "configmaps" && event.User.Username == "kubernetes-admin" {
				created = append(created, event.ObjectRef.Name)
			}
		}
		if !slices.Equal(created, test.want) {
			t.Errorf("after %d: %v, want %v", test.after, created, test.want)
		}
	}
}

func TestAnotherProcessUsesTheSameControlPlane(t *testing.T) {
	ctx := t.Context()
	namespace := newNamespace(t)
	handle, err := shared.Handle()
	if err != nil {
		t.Fatal(err)
	}
	attached, err := controlplane.Attach(handle)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attached.Apply(ctx, []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: "+namespace+"}}")); err != nil {
		t.Fatal(err)
	}
	if out, err := attached.Kubectl(ctx, "get", "configmap", "x", "-n", namespace, "-o", "name"); err != nil || out != "configmap/x\n" {
		t.Errorf("kubectl says %q, %v", out, err)
	}
	if events, err := attached.AuditEventsAbout(namespace, 0); err != nil || len(events) == 0 {
		t.Errorf("the audit log holds %d events, %v", len(events), err)
	}
	config, err := attached.ConfigFor("ana")
	if err != nil {
		t.Fatal(err)
	}
	ana, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ana.CoreV1().ConfigMaps(namespace).Get(ctx, "x", metav1.GetOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `"ana"`) {
		t.Errorf("a user with a certificate signed here is told %v", err)
	}
	if _, err := attached.ServiceAccountConfig(ctx, namespace, "default"); err != nil {
		t.Error(err)
	}
	if err := attached.InstallCRDs(ctx, "testdata/crds"); err == nil {
		t.Error("it restarts a component that is not its own")
	}
	if err := attached.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := shared.Kubectl(ctx, "get", "configmap", "x", "-n", namespace); err != nil {
		t.Errorf("after the other process has stopped: %v", err)
	}
}
