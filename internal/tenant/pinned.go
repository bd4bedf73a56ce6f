package tenant

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// pinned reads the cache as if one Member were still as it was when it was read first. Everything that is read after it is
// of a later moment: the Member may be gone from there, have another address, or stand for nobody, and two answers that
// contradict each other would pass for one.
type pinned struct {
	client.Reader
	member *v1alpha1.Member
}

// Pin reads the cache as if the Member were still as it is here.
func Pin(reader client.Reader, member *v1alpha1.Member) client.Reader {
	return pinned{reader, member}
}

// Get reads one object. The Member itself is as it was read first.
func (p pinned) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if member, is := object.(*v1alpha1.Member); is && key == client.ObjectKeyFromObject(p.member) {
		*member = *p.member
		return nil
	}
	return p.Reader.Get(ctx, key, object, options...)
}

// List reads a list. In a list of Members the Member is as it was read first, or absent if it did not fit the list then.
func (p pinned) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if err := p.Reader.List(ctx, list, options...); err != nil {
		return err
	}
	members, are := list.(*v1alpha1.MemberList)
	if !are {
		return nil
	}
	asked := client.ListOptions{}
	asked.ApplyOptions(options)
	if asked.Namespace != "" && asked.Namespace != p.member.Namespace {
		return nil
	}
	members.Items = slices.DeleteFunc(members.Items, func(m v1alpha1.Member) bool {
		return m.Namespace == p.member.Namespace && m.Name == p.member.Name
	})
	if InList(p.member, asked) {
		members.Items = append(members.Items, *p.member)
	}
	return nil
}

// InList reports whether a Member is in a list of its namespace that is asked for with the selectors of the options.
func InList(member *v1alpha1.Member, asked client.ListOptions) bool {
	if asked.LabelSelector != nil && !asked.LabelSelector.Matches(labels.Set(member.Labels)) {
		return false
	}
	if asked.FieldSelector == nil {
		return true
	}
	for _, wanted := range asked.FieldSelector.Requirements() {
		if values := memberIndexes[wanted.Field]; values == nil || !slices.Contains(values(member), wanted.Value) {
			return false
		}
	}
	return true
}
