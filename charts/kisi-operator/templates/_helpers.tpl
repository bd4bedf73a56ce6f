{{- define "kisi-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "kisi-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "kisi-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kisi-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kisi-operator.labels" -}}
{{ include "kisi-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "kisi-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "kisi-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "kisi-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- /* A role of the operator: a ClusterRole, or a Role in each of its namespaces. (dict "root" . "name" suffix "rules" rules) */}}
{{- define "kisi-operator.role" -}}
{{- $root := .root }}
{{- $name := printf "%s%s" (include "kisi-operator.fullname" $root) .name }}
{{- $rules := .rules }}
{{- if $root.Values.namespaces }}
{{- range $root.Values.namespaces }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ . }}
  labels:
    {{- include "kisi-operator.labels" $root | nindent 4 }}
rules:
{{ toYaml $rules }}
{{- end }}
{{- else -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $name }}
  labels:
    {{- include "kisi-operator.labels" $root | nindent 4 }}
rules:
{{ toYaml $rules }}
{{- end }}
{{- end }}

{{- /* The binding of such a role to the operator's ServiceAccount. (dict "root" . "name" suffix) */}}
{{- define "kisi-operator.roleBinding" -}}
{{- $root := .root }}
{{- $name := printf "%s%s" (include "kisi-operator.fullname" $root) .name }}
{{- if $root.Values.namespaces }}
{{- range $root.Values.namespaces }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ . }}
  labels:
    {{- include "kisi-operator.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
{{ include "kisi-operator.subjects" $root }}
{{- end }}
{{- else -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "kisi-operator.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name }}
{{ include "kisi-operator.subjects" $root }}
{{- end }}
{{- end }}

{{- define "kisi-operator.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "kisi-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
