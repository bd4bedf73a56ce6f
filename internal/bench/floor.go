package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// FloorOptions say for whom the floor sends and writes what the operator does.
type FloorOptions struct {
	Kubeconfig, Namespace string
	// Kisi is the endpoint of the simulator, KisiGroup the id of the group.
	Kisi      string
	KisiGroup int
	People    int
}

// floorResult is what the floor has used.
type floorResult struct {
	CPU    time.Duration `json:"cpu"`
	Lasted time.Duration `json:"lasted"`
}

// Floor lets people in without deciding anything: the three writes of the operator, the two requests, and a watch of the
// Members with the same client libraries. It is a process of its own, so that its CPU can be told.
func Floor(ctx context.Context, o FloorOptions, out io.Writer) error {
	ctrl.SetLogger(logr.Discard())
	config, err := clientcmd.BuildConfigFromFlags("", o.Kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	members, err := cache.New(config, cache.Options{Scheme: scheme, DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return err
	}
	go func() { _ = members.Start(ctx) }()
	client, err := ctrlclient.New(config, ctrlclient.Options{Scheme: scheme, Cache: &ctrlclient.CacheOptions{Reader: members}})
	if err != nil {
		return err
	}
	if !members.WaitForCacheSync(ctx) {
		return errors.Join(errors.New("the cache of Members does not start"), ctx.Err())
	}
	first := &v1alpha1.Member{}
	last := ctrlclient.ObjectKey{Namespace: o.Namespace, Name: nameOf("person", o.People-1)}
	if err := client.Get(ctx, last, first); err != nil { // fills the cache
		return err
	}
	before, begun := processorTime(), time.Now()
	if err := eachBy(ctx, floorWorkers, o.People, func(ctx context.Context, i int) error { return o.letIn(ctx, client, i) }); err != nil {
		return err
	}
	lasted := time.Since(begun)
	for !meta.IsStatusConditionTrue(first.Status.Conditions, v1alpha1.ConditionReady) { // until the last event has come
		if err := errors.Join(sleep(ctx, 10*time.Millisecond), client.Get(ctx, last, first)); err != nil {
			return err
		}
	}
	return json.NewEncoder(out).Encode(floorResult{CPU: processorTime() - before, Lasted: lasted})
}

// floorWorkers is how many people are let in at once, as many as the operator has requests in flight.
const floorWorkers = 32

// letIn writes and sends for one person.
func (o FloorOptions) letIn(ctx context.Context, client ctrlclient.Client, i int) error {
	member := &v1alpha1.Member{}
	if err := client.Get(ctx, ctrlclient.ObjectKey{Namespace: o.Namespace, Name: nameOf("person", i)}, member); err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": []string{v1alpha1.Finalizer}, "resourceVersion": member.ResourceVersion}})
	if err != nil {
		return err
	}
	if err := client.Patch(ctx, member, ctrlclient.RawPatch(types.MergePatchType, patch)); err != nil {
		return err
	}
	write := func(user, assignment int) error {
		member.Status = o.status(member, v1alpha1.KisiID(user), v1alpha1.KisiID(assignment))
		return client.Status().Update(ctx, member)
	}
	user, assignment, err := endpoint(o.Kisi).letIn(ctx, i, o.KisiGroup, func(user int) error { return write(user, 0) })
	if err != nil {
		return err
	}
	return write(user, assignment)
}

// status is of the size of what the operator writes: of the intent without an assignment, and of the result with one.
func (o FloorOptions) status(member *v1alpha1.Member, user, assignment v1alpha1.KisiID) v1alpha1.MemberStatus {
	state, ready, reason, message := v1alpha1.GrantPending, metav1.ConditionFalse, v1alpha1.ReasonGranting, "granting access: 1 of 1 grants pending"
	if assignment != 0 {
		state, ready, reason, message = v1alpha1.GrantActive, metav1.ConditionTrue, v1alpha1.ReasonGranted, "1 grant"
	}
	return v1alpha1.MemberStatus{
		ObservedGeneration: member.Generation,
		Accounts: []v1alpha1.MemberAccount{{
			Connection: "default", OrganizationID: 1, Email: member.Spec.Email, UserID: user,
			Origin: v1alpha1.AccountCreated, Notified: v1alpha1.NotifiedNo, Access: v1alpha1.AccountEnabled,
		}},
		Grants: []v1alpha1.MemberGrant{{
			Group: v1alpha1.ObjectName(groupNames[0]), Connection: "default", OrganizationID: 1, KisiGroupID: v1alpha1.KisiID(o.KisiGroup), UserID: user,
			RoleAssignmentID: assignment, State: state, Sources: []string{"Member/" + member.Name},
		}},
		Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: ready, Reason: reason, Message: message, LastTransitionTime: metav1.Now()},
			{Type: v1alpha1.ConditionReconciling, Status: ready, Reason: reason, Message: message, LastTransitionTime: metav1.Now()},
		},
	}
}

// floor runs Floor as a process of its own. Its people are gone afterwards.
func (w *world) floor(ctx context.Context, n int) (result floorResult, err error) {
	k, err := newKisi(-1, nil)
	if err != nil {
		return result, err
	}
	defer k.Close() //nolint:errcheck // the measurement is done
	if err := w.people(ctx, "person", n, inGroup(groupNames[0])); err != nil {
		return result, err
	}
	p := newPeer(k, 0)
	if err := p.findGroups(ctx); err != nil {
		return result, err
	}
	program, err := os.Executable()
	if err != nil {
		return result, err
	}
	command := exec.CommandContext(ctx, program, "floor", "--kubeconfig="+w.kubeconfig, "--namespace="+w.namespace, "--kisi="+k.URL(), //nolint:gosec // it is this program
		fmt.Sprintf("--kisi-group=%d", p.groups[groupNames[0]]), fmt.Sprintf("--people=%d", n))
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return result, fmt.Errorf("measuring the floor: %w", err)
	}
	if err := json.Unmarshal(output, &result); err != nil {
		return result, fmt.Errorf("reading what the floor has used: %w", err)
	}
	return result, w.removePeople(ctx, n)
}
