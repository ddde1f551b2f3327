#!/usr/bin/env bash
# Serves an independent stand-in for Stripe to the tests in `tests/it/localstripe`.
#
#   run.sh VENV PORT        serves on http://127.0.0.1:PORT, until it is stopped
#   run.sh VENV --install   only makes the virtual environment VENV
#
# localstripe is under the GPL. It is installed from PyPI when tests ask for it, runs as a process
# of its own, and is part of nothing that is built here.
set -euo pipefail

readonly VERSION=1.15.10

if [[ $# -ne 2 ]]; then
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
venv=$1

installed() {
    "$venv/bin/python" -c 'import importlib.metadata as m; print(m.version("localstripe"))'
}

if [[ $(installed 2>/dev/null) != "$VERSION" ]]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "localstripe==$VERSION"
fi
if [[ $2 == --install ]]; then
    exit 0
fi
exec "$venv/bin/python" "$(dirname "$0")/peer.py" \
    --localstripe "$venv/bin/localstripe" --port "$2"
