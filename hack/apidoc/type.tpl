{{- define "type" }}
### {{ .Name }}

{{ template "doc" .Doc }}
{{- if .SortedReferences }} In {{ range $i, $user := .SortedReferences }}{{ if $i }}, {{ end }}[{{ $user.Name }}](#{{ $user.Name | lower }}){{ end }}.{{ end }}
{{- if and .IsAlias (not .EnumValues) }}

A value of type {{ template "typename" .UnderlyingType }}: {{ template "bounds" (dict "of" . "elsewhere" false) }}.
{{- end }}
{{- if and .Members (index .Markers "kubebuilder:validation:XValidation") }}

Rules: {{ template "bounds" (dict "of" . "elsewhere" false) }}.
{{- end }}
{{- if .Members }}

| field | type | default | says | bounds |
| --- | --- | --- | --- | --- |
{{- range .Members }}
| {{ if has "Required: {}" .Validation }}**`{{ .Name }}`**{{ else }}`{{ .Name }}`{{ end }} | {{ template "typename" .Type }} | {{ if .Default }}`{{ regexReplaceAll "^{ (.*):(.*) }$" .Default "{${1}: ${2}}" | replace "{  }" "{}" }}`{{ end }} | {{ template "doc" .Doc }} | {{ template "bounds" (dict "of" . "elsewhere" (has (toString .Type.Kind) (list "0" "5") | or (has .Type.Name (list "Time" "Duration")))) }} |
{{- end }}
{{- end }}
{{- if and .EnumValues (not (first .EnumValues).Doc) }}

One of {{ range $i, $value := .EnumValues }}{{ if $i }}, {{ end }}`{{ $value.Name }}`{{ end }}.
{{- else if .EnumValues }}

| value | says |
| --- | --- |
{{- range .EnumValues }}
| `{{ .Name }}` | {{ template "doc" (regexReplaceAll "^[A-Z][A-Za-z]+ " .Doc "") }} |
{{- end }}
{{- end }}
{{ end -}}

{{- define "doc" -}}
{{- . | trim | replace "|" "\\|" | replace "\n\n" "<br>" | replace "\n" " " -}}
{{- end -}}

{{- define "typename" -}}
{{- if eq .Name "Time" -}} time
{{- else if eq .Name "Duration" -}} duration
{{- else if eq (markdownRenderType . | trimSuffix " array" | trimPrefix "[" | trunc 9) "Condition" -}} [Condition](https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#Condition), a list
{{- else -}} {{ markdownRenderType . | replace " array" ", a list" }}
{{- end -}}
{{- end -}}

{{- /* What the API server checks of a type or of a field. What the field's type says in its section, or every time and duration has, is left out. */ -}}
{{- define "bounds" -}}
{{- $said := list }}{{ $elsewhere := .elsewhere }}
{{- range .of.Validation }}
{{- if regexMatch "Items" . }}{{ $said = append $said . }}
{{- else if $elsewhere }}
{{- else if regexMatch "^(Minimum|Maximum)" . }}{{ $said = append $said (printf "%s: %d" (splitList ":" . | first) (splitList ": " . | last | float64 | int64)) }}
{{- else if regexMatch "^(Max|Min|Pattern)" . }}{{ $said = append $said . }}{{ end }}
{{- end }}
{{- range index .of.Markers "kubebuilder:validation:XValidation" }}{{ if not (regexMatch "^[a-zA-Z]+ must be within the years 1000 to 9999, in UTC$" .Message) }}{{ $said = append $said .Message }}{{ end }}{{ end }}
{{- join "; " $said | replace "|" "\\|" -}}
{{- end -}}
