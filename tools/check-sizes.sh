#!/usr/bin/env bash
# Fails if a source file is longer than 600 lines: one idea per file.  tools/check-sizes.sh [--list] prints the longest files, too.
set -euo pipefail
cd "$(dirname "$0")/.."

limit=600
sizes=$(git ls-files -z -- '*.cs' '*.py' '*.sh' .ci/run | xargs -0 wc -l | grep -v ' total$' | sort -rn)
[ "${1:-}" != --list ] || head -20 <<< "$sizes"
awk -v limit=$limit '$1 > limit { print $2 ": " $1 " lines; " limit " are allowed. Split it by ideas."; bad = 1 } END { exit bad }' <<< "$sizes"
