#!/usr/bin/env bash
# One command that asks vendors, as the inputs of action.yml say; every one of them comes through the environment.
# shellcheck source=action/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

name="${NAME:-${STACK:-default}}"
name="${name//[^A-Za-z0-9._-]/-}"
log="$folder/$name.log"

common=(--dir "${DIR:-.}" --no-input)
if [ -n "${STACK:-}" ]; then common+=(--stack "$STACK"); fi
if [ -n "${CONFIG_FROM:-}" ]; then common+=(--config-from "$CONFIG_FROM"); fi
if [ "${SANDBOX:-false}" = true ]; then common+=(--sandbox); fi

# Several in one input are parted by blanks or lines.
read -r -d '' -a consents <<< "${ALLOW:-}" || true
allow=()
for word in "${consents[@]}"; do allow+=(--allow "$word"); done
deciding=("${allow[@]}")
if [ "${LEAVE_DRIFT:-true}" = true ]; then deciding+=(--leave-drift); fi

# What failed keeps its log, for the comment; nothing else does.
without_log() { rm -f -- "$log"; }

case "$MODE" in
  validate)
    run validate "${common[@]}"
    if [ "$code" = 0 ]; then without_log; fi
    finish
    ;;
  plan)
    plan="$folder/$name.plan.json"
    rm -f -- "$plan"
    run plan "${common[@]}" "${deciding[@]}" --detailed-exitcode --out "$plan"
    if [ -e "$plan" ]; then
      without_log
      output plan "$plan"
      output digest "$(sed -n 's/^ "digest": "\(sha256:[0-9a-f]*\)",$/\1/p' "$plan")"
      output changes "$([ "$code" = 0 ] && echo false || echo true)"
    fi
    finish 2 4
    ;;
  apply)
    what=()
    if [ -n "${PLAN:-}" ]; then what+=("$PLAN"); elif [ -n "${DIGEST:-}" ]; then what+=(--digest "$DIGEST"); else
      echo "error: mode apply takes the input digest or the input plan" >&2
      exit 64
    fi
    run apply "${what[@]}" "${common[@]}" "${deciding[@]}" --lock-timeout "${LOCK_TIMEOUT:-30m}" --format json \
      > "$folder/$name.ndjson"
    if [ "$code" = 0 ]; then without_log; fi
    finish
    ;;
  drift)
    run drift "${common[@]}" --json-into "$folder/$name.drift.json"
    if [ "$code" = 2 ] || [ "$code" = 0 ]; then without_log; fi
    finish 2
    ;;
  destroy)
    if [ -z "${CONFIRM:-}" ] || [ "$CONFIRM" != "${STACK:-default}" ]; then
      echo "error: the input confirm has to be the name of the stack: ${STACK:-default}" >&2
      exit 64
    fi
    run destroy "${common[@]}" "${allow[@]}" --auto-approve --allow delete --lock-timeout "${LOCK_TIMEOUT:-30m}"
    finish
    ;;
  import)
    read -r -d '' -a addresses <<< "${ADDRESSES:-}" || true
    run import "${common[@]}" --lock-timeout "${LOCK_TIMEOUT:-30m}" -- "${addresses[@]}"
    finish
    ;;
  unlock)
    run ledger unlock "${common[@]}" --run "${RUN:-}"
    finish
    ;;
esac
