#!/usr/bin/env bash
# Compare what is built with the known vulnerabilities of Go modules: hack/vulnerabilities.sh GOVULNCHECK. The database is that of
# GOVULNDB, such as file:///a/copy; then a finding fails. Otherwise it is the one on the network, whose findings are only shown, since
# they depend on the day, and where it cannot be reached that is said and no more.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
said=$("$1" -db "${GOVULNDB:-https://vuln.go.dev}" ./... 2>&1) || status=$?
if [[ $status -eq 0 ]]; then
  echo 'No known vulnerability is reached.'
elif [[ -z ${GOVULNDB:-} && $said == *'fetching vulnerabilities'* ]]; then
  echo 'Known vulnerabilities: https://vuln.go.dev cannot be reached, so nothing was compared with it; GOVULNDB=file:///a/copy names another.'
else
  printf '%s\n' "$said"
  [[ -z ${GOVULNDB:-} ]] || exit "$status"
fi
