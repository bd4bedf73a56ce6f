package release

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/hack/chart/chart"
	"github.com/kisi-operator/kisi-operator/internal/demo"
	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
)

// installed is a demo whose operator a release of the chart brings.
type installed struct {
	t      *testing.T
	helm   *Helm
	first  func(*demo.Stage) error
	beyond func(context.Context, *demo.Stage) error
}

func (i *installed) Install(ctx context.Context, stage *demo.Stage) (err error) {
	if i.helm, err = New(stage.Cluster(), stage.Directory(), chart.Release, chart.Namespace); err != nil {
		return err
	}
	if err := i.first(stage); err != nil {
		return err
	}
	return i.start(ctx, stage)
}

func (i *installed) Afterwards(ctx context.Context, stage *demo.Stage) error {
	return i.beyond(ctx, stage)
}

// start runs the operator as the Deployment says, as its ServiceAccount. What a pod has of its own is said besides: where the
// API server is, in which namespace it runs, and ports that nobody else on this machine has. The previous release knows
// Kisi's own address only.
func (i *installed) start(ctx context.Context, stage *demo.Stage) error {
	arguments, err := i.helm.Arguments(ctx)
	if err != nil {
		return err
	}
	kubeconfig, err := deployment.Kubeconfig(ctx, stage.Cluster(), stage.Directory())
	if err != nil {
		return err
	}
	return stage.StartOperator(append(arguments, "--kubeconfig="+kubeconfig, "--leader-election-namespace="+i.helm.Namespace,
		"--allowed-endpoint="+stage.Endpoint(), "--metrics-bind-address=127.0.0.1:0", "--health-probe-bind-address=127.0.0.1:0")...)
}

// TestDemoOfAPreviousRelease shows the quickstart with the previous release's rights and arguments, upgrades it, and
// uninstalls it in both orders. No object and nobody's access is lost on the way.
func TestDemoOfAPreviousRelease(t *testing.T) {
	releases, err := filepath.Glob("../testdata/releases/v*.yaml")
	if err != nil || len(releases) == 0 {
		t.Fatalf("there is no previous release (%v)", err)
	}
	previous, err := Former(releases[len(releases)-1])
	if err != nil {
		t.Fatal(err)
	}
	now, err := chart.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	way := &installed{t: t}
	way.first = func(*demo.Stage) error { return way.helm.Install(t.Context(), previous, nil) }
	way.beyond = func(ctx context.Context, stage *demo.Stage) error {
		before, err := objectsOf(ctx, stage)
		if err != nil {
			return err
		}
		for _, step := range []struct {
			what string
			do   func(context.Context, *demo.Stage) error
			keep bool // every object
		}{
			{"upgrade", func(ctx context.Context, stage *demo.Stage) error {
				return way.restart(ctx, stage, func() error { return way.helm.Upgrade(ctx, now, nil) })
			}, true},
			{"uninstall: the operator first", func(_ context.Context, stage *demo.Stage) error {
				return errors.Join(stage.StopOperator(), way.uninstall())
			}, true},
			{"install again", func(ctx context.Context, stage *demo.Stage) error {
				if err := way.helm.Install(ctx, now, nil); err != nil {
					return err
				}
				return errors.Join(way.start(ctx, stage), stage.Ready(ctx))
			}, true},
			{"uninstall: the objects first", func(ctx context.Context, stage *demo.Stage) error {
				return errors.Join(way.deleteAll(ctx, stage), stage.StopOperator(), way.uninstall())
			}, false},
		} {
			if err := step.do(ctx, stage); err != nil {
				return fmt.Errorf("%s: %w", step.what, err)
			}
			after, err := objectsOf(ctx, stage)
			if err != nil {
				return fmt.Errorf("%s: %w", step.what, err)
			}
			for name, uid := range before {
				if step.keep && after[name] != uid {
					t.Errorf("%s: %s is not the object any more that it was", step.what, name)
				}
			}
			if !step.keep && len(after) > 0 {
				t.Errorf("%s: these stay: %v", step.what, after)
			}
			for person, door := range map[string]string{"ana@example.com": "Entrance", "mia@example.com": "Entrance", "mara@acme.example": "Entrance"} {
				if opens, err := stage.Opens(ctx, person, door); err != nil || !opens {
					t.Errorf("%s: %s does not open to %s any more (%v)", step.what, door, person, err)
				}
			}
			t.Logf("%s: %d objects, and everybody gets in", step.what, len(after))
		}
		return nil
	}
	show(t, "quickstart", way)
}

func (i *installed) restart(ctx context.Context, stage *demo.Stage, meanwhile func() error) error {
	if err := meanwhile(); err != nil {
		return err
	}
	return errors.Join(stage.StopOperator(), i.start(ctx, stage), stage.Ready(ctx))
}

func (i *installed) uninstall() error {
	_, err := i.helm.Uninstall()
	return err
}

// deleteAll deletes the connections first, as docs/uninstall.md says, and then everything else, twice: Members that keep the
// ledgers of those that were deleted come in their place.
func (i *installed) deleteAll(ctx context.Context, stage *demo.Stage) error {
	return stage.Gone(ctx, func() error {
		for _, kind := range []client.Object{
			&v1alpha1.KisiConnection{}, &v1alpha1.BookingGrant{}, &v1alpha1.AccessSubscription{}, &v1alpha1.Member{},
			&v1alpha1.KisiGroup{}, &v1alpha1.PlaceMapping{}, &v1alpha1.AccessPlan{},
		} {
			if err := stage.Reader().DeleteAllOf(ctx, kind, client.InNamespace("default")); err != nil {
				return err
			}
		}
		return nil
	})
}

// objectsOf returns the uids of every object of this project.
func objectsOf(ctx context.Context, stage *demo.Stage) (map[string]string, error) {
	uids := map[string]string{}
	for _, list := range []client.ObjectList{
		&v1alpha1.KisiConnectionList{}, &v1alpha1.BookingGrantList{}, &v1alpha1.AccessSubscriptionList{}, &v1alpha1.MemberList{},
		&v1alpha1.KisiGroupList{}, &v1alpha1.PlaceMappingList{}, &v1alpha1.AccessPlanList{},
	} {
		if err := stage.Reader().List(ctx, list); err != nil {
			return nil, err
		}
		if err := eachItem(list, func(object client.Object) {
			uids[fmt.Sprintf("%T %s", object, object.GetName())] = string(object.GetUID())
		}); err != nil {
			return nil, err
		}
	}
	return uids, nil
}

// TestDemoInOneNamespace shows what takes the most rights, childcare with logins, with no ClusterRole at all.
func TestDemoInOneNamespace(t *testing.T) {
	c, err := chart.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	way := &installed{t: t}
	way.first = func(stage *demo.Stage) error {
		return way.helm.Install(t.Context(), c, map[string]any{
			"namespaces":       []any{"default"},
			"allowedEndpoints": []any{stage.Endpoint()},
			"rbac":             map[string]any{"logins": true},
		})
	}
	way.beyond = func(ctx context.Context, stage *demo.Stage) error {
		return way.readsSecretsOnlyThere(ctx, stage)
	}
	show(t, "kangarootime", way)
}

func show(t *testing.T, system string, way demo.Way) {
	t.Helper()
	t.Chdir(root)
	var told output
	if err := demo.Run(t.Context(), demo.Options{System: system, Way: way, Out: &told}); err != nil {
		t.Errorf("%v\n%s", err, told.String())
	}
	if testing.Verbose() {
		fmt.Fprintln(os.Stderr, told.String())
	}
}
