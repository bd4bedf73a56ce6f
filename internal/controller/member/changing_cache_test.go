package member

import (
	"context"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// changingCache holds Members, and changes after its first answer. Whatever is written meets a conflict, as it does where
// an object has changed since it was read.
type changingCache struct {
	client.Client
	members []v1alpha1.Member
	change  func(*changingCache)
}

func (c *changingCache) answered() {
	if change := c.change; change != nil {
		c.change = nil
		change(c)
	}
}

func (c *changingCache) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	defer c.answered()
	if member, is := object.(*v1alpha1.Member); is {
		for i := range c.members {
			if client.ObjectKeyFromObject(&c.members[i]) == key {
				c.members[i].DeepCopyInto(member)
				return nil
			}
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

func (c *changingCache) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	defer c.answered()
	members, are := list.(*v1alpha1.MemberList)
	if !are {
		return nil
	}
	asked := client.ListOptions{}
	asked.ApplyOptions(options)
	for i := range c.members {
		if tenant.InList(&c.members[i], asked) {
			members.Items = append(members.Items, c.members[i])
		}
	}
	return nil
}

func (*changingCache) Status() client.SubResourceWriter { return conflicting{} }

func (*changingCache) Patch(context.Context, client.Object, client.Patch, ...client.PatchOption) error {
	return apierrors.NewConflict(schema.GroupResource{}, "member", nil)
}

func (*changingCache) Create(context.Context, client.Object, ...client.CreateOption) error {
	return apierrors.NewAlreadyExists(schema.GroupResource{}, "member")
}

func (*changingCache) Delete(context.Context, client.Object, ...client.DeleteOption) error {
	return apierrors.NewConflict(schema.GroupResource{}, "member", nil)
}

type conflicting struct{ client.SubResourceWriter }

func (conflicting) Update(context.Context, client.Object, ...client.SubResourceUpdateOption) error {
	return apierrors.NewConflict(schema.GroupResource{}, "member", nil)
}

func memberCalled(name, email string, age time.Duration) v1alpha1.Member {
	return v1alpha1.Member{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "acme", Name: name, UID: "uid-1", Finalizers: []string{v1alpha1.Finalizer},
			CreationTimestamp: metav1.NewTime(time.Now().Add(-age)),
		},
		Spec: v1alpha1.MemberSpec{Email: v1alpha1.EmailAddress(email), State: v1alpha1.MemberActive},
	}
}

// Between two reads of the cache anything may happen to a Member. Its reconcile then writes nothing that meets no conflict,
// and does not fail.
func TestAMemberMayChangeBetweenTwoReadsOfTheCache(t *testing.T) {
	older := memberCalled("older", "ana@example.com", time.Hour)
	older.UID = "uid-2"
	changes := map[string]func(*changingCache){
		"it goes":                     func(c *changingCache) { c.members = nil },
		"it begins to go":             func(c *changingCache) { c.members[0].DeletionTimestamp = &metav1.Time{Time: time.Now()} },
		"its address changes":         func(c *changingCache) { c.members[0].Spec.Email = "anna@example.com" },
		"it is made again":            func(c *changingCache) { c.members[0].UID = "uid-3" },
		"another stands for it":       func(c *changingCache) { c.members = append(c.members, older) },
		"another takes its place":     func(c *changingCache) { c.members = []v1alpha1.Member{older} },
		"nothing happens, as control": func(*changingCache) {},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			for _, going := range []bool{false, true} {
				ana := memberCalled("ana", "ana@example.com", 0)
				if going {
					ana.DeletionTimestamp = &metav1.Time{Time: time.Now()}
				}
				cache := &changingCache{members: []v1alpha1.Member{ana}, change: change}
				r := &Reconciler{
					Client: cache, APIReader: cache, Sessions: &session.Pool{}, Enqueuers: &enqueue.Enqueuers{}, Imports: &imports.Users{}, Allowances: &limit.Allowances{Client: cache},
				}
				if _, err := r.Reconcile(context.Background(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&ana)}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
