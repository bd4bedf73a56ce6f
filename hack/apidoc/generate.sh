#!/usr/bin/env bash
# Writes the API reference into a file.
#
# Usage: hack/apidoc/generate.sh <crd-ref-docs> <file>
set -euo pipefail
cd "$(dirname "$0")/../.."
"$1" --log-level=ERROR --config=hack/apidoc/config.yaml --templates-dir=hack/apidoc --renderer=markdown --source-path=api/v1alpha1 --output-path="$2"
