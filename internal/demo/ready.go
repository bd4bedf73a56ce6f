package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// readyPatience is for a machine that has other things to do; a second or two are usual.
const readyPatience = 90 * time.Second

// state is how an object stands.
type state struct {
	object  string // Kind/name
	ready   bool
	reason  string
	message string
}

// readiness tells what has become Ready.
type readiness struct {
	reader client.Reader
	kinds  []schema.GroupVersionKind
	since  time.Time
	tell   func(line string)
	told   map[string]string
}

func newReadiness(reader client.Reader, kinds []schema.GroupVersionKind, tell func(string)) *readiness {
	return &readiness{reader: reader, kinds: kinds, tell: tell, told: map[string]string{}}
}

// listKinds returns the list kinds of this project.
func listKinds(scheme *runtime.Scheme) []schema.GroupVersionKind {
	var kinds []schema.GroupVersionKind
	for kind := range scheme.AllKnownTypes() {
		if kind.GroupVersion() == v1alpha1.GroupVersion && strings.HasSuffix(kind.Kind, "List") {
			kinds = append(kinds, kind)
		}
	}
	slices.SortFunc(kinds, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.Kind, b.Kind) })
	return kinds
}

// wait returns when every object of this project is Ready, the named ones (Kind/name) among them, and tells of each as
// it gets there.
func (r *readiness) wait(ctx context.Context, named ...string) error {
	r.since = time.Now()
	var last []state
	err := until(ctx, readyPatience, "everything to become Ready", func(ctx context.Context) (bool, error) {
		states, err := r.states(ctx)
		if err != nil {
			return false, err
		}
		last = states
		return r.report(states, named), nil
	})
	if err == nil {
		return nil
	}
	for _, s := range last {
		if !s.ready {
			err = fmt.Errorf("%w\n  %s is not Ready: %s %s", err, s.object, s.reason, s.message)
		}
	}
	return err
}

func (r *readiness) report(states []state, named []string) bool {
	all := true
	for _, s := range states {
		named = slices.DeleteFunc(slices.Clone(named), func(name string) bool { return name == s.object })
		if !s.ready {
			all = false
			continue
		}
		if r.told[s.object] != s.reason {
			r.told[s.object] = s.reason
			r.tell(fmt.Sprintf("%5.1fs  %-32s %s", time.Since(r.since).Seconds(), s.object, s.reason))
		}
	}
	return all && len(named) == 0
}

func (r *readiness) states(ctx context.Context) ([]state, error) {
	var states []state
	for _, kind := range r.kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		if err := r.reader.List(ctx, list); err != nil {
			return nil, fmt.Errorf("listing %s: %w", kind.Kind, err)
		}
		for i := range list.Items {
			s, err := stateOf(&list.Items[i])
			if err != nil {
				return nil, err
			}
			states = append(states, s)
		}
	}
	return states, nil
}

// stateOf reads the Ready condition, which counts only if it is about the object as it is.
func stateOf(object *unstructured.Unstructured) (state, error) {
	s := state{object: object.GetKind() + "/" + object.GetName(), reason: "not seen by the operator yet"}
	var status struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &status); err != nil {
		return s, fmt.Errorf("reading the conditions of %s: %w", s.object, err)
	}
	ready := meta.FindStatusCondition(status.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.ObservedGeneration != object.GetGeneration() {
		return s, nil
	}
	s.ready, s.reason, s.message = ready.Status == metav1.ConditionTrue, ready.Reason, ready.Message
	return s, nil
}
