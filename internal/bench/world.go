package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/testing/process"
)

// asFastAsAnything is the highest rate that a connection takes.
const asFastAsAnything = 1000

// world is a control plane, one namespace, a Kisi of its own, and an operator with the flags that it has by default, except for the
// lease.
type world struct {
	*stack
	namespace string
	dir       string
	kisi      *kisi
	operator  *process.Process
	metrics   string // address
	pprof     string // address
	profileTo string // file; empty: none
}

// newWorld makes a namespace for a Kisi on a fresh control plane; no operator runs yet. The world before has ended.
func (s *stack) newWorld(ctx context.Context, k *kisi) (*world, error) {
	if err := s.startPlane(ctx); err != nil {
		return nil, err
	}
	s.worlds++
	w := &world{stack: s, namespace: fmt.Sprintf("bench-%d", s.worlds), kisi: k}
	w.dir = filepath.Join(s.dir, w.namespace)
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return nil, err
	}
	return w, s.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}})
}

// start runs the operator.
func (w *world) start(ctx context.Context) (err error) {
	if w.metrics, err = freeAddress(ctx); err != nil {
		return err
	}
	if w.pprof, err = freeAddress(ctx); err != nil {
		return err
	}
	w.operator, err = process.Start(w.dir, w.stack.operator,
		// Without a lease, whose renewals every two seconds would count as writes.
		"--kubeconfig="+w.kubeconfig, "--leader-elect=false", "--allowed-endpoint="+w.kisi.URL(),
		"--metrics-bind-address="+w.metrics, "--health-probe-bind-address=0", "--pprof-bind-address="+w.pprof)
	if err != nil {
		return err
	}
	return w.until(ctx, time.Minute, "the operator's metrics", func(ctx context.Context) (bool, error) {
		_, err := w.usage(ctx)
		return err == nil, nil
	})
}

// halt ends the operator in order.
func (w *world) halt() error {
	if w.operator == nil {
		return nil
	}
	err := w.operator.Stop(30 * time.Second)
	w.operator = nil
	return err
}

// end ends everything of this world but its objects, at which no other operator looks.
func (w *world) end() error { return errors.Join(w.halt(), w.kisi.Close()) }

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close() //nolint:errcheck // it has served
	return listener.Addr().String(), nil
}

// until waits for something to become true, for as long as the operator runs.
func (w *world) until(ctx context.Context, patience time.Duration, what string, done func(context.Context) (bool, error)) error {
	return w.untilEvery(ctx, 20*time.Millisecond, patience, what, done)
}

// untilEvery is until for what is not looked at so often.
func (w *world) untilEvery(ctx context.Context, interval, patience time.Duration, what string, done func(context.Context) (bool, error)) error {
	err := wait.PollUntilContextTimeout(ctx, interval, patience, true, func(ctx context.Context) (bool, error) {
		if w.operator != nil && w.operator.Err() != nil {
			return false, w.operator.Err()
		}
		return done(ctx)
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", what, err)
	}
	return nil
}

// connect makes a connection with as many requests a second, and a KisiGroup for each of Kisi's groups, and waits until
// they can be used.
func (w *world) connect(ctx context.Context, perSecond int32, change func(*v1alpha1.KisiGroup)) error {
	secret := &corev1.Secret{ObjectMeta: w.meta("kisi"), StringData: map[string]string{"apiKey": ownerKey}}
	connection := &v1alpha1.KisiConnection{ObjectMeta: w.meta("default"), Spec: v1alpha1.KisiConnectionSpec{
		Endpoint: w.kisi.URL(), RequestsPerSecond: perSecond, APIKeySecretRef: v1alpha1.APIKeySecretReference{Name: "kisi"},
	}}
	for _, object := range []client.Object{secret, connection} {
		if err := w.admin.Create(ctx, object); err != nil {
			return err
		}
	}
	for _, name := range groupNames {
		group := &v1alpha1.KisiGroup{ObjectMeta: w.meta(name), Spec: v1alpha1.KisiGroupSpec{Existing: &v1alpha1.ExistingGroup{Name: v1alpha1.KisiName(name)}}}
		if change != nil {
			change(group)
		}
		if err := w.admin.Create(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

// bound waits until the groups can be used.
func (w *world) bound(ctx context.Context) error {
	return w.until(ctx, 5*time.Minute, "the groups to be bound", func(ctx context.Context) (bool, error) {
		for _, name := range groupNames {
			group := &v1alpha1.KisiGroup{}
			if err := w.admin.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, group); err != nil {
				return false, err
			}
			if !meta.IsStatusConditionTrue(group.Status.Conditions, v1alpha1.ConditionReady) {
				return false, nil
			}
		}
		return true, nil
	})
}

func (w *world) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.namespace, Name: name}
}

// writers is how many objects are written to Kubernetes at once.
const writers = 8

// each does something for every number below n, several at once, and returns the first error.
func each(ctx context.Context, n int, do func(context.Context, int) error) error {
	return eachBy(ctx, writers, n, do)
}

func eachBy(ctx context.Context, workers, n int, do func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// people makes Members named by prefix and number.
func (w *world) people(ctx context.Context, prefix string, n int, change func(int, *v1alpha1.Member)) error {
	return each(ctx, n, func(ctx context.Context, i int) error {
		name := nameOf(prefix, i)
		member := &v1alpha1.Member{ObjectMeta: w.meta(name), Spec: v1alpha1.MemberSpec{Email: v1alpha1.EmailAddress(addressOf(prefix, i))}}
		if change != nil {
			change(i, member)
		}
		return w.admin.Create(ctx, member)
	})
}

func nameOf(prefix string, i int) string { return fmt.Sprintf("%s-%d", prefix, i) }

func addressOf(prefix string, i int) string { return nameOf(prefix, i) + "@bench.example" }

// inGroup has a Member name a group.
func inGroup(name string) func(int, *v1alpha1.Member) {
	return func(_ int, member *v1alpha1.Member) {
		member.Spec.GroupRefs = []v1alpha1.MemberGroupReference{{Name: v1alpha1.ObjectName(name)}}
	}
}

// granted counts the Members whose status says that all they should have is in Kisi.
func (w *world) granted(ctx context.Context) (int, error) {
	count, next := 0, ""
	for {
		var page v1alpha1.MemberList
		if err := w.admin.List(ctx, &page, client.InNamespace(w.namespace), client.Limit(2000), client.Continue(next)); err != nil {
			return 0, err
		}
		for i := range page.Items {
			if meta.IsStatusConditionTrue(page.Items[i].Status.Conditions, v1alpha1.ConditionReady) {
				count++
			}
		}
		if next = page.Continue; next == "" {
			return count, nil
		}
	}
}

// allGranted waits until every Member's status says so.
func (w *world) allGranted(ctx context.Context, n int, patience time.Duration) error {
	return w.untilEvery(ctx, 500*time.Millisecond, patience, fmt.Sprintf("%d Members to be granted", n), func(ctx context.Context) (bool, error) {
		granted, err := w.granted(ctx)
		return granted >= n, err
	})
}
