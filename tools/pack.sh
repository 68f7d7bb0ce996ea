#!/usr/bin/env bash
# Packs the three libraries and the tool, with their symbols, into a folder: tools/pack.sh <folder> [further options of dotnet pack]. The same commit gives the same bytes,
# wherever it lies: files are dated by the commit, and paths in symbols begin at the repository.
set -euo pipefail
: "${1:?the folder to pack into is missing; usage: tools/pack.sh <folder> [further options of dotnet pack]}"
folder=$(mkdir -p "$1" && cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
for project in AutoProg.Graphs AutoProg.Models AutoProg.Ort AutoProg.Cli; do
  dotnet pack "src/$project" -c Release -o "$folder" -p:ContinuousIntegrationBuild=true --nologo "$@"
done
