package tenant

import (
	"context"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// cachedMembers are all that a cache holds.
type cachedMembers []v1alpha1.Member

func (c cachedMembers) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

func (c cachedMembers) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	asked := client.ListOptions{}
	asked.ApplyOptions(options)
	for i := range c {
		if InList(&c[i], asked) {
			members := list.(*v1alpha1.MemberList)
			members.Items = append(members.Items, c[i])
		}
	}
	return nil
}

func memberOf(name, email string) v1alpha1.Member {
	return v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: name}, Spec: v1alpha1.MemberSpec{Email: v1alpha1.EmailAddress(email)}}
}

func TestAPinnedMemberTakesItsPlaceInEveryAnswer(t *testing.T) {
	ctx := context.Background()
	ana := memberOf("ana", "Ana@Example.com")
	ana.Spec.Teams, ana.Spec.ExternalID = []v1alpha1.Team{"acme"}, "7"
	moved := *ana.DeepCopy()
	moved.Spec.Email, moved.Spec.Teams, moved.Spec.ExternalID = "anna@example.com", []v1alpha1.Team{"globex"}, "8"
	ben := memberOf("ben", "ben@example.com")
	ben.Spec.Teams = []v1alpha1.Team{"acme"}
	for cached, members := range map[string][]v1alpha1.Member{"as it is": {ana, ben}, "gone": {ben}, "changed": {moved, ben}} {
		t.Run(cached, func(t *testing.T) {
			in := In(ctx, Pin(cachedMembers(members), &ana), "acme")
			names := func(found []*v1alpha1.Member, err error) []string {
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, m := range found {
					names = append(names, m.Name)
				}
				slices.Sort(names)
				return names
			}
			for question, test := range map[string]struct{ got, want []string }{
				"by address":           {names(in.Members(entitlement.Fold("ana@example.com"))), []string{"ana"}},
				"by another address":   {names(in.Members(entitlement.Fold("anna@example.com"))), nil},
				"of the team":          {names(in.TeamMembers("acme")), []string{"ana", "ben"}},
				"of another team":      {names(in.TeamMembers("globex")), nil},
				"by name":              {names(in.MembersByReference(v1alpha1.MemberReference{Name: "ana"})), []string{"ana"}},
				"by external id":       {names(in.MembersByReference(v1alpha1.MemberReference{ExternalID: "7"})), []string{"ana"}},
				"by another's":         {names(in.MembersByReference(v1alpha1.MemberReference{ExternalID: "8"})), nil},
				"in another namespace": {names(In(ctx, Pin(cachedMembers(nil), &ana), "globex").Members("ana@example.com")), nil},
			} {
				if !slices.Equal(test.got, test.want) {
					t.Errorf("%s: %v, want %v", question, test.got, test.want)
				}
			}
		})
	}
}
