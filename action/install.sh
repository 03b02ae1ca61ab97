#!/usr/bin/env bash
# Installs what reconciler needs by hash, beside the runner's own Python; reconciler itself is the commit of this action.
set -euo pipefail

venv="$RUNNER_TEMP/reconciler"
if [ ! -e "$venv/ready" ]; then
  "${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "reconciler needs Python 3.11 or newer")'
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/python" -m pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: \
    --requirement "$GITHUB_ACTION_PATH/action/requirements.txt"
  # A path file instead of a build: nothing is fetched that has no hash.
  "$venv/bin/python" -c 'import pathlib, sys, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "reconciler.pth").write_text(sys.argv[1] + "\n")' "$GITHUB_ACTION_PATH"
  touch "$venv/ready"
fi
