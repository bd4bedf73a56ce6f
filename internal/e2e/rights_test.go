package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
)

// rightsFiles are the roles that the operator ships with.
var rightsFiles = []string{
	"config/rbac/role.yaml", "config/rbac/key_secret_role.yaml", "config/rbac/leader_election_role.yaml", "config/rbac/metrics_auth_role.yaml",
	"config/rbac-logins/role.yaml",
}

// others are rights that a run of the specs need not use, each with what takes it.
var others = map[string]string{
	// The API server asks for it when it admits a Secret whose owner is to wait for it. A spec takes it away.
	"update access.kisi-operator.dev/members/finalizers": "A login for an app without the right to set the Member's finalizers is not made, and says so",
	// An Event that is said again within minutes is counted instead of made.
	"patch /events":              "an Event that is repeated",
	"patch events.k8s.io/events": "an Event that is repeated",
}

// needed says what a right is for, if a spec used it or something else is known to. An API server that can stream what there is
// into a watch, as that of the specs can, is never asked for a list; others are.
func needed(right string, used map[string]string) (string, bool) {
	for _, known := range []map[string]string{used, others} {
		if spec, is := known[right]; is {
			return spec, true
		}
	}
	if what, list := strings.CutPrefix(right, "list "); list {
		spec, is := used["watch "+what]
		return "before the watch: " + spec, is
	}
	return "", false
}

// specsFile has a line for each namespace of a spec.
func specsFile(dir string) string { return filepath.Join(dir, "specs.tsv") }

// noteSpec remembers which spec a namespace belongs to.
func noteSpec(namespace string) {
	GinkgoHelper()
	file, err := os.OpenFile(specsFile(plane.Dir()), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	Expect(err).NotTo(HaveOccurred())
	_, err = fmt.Fprintf(file, "%s\t%s\n", namespace, CurrentSpecReport().FullText())
	Expect(errors.Join(err, file.Close())).To(Succeed())
}

// rights lists the roles that ship, as `verb group/resource`.
func rights() ([]string, error) {
	var all []string
	for _, path := range rightsFiles {
		file, err := os.Open(filepath.Join(root, path))
		if err != nil {
			return nil, err
		}
		decoder := utilyaml.NewYAMLOrJSONDecoder(bufio.NewReader(file), 4096)
		for {
			var role rbacv1.ClusterRole
			if err := decoder.Decode(&role); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			for _, rule := range role.Rules {
				for _, group := range rule.APIGroups {
					for _, resource := range rule.Resources {
						for _, verb := range rule.Verbs {
							all = append(all, verb+" "+group+"/"+resource)
						}
					}
				}
			}
		}
		_ = file.Close()
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// usedRights returns, of each right that the operator made use of, a spec that it did so in.
func usedRights(dir, auditLog string) (map[string]string, error) {
	specs, err := os.ReadFile(specsFile(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // no spec of this run had a tenant
		return nil, err
	}
	ofNamespace := map[string]string{}
	for line := range strings.Lines(string(specs)) {
		namespace, spec, _ := strings.Cut(strings.TrimSpace(line), "\t")
		ofNamespace[namespace] = spec
	}
	file, err := os.Open(auditLog)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	used := map[string]string{}
	user := []byte("system:serviceaccount:" + deployment.Namespace + ":" + deployment.ServiceAccount)
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := reader.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return used, nil
		}
		if err != nil {
			return nil, err
		}
		if !strings.Contains(string(line[:min(len(line), 1500)]), string(user)) {
			continue
		}
		var event struct {
			Verb        string            `json:"verb"`
			Annotations map[string]string `json:"annotations"`
			ObjectRef   struct {
				APIGroup    string `json:"apiGroup"`
				Resource    string `json:"resource"`
				Subresource string `json:"subresource"`
				Namespace   string `json:"namespace"`
				Name        string `json:"name"`
			} `json:"objectRef"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, err
		}
		if event.Annotations["authorization.k8s.io/decision"] != "allow" || event.ObjectRef.Resource == "" {
			continue
		}
		ref := event.ObjectRef
		right := strings.TrimSuffix(event.Verb+" "+ref.APIGroup+"/"+ref.Resource+"/"+ref.Subresource, "/")
		spec := ofNamespace[ref.Namespace]
		for namespace, text := range ofNamespace { // a lease is named after the spec's namespace
			if spec == "" && strings.HasPrefix(ref.Name, namespace) {
				spec = text
			}
		}
		if used[right] == "" {
			used[right] = spec
		}
	}
}

// expectEveryRightUsed prints which spec needs which right. Of a whole run it fails for those that none needs: whatever is in the
// roles and was not asked for could be left out, and whatever was asked for and left out fails that spec.
func expectEveryRightUsed(dir, auditLog string) {
	GinkgoHelper()
	all, err := rights()
	Expect(err).NotTo(HaveOccurred())
	used, err := usedRights(dir, auditLog)
	Expect(err).NotTo(HaveOccurred())
	var table, unused []string
	for _, right := range all {
		if spec, is := needed(right, used); is {
			table = append(table, right+"\t"+spec)
		} else {
			unused = append(unused, right)
		}
	}
	report := filepath.Join(root, "bin", "rights.tsv")
	Expect(os.MkdirAll(filepath.Dir(report), 0o750)).To(Succeed())
	Expect(os.WriteFile(report, []byte(strings.Join(append(table, unused...), "\n")+"\n"), 0o600)).To(Succeed())
	suite, _ := GinkgoConfiguration()
	whole := len(suite.FocusStrings)+len(suite.FocusFiles)+len(suite.SkipStrings)+len(suite.SkipFiles) == 0 && suite.LabelFilter == ""
	fmt.Printf("\nRights of the operator: %d, of which %d were used; %s says by which specs.\n", len(all), len(all)-len(unused), report)
	if whole {
		Expect(unused).To(BeEmpty(), "no spec needs these rights")
	}
}
