package entitlement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// GroupsProblem says which of the groups named in groupRefs do not exist.
func GroupsProblem(objects Objects, names []v1alpha1.ObjectName) (*Problem, error) {
	return groupsProblem(objects, "groupRefs", names)
}

// groupsProblem says which of the groups that the field names do not exist. A group that is being deleted gives nothing
// any more.
func groupsProblem(objects Objects, field string, names []v1alpha1.ObjectName) (*Problem, error) {
	var missing []string
	for _, name := range names {
		group, err := presentGroup(objects, name)
		if err != nil {
			return nil, err
		}
		if group == nil {
			missing = append(missing, fmt.Sprintf("%q", name))
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return &Problem{
		Reason:  v1alpha1.ReasonGroupNotFound,
		Message: fmt.Sprintf("%s: there is no KisiGroup %s in this namespace; create it or correct the reference", field, strings.Join(firstFew(missing), ", ")),
	}, nil
}

func presentGroup(objects Objects, name v1alpha1.ObjectName) (*v1alpha1.KisiGroup, error) {
	group, err := objects.Group(name)
	if err != nil {
		return nil, fmt.Errorf("reading KisiGroup %s: %w", name, err)
	}
	if group == nil || !group.DeletionTimestamp.IsZero() {
		return nil, nil
	}
	return group, nil
}

// appendGroups adds the names that are not there yet.
func appendGroups(names []v1alpha1.ObjectName, refs []v1alpha1.GroupReference) []v1alpha1.ObjectName {
	for _, ref := range refs {
		if !slices.Contains(names, ref.Name) {
			names = append(names, ref.Name)
		}
	}
	return names
}
