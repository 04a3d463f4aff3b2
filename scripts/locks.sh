#!/bin/sh
# Resolves the versions of pyproject.toml anew, with the hashes of their files for every platform. Needs uv.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null 2>&1 || { echo "Error: this needs uv; install it with: pip install uv" >&2; exit 1; }
options="--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet"
# hatchling and editables build pmsapp itself; they are locked like everything else.
for part in run dev; do
    extras=$([ "$part" = dev ] && echo "--all-extras" || true)
    # shellcheck disable=SC2086
    uv pip compile pyproject.toml requirements/build.in $extras $options -o "requirements/$part.txt"
done
