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

{{- /* What is of kisi-feed. Its pods are not the operator's, which is why they have another name. */}}
{{- define "kisi-operator.feedSelectorLabels" -}}
app.kubernetes.io/name: {{ include "kisi-operator.name" . | trunc 58 | trimSuffix "-" }}-feed
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kisi-operator.feedLabels" -}}
{{- merge (include "kisi-operator.feedSelectorLabels" . | fromYaml) (include "kisi-operator.labels" . | fromYaml) | toYaml }}
{{- end }}

{{- define "kisi-operator.feedServiceAccountName" -}}
{{- if .Values.feed.serviceAccount.create }}
{{- default (printf "%s-feed" (include "kisi-operator.fullname" .)) .Values.feed.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.feed.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* The template of kisi-feed's pod. */}}
{{- define "kisi-operator.feedPod" -}}
{{- $feed := .Values.feed -}}
metadata:
  labels:
    {{- include "kisi-operator.feedLabels" . | nindent 4 }}
  annotations:
    checksum/feeds: {{ toYaml $feed.feeds | sha256sum }}
spec:
  serviceAccountName: {{ include "kisi-operator.feedServiceAccountName" . }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
  - name: feed
    image: {{ include "kisi-operator.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    command: [/kisi-feed]
    args:
    - --config=/etc/kisi-feed/feeds.yaml
    {{- if eq $feed.kind "CronJob" }}
    - --once
    {{- else }}
    - --metrics-bind-address=:8080
    - --health-probe-bind-address=:8081
    {{- end }}
    - --zap-log-level={{ .Values.log.level }}
    - --zap-encoder={{ .Values.log.format }}
    env:
    - name: POD_NAME
      valueFrom: {fieldRef: {fieldPath: metadata.name}}
    {{- with $feed.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if ne $feed.kind "CronJob" }}
    ports:
    - {name: health, containerPort: 8081}
    - {name: metrics, containerPort: 8080}
    livenessProbe:
      httpGet: {path: /healthz, port: health}
      {{- toYaml .Values.livenessProbe | nindent 6 }}
    readinessProbe:
      httpGet: {path: /readyz, port: health}
      {{- toYaml .Values.readinessProbe | nindent 6 }}
    {{- end }}
    {{- with $feed.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
    - {name: feeds, mountPath: /etc/kisi-feed, readOnly: true}
    {{- range $feed.secrets }}
    - {name: {{ printf "secret-%s" . | trunc 63 | trimSuffix "-" }}, mountPath: /secrets/{{ . }}, readOnly: true}
    {{- end }}
    {{- with $feed.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
  - name: feeds
    configMap: {name: {{ include "kisi-operator.fullname" . }}-feed}
  {{- range $feed.secrets }}
  - name: {{ printf "secret-%s" . | trunc 63 | trimSuffix "-" }}
    secret: {secretName: {{ . }}}
  {{- end }}
  {{- with $feed.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
