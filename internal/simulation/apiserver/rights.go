package apiserver

import (
	"context"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	authorizerpath "k8s.io/apiserver/pkg/authorization/path"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/component-helpers/auth/rbac/validation"
)

// authorize allows what kube-apiserver does with RBAC: everything to group system:masters, to find out what there is to
// everybody, and the rest by roles and their bindings.
func authorize(database *database) (authorizer.Authorizer, error) {
	discovery, err := authorizerpath.NewAuthorizer([]string{"/healthz", "/livez", "/readyz", "/version", "/api", "/api/*", "/apis", "/apis/*", "/openapi/*"})
	if err != nil {
		return nil, err
	}
	return union.New(
		union.NamedAuthorizer{AuthorizerName: "privileged", Authorizer: authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup)},
		union.NamedAuthorizer{AuthorizerName: "discovery", Authorizer: discovery},
		union.NamedAuthorizer{AuthorizerName: "roles", Authorizer: roles{database}.authorizer()},
	)
}

// roles allows by the roles that are stored. There are no aggregated ones: nothing here fills them.
type roles struct{ database *database }

func (r roles) authorizer() authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if allowed, _ := validation.Covers(r.of(a.GetUser(), a.GetNamespace()), []rbacv1.PolicyRule{asked(a)}); allowed {
			return authorizer.DecisionAllow, "", nil
		}
		return authorizer.DecisionNoOpinion, "", nil
	})
}

// asked is a request as the rule that allows it and nothing else.
func asked(a authorizer.Attributes) rbacv1.PolicyRule {
	rule := rbacv1.PolicyRule{Verbs: []string{a.GetVerb()}}
	if !a.IsResourceRequest() {
		rule.NonResourceURLs = []string{a.GetPath()}
		return rule
	}
	resource := a.GetResource()
	if a.GetSubresource() != "" {
		resource += "/" + a.GetSubresource()
	}
	rule.APIGroups, rule.Resources = []string{a.GetAPIGroup()}, []string{resource}
	if a.GetName() != "" {
		rule.ResourceNames = []string{a.GetName()}
	}
	return rule
}

// of returns the rules that bindings give a user in a namespace; those of the whole cluster alone if namespace is empty.
func (r roles) of(is user.Info, namespace string) []rbacv1.PolicyRule {
	var rules []rbacv1.PolicyRule
	r.database.mu.Lock()
	defer r.database.mu.Unlock()
	const prefix = "/" + rbacv1.GroupName + "/"
	for key := range r.database.keys[prefix+"clusterrolebindings"] {
		if binding := r.database.objects[key].(*rbacv1.ClusterRoleBinding); concerns(binding.Subjects, is, "") {
			rules = append(rules, r.rules(binding.RoleRef, "")...)
		}
	}
	if namespace == "" {
		return rules
	}
	for _, key := range r.database.keysIn(prefix+"rolebindings", prefix+"rolebindings/"+namespace+"/") {
		if binding := r.database.objects[key].(*rbacv1.RoleBinding); concerns(binding.Subjects, is, namespace) {
			rules = append(rules, r.rules(binding.RoleRef, namespace)...)
		}
	}
	return rules
}

// rules returns what is in the role that a binding refers to; nothing if it does not exist.
func (r roles) rules(ref rbacv1.RoleRef, namespace string) []rbacv1.PolicyRule {
	const prefix = "/" + rbacv1.GroupName + "/"
	if ref.Kind == "Role" {
		if role, exists := r.database.objects[prefix+"roles/"+namespace+"/"+ref.Name].(*rbacv1.Role); exists {
			return role.Rules
		}
		return nil
	}
	if role, exists := r.database.objects[prefix+"clusterroles/"+ref.Name].(*rbacv1.ClusterRole); exists {
		return role.Rules
	}
	return nil
}

func concerns(subjects []rbacv1.Subject, is user.Info, namespace string) bool {
	return slices.ContainsFunc(subjects, func(subject rbacv1.Subject) bool {
		switch subject.Kind {
		case rbacv1.UserKind:
			return subject.Name == is.GetName()
		case rbacv1.GroupKind:
			return slices.Contains(is.GetGroups(), subject.Name)
		case rbacv1.ServiceAccountKind:
			of := subject.Namespace
			if of == "" {
				of = namespace
			}
			return of != "" && serviceaccount.MatchesUsername(of, subject.Name, is.GetName())
		}
		return false
	})
}
