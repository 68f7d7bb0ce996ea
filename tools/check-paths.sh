#!/usr/bin/env bash
# Fails if a file of the repository names a path that exists on one machine only: a home folder, a working folder, a drive.
set -euo pipefail
cd "$(dirname "$0")/.."

# What follows the slash keeps URLs and relative paths out; the pattern does not match itself.
pattern='(^|[^A-Za-z0-9_.~/-])/(home|root|work|workspace|Users|mnt|media|tmp/[a-z]+)/|(^|[^A-Za-z])[A-Za-z]:\\(Users|src|dev|work)'
if git grep -nIE "$pattern" -- . ; then
  echo "Machine paths in the repository (above). Use relative paths, arguments or temporary folders." >&2
  exit 1
fi
