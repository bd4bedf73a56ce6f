package e2e

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/operator"
)

// bindUser gives a user ClusterRoles in the tenant's namespace.
func (t *tenant) bindUser(user rbacv1.Subject, roles ...string) {
	GinkgoHelper()
	for _, role := range roles {
		Expect(admin.Create(t.ctx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, GenerateName: "bound-"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{user},
		})).To(Succeed())
	}
}

// user returns a client of a user with ClusterRoles in the tenant's namespace. It returns when the API server knows of them.
func (t *tenant) user(name string, roles ...string) client.Client {
	GinkgoHelper()
	config, err := plane.ConfigFor(name)
	Expect(err).NotTo(HaveOccurred())
	as, err := client.New(config, client.Options{Scheme: operator.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	t.bindUser(rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}, roles...)
	Eventually(func() error { return as.List(t.ctx, &v1alpha1.MemberList{}, client.InNamespace(t.namespace)) }).Should(Succeed(), "the roles are known")
	return as
}

var _ = Describe("Approving held revocations", func() {
	editors := []string{"kisi-operator-kisiconnection-editor-role", "kisi-operator-kisigroup-editor-role", "kisi-operator-member-editor-role"}
	admins := []string{"kisi-operator-kisiconnection-admin-role", "kisi-operator-kisigroup-admin-role", "kisi-operator-member-admin-role"}
	until := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	annotation := func(value any) client.Patch {
		text := "null"
		if value != nil {
			text = fmt.Sprintf("%q", value)
		}
		return client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%s}}}`, v1alpha1.ApproveRevocationsUntilAnnotation, text))
	}
	// objects are one of each kind that takes the annotation.
	objects := func(t *tenant) []client.Object {
		meta := metav1.ObjectMeta{Namespace: t.namespace}
		named := func(name string) metav1.ObjectMeta { meta.Name = name; return meta }
		return []client.Object{
			&v1alpha1.KisiConnection{ObjectMeta: named("default")}, &v1alpha1.KisiGroup{ObjectMeta: named("members")}, &v1alpha1.Member{ObjectMeta: named("ana")},
		}
	}
	refused := func(err error, object client.Object) {
		GinkgoHelper()
		kind := strings.ToLower(fmt.Sprintf("%T", object)[len("*v1alpha1."):]) + "s"
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(And(ContainSubstring(v1alpha1.ApproveRevocationsUntilAnnotation), ContainSubstring("verb approve on "+kind+" in namespace"),
			ContainSubstring("kisi-operator-approver-role"))))
	}
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(ana)
		t.granted("ana")
	})

	DescribeTable("is not for who may only edit,", func(ctx SpecContext, name string, roles []string) {
		as := t.user(name+"-"+t.namespace, roles...)
		for _, object := range objects(t) {
			// The policy takes effect a moment after it is stored.
			Eventually(func() error { return as.Patch(ctx, object, annotation(until(time.Hour)), client.DryRunAll) }).ShouldNot(Succeed())
			refused(as.Patch(ctx, object, annotation(until(time.Hour))), object)
			Expect(as.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"team":"a"}}}`)))).To(Succeed(), "anything else is")
			Expect(as.Patch(ctx, object, annotation(""))).To(Succeed(), "what approves nothing is")

			Expect(admin.Patch(ctx, object, annotation(until(time.Hour)))).To(Succeed(), "the administrator may do everything")
			Expect(as.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"team":"b"}}}`)))).To(Succeed(), "and it stays as it is")
			refused(as.Patch(ctx, object, annotation(until(2*time.Hour))), object)
			Expect(as.Patch(ctx, object, annotation(nil))).To(Succeed(), "to take an approval back is free")
			refused(as.Patch(ctx, object, annotation(until(time.Hour))), object)
		}
		zoe := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{
			Namespace: t.namespace, Name: "zoe", Annotations: map[string]string{v1alpha1.ApproveRevocationsUntilAnnotation: until(time.Hour)},
		}, Spec: v1alpha1.MemberSpec{Email: "zoe@example.com"}}
		refused(as.Create(ctx, zoe), zoe)
		zoe.Name, zoe.GenerateName = "", "zoe-"
		refused(as.Create(ctx, zoe), zoe)
		zoe.Annotations = nil
		Expect(as.Create(ctx, zoe)).To(Succeed())
		Expect(t.granted("ana").Status.Grants).To(HaveLen(1))
	},
		Entry("with the editors' roles", "editor", editors),
		Entry("with the admins' roles", "admin", admins),
	)

	It("takes the verb approve, on create too, and the operator goes on with the objects as they are", func(ctx SpecContext) {
		as := t.user("approver-"+t.namespace, append(editors, "kisi-operator-approver-role")...)
		for _, object := range objects(t) {
			Expect(as.Patch(ctx, object, annotation(until(time.Hour)))).To(Succeed())
			Expect(as.Patch(ctx, object, annotation(until(2*time.Hour)))).To(Succeed())
		}
		zoe := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{
			Namespace: t.namespace, Name: "zoe", Annotations: map[string]string{v1alpha1.ApproveRevocationsUntilAnnotation: until(time.Hour)},
		}, Spec: v1alpha1.MemberSpec{Email: "zoe@example.com", GroupRefs: []v1alpha1.MemberGroupReference{{Name: "members"}}}}
		Expect(as.Create(ctx, zoe)).To(Succeed())
		t.granted("zoe") // its finalizer and its status are written by the operator, which has no such verb
		Expect(as.Delete(ctx, zoe)).To(Succeed())
		t.gone(&v1alpha1.Member{}, "zoe")
		Expect(t.rows("zoe@example.com", "Members")).To(BeEmpty())
	})

	It("is no more than what a status says", func(ctx SpecContext) {
		// Not by the way round either: whoever may write a status cannot write an annotation with it.
		member := &v1alpha1.Member{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: "ana"}, member)).To(Succeed())
		Expect(admin.Status().Patch(ctx, member, annotation(until(time.Hour)))).To(Succeed())
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(member), member)).To(Succeed())
		Expect(member.Annotations).NotTo(HaveKey(v1alpha1.ApproveRevocationsUntilAnnotation))
	})
})
