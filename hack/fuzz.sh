#!/usr/bin/env bash
# Run every fuzz target of the module in turn, each for so long: hack/fuzz.sh 5m. An input that fails stays in testdata/fuzz of its
# package, and all targets run before this fails.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=
while IFS=: read -r file declared; do
  target=${declared#func }
  echo "$(dirname "$file") $target, $1"
  # An input that is new is made smaller for a second, not for the minute that is usual and would be most of the time.
  go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 1s "./$(dirname "$file")" || failed+=" $target"
done < <(git grep --untracked -oE '^func Fuzz[A-Za-z0-9]+' -- '*_test.go')

if [[ -n $failed ]]; then
  echo "These fail:$failed"
  exit 1
fi
