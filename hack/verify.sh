#!/usr/bin/env bash
# Fails if Go code is not formatted or generated files are not what their sources say. Changes nothing: files are
# generated anew into a temporary directory and compared.
#
# Usage: hack/verify.sh <controller-gen> <crd-ref-docs> <chart>
set -euo pipefail
cd "$(dirname "$0")/.."
controller_gen=$1
crd_ref_docs=$2
chart=$3

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
failed=

unformatted=$(git ls-files -z --cached --others --exclude-standard -- '*.go' |
  while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done | xargs -0 gofmt -l)
if [[ -n $unformatted ]]; then
  printf 'verify: not formatted, run `make fmt`:\n%s\n' "$unformatted" >&2
  failed=yes
fi

"$controller_gen" object paths=./api/v1alpha1 output:object:dir="$fresh/deepcopy"
cp -r api "$fresh/api"
hack/applyconfiguration.sh "$controller_gen" "$fresh/api"
"$controller_gen" crd paths=./api/v1alpha1 output:crd:artifacts:config="$fresh/crd"
"$controller_gen" rbac:roleName=kisi-operator paths=./internal/controller/... output:rbac:artifacts:config="$fresh/rbac"

# compare <what is there> <what would be generated> <make target that generates it>
compare() {
  if ! git --no-pager diff --no-index --exit-code -- "$1" "$2" >&2; then
    echo "verify: $1 is stale, run \`make $3\`" >&2
    failed=yes
  fi
}
compare api/v1alpha1/zz_generated.deepcopy.go "$fresh/deepcopy/zz_generated.deepcopy.go" generate
compare api/applyconfiguration "$fresh/api/applyconfiguration" generate
compare config/crd/bases "$fresh/crd" manifests
compare config/rbac/role.yaml "$fresh/rbac/role.yaml" manifests
"$chart" verify || failed=yes
hack/apidoc/generate.sh "$crd_ref_docs" "$fresh/api.md"
compare docs/reference/api.md "$fresh/api.md" reference
go run ./hack/reference --docs="$fresh/docs"
compare docs/troubleshooting.md "$fresh/docs/troubleshooting.md" reference
compare docs/reference/annotations.md "$fresh/docs/reference/annotations.md" reference
compare docs/reference/events.md "$fresh/docs/reference/events.md" reference

go run ./hack/metricsdoc >"$fresh/metrics.md"
compare docs/metrics.md "$fresh/metrics.md" monitoring
go -C hack/monitoring run ./dashboard >"$fresh/dashboard.json"
compare config/grafana/kisi-operator.json "$fresh/dashboard.json" monitoring

[[ -z $failed ]] && echo 'verify: formatted, and generated files are up to date'
