package chart

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// everything switches on what is optional.
const everything = `
replicas: 2
namespaces: [cowork, gym]
rbac: {logins: true}
webhook:
  enabled: true
  ingress: {enabled: true, host: hooks.example.com, className: nginx, annotations: {a: b}, tls: [{secretName: hooks, hosts: [hooks.example.com]}]}
  httpRoute: {enabled: true, parentRefs: [{name: public, namespace: gateways}], hostnames: [hooks.example.com], annotations: {a: b}}
metrics:
  serviceMonitor: {enabled: true, labels: {release: prometheus}, scrapeTimeout: 10s}
  prometheusRule: {enabled: true, labels: {release: prometheus}}
  dashboards: {enabled: true, annotations: {grafana_folder: Doors}}
podDisruptionBudget: {enabled: true}
networkPolicy: {enabled: true}
auditLog: {enabled: true}
log: {people: true}
feed: {enabled: true, namespace: cowork, secrets: [calendar], feeds: [{name: boardroom}]}
`

// TestValues sets each value, and says what it changes in which object.
func TestValues(t *testing.T) {
	const deployment = "Deployment/kisi-operator"
	c := load(t)
	for _, row := range []struct{ values, object, has string }{
		{"nameOverride: doors", "Deployment/kisi-operator-doors", "app.kubernetes.io/name: doors"},
		{"fullnameOverride: doors", "Deployment/doors", "leader-election-id=doors.access.kisi-operator.dev"},
		{"commonLabels: {team: facilities}", "CustomResourceDefinition/members.access.kisi-operator.dev", "team: facilities"},
		{"commonLabels: {team: facilities}", "ClusterRole/kisi-operator", "team: facilities"},
		{"", "CustomResourceDefinition/members.access.kisi-operator.dev", "helm.sh/resource-policy: keep"},
		{"crds: {keep: false}", "CustomResourceDefinition/members.access.kisi-operator.dev", "!helm.sh/resource-policy"},
		{"crds: {annotations: {a: b}}", "CustomResourceDefinition/members.access.kisi-operator.dev", "a: b"},
		{"crds: {enabled: false}", "!CustomResourceDefinition/members.access.kisi-operator.dev", ""},
		{"", deployment, "image: ghcr.io/kisi-operator/kisi-operator:v"},
		{"image: {repository: my/operator}", deployment, "image: my/operator:v"},
		{"image: {tag: edge}", deployment, "kisi-operator:edge"},
		{"image: {tag: edge, digest: \"sha256:" + strings.Repeat("0", 64) + "\"}", deployment, "kisi-operator@sha256:0"},
		{"image: {pullPolicy: Always}", deployment, "imagePullPolicy: Always"},
		{"imagePullSecrets: [{name: registry}]", deployment, "imagePullSecrets:\n- name: registry"},
		{"replicas: 3", deployment, "replicas: 3"},
		{"leaderElection: {enabled: false}", deployment, "--leader-elect=false"},
		{"leaderElection: {enabled: false}", "!Role/kisi-operator-leader-election", ""},
		{"leaderElection: {id: one}", deployment, "--leader-election-id=one"},
		{"namespaces: [cowork, gym]", deployment, "--namespaces=cowork,gym"},
		{"namespaces: [cowork, gym]", "!ClusterRole/kisi-operator", ""},
		{"namespaces: [cowork, gym]", "!ClusterRoleBinding/kisi-operator", ""},
		{"namespaces: [cowork]", "Role/kisi-operator", "namespace: cowork"},
		{"namespaces: [cowork]", "RoleBinding/kisi-operator", "namespace: cowork"},
		{"namespaces: [cowork]", "Role/kisi-operator-key-secrets", "namespace: cowork"},
		{"allowedEndpoints: [http://kisi.test]", deployment, "--allowed-endpoint=http://kisi.test"},
		{"bookingTTL: 0s", deployment, "--booking-ttl=0s"},
		{"", deployment, "!--kube-api-qps"},
		{"kubeAPIQPS: 50", deployment, "--kube-api-qps=50"},
		{"integration: {identifier: me}", deployment, "--integration-identifier=me"},
		{"integration: {contact: me@example.com}", deployment, "--integration-contact=me@example.com"},
		{"log: {level: debug}", deployment, "--zap-log-level=debug"},
		{"log: {level: 5}", deployment, "--zap-log-level=5"},
		{"log: {format: console}", deployment, "--zap-encoder=console"},
		{"", deployment, "!--log-people"},
		{"log: {people: true}", deployment, "--log-people"},
		{"auditLog: {enabled: true}", deployment, "--audit-log=-"},
		{"extraArgs: [--pprof-bind-address=localhost:6060]", deployment, "--pprof-bind-address=localhost:6060"},
		{"extraEnv: [{name: HTTPS_PROXY, value: http://proxy}]", deployment, "name: HTTPS_PROXY"},
		{"extraVolumes: [{name: audit, emptyDir: {}}]", deployment, "volumes:\n- emptyDir: {}"},
		{"extraVolumeMounts: [{name: audit, mountPath: /audit}]", deployment, "mountPath: /audit"},
		{"", "!Service/kisi-operator-webhook", ""},
		{"webhook: {enabled: true, port: 9000}", deployment, "--webhook-bind-address=:9000"},
		{"webhook: {enabled: true, service: {type: NodePort, port: 81, annotations: {a: b}}}", "Service/kisi-operator-webhook", "type: NodePort"},
		{"webhook: {enabled: true, service: {port: 81}}", "Service/kisi-operator-webhook", "port: 81"},
		{"webhook: {enabled: true, ingress: {enabled: true, host: hooks.test, className: nginx}}", "Ingress/kisi-operator-webhook", "ingressClassName: nginx"},
		{"webhook: {enabled: true, ingress: {enabled: true, host: hooks.test, path: /kisi}}", "Ingress/kisi-operator-webhook", "path: /kisi"},
		{"webhook: {enabled: true, httpRoute: {enabled: true, parentRefs: [{name: public}], hostnames: [hooks.test]}}", "HTTPRoute/kisi-operator-webhook", "name: public"},
		{"webhook: {ingress: {enabled: true, host: hooks.test}}", "!Ingress/kisi-operator-webhook", ""},
		{"metrics: {enabled: false}", deployment, "--metrics-bind-address=0"},
		{"metrics: {enabled: false, serviceMonitor: {enabled: true}}", "!ServiceMonitor/kisi-operator", ""},
		{"metrics: {enabled: false}", "!Service/kisi-operator-metrics", ""},
		{"metrics: {port: 9443}", deployment, "--metrics-bind-address=:9443"},
		{"metrics: {service: {annotations: {a: b}}}", "Service/kisi-operator-metrics", "a: b"},
		{"metrics: {serviceMonitor: {enabled: true, labels: {release: p}}}", "ServiceMonitor/kisi-operator", "release: p"},
		{"metrics: {serviceMonitor: {enabled: true, namespace: monitoring}}", "ServiceMonitor/kisi-operator", "namespace: monitoring"},
		{"metrics: {serviceMonitor: {enabled: true, interval: 15s}}", "ServiceMonitor/kisi-operator", "interval: 15s"},
		{"rbac: {create: false}", "!ClusterRole/kisi-operator", ""},
		{"rbac: {create: false}", "!ClusterRoleBinding/kisi-operator-key-secrets", ""},
		{"rbac: {keySecrets: false}", "!ClusterRole/kisi-operator-key-secrets", ""},
		{"", "!ClusterRole/kisi-operator-logins", ""},
		{"rbac: {logins: true}", "ClusterRole/kisi-operator-logins", "- create\n  - delete"},
		{"rbac: {logins: true}", "ClusterRoleBinding/kisi-operator-logins", "name: kisi-operator-logins"},
		{"", "ClusterRole/kisi-operator-member-viewer-role", "!aggregate-to"},
		{"", "ClusterRole/kisi-operator-bookinggrant-admin-role", "!aggregate-to"},
		{"", "ClusterRole/kisi-operator-accesssubscription-editor-role", "!aggregate-to"},
		{"", "ClusterRole/kisi-operator-kisigroup-viewer-role", "aggregate-to-view: \"true\""},
		{"", "ClusterRole/kisi-operator-kisigroup-editor-role", "aggregate-to-edit: \"true\""},
		{"", "ClusterRole/kisi-operator-kisigroup-admin-role", "aggregate-to-admin: \"true\""},
		{"", "ClusterRole/kisi-operator-kisigroup-admin-role", "!approve"},
		{"", "ClusterRole/kisi-operator-approver-role", "approve"},
		{"", "ClusterRole/kisi-operator-approver-role", "!aggregate-to"},
		{"rbac: {userRoles: {aggregate: {members: true, bookinggrants: true, accesssubscriptions: true}}}", "ClusterRole/kisi-operator-member-viewer-role", "aggregate-to-view"},
		{"rbac: {userRoles: {aggregate: {accessplans: false, kisiconnections: false, kisigroups: false, placemappings: false}}}", "ClusterRole/kisi-operator-placemapping-viewer-role", "!aggregate-to"},
		{"rbac: {userRoles: {create: false}}", "!ClusterRole/kisi-operator-member-viewer-role", ""},
		{"approvalPolicy: {enabled: false}", "!ValidatingAdmissionPolicy/kisi-operator-approvals", ""},
		{"approvalPolicy: {enabled: false}", "!ValidatingAdmissionPolicyBinding/kisi-operator-approvals", ""},
		{"", deployment, "--metrics-secure"},
		{"metrics: {secure: false}", deployment, "!--metrics-secure"},
		{"metrics: {secure: false}", "!ClusterRole/kisi-operator-metrics-auth-role", ""},
		{"metrics: {secure: false}", "!ClusterRole/kisi-operator-metrics-reader", ""},
		{"metrics: {secure: false, serviceMonitor: {enabled: true}}", "ServiceMonitor/kisi-operator", "!https"},
		{"metrics: {serviceMonitor: {enabled: true}}", "ServiceMonitor/kisi-operator", "insecureSkipVerify: true"},
		{"metrics: {serviceMonitor: {enabled: true, tlsConfig: {serverName: kisi}}}", "ServiceMonitor/kisi-operator", "serverName: kisi"},
		{"metrics: {certSecret: cert}", deployment, "--metrics-cert-path=/etc/kisi-operator/metrics"},
		{"metrics: {certSecret: cert}", deployment, "secretName: cert"},
		{"serviceAccount: {create: false}", "!ServiceAccount/kisi-operator", ""},
		{"serviceAccount: {create: false, name: mine}", "ClusterRoleBinding/kisi-operator", "name: mine"},
		{"serviceAccount: {name: mine}", deployment, "serviceAccountName: mine"},
		{"serviceAccount: {annotations: {a: b}}", "ServiceAccount/kisi-operator", "a: b"},
		{"deploymentAnnotations: {a: b}", deployment, "a: b"},
		{"podAnnotations: {a: b}", deployment, "a: b"},
		{"podLabels: {a: b}", deployment, "a: b"},
		{"revisionHistoryLimit: 1", deployment, "revisionHistoryLimit: 1"},
		{"strategy: {type: Recreate}", deployment, "type: Recreate"},
		{"terminationGracePeriodSeconds: 60", deployment, "terminationGracePeriodSeconds: 60"},
		{"resources: {limits: {memory: 2Gi}}", deployment, "memory: 2Gi"},
		{"podSecurityContext: {fsGroup: 65532}", deployment, "fsGroup: 65532"},
		{"securityContext: {runAsUser: 1000}", deployment, "runAsUser: 1000"},
		{"healthPort: 9081", deployment, "--health-probe-bind-address=:9081"},
		{"livenessProbe: {periodSeconds: 7}", deployment, "periodSeconds: 7"},
		{"readinessProbe: {periodSeconds: 7}", deployment, "periodSeconds: 7"},
		{"", "!PodDisruptionBudget/kisi-operator", ""},
		{"podDisruptionBudget: {enabled: true}", "PodDisruptionBudget/kisi-operator", "maxUnavailable: 1"},
		{"podDisruptionBudget: {enabled: true, minAvailable: 50%}", "PodDisruptionBudget/kisi-operator", "minAvailable: 50%"},
		{"podDisruptionBudget: {enabled: true, minAvailable: 0}", "PodDisruptionBudget/kisi-operator", "minAvailable: 0"},
		{"", deployment, "topologyKey: kubernetes.io/hostname"},
		{"topologySpreadConstraints: []", deployment, "!topologySpreadConstraints"},
		{"topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b}}}]", deployment, "matchLabels:\n      a: b"},
		{"priorityClassName: high", deployment, "priorityClassName: high"},
		{"nodeSelector: {disk: ssd}", deployment, "disk: ssd"},
		{"tolerations: [{operator: Exists}]", deployment, "operator: Exists"},
		{"affinity: {nodeAffinity: {}}", deployment, "nodeAffinity: {}"},
		{"dnsPolicy: None\ndnsConfig: {nameservers: [10.0.0.1]}", deployment, "dnsPolicy: None"},
		{"dnsConfig: {nameservers: [10.0.0.1]}", deployment, "- 10.0.0.1"},
		{"", "!NetworkPolicy/kisi-operator", ""},
		{"networkPolicy: {enabled: true}", "NetworkPolicy/kisi-operator", "cidr: 0.0.0.0/0\n        except:\n        - 10.0.0.0/8"},
		{"networkPolicy: {enabled: true, kisi: {cidrs: [192.0.2.1/32], ports: [3128]}}", "NetworkPolicy/kisi-operator", "- port: 3128\n      protocol: TCP\n    to:\n    - ipBlock:\n        cidr: 192.0.2.1/32\n"},
		{"networkPolicy: {enabled: true, apiServer: {cidrs: [192.0.2.2/32], ports: [6443]}}", "NetworkPolicy/kisi-operator", "cidr: 192.0.2.2/32"},
		{"networkPolicy: {enabled: true, dns: []}", "NetworkPolicy/kisi-operator", "!kube-dns"},
		{"networkPolicy: {enabled: true, metricsFrom: [{podSelector: {matchLabels: {a: b}}}]}", "NetworkPolicy/kisi-operator", "a: b"},
		{"webhook: {enabled: true}\nnetworkPolicy: {enabled: true, webhookFrom: [{podSelector: {matchLabels: {a: b}}}]}", "NetworkPolicy/kisi-operator", "a: b"},
		{"networkPolicy: {enabled: true, extraEgress: [{ports: [{port: 3128}]}]}", "NetworkPolicy/kisi-operator", "port: 3128"},
		{"", "!Deployment/kisi-operator-feed", ""},
		{"", "!Role/kisi-operator-feed", ""},
		{"feed: {enabled: true, feeds: [{name: boardroom}]}", "ConfigMap/kisi-operator-feed", "feeds.yaml: |\n    feeds:\n    - name: boardroom"},
		{"feed: {enabled: true, feeds: [{name: a}]}", "Deployment/kisi-operator-feed", "command:\n- /kisi-feed"},
		{"feed: {enabled: true, feeds: [{name: a}]}", "Deployment/kisi-operator-feed", "matchLabels:\n  app.kubernetes.io/instance: kisi-operator\n  app.kubernetes.io/name: kisi-operator-feed"},
		{"feed: {enabled: true, feeds: [{name: a}], namespace: cowork}", "Deployment/kisi-operator-feed", "namespace: cowork"},
		{"feed: {enabled: true, feeds: [{name: a}], namespace: cowork}", "Role/kisi-operator-feed", "namespace: cowork"},
		{"feed: {enabled: true, feeds: [{name: a}]}", "Role/kisi-operator-feed", "resources:\n- bookinggrants\nverbs:\n- create\n- list\n- patch"},
		{"feed: {enabled: true, feeds: [{name: a}]}", "Role/kisi-operator-feed", "!delete"},
		{"feed: {enabled: true, feeds: [{name: a}], kinds: [bookinggrants, members]}", "Role/kisi-operator-feed", "resources:\n- members\nverbs:\n- delete"},
		{"feed: {enabled: true, feeds: [{name: a}], kind: CronJob}", "!Deployment/kisi-operator-feed", ""},
		{"feed: {enabled: true, feeds: [{name: a}], kind: CronJob}", "CronJob/kisi-operator-feed", "- --once"},
		{"feed: {enabled: true, feeds: [{name: a}], kind: CronJob}", "CronJob/kisi-operator-feed", "restartPolicy: Never"},
		{"feed: {enabled: true, feeds: [{name: a}], kind: CronJob, schedule: \"0 * * * *\"}", "CronJob/kisi-operator-feed", "schedule: 0 * * * *"},
		{"feed: {enabled: true, feeds: [{name: a}], secrets: [calendar]}", "Deployment/kisi-operator-feed", "mountPath: /secrets/calendar"},
		{"feed: {enabled: true, feeds: [{name: a}], secrets: [calendar]}", "Deployment/kisi-operator-feed", "secretName: calendar"},
		{"feed: {enabled: true, feeds: [{name: a}], serviceAccount: {name: mine}}", "RoleBinding/kisi-operator-feed", "kind: ServiceAccount\n  name: mine"},
		{"feed: {enabled: true, feeds: [{name: a}], serviceAccount: {create: false}}", "!ServiceAccount/kisi-operator-feed", ""},
		{"feed: {enabled: true, feeds: [{name: a}], serviceAccount: {annotations: {a: b}}}", "ServiceAccount/kisi-operator-feed", "a: b"},
		{"feed: {enabled: true, feeds: [{name: a}], resources: {limits: {memory: 1Gi}}}", "Deployment/kisi-operator-feed", "memory: 1Gi"},
		{"feed: {enabled: true, feeds: [{name: a}], extraEnv: [{name: HTTPS_PROXY, value: http://proxy}]}", "Deployment/kisi-operator-feed", "name: HTTPS_PROXY"},
		{"feed: {enabled: true, feeds: [{name: a}], extraVolumes: [{name: exports, emptyDir: {}}]}", "Deployment/kisi-operator-feed", "emptyDir: {}\n  name: exports"},
		{"feed: {enabled: true, feeds: [{name: a}], extraVolumeMounts: [{name: exports, mountPath: /exports}]}", "Deployment/kisi-operator-feed", "mountPath: /exports"},
		{"feed: {enabled: true, feeds: [{name: a}]}", "!NetworkPolicy/kisi-operator-feed", ""},
		{"feed: {enabled: true, feeds: [{name: a}], networkPolicy: {ports: [8443]}}\nnetworkPolicy: {enabled: true}", "NetworkPolicy/kisi-operator-feed", "port: 8443"},
		{"feed: {enabled: true, feeds: [{name: a}], networkPolicy: {cidrs: [192.0.2.9/32]}}\nnetworkPolicy: {enabled: true}", "NetworkPolicy/kisi-operator-feed", "cidr: 192.0.2.9/32"},
	} {
		list := objects(t, c, row.values)
		if name, absent := strings.CutPrefix(row.object, "!"); absent {
			if find(t, list, name) != nil {
				t.Errorf("%s: %s is there", row.values, name)
			}
			continue
		}
		object := find(t, list, row.object)
		if object == nil {
			t.Errorf("%s: there is no %s", row.values, row.object)
			continue
		}
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		want, not := strings.CutPrefix(row.has, "!")
		if strings.Contains(unindented(string(text)), unindented(want)) == not {
			t.Errorf("%s: has %q = %t in\n%s", row.values, want, !not, text)
		}
	}
}

// unindented takes what lines begin with away.
func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// TestEveryValueHasARow: no value is without a test of what it does.
func TestEveryValueHasARow(t *testing.T) {
	source := fmt.Sprint(readFile(t, "values_test.go"), readFile(t, "monitoring_test.go"))
	all, err := Values(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range all {
		parts := strings.Split(value.Key, ".")
		if last := parts[len(parts)-1] + ":"; !strings.Contains(source, last) {
			t.Errorf("no test sets %s", value.Key)
		}
	}
}
