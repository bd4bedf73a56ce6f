package chart

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// manifests of config/ that are rendered from templates of the chart.
var manifests = map[string]string{ //nolint:gosec // names of files, no credentials
	"config/manager/deployment.yaml":                "deployment.yaml",
	"config/manager/metrics_service.yaml":           "metrics_service.yaml",
	"config/rbac/service_account.yaml":              "serviceaccount.yaml",
	"config/rbac/role_binding.yaml":                 "rbac/role_binding.yaml",
	"config/rbac/key_secret_role.yaml":              "rbac/key_secret_role.yaml",
	"config/rbac/key_secret_role_binding.yaml":      "rbac/key_secret_role_binding.yaml",
	"config/rbac/leader_election_role.yaml":         "rbac/leader_election_role.yaml",
	"config/rbac/leader_election_role_binding.yaml": "rbac/leader_election_role_binding.yaml",
	"config/rbac-logins/role.yaml":                  "rbac/logins_role.yaml",
	"config/rbac-logins/role_binding.yaml":          "rbac/logins_role_binding.yaml",
	"config/rbac/user_roles.yaml":                   "rbac/user_roles.yaml",
	"config/rbac/metrics_auth_role.yaml":            "rbac/metrics_auth_role.yaml",
	"config/rbac/metrics_reader_role.yaml":          "rbac/metrics_reader_role.yaml",
	"config/policy/approval_policy.yaml":            "approval_policy.yaml",
	"config/webhook/service.yaml":                   "webhook_service.yaml",
	"config/prometheus/rules.yaml":                  "monitoring/prometheusrule.yaml",
}

// config is what the chart is rendered with for config/: an image that you have built, and what is optional besides.
var config = map[string]any{
	"image":   map[string]any{"repository": "kisi-operator", "tag": "latest"},
	"rbac":    map[string]any{"logins": true},
	"webhook": map[string]any{"enabled": true},
	"metrics": map[string]any{"prometheusRule": map[string]any{"enabled": true}},
}

// deployed is what config/default is of that: without what is optional.
var deployed = map[string]any{"image": config["image"]}

// copies are the files of the chart that are made elsewhere in the repository, by the directory or file that they are
// copied from.
var copies = map[string]string{
	"config/crd/bases":        "charts/kisi-operator/files/crds",
	"config/rbac/role.yaml":   "charts/kisi-operator/files/role.yaml",
	"config/prometheus/rules": "charts/kisi-operator/files/prometheus",
	"config/grafana":          "charts/kisi-operator/files/dashboards",
}

// Copied returns what the chart's copies are to be, by their paths in the repository.
func Copied(root string) (map[string]string, error) {
	files := map[string]string{}
	for from, to := range copies {
		err := filepath.WalkDir(filepath.Join(root, from), func(file string, entry os.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil // not made yet
			}
			if err != nil || entry.IsDir() {
				return err
			}
			below, err := filepath.Rel(filepath.Join(root, from), file)
			if err != nil {
				return err
			}
			content, err := os.ReadFile(file) //nolint:gosec // nobody else writes in the repository meanwhile
			files[filepath.Join(to, below)] = string(content)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Generated returns what is rendered from the chart, by its path in the repository: manifests, and the README of values.
func Generated(root string, c *chart.Chart) (map[string]string, error) {
	all, err := Render(c, config)
	if err != nil {
		return nil, err
	}
	plain, err := Render(c, deployed)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for file, template := range manifests {
		content := cmp.Or(plain[template], all[template])
		if content == "" {
			return nil, fmt.Errorf("%s: the template %s renders nothing", file, template)
		}
		files[file] = "# Rendered from charts/kisi-operator/templates/" + template + " by `make manifests`.\n" + WithoutHelm(strings.TrimPrefix(content, "---\n"))
	}
	files[readme], err = readmeOf(root)
	return files, err
}

// Install returns everything that a cluster needs as one file, for those who have neither Helm nor kustomize.
func Install(root string, c *chart.Chart) (string, error) {
	namespace, err := os.ReadFile(filepath.Join(root, "config", "manager", "namespace.yaml"))
	if err != nil {
		return "", err
	}
	rendered, err := Render(c, nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("# kisi-operator %s: kubectl apply --server-side -f install.yaml\n---\n%s%s", c.AppVersion(), namespace, WithoutHelm(rendered.Manifests())), nil
}
