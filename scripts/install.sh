#!/bin/sh
# Makes .venv with the locked libraries and pmsapp itself. Usage: install.sh run|dev
# Does nothing when that was done before for these very versions.
set -eu
cd "$(dirname "$0")/.."
wanted=${1:-run}
lock=requirements/$wanted.txt
stamp=.venv/.installed-$wanted

say() { printf '%s\n' "$*"; }
fail() { printf 'Error: %s\n' "$*" >&2; exit 1; }
good() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

state=$(cat "$lock" pyproject.toml 2>/dev/null | cksum)
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$state" ]; then exit 0; fi

python=
for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
    if [ -n "$candidate" ] && good "$candidate"; then python=$candidate; break; fi
done
[ -n "$python" ] || fail "pmsapp needs Python 3.11 or newer; install it, or name it: make run PYTHON=/path/to/python3"

if ! [ -x .venv/bin/python ] || ! good .venv/bin/python; then
    say "Setting up 1/3: a Python environment in .venv"
    rm -rf .venv
    "$python" -m venv .venv >/dev/null 2>&1 ||
        fail "$python cannot make an environment; on Debian and Ubuntu: apt-get install python3-venv"
fi

say "Setting up 2/3: the libraries of $lock (a minute or two the first time)"
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r "$lock" ||
    fail "a library could not be installed; the lines above say which. Check the network, then run it again."

say "Setting up 3/3: pmsapp"
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --no-build-isolation -e . ||
    fail "pmsapp itself could not be installed; the lines above say why."

printf '%s\n' "$state" > "$stamp"
# The libraries for work include those to run.
if [ "$wanted" = dev ]; then cat requirements/run.txt pyproject.toml | cksum > .venv/.installed-run; fi
