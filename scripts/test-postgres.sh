#!/bin/sh
# Runs tests on a PostgreSQL server of its own, made in a temporary folder and removed afterwards.
# Usage: test-postgres.sh PYTHON [pytest arguments]
set -eu
python=$1
shift
bin=$(pg_config --bindir 2>/dev/null || ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
[ -x "$bin/initdb" ] || { echo "Error: this needs PostgreSQL; on Debian: sudo apt-get install postgresql" >&2; exit 1; }
folder=$(mktemp -d /tmp/pms-postgres.XXXXXX)
as_owner() { "$@"; }
owner=postgres
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
    chown postgres "$folder"
    as_owner() { (cd "$folder" && runuser -u postgres -- "$@"); }
fi
finish() {
    as_owner "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap finish EXIT INT TERM
as_owner "$bin/initdb" -D "$folder/data" -U "$owner" -A trust >/dev/null
as_owner "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off -c max_connections=300" start >/dev/null
TEST_POSTGRES_URL="postgresql+psycopg://$owner@/postgres?host=$folder" \
    "$python" -m pytest -W ignore::ResourceWarning -W ignore::pytest.PytestUnraisableExceptionWarning "$@"
