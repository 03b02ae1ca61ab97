#!/usr/bin/env bash
# One `ci` command, in a job that holds no vendor's credential; its files are those that other jobs left in the folder.
# shellcheck source=action/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
shopt -s nullglob

log="$RUNNER_TEMP/reconciler-tell.log"
plans=("$folder"/*.plan.json)
failed=()
for one in "$folder"/*.log; do failed+=(--failed "$one"); done
results=()
for one in "$folder"/*.ndjson; do results+=(--result "$one"); done
reports=("$folder"/*.drift.json)

hidden=()
if [ "${REDACT:-false}" = true ]; then hidden+=(--redact); fi
about=()
if [ -n "${PULL:-}" ]; then about+=(--pull "$PULL"); fi
approval=(--name "${CHECK:-reconciler}" --app "${APP:-github-actions}")
if [ "${REQUIRE_APPROVAL:-false}" = true ]; then approval+=(--require-approval); fi
stack=()
if [ -n "${STACK:-}" ]; then stack+=(--stack "$STACK"); fi

case "$MODE" in
  comment)
    if [ "${#results[@]}" -gt 0 ]; then
      run ci comment "${results[@]}" "${failed[@]}" "${hidden[@]}" "${about[@]}"
    else
      run ci comment "${failed[@]}" "${hidden[@]}" "${about[@]}" -- "${plans[@]}"
    fi
    finish
    ;;
  check)
    run ci check "${failed[@]}" "${hidden[@]}" "${about[@]}" "${approval[@]}" -- "${plans[@]}"
    finish 4  # the check itself says that it fails
    ;;
  digest)
    run ci digest "${stack[@]}" "${approval[@]}" > "$RUNNER_TEMP/reconciler-digest"
    output digest "$(cat "$RUNNER_TEMP/reconciler-digest")"
    finish
    ;;
  issue)
    if [ "${#reports[@]}" = 0 ]; then
      echo "error: there is no report of drift in $folder" >&2
      exit 1
    fi
    run ci issue "${hidden[@]}" -- "${reports[@]}"
    finish
    ;;
  *)
    echo "error: there is no mode $MODE: validate, plan, apply, drift, destroy, import, unlock, comment, check, digest, issue" >&2
    exit 64
    ;;
esac
