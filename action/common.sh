# What both scripts of the action need: the program, its files, its outputs.
set -euo pipefail

folder="${FOLDER:-$RUNNER_TEMP/reconciler-files}"
mkdir -p "$folder"
code=0

# Isolated: neither the checkout that is the working folder nor PYTHONPATH may bring code along.
reconciler() { "$RUNNER_TEMP/reconciler/bin/python" -I -m reconciler "$@"; }

# Runs it, keeps its exit code in $code, and what it says on stderr in the file $log as well.
run() {
  set +e
  { reconciler "$@" 2>&1 1>&3 | tee -- "$log" >&2; code=${PIPESTATUS[0]}; } 3>&1
  set -e
}

output() { printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"; }

# Ends the step: exit code 5 as ON_STALE says, the codes named as arguments as success.
finish() {
  output exit-code "$code"
  output folder "$folder"
  if [ "$code" = 5 ] && [ "${ON_STALE:-fail}" = continue ]; then exit 0; fi
  for fine in 0 "$@"; do
    if [ "$code" = "$fine" ]; then exit 0; fi
  done
  exit "$code"
}
