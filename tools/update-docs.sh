#!/usr/bin/env bash
# Writes what documents take from the code: docs/recipes.md, docs/monitoring.md, the library example of README.md. The tests compare; this script brings them up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
UPDATE_DOCS=1 dotnet test tests/AutoProg.Ort.Tests -c Release --nologo --filter FullyQualifiedName~Documentation "$@"
git --no-pager diff --stat -- README.md docs
