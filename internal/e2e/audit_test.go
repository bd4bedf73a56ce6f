package e2e

import (
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

const operatorUser = "system:serviceaccount:kisi-operator-system:kisi-operator"

// operatorRequests lists what the operator has asked of the Kubernetes API about the tenant's namespace.
func (t *tenant) operatorRequests() []auditv1.Event {
	GinkgoHelper()
	events, err := plane.AuditEventsAbout(t.namespace, t.auditBegin)
	Expect(err).NotTo(HaveOccurred())
	return slices.DeleteFunc(events, func(e auditv1.Event) bool {
		return e.User.Username != operatorUser || e.ObjectRef == nil || e.ObjectRef.Namespace != t.namespace
	})
}

// operatorWrites describes what the operator has written in the tenant's namespace, leases apart.
func (t *tenant) operatorWrites() []string {
	GinkgoHelper()
	var writes []string
	for _, e := range t.operatorRequests() {
		if slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, e.Verb) && e.ObjectRef.Resource != "leases" {
			writes = append(writes, e.Verb+" "+e.ObjectRef.Resource+"/"+e.ObjectRef.Name+" "+e.ObjectRef.Subresource)
		}
	}
	return writes
}

// secretReads counts how often the operator has read the content of a Secret.
func (t *tenant) secretReads(name string) int {
	GinkgoHelper()
	reads := 0
	for _, e := range t.operatorRequests() {
		if e.ObjectRef.Resource == "secrets" && e.ObjectRef.Name == name && e.Verb == "get" {
			reads++
		}
	}
	return reads
}
